/* Accuracy, AUC, d' and criterion against values worked out by hand and published tables. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/statistics.h"

static void assert_near(double value, double expected)
{
    assert_true(fabs(value - expected) < 1e-9);
}

/* Standard normal quantiles: Abramowitz and Stegun, table 26.5, and symmetry. */
static void quantile_agrees_with_tables(void **state)
{
    (void)state;
    assert_near(srv_stat_normal_quantile(0.5), 0);
    assert_near(srv_stat_normal_quantile(0.975), 1.959963984540054);
    assert_near(srv_stat_normal_quantile(0.025), -1.959963984540054);
    assert_near(srv_stat_normal_quantile(0.99), 2.326347874040841);
    assert_true(fabs(srv_stat_normal_quantile(1e-6) + 4.753424308822899) < 1e-9);
}

static void auc_counts_pairs_and_half_of_ties(void **state)
{
    (void)state;
    /* signals 6, 4, 3; noises 1, 4: of 6 pairs 4 are right, 4-4 is a tie, 3-4 is wrong */
    const struct srv_stat_trial trials[] = {{true, 6}, {false, 1}, {true, 4}, {false, 4}, {true, 3}};
    double auc;
    assert_true(srv_stat_auc(trials, 5, &auc));
    assert_near(auc, 4.5 / 6);
}

static void auc_is_one_for_a_perfect_and_zero_for_a_reversed_reader(void **state)
{
    (void)state;
    const struct srv_stat_trial perfect[] = {{true, 5}, {true, 4}, {false, 3}, {false, 1}};
    const struct srv_stat_trial reversed[] = {{true, 1}, {false, 6}};
    double auc;
    assert_true(srv_stat_auc(perfect, 4, &auc));
    assert_near(auc, 1);
    assert_true(srv_stat_auc(reversed, 2, &auc));
    assert_near(auc, 0);
}

static void nothing_is_said_about_one_class_alone(void **state)
{
    (void)state;
    const struct srv_stat_trial trials[] = {{true, 6}, {true, 1}};
    double a, b;
    assert_false(srv_stat_auc(trials, 2, &a));
    assert_false(srv_stat_auc(trials, 0, &a));
    assert_false(srv_stat_detection(srv_stat_count(trials, 2), &a, &b));
}

static void rating_four_and_above_is_yes(void **state)
{
    (void)state;
    const struct srv_stat_trial trials[] = {{true, 4}, {true, 3}, {false, 4}, {false, 3}, {false, 1}};
    struct srv_stat_counts c = srv_stat_count(trials, 5);
    assert_int_equal(c.hits, 1);
    assert_int_equal(c.misses, 1);
    assert_int_equal(c.false_alarms, 1);
    assert_int_equal(c.correct_rejections, 2);
}

/* 20 hits of 25 and 5 false alarms of 25: H = 20.5/26, F = 5.5/26, symmetric, so c = 0. */
static void d_prime_uses_the_log_linear_correction(void **state)
{
    (void)state;
    double d, c;
    assert_true(srv_stat_detection((struct srv_stat_counts){20, 5, 5, 20}, &d, &c));
    assert_near(c, 0);
    assert_near(d, 2 * srv_stat_normal_quantile(20.5 / 26));
    /* a perfect reader of 5 + 5: H = 5.5/6, F = 0.5/6 */
    assert_true(srv_stat_detection((struct srv_stat_counts){5, 0, 0, 5}, &d, &c));
    assert_true(fabs(d - 2.7659882) < 1e-6);
    /* someone who always says yes has no sensitivity and a criterion below zero */
    assert_true(srv_stat_detection((struct srv_stat_counts){5, 0, 5, 0}, &d, &c));
    assert_near(d, 0);
    assert_true(fabs(c + 1.3829941) < 1e-6);
}

static void median_of_odd_even_and_no_values(void **state)
{
    (void)state;
    double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};
    assert_near(srv_stat_median(odd, 3), 2);
    assert_near(srv_stat_median(even, 4), 2.5);
    assert_near(srv_stat_median(odd, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantile_agrees_with_tables),
        cmocka_unit_test(auc_counts_pairs_and_half_of_ties),
        cmocka_unit_test(auc_is_one_for_a_perfect_and_zero_for_a_reversed_reader),
        cmocka_unit_test(nothing_is_said_about_one_class_alone),
        cmocka_unit_test(rating_four_and_above_is_yes),
        cmocka_unit_test(d_prime_uses_the_log_linear_correction),
        cmocka_unit_test(median_of_odd_even_and_no_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
