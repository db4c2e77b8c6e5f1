/* The statistics of trials against values worked out by hand, and at their edges. The oracle suite compares
 * them with scikit-learn and SciPy. */
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

#include "engine/wilson.h"
#include "server/api/results/score_json.h"
#include "server/statistics/learning_curve.h"
#include "server/statistics/normal.h"
#include "server/statistics/proportions.h"
#include "server/statistics/rating_roc.h"
#include "server/statistics/response_times.h"
#include "server/statistics/signal_detection.h"

static void assert_near(double value, double expected)
{
    assert_true(fabs(value - expected) < 1e-9);
}

/* Standard normal quantiles: Abramowitz and Stegun, table 26.5, and symmetry. */
static void quantile_agrees_with_tables(void **state)
{
    (void)state;
    assert_near(srv_stat_normal_quantile(0.5), 0);
    assert_near(srv_stat_normal_quantile(0.975), NN_Z95);
    assert_near(srv_stat_normal_quantile(0.025), -NN_Z95);
    assert_near(srv_stat_normal_quantile(0.99), 2.326347874040841);
    assert_near(srv_stat_normal_quantile(1e-6), -4.753424308822899);
}

static void area_counts_pairs_and_half_of_ties(void **state)
{
    (void)state;
    /* signals 6, 4, 3; noises 1, 4: of 6 pairs 4 are right, 4-4 is a tie, 3-4 is wrong. Components: signals
     * 1, 3/4, 1/2, noises 1, 1/2; variances 1/16 and 1/8. */
    const struct srv_stat_trial trials[] = {
        {true, 6, 0}, {false, 1, 0}, {true, 4, 0}, {false, 4, 0}, {true, 3, 0}};
    struct srv_stat_estimate auc = srv_stat_auc(trials, 5);
    assert_int_equal(auc.gap, SRV_STAT_WHOLE);
    assert_near(auc.value, 4.5 / 6);
    assert_near(auc.se, sqrt(1.0 / 16 / 3 + 1.0 / 8 / 2));
    assert_true(auc.low > 0 && auc.low < auc.value && auc.value < auc.high && auc.high < 1);
}

static void perfect_reversed_and_indifferent_readers_have_no_interval(void **state)
{
    (void)state;
    const struct srv_stat_trial perfect[] = {{true, 5, 0}, {true, 4, 0}, {false, 3, 0}, {false, 1, 0}};
    const struct srv_stat_trial reversed[] = {{true, 1, 0}, {false, 6, 0}, {true, 2, 0}, {false, 6, 0}};
    const struct srv_stat_trial ties[] = {
        {true, 4, 0}, {false, 4, 0}, {true, 4, 0}, {false, 4, 0}, {false, 4, 0}};
    assert_int_equal(srv_stat_auc(perfect, 4).gap, SRV_STAT_NO_SPREAD);
    assert_near(srv_stat_auc(perfect, 4).value, 1);
    assert_int_equal(srv_stat_auc(reversed, 4).gap, SRV_STAT_NO_SPREAD);
    assert_near(srv_stat_auc(reversed, 4).value, 0);
    assert_int_equal(srv_stat_auc(ties, 5).gap, SRV_STAT_NO_SPREAD);
    assert_near(srv_stat_auc(ties, 5).value, 0.5);
    assert_true(srv_stat_has_value(&(struct srv_stat_estimate){.gap = SRV_STAT_NO_SPREAD}));
}

static void one_trial_of_a_kind_gives_an_area_without_error(void **state)
{
    (void)state;
    const struct srv_stat_trial trials[] = {{true, 5, 0}, {false, 3, 0}, {false, 6, 0}};
    struct srv_stat_estimate auc = srv_stat_auc(trials, 3);
    assert_int_equal(auc.gap, SRV_STAT_ONE_OF_A_KIND);
    assert_near(auc.value, 0.5);
}

static void nothing_is_said_about_no_trials_or_one_kind(void **state)
{
    (void)state;
    const struct srv_stat_trial trials[] = {{true, 6, 0}, {true, 1, 0}};
    struct srv_stat_roc_point points[3];
    int used = 7;
    for (int count = 0; count <= 2; count += 2) {
        enum srv_stat_gap gap = count ? SRV_STAT_ONE_KIND : SRV_STAT_TOO_FEW;
        struct srv_stat_detection d = srv_stat_detect(srv_stat_count(trials, count));
        assert_int_equal(srv_stat_auc(trials, count).gap, gap);
        assert_int_equal(srv_stat_roc(trials, count, points, &used), gap);
        assert_int_equal(used, 0);
        assert_int_equal(d.d_prime.gap, gap);
        assert_int_equal(d.criterion.gap, gap);
        assert_int_equal(srv_stat_specificity(srv_stat_count(trials, count)).gap, SRV_STAT_TOO_FEW);
        assert_int_equal(srv_stat_fit_curve(trials, count).gap, SRV_STAT_TOO_FEW);
    }
    assert_int_equal(srv_stat_response_times(trials, 0).all.gap, SRV_STAT_TOO_FEW);
    assert_false(srv_stat_has_value(&(struct srv_stat_estimate){.gap = SRV_STAT_TOO_FEW}));
}

