/* Items that are decided one at a time: what follows from which answers, and what no answer can change. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/rng.h"
#include "server/decks/next_item.h"

static struct srv_deck deck;
static const bool all_there[DECK_CATEGORIES_MAX];

/* 60 items; categories 0 and 1 are of "no", 2 to 4 of "yes". */
static int set_deck(void **state)
{
    (void)state;
    deck = (struct srv_deck){
        .items = 60,
        .prevalence = 0.5,
        .sources = {{.weight = 1,
                     .strength = {0.2, 1},
                     .truncation = {1, 1},
                     .classes = {{{"n1", 1}, {"n2", 1}}, {{"y1", 1}, {"y2", 1}, {"y3", 1}}},
                     .class_count = {2, 3}}},
        .source_count = 1,
        .order = DECK_ADAPTIVE,
        .arts = srv_arts_defaults,
    };
    return 0;
}

static void set_staircase(void)
{
    deck.order = DECK_STAIRCASE;
    deck.staircase = srv_quest_defaults;
    deck.staircase.low = 0.2;
    deck.staircase.high = 1;
}

/* How a simulated learner answers an item; `number` counts from 0. */
typedef bool answers(const struct srv_next_item *item, int number);

static bool never_wrong(const struct srv_next_item *item, int number)
{
    (void)item;
    (void)number;
    return true;
}

static bool misses_y2(const struct srv_next_item *item, int number)
{
    (void)number;
    return strcmp(item->drawn.class_name, "y2");
}

static bool by_chance(const struct srv_next_item *item, int number)
{
    (void)item;
    return nn_random_uniform(99, 0, (uint64_t)number) < 0.5f;
}

/* Plays a session to its end; the number of items. */
static int play(uint64_t key, answers *answer, const bool *gone, struct srv_next_item *items,
                struct srv_past *past)
{
    int count = 0;
    while (srv_next_item(&deck, key, past, count, gone, &items[count]) == NEXT_ITEM) {
        past[count] = (struct srv_past){.category = items[count].category,
                                        .pick = items[count].pick,
                                        .strength = items[count].drawn.strength,
                                        .response_ms = 3000,
                                        .correct = answer(&items[count], count)};
        count++;
    }
    return count;
}

static struct srv_next_item items[DECK_ITEMS_MAX], others[DECK_ITEMS_MAX];
static struct srv_past past[DECK_ITEMS_MAX];

static void the_same_key_and_answers_give_the_same_items(void **state)
{
    (void)state;
    for (int rule = 0; rule < 2; rule++) {
        if (rule) set_staircase();
        assert_int_equal(play(7, by_chance, all_there, items, past), 60);
        assert_int_equal(play(7, by_chance, all_there, others, past), 60);
        for (int i = 0; i < 60; i++) {
            assert_string_equal(items[i].drawn.class_name, others[i].drawn.class_name);
            assert_true(items[i].drawn.seed == others[i].drawn.seed);
            assert_true(items[i].drawn.strength == others[i].drawn.strength);
            assert_string_equal(items[i].state, others[i].state);
        }
    }
}

static void no_answer_changes_whether_the_finding_is_there(void **state)
{
    (void)state;
    for (int rule = 0; rule < 2; rule++) {
        if (rule) set_staircase();
        for (uint64_t key = 0; key < 20; key++) {
            int yes = 0;
            play(key, never_wrong, all_there, items, past);
            play(key, by_chance, all_there, others, past);
            for (int i = 0; i < 60; i++) assert_int_equal(items[i].drawn.truth, others[i].drawn.truth);
            for (int i = 0; i < 60; i++) yes += items[i].drawn.truth == DECK_YES;
            assert_int_equal(yes, 30);
        }
    }
}

/* Mean number of places from an item of the class to the next. */
static double mean_gap(const char *class_name, int count)
{
    int last = -1, gaps = 0, sum = 0;
    for (int i = 0; i < count; i++) {
        if (strcmp(items[i].drawn.class_name, class_name)) continue;
        if (last >= 0) sum += i - last, gaps++;
        last = i;
    }
    return gaps ? (double)sum / gaps : count;
}

