/* Studies: randomisation in permuted blocks, windows of phases, and definitions that are read back as they
 * were. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/studies/allocation.h"
#include "server/studies/phases.h"

enum { MANY = 600 };

static struct srv_study two_arms(int first_weight, int second_weight)
{
    return (struct srv_study){
        .arms = {{.id = "a", .weight = first_weight}, {.id = "b", .weight = second_weight}},
        .arm_count = 2,
        .blocks = {2 * (first_weight + second_weight), 4 * (first_weight + second_weight)},
        .block_count = 2,
    };
}

static void list_arms(const struct srv_study *study, uint64_t seed, int stratum, int arms[MANY])
{
    for (int n = 0; n < MANY; n++) arms[n] = srv_allocation(study, seed, stratum, n);
}

/* ---- randomisation ---- */

static void the_same_seed_gives_the_same_list_and_another_seed_or_stratum_another(void **state)
{
    struct srv_study study = two_arms(1, 1);
    int list[MANY], again[MANY], other_seed[MANY], other_stratum[MANY];
    (void)state;
    list_arms(&study, 7, 0, list);
    for (int n = MANY - 1; n >= 0; n--) again[n] = srv_allocation(&study, 7, 0, n);
    list_arms(&study, 8, 0, other_seed);
    list_arms(&study, 7, 1, other_stratum);
    assert_memory_equal(list, again, sizeof list);
    assert_memory_not_equal(list, other_seed, sizeof list);
    assert_memory_not_equal(list, other_stratum, sizeof list);
}

/* Written down when it was first drawn: a study under way must not go on with another list. */
static void the_list_of_a_seed_is_the_same_in_every_version(void **state)
{
    struct srv_study study = two_arms(1, 1);
    char list[33] = "";
    (void)state;
    for (int n = 0; n < 32; n++) list[n] = (char)('a' + srv_allocation(&study, 2026, 3, n));
    assert_string_equal(list, "ababaabbbbaabbaababaaabbabbababa");
}

static void arms_keep_their_weights_within_half_a_block(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct srv_study study = two_arms(1, 2);
        int second = 0;
        for (int n = 0; n < 300; n++) {
            second += srv_allocation(&study, seed, (int)seed, n);
            /* Of a block of 12 all 4 of the first arm may come first, or last. */
            assert_true(fabs(second - (n + 1) * 2 / 3.0) <= 12 * 2 / 9.0 + 1e-9);
        }
    }
}

static void each_block_is_whole(void **state)
{
    (void)state;
    struct srv_study study = two_arms(1, 1);
    study.block_count = 1;
    for (uint64_t seed = 0; seed < 20; seed++)
        for (int block = 0; block < 20; block++) {
            int second = 0;
            for (int i = 0; i < 4; i++) second += srv_allocation(&study, seed, 0, block * 4 + i);
            assert_int_equal(second, 2);
        }
}

/* Chi-squared of 6 orders with 5 degrees of freedom: above 20.5 once in 1000. */
static void every_order_of_a_block_is_as_likely(void **state)
{
    (void)state;
    struct srv_study study = two_arms(1, 1);
    int seen[16] = {0}, kinds = 0;
    double chi2 = 0;
    study.block_count = 1;
    for (uint64_t seed = 0; seed < 6000; seed++) {
        int order = 0;
        for (int i = 0; i < 4; i++) order |= srv_allocation(&study, seed, 0, i) << i;
        seen[order]++;
    }
    for (int order = 0; order < 16; order++) {
        kinds += seen[order] > 0;
        if (seen[order]) chi2 += (seen[order] - 1000.0) * (seen[order] - 1000.0) / 1000;
    }
    assert_int_equal(kinds, 6);
    assert_true(chi2 < 20.5);
}