static void values_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    const struct srv_stat_trial good[] = {{true, 5, 1}, {true, 2, 1}, {false, 3, 1}, {false, 1, 1}};
    for (int i = 0; i < 3; i++) {
        const double bad[] = {NAN, INFINITY, -INFINITY};
        struct srv_stat_trial trials[4];
        struct srv_stat_roc_point points[5];
        int used;
        memcpy(trials, good, sizeof trials);
        trials[2].rating = trials[2].response_ms = bad[i];
        assert_int_equal(srv_stat_auc(trials, 4).gap, SRV_STAT_NOT_FINITE);
        assert_int_equal(srv_stat_roc(trials, 4, points, &used), SRV_STAT_NOT_FINITE);
        assert_int_equal(srv_stat_response_times(trials, 4).all.gap, SRV_STAT_NOT_FINITE);
    }
}

static void the_curve_runs_from_corner_to_corner_through_each_rating(void **state)
{
    (void)state;
    const struct srv_stat_trial trials[] = {
        {true, 6, 0}, {false, 1, 0}, {true, 4, 0}, {false, 4, 0}, {true, 3, 0}};
    const struct srv_stat_roc_point expected[] = {
        {INFINITY, 0, 0}, {6, 0, 1.0 / 3}, {4, 0.5, 2.0 / 3}, {3, 0.5, 1}, {1, 1, 1}};
    struct srv_stat_roc_point points[6];
    int used;
    assert_int_equal(srv_stat_roc(trials, 5, points, &used), SRV_STAT_WHOLE);
    assert_int_equal(used, 5);
    for (int i = 0; i < used; i++) {
        assert_true(points[i].rating == expected[i].rating);
        assert_near(points[i].false_alarms, expected[i].false_alarms);
        assert_near(points[i].hits, expected[i].hits);
    }
}

static void rating_four_and_above_is_yes(void **state)
{
    (void)state;
    const struct srv_stat_trial trials[] = {
        {true, 4, 0}, {true, 3, 0}, {false, 4, 0}, {false, 3, 0}, {false, 1, 0}};
    struct srv_stat_counts c = srv_stat_count(trials, 5);
    assert_int_equal(c.hits, 1);
    assert_int_equal(c.misses, 1);
    assert_int_equal(c.false_alarms, 1);
    assert_int_equal(c.correct_rejections, 2);
    assert_near(srv_stat_accuracy(c).value, 3.0 / 5);
    assert_near(srv_stat_sensitivity(c).value, 1.0 / 2);
    assert_near(srv_stat_specificity(c).value, 2.0 / 3);
}

/* At the ends Wilson's interval is z^2 / (n + z^2) wide. */
static void shares_of_none_and_all_keep_an_interval_within_the_unit(void **state)
{
    (void)state;
    const double z2 = NN_Z95 * NN_Z95;
    struct srv_stat_estimate none = srv_stat_share(0, 5), all = srv_stat_share(5, 5);
    assert_true(none.low == 0 && all.high == 1);
    assert_near(none.high, z2 / (5 + z2));
    assert_near(all.low, 5 / (5 + z2));
    assert_true(isnan(none.se) && isnan(all.se)); /* it has no standard error, which is not one of 0 */
}

/* 20 hits of 25 and 5 false alarms of 25: H = 20.5/26, F = 5.5/26, symmetric, so c = 0. */
static void d_prime_uses_the_log_linear_correction(void **state)
{
    (void)state;
    struct srv_stat_detection d = srv_stat_detect((struct srv_stat_counts){20, 5, 5, 20});
    assert_near(d.criterion.value, 0);
    assert_near(d.d_prime.value, 2 * srv_stat_normal_quantile(20.5 / 26));
    assert_near(d.criterion.se, d.d_prime.se / 2);
    /* a perfect reader of 5 + 5: H = 5.5/6, F = 0.5/6 */
    d = srv_stat_detect((struct srv_stat_counts){5, 0, 0, 5});
    assert_true(fabs(d.d_prime.value - 2.7659882) < 1e-6);
    assert_true(d.d_prime.low < d.d_prime.value && isfinite(d.d_prime.se));
    /* someone who always says yes has no sensitivity and a criterion below zero */
    d = srv_stat_detect((struct srv_stat_counts){5, 0, 5, 0});
    assert_near(d.d_prime.value, 0);
    assert_true(fabs(d.criterion.value + 1.3829941) < 1e-6);
}