static void what_is_missed_comes_back_sooner_than_what_is_not(void **state)
{
    (void)state;
    double missed = 0, found = 0;
    for (uint64_t key = 0; key < 20; key++) {
        play(key, misses_y2, all_there, items, past);
        missed += mean_gap("y2", 60) / 20;
        found += (mean_gap("y1", 60) + mean_gap("y3", 60)) / 40;
    }
    assert_true(missed * 1.5 < found);
}

static void a_category_lies_apart_from_itself_by_the_delay_where_its_truth_has_another(void **state)
{
    (void)state;
    deck.arts.d = 2;
    play(3, misses_y2, all_there, items, past);
    for (int i = 1; i < 60; i++) {
        bool shown[DECK_CATEGORIES_MAX] = {false}, another = false;
        for (int k = i - 1; k >= 0 && k >= i - 2; k--) shown[items[k].category] = true;
        int first = items[i].drawn.truth == DECK_NO ? 0 : 2, last = items[i].drawn.truth == DECK_NO ? 1 : 4;
        for (int c = first; c <= last; c++) another = another || !shown[c];
        if (another) assert_false(shown[items[i].category]);
    }
}

static void images_are_all_different_and_avoid_exclusions(void **state)
{
    (void)state;
    play(5, misses_y2, all_there, others, past);
    struct srv_deck_exclusion *out = &deck.exclude[0];
    snprintf(out->class_name, sizeof out->class_name, "%s", others[10].drawn.class_name);
    out->seed = others[10].drawn.seed;
    deck.exclude_count = 1;
    play(5, misses_y2, all_there, items, past);
    for (int i = 0; i < 60; i++) {
        assert_true((items[i].drawn.seed == others[i].drawn.seed) == (i != 10));
        for (int k = 0; k < i; k++) assert_true(items[i].drawn.seed != items[k].drawn.seed);
        assert_true(items[i].drawn.strength >= 0.2 && items[i].drawn.strength < 1);
    }
}

static void a_category_without_images_is_passed_over_and_a_truth_without_any_ends_the_session(void **state)
{
    (void)state;
    bool gone[DECK_CATEGORIES_MAX] = {false};
    gone[3] = true;
    assert_int_equal(play(1, never_wrong, gone, items, past), 60);
    for (int i = 0; i < 60; i++) assert_int_not_equal(items[i].category, 3);
    gone[2] = gone[4] = true;
    int count = play(1, never_wrong, gone, others, past);
    assert_int_equal(items[count].drawn.truth, DECK_YES);
}

/* 4 listed images of "y1", one of each other class. */
static void set_list(void)
{
    static const char *const classes[] = {"y1", "n1", "y1", "y2", "n2", "y1", "y3", "y1"};
    for (int i = 0; i < 8; i++) {
        struct srv_deck_pick *pick = &deck.list[i];
        *pick = (struct srv_deck_pick){.seed = (uint64_t)i, .strength = 1, .truncation = 1};
        snprintf(pick->class_name, sizeof pick->class_name, "%s", classes[i]);
        pick->truth = srv_deck_truth_of(&deck, classes[i]);
    }
    deck.list_count = 8;
}

static void images_of_a_list_come_back_when_all_of_their_category_have_been_shown(void **state)
{
    (void)state;
    int shown[8] = {0};
    set_list();
    assert_int_equal(play(2, never_wrong, all_there, items, past), 60);
    for (int i = 0; i < 60; i++) {
        int pick = items[i].pick, least = shown[pick];
        for (int k = 0; k < 8; k++)
            if (!strcmp(deck.list[k].class_name, deck.list[pick].class_name) && shown[k] < least)
                least = shown[k];
        assert_int_equal(shown[pick], least);
        assert_true(items[i].drawn.seed == (uint64_t)pick);
        shown[pick]++;
    }
    for (int i = 0; i < 8; i++) assert_true(shown[i] > 2);
}

