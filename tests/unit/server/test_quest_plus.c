/* The staircase on simulated learners and at its edges. The oracle suite compares its numbers with NumPy's.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/rng.h"
#include "server/decks/quest_plus.h"

static struct srv_quest_settings settings(void)
{
    struct srv_quest_settings s = srv_quest_defaults;
    s.low = 0.05;
    s.high = 1;
    return s;
}

/* After `trials` answers of a learner with that threshold, slope 3 and lapses of 3 %. */
static struct srv_quest_estimate learner(double threshold, int trials, uint64_t seed)
{
    const struct srv_quest_settings s = settings();
    struct srv_quest_plus *q = srv_quest_plus_new(&s);
    struct nn_rng rng = {seed, 0, 0};
    for (int n = 0; n < trials; n++) {
        int i = srv_quest_plus_next(q);
        double seen = 1 - exp(-pow(srv_quest_strength(&s, i) / threshold, 3));
        srv_quest_plus_answer(q, i, nn_rng_uniform(&rng) < 0.5 + 0.47 * seen);
    }
    struct srv_quest_estimate estimate = srv_quest_plus_threshold(q);
    srv_quest_plus_free(q);
    return estimate;
}

static void strengths_go_evenly_from_low_to_high(void **state)
{
    (void)state;
    const struct srv_quest_settings s = settings();
    for (int i = 0; i < 20; i++) assert_true(fabs(srv_quest_strength(&s, i) - 0.05 * (i + 1)) < 1e-12);
}

static void before_any_answer_every_threshold_is_as_likely(void **state)
{
    (void)state;
    struct srv_quest_estimate estimate = learner(0.5, 0, 0);
    assert_true(fabs(estimate.value - 0.525) < 1e-9);
    assert_true(fabs(estimate.low - 0.05) < 1e-9 && fabs(estimate.high - 1) < 1e-9);
}

static void most_intervals_hold_the_learners_threshold(void **state)
{
    (void)state;
    int held = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        double threshold = 0.2 + 0.01 * (double)seed;
        struct srv_quest_estimate e = learner(threshold, 60, seed);
        held += e.low <= threshold + 0.0125 && e.high >= threshold - 0.0125; /* half a step of the grid */
        assert_true(e.low <= e.value && e.value <= e.high && e.high - e.low < 0.7);
    }
    assert_true(held >= 54);
}

static void more_answers_make_the_interval_narrower(void **state)
{
    (void)state;
    double few = 0, many = 0;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct srv_quest_estimate a = learner(0.4, 20, seed), b = learner(0.4, 120, seed);
        few += a.high - a.low;
        many += b.high - b.low;
    }
    assert_true(many < few / 2);
}

static void right_answers_lead_to_weaker_images_and_wrong_ones_to_stronger(void **state)
{
    (void)state;
    const struct srv_quest_settings s = settings();
    struct srv_quest_plus *right = srv_quest_plus_new(&s), *wrong = srv_quest_plus_new(&s);
    int first = srv_quest_plus_next(right);
    for (int n = 0; n < 10; n++) {
        srv_quest_plus_answer(right, srv_quest_plus_next(right), true);
        srv_quest_plus_answer(wrong, srv_quest_plus_next(wrong), false);
    }
    assert_true(srv_quest_plus_next(right) < first);
    assert_true(srv_quest_plus_next(wrong) > first);
    srv_quest_plus_free(right);
    srv_quest_plus_free(wrong);
}

static void an_answer_that_nothing_allows_changes_nothing(void **state)
{
    (void)state;
    /* Without guesses or lapses a steep function rounds to never: the threshold is high, and yet so weak an
     * image was seen. */
    const struct srv_quest_settings s = {.low = 1e-17,
                                         .high = 1,
                                         .strengths = 2,
                                         .thresholds = 2,
                                         .slopes = {20},
                                         .slope_count = 1,
                                         .lapses = {0},
                                         .lapse_count = 1};
    struct srv_quest_plus *q = srv_quest_plus_new(&s);
    srv_quest_plus_answer(q, 1, false);
    assert_true(srv_quest_plus_threshold(q).value == 1);
    srv_quest_plus_answer(q, 0, true);
    assert_true(srv_quest_plus_threshold(q).value == 1);
    assert_true(isfinite(srv_quest_plus_expected_entropy(q, 0)));
    srv_quest_plus_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strengths_go_evenly_from_low_to_high),
        cmocka_unit_test(before_any_answer_every_threshold_is_as_likely),
        cmocka_unit_test(most_intervals_hold_the_learners_threshold),
        cmocka_unit_test(more_answers_make_the_interval_narrower),
        cmocka_unit_test(right_answers_lead_to_weaker_images_and_wrong_ones_to_stronger),
        cmocka_unit_test(an_answer_that_nothing_allows_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