static void times_are_told_for_right_and_wrong_answers(void **state)
{
    (void)state;
    const struct srv_stat_trial trials[] = {
        {true, 6, 400}, {true, 1, 900}, {false, 1, 100}, {false, 2, 300}, {true, 4, 200}};
    struct srv_stat_times times = srv_stat_response_times(trials, 5);
    assert_int_equal(times.all.count, 5);
    assert_near(times.all.median, 300);
    assert_near(times.all.lower, 200);
    assert_near(times.all.upper, 400);
    assert_near(times.right.median, 250);
    assert_near(times.wrong.lower, 900);
    assert_near(times.wrong.upper, 900);
    assert_int_equal(srv_stat_response_times(trials, 1).wrong.gap, SRV_STAT_TOO_FEW);
}

/* `count` answers, wrong up to `turn` and right from there. */
static void turn_right(struct srv_stat_trial *trials, int count, int turn)
{
    for (int i = 0; i < count; i++) trials[i] = (struct srv_stat_trial){true, i < turn ? 1 : 6, 1000};
}

static void a_curve_needs_forty_trials(void **state)
{
    (void)state;
    struct srv_stat_trial trials[60];
    double average[60];
    turn_right(trials, 60, 10);
    assert_int_equal(srv_stat_moving_average(trials, 39, average), 0);
    assert_int_equal(srv_stat_fit_curve(trials, 39).gap, SRV_STAT_TOO_FEW);
    assert_int_equal(srv_stat_moving_average(trials, 40, average), 21);
    assert_near(average[0], 0.5);
    assert_near(average[1], 0.55);
    assert_near(average[20], 1);
}

static void the_fit_keeps_its_bounds_and_finds_a_rise_and_a_fall(void **state)
{
    (void)state;
    struct srv_stat_trial trials[60];
    turn_right(trials, 60, 10);
    struct srv_stat_curve_fit rise = srv_stat_fit_curve(trials, 60);
    assert_int_equal(rise.gap, SRV_STAT_WHOLE);
    assert_true(rise.start >= 0 && rise.start < 0.2 && rise.asymptote > 0.9 && rise.asymptote <= 1);
    assert_true(rise.rate >= 1.0 / 60 && rise.rate <= 1 && rise.last <= rise.asymptote);
    for (int i = 0; i < 60; i++) trials[i].signal = false; /* right becomes wrong */
    struct srv_stat_curve_fit fall = srv_stat_fit_curve(trials, 60);
    assert_int_equal(fall.gap, SRV_STAT_WHOLE);
    assert_true(fabs(fall.start - (1 - rise.start)) < 1e-6 && fabs(fall.last - (1 - rise.last)) < 1e-6);
}

static void one_steady_share_is_flat(void **state)
{
    (void)state;
    struct srv_stat_trial trials[60];
    turn_right(trials, 60, 0);
    assert_int_equal(srv_stat_fit_curve(trials, 60).gap, SRV_STAT_FLAT);
    for (int i = 0; i < 60; i += 3) trials[i].rating = 1;
    assert_int_equal(srv_stat_fit_curve(trials, 60).gap, SRV_STAT_FLAT);
}

static void the_score_of_no_trials_is_whole_json_without_values(void **state)
{
    (void)state;
    json_t *score = srv_score_json(NULL, 0);
    assert_non_null(score);
    assert_true(json_is_null(json_object_get(json_object_get(score, "auc"), "value")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(score, "auc"), "gap")), "too_few");
    assert_int_equal(json_array_size(json_object_get(score, "roc")), 0);
    assert_true(json_is_null(json_object_get(json_object_get(score, "response_ms"), "all")));
    json_decref(score);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantile_agrees_with_tables),
        cmocka_unit_test(area_counts_pairs_and_half_of_ties),
        cmocka_unit_test(perfect_reversed_and_indifferent_readers_have_no_interval),
        cmocka_unit_test(one_trial_of_a_kind_gives_an_area_without_error),
        cmocka_unit_test(nothing_is_said_about_no_trials_or_one_kind),
        cmocka_unit_test(values_that_are_no_numbers_are_refused),
        cmocka_unit_test(the_curve_runs_from_corner_to_corner_through_each_rating),
        cmocka_unit_test(rating_four_and_above_is_yes),
        cmocka_unit_test(shares_of_none_and_all_keep_an_interval_within_the_unit),
        cmocka_unit_test(d_prime_uses_the_log_linear_correction),
        cmocka_unit_test(times_are_told_for_right_and_wrong_answers),
        cmocka_unit_test(a_curve_needs_forty_trials),
        cmocka_unit_test(the_fit_keeps_its_bounds_and_finds_a_rise_and_a_fall),
        cmocka_unit_test(one_steady_share_is_flat),
        cmocka_unit_test(the_score_of_no_trials_is_whole_json_without_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
