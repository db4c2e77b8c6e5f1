/* Priorities of sub-categories against published and computed numbers, and the rules about who may be next.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/decks/arts.h"

static struct srv_arts_category right_after(double response_s, int since)
{
    return (struct srv_arts_category){.usable = true, .since = since, .response_s = response_s};
}

static struct srv_arts_category wrong_after(int since)
{
    return (struct srv_arts_category){.usable = true, .since = since, .wrong = true, .response_s = 2};
}

static void assert_rounds_to(struct srv_arts_category category, double expected, double unit)
{
    double p = srv_arts_priority(&srv_arts_defaults, &category);
    assert_true(fabs(p - expected) <= unit / 2 + 1e-9);
}

static void priorities_are_those_of_the_formula(void **state)
{
    (void)state;
    static const int since[] = {3, 5, 10, 50};
    static const double wrong[] = {2, 6, 16, 96}, slow[] = {0.06, 0.19, 0.50, 3.0},
                        fast[] = {-0.06, -0.18, -0.47, -2.8}, unit[] = {0.01, 0.01, 0.01, 0.1};
    for (int i = 0; i < 4; i++) {
        assert_rounds_to(wrong_after(since[i]), wrong[i], 1e-9);
        assert_rounds_to(right_after(3, since[i]), slow[i], unit[i]);
        assert_rounds_to(right_after(1, since[i]), fast[i], unit[i]);
    }
}

static void an_impossible_response_time_is_taken_for_a_tenth_of_a_second(void **state)
{
    (void)state;
    struct srv_arts_category now = right_after(0, 12), tenth = right_after(0.1, 12);
    double p = srv_arts_priority(&srv_arts_defaults, &now);
    assert_true(isfinite(p) && p == srv_arts_priority(&srv_arts_defaults, &tenth));
}

static int next(const struct srv_arts_category *categories, int count)
{
    struct nn_rng rng = {1, 2, 0};
    return srv_arts_next(&srv_arts_defaults, categories, count, &rng);
}

static void what_was_missed_comes_before_what_is_new_and_that_before_what_was_right(void **state)
{
    (void)state;
    struct srv_arts_category categories[] = {right_after(3, 9), {.usable = true}, wrong_after(3)};
    assert_int_equal(next(categories, 3), 2);
    assert_int_equal(next(categories, 2), 1);
    assert_int_equal(next(categories, 1), 0);
}

static void slower_right_answers_come_back_sooner(void **state)
{
    (void)state;
    const struct srv_arts_category categories[] = {right_after(2, 6), right_after(8, 6), right_after(4, 6)};
    assert_int_equal(next(categories, 3), 1);
}

static void nothing_comes_back_before_its_delay_while_there_is_a_choice(void **state)
{
    (void)state;
    /* A fast right answer, by the formula alone, has a positive priority at once. */
    const struct srv_arts_category categories[] = {right_after(0.2, 1), wrong_after(2), right_after(0.2, 3)};
    assert_int_equal(next(categories, 3), 2);
    assert_int_equal(next(categories, 2), 1); /* none is due: the longest ago */
}

static void what_has_no_image_left_is_passed_over(void **state)
{
    (void)state;
    struct srv_arts_category categories[] = {wrong_after(30), right_after(1, 4)};
    categories[0].usable = false;
    assert_int_equal(next(categories, 2), 1);
    categories[1].usable = false;
    assert_int_equal(next(categories, 2), -1);
}

static void among_equals_each_is_chosen_about_as_often(void **state)
{
    (void)state;
    const struct srv_arts_category categories[4] = {
        {true, 0, false, 0}, {true, 0, false, 0}, wrong_after(2), {true, 0, false, 0}};
    int chosen[4] = {0};
    for (uint64_t key = 0; key < 600; key++) {
        struct nn_rng rng = {key, 0, 0};
        chosen[srv_arts_next(&srv_arts_defaults, categories, 4, &rng)]++;
    }
    assert_int_equal(chosen[2], 0);
    for (int i = 0; i < 4; i++) assert_true(i == 2 || (chosen[i] > 150 && chosen[i] < 250));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priorities_are_those_of_the_formula),
        cmocka_unit_test(an_impossible_response_time_is_taken_for_a_tenth_of_a_second),
        cmocka_unit_test(what_was_missed_comes_before_what_is_new_and_that_before_what_was_right),
        cmocka_unit_test(slower_right_answers_come_back_sooner),
        cmocka_unit_test(nothing_comes_back_before_its_delay_while_there_is_a_choice),
        cmocka_unit_test(what_has_no_image_left_is_passed_over),
        cmocka_unit_test(among_equals_each_is_chosen_about_as_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