static void combinations_of_strata_have_numbers_of_their_own(void **state)
{
    (void)state;
    struct srv_study study = {.strata = {{.choices = {{"x", ""}, {"y", ""}}, .choice_count = 2},
                                         {.choices = {{"1", ""}, {"2", ""}, {"3", ""}}, .choice_count = 3}},
                              .stratum_count = 2};
    bool taken[6] = {false};
    char text[STUDY_STRATUM_TEXT];
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++) {
            int number = srv_stratum(&study, (int[]){i, j}, text);
            assert_in_range(number, 0, 5);
            assert_false(taken[number]);
            taken[number] = true;
        }
    assert_string_equal(text, "y/3");
    study.stratum_count = 0;
    assert_int_equal(srv_stratum(&study, NULL, text), 0);
    assert_string_equal(text, "");
}

/* ---- phases ---- */

#define DAY INT64_C(86400000)

static const struct srv_study three = {
    .phases = {{.id = "pre", .closes_after_days = INFINITY},
               {.id = "train", .opens_after_days = 1, .closes_after_days = 8},
               {.id = "post", .opens_after_days = 0.5, .closes_after_days = 2}},
    .phase_count = 3,
};

static void windows_are_counted_from_the_end_of_the_phase_before(void **state)
{
    struct srv_phase_at at[STUDY_PHASES_MAX];
    struct srv_phase_record on[STUDY_PHASES_MAX] = {{0, 0}};
    (void)state;
    assert_int_equal(srv_phases_at(&three, 100 * DAY, on, 100 * DAY, at), 0);
    assert_true(at[0].state == PHASE_OPEN && at[0].opens_ms == 100 * DAY && at[0].closes_ms == INT64_MAX);
    assert_true(at[1].state == PHASE_LATER && at[1].opens_ms == 0 && at[1].closes_ms == 0);
    on[0].finished_ms = 110 * DAY;
    assert_int_equal(srv_phases_at(&three, 100 * DAY, on, 111 * DAY - 1, at), 1);
    assert_true(at[0].state == PHASE_DONE && at[1].state == PHASE_WAITS && at[1].opens_ms == 111 * DAY);
    assert_int_equal(srv_phases_at(&three, 100 * DAY, on, 111 * DAY, at), 1);
    assert_true(at[1].state == PHASE_OPEN && at[1].closes_ms == 118 * DAY && at[2].state == PHASE_LATER);
    on[1].finished_ms = 112 * DAY;
    assert_int_equal(srv_phases_at(&three, 100 * DAY, on, 113 * DAY, at), 2);
    assert_true(at[2].opens_ms == 112 * DAY + DAY / 2 && at[2].closes_ms == 114 * DAY);
    on[2].finished_ms = 113 * DAY;
    assert_int_equal(srv_phases_at(&three, 100 * DAY, on, 500 * DAY, at), 3);
    assert_true(at[2].state == PHASE_DONE);
}

static void a_missed_phase_ends_when_its_window_closes(void **state)
{
    struct srv_phase_at at[STUDY_PHASES_MAX];
    const struct srv_phase_record on[STUDY_PHASES_MAX] = {{.finished_ms = 110 * DAY}};
    (void)state;
    assert_int_equal(srv_phases_at(&three, 100 * DAY, on, 118 * DAY, at), 2);
    assert_true(at[1].state == PHASE_MISSED && at[2].state == PHASE_WAITS);
    assert_true(at[2].opens_ms == 118 * DAY + DAY / 2 && at[2].closes_ms == 120 * DAY);
    assert_int_equal(srv_phases_at(&three, 100 * DAY, on, 120 * DAY, at), 3);
    assert_true(at[1].state == PHASE_MISSED && at[2].state == PHASE_MISSED);
}

static void a_session_that_cannot_go_on_ends_its_phase_before_its_time(void **state)
{
    struct srv_phase_at at[STUDY_PHASES_MAX];
    struct srv_phase_record on[STUDY_PHASES_MAX] = {{.finished_ms = 110 * DAY}, {.closes_ms = 113 * DAY}};
    (void)state;
    assert_int_equal(srv_phases_at(&three, 100 * DAY, on, 113 * DAY, at), 2);
    assert_true(at[1].state == PHASE_MISSED && at[1].closes_ms == 113 * DAY);
    assert_true(at[2].opens_ms == 113 * DAY + DAY / 2);
    on[1].closes_ms = 200 * DAY;
    assert_int_equal(srv_phases_at(&three, 100 * DAY, on, 117 * DAY, at), 1);
    assert_true(at[1].closes_ms == 118 * DAY);
}