static void sub_categories_are_classes_of_a_source_or_those_that_a_list_shows(void **state)
{
    (void)state;
    assert_int_equal(srv_deck_categories(&deck), 5);
    set_list();
    deck.list_count = 3;
    assert_int_equal(srv_deck_categories(&deck), 2);
}

static void mastery_ends_a_session_when_enough_of_the_last_are_right_and_in_time(void **state)
{
    (void)state;
    deck.mastery = (struct srv_deck_mastery){.correct = 5, .of = 6, .within_s = 3};
    assert_int_equal(play(1, never_wrong, all_there, items, past), 5);
    deck.mastery.within_s = 2.9;
    assert_int_equal(play(1, never_wrong, all_there, items, past), 60);
    deck.order = DECK_RANDOM;
    deck.mastery.within_s = 0;
    assert_int_equal(play(1, never_wrong, all_there, items, past), 5);
    assert_string_equal(items[4].state, "");
}

static void the_second_answer_to_an_image_does_not_count_for_mastery(void **state)
{
    (void)state;
    deck.mastery = (struct srv_deck_mastery){.correct = 2, .of = 3};
    struct srv_past answered[] = {{.pick = 4, .correct = true}, {.pick = 4, .correct = true}, {.pick = 2}};
    assert_int_equal(srv_mastery_hits(&deck, answered, 3), 1);
    assert_false(srv_mastered(&deck, answered, 3));
    answered[1].pick = 3;
    assert_true(srv_mastered(&deck, answered, 3));
}

static void a_staircase_asks_at_strengths_of_its_grid_and_finds_the_threshold(void **state)
{
    (void)state;
    int held = 0;
    set_staircase();
    deck.items = 80;
    for (uint64_t key = 0; key < 20; key++) {
        struct srv_quest_estimate e;
        int count = 0;
        while (srv_next_item(&deck, key, past, count, all_there, &items[count]) == NEXT_ITEM) {
            double x = items[count].drawn.strength, step = (x - 0.2) / 0.8 * 19;
            double right = 0.5 + 0.48 * (1 - exp(-pow(x / 0.55, 3.5)));
            assert_true(fabs(step - round(step)) < 1e-9);
            past[count] =
                (struct srv_past){.category = -1,
                                  .pick = -1,
                                  .strength = x,
                                  .correct = nn_random_uniform(key, 5, (uint64_t)count) < (float)right};
            count++;
        }
        assert_int_equal(count, 80);
        assert_true(srv_staircase_threshold(&deck, past, count, &e));
        held += e.low <= 0.55 && 0.55 <= e.high && e.high - e.low < 0.45;
    }
    assert_true(held >= 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_same_key_and_answers_give_the_same_items, set_deck),
        cmocka_unit_test_setup(no_answer_changes_whether_the_finding_is_there, set_deck),
        cmocka_unit_test_setup(what_is_missed_comes_back_sooner_than_what_is_not, set_deck),
        cmocka_unit_test_setup(a_category_lies_apart_from_itself_by_the_delay_where_its_truth_has_another,
                               set_deck),
        cmocka_unit_test_setup(images_are_all_different_and_avoid_exclusions, set_deck),
        cmocka_unit_test_setup(
            a_category_without_images_is_passed_over_and_a_truth_without_any_ends_the_session, set_deck),
        cmocka_unit_test_setup(images_of_a_list_come_back_when_all_of_their_category_have_been_shown,
                               set_deck),
        cmocka_unit_test_setup(sub_categories_are_classes_of_a_source_or_those_that_a_list_shows, set_deck),
        cmocka_unit_test_setup(mastery_ends_a_session_when_enough_of_the_last_are_right_and_in_time,
                               set_deck),
        cmocka_unit_test_setup(the_second_answer_to_an_image_does_not_count_for_mastery, set_deck),
        cmocka_unit_test_setup(a_staircase_asks_at_strengths_of_its_grid_and_finds_the_threshold, set_deck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