static void a_clock_that_was_set_back_loses_nothing(void **state)
{
    struct srv_phase_at at[STUDY_PHASES_MAX];
    const struct srv_phase_record on[STUDY_PHASES_MAX] = {{.finished_ms = 110 * DAY}};
    (void)state;
    assert_int_equal(srv_phases_at(&three, 100 * DAY, on, 3 * DAY, at), 1);
    assert_true(at[0].state == PHASE_DONE && at[1].state == PHASE_WAITS);
}

/* ---- definitions ---- */

static json_t *parse(const char *text)
{
    json_error_t err;
    json_t *json = json_loads(text, 0, &err);
    if (!json) fail_msg("%s", err.text);
    return json;
}

static const char whole[] =
    "{\"format\":1,\"id\":\"s\",\"title\":\"T\",\"contact\":\"c\",\"consent\":{\"text\":\"Yes?\"},\"practice_"
    "deck\":\"p\","
    "\"strata\":[{\"id\":\"l\",\"label\":\"L\",\"choices\":[{\"id\":\"x\",\"label\":\"X\"},{\"id\":\"y\","
    "\"label\":\"Y\"}]}],"
    "\"blocks\":[3,6],\"arms\":[{\"id\":\"a\",\"label\":\"A\",\"deck\":\"d\",\"weight\":2},{\"id\":\"b\","
    "\"label\":\"B\","
    "\"deck\":\"e\",\"weight\":1}],\"phases\":[{\"id\":\"t\",\"kind\":\"test\",\"deck\":\"f\",\"opens_after_"
    "days\":0.5,"
    "\"closes_after_days\":7.25},{\"id\":\"u\",\"kind\":\"training\",\"deck\":null,\"opens_after_days\":0.0,"
    "\"closes_after_days\":null}],\"questions\":[{\"id\":\"q\",\"text\":\"Q?\",\"kind\":\"scale\","
    "\"choices\":[{\"id\":\"1\","
    "\"label\":\"low\"},{\"id\":\"2\",\"label\":\"high\"}]},{\"id\":\"r\",\"text\":\"R?\",\"kind\":\"text\","
    "\"choices\":[]}]}";

static void a_definition_is_read_back_as_it_was_written(void **state)
{
    struct nn_error err = {0};
    struct srv_study study;
    json_t *json = parse(whole);
    (void)state;
    if (srv_study_read(json, "study", &study, &err)) fail_msg("%s", err.text);
    json_t *again = srv_study_definition(&study);
    assert_true(json_equal(json, again));
    assert_true(study.phases[0].opens_after_days == 0.5 && isinf(study.phases[1].closes_after_days));
    assert_string_equal(srv_study_deck(&study, 0, 1), "f");
    assert_string_equal(srv_study_deck(&study, 1, 1), "e");
    json_decref(again);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_list_and_another_seed_or_stratum_another),
        cmocka_unit_test(the_list_of_a_seed_is_the_same_in_every_version),
        cmocka_unit_test(arms_keep_their_weights_within_half_a_block),
        cmocka_unit_test(each_block_is_whole),
        cmocka_unit_test(every_order_of_a_block_is_as_likely),
        cmocka_unit_test(combinations_of_strata_have_numbers_of_their_own),
        cmocka_unit_test(windows_are_counted_from_the_end_of_the_phase_before),
        cmocka_unit_test(a_missed_phase_ends_when_its_window_closes),
        cmocka_unit_test(a_session_that_cannot_go_on_ends_its_phase_before_its_time),
        cmocka_unit_test(a_clock_that_was_set_back_loses_nothing),
        cmocka_unit_test(a_definition_is_read_back_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
