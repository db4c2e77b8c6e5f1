/* Statistics over several readers against figures from tables and by hand, and at their edges. The oracle
 * suite compares them with SciPy. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/statistics/readers.h"
#include "server/statistics/readings.h"
#include "server/statistics/student_t.h"

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) < tolerance)) fail_msg("%.12g is not %.12g", value, expected);
}

/* Fisher and Yates, table III; one degree of freedom is Cauchy's distribution. */
static void student_quantiles_are_those_of_the_tables(void **state)
{
    (void)state;
    assert_near(srv_stat_student_quantile(0.975, 1), 12.706205, 1e-6);
    assert_near(srv_stat_student_quantile(0.975, 2), 4.302653, 1e-6);
    assert_near(srv_stat_student_quantile(0.95, 5), 2.015048, 1e-6);
    assert_near(srv_stat_student_quantile(0.025, 30), -2.042272, 1e-6);
    assert_near(srv_stat_student_quantile(0.5, 7), 0, 1e-9);
    assert_near(srv_stat_student_quantile(0.975, 1e6), 1.959966, 1e-6);
    assert_near(srv_stat_student_above(1, 1), 0.25, 1e-12);
    assert_near(srv_stat_student_above(-1, 1), 0.75, 1e-12);
}

/* Student 1908, on the sleep of ten patients after either drug: t = -1.8608, 17.78 degrees of freedom,
 * p = 0.07939 (R's documentation of t.test). */
static void the_comparison_of_students_sleep_data_is_welchs(void **state)
{
    (void)state;
    const double first[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
    const double second[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
    struct srv_stat_mean a = srv_stat_mean(first, 10), b = srv_stat_mean(second, 10);
    struct srv_stat_welch w = srv_stat_welch(&a, &b);
    assert_near(a.sd, 1.789010, 1e-6);
    assert_near(a.estimate.low, -0.5297804, 1e-7);
    assert_near(a.estimate.high, 2.0297804, 1e-7);
    assert_int_equal(w.difference.gap, SRV_STAT_WHOLE);
    assert_near(w.difference.value, -1.58, 1e-12);
    assert_near(w.t, -1.8608, 5e-5);
    assert_near(w.df, 17.776, 5e-4);
    assert_near(w.p, 0.07939, 5e-6);
    assert_near(w.difference.low, -3.3654832, 1e-6);
    assert_near(w.difference.high, 0.2054832, 1e-6);
}

static void non_inferiority_is_decided_by_the_lower_end(void **state)
{
    (void)state;
    const double first[] = {0.70, 0.75, 0.80, 0.78}, second[] = {0.72, 0.74, 0.79, 0.81};
    struct srv_stat_mean a = srv_stat_mean(first, 4), b = srv_stat_mean(second, 4);
    struct srv_stat_welch w = srv_stat_welch(&a, &b);
    double edge = -w.difference.low;
    struct srv_stat_non_inferiority wide = srv_stat_non_inferior(&w, edge * 1.01);
    struct srv_stat_non_inferiority narrow = srv_stat_non_inferior(&w, edge * 0.99);
    assert_true(wide.shown && wide.p < 0.025);
    assert_true(!narrow.shown && narrow.p > 0.025);
    assert_near(srv_stat_non_inferior(&w, edge).p, 0.025, 1e-9);
}

static void means_of_none_one_and_equal_readers_have_no_interval(void **state)
{
    (void)state;
    const double values[] = {0.3, NAN, 0.3, 0.9};
    struct srv_stat_mean none = srv_stat_mean(values + 1, 1), one = srv_stat_mean(values, 2);
    struct srv_stat_mean equal = srv_stat_mean(values, 3), whole = srv_stat_mean(values, 4);
    assert_int_equal(none.estimate.gap, SRV_STAT_TOO_FEW);
    assert_int_equal(none.readers, 0);
    assert_int_equal(one.estimate.gap, SRV_STAT_ONE_OF_A_KIND);
    assert_int_equal(one.readers, 1);
    assert_int_equal(equal.estimate.gap, SRV_STAT_NO_SPREAD);
    assert_near(equal.estimate.value, 0.3, 1e-12);
    assert_int_equal(whole.readers, 3);
    assert_near(whole.estimate.value, 0.5, 1e-12);
    assert_int_equal(srv_stat_welch(&whole, &equal).difference.gap, SRV_STAT_NO_SPREAD);
    assert_near(srv_stat_welch(&whole, &equal).difference.value, 0.2, 1e-12);
    assert_int_equal(srv_stat_welch(&whole, &none).difference.gap, SRV_STAT_TOO_FEW);
    struct srv_stat_welch unsure = srv_stat_welch(&whole, &one);
    assert_false(srv_stat_non_inferior(&unsure, 10).shown);
}

/* One reader answers ten times as much as the other: the mean is still in the middle. */
static void readers_count_the_same_however_much_they_answer(void **state)
{
    (void)state;
    struct srv_stat_trial busy[20], lazy[2] = {{true, 6, 100}, {false, 1, 300}};
    struct srv_stat_mean means[SRV_STAT_MEASURES];
    for (int i = 0; i < 20; i++) busy[i] = (struct srv_stat_trial){i % 2, i % 2 ? 1 : 6, 1000};
    const struct srv_stat_reader readers[] = {{busy, 20}, {lazy, 2}};
    assert_true(srv_stat_means(readers, 2, means));
    assert_near(means[SRV_STAT_ACCURACY].estimate.value, 0.5, 1e-12);
    assert_near(means[SRV_STAT_AUC].estimate.value, 0.5, 1e-12);
    assert_near(means[SRV_STAT_MEDIAN_MS].estimate.value, 600, 1e-9);
}

static void the_mean_curve_averages_readers_at_each_rating(void **state)
{
    (void)state;
    const struct srv_stat_trial a[] = {{true, 6, 0}, {true, 3, 0}, {false, 1, 0}};
    const struct srv_stat_trial b[] = {{true, 6, 0}, {false, 4, 0}};
    const struct srv_stat_trial c[] = {{true, 1, 0}}; /* one kind alone */
    const struct srv_stat_reader readers[] = {{a, 3}, {b, 2}, {c, 1}};
    struct srv_stat_mean_point points[SRV_STAT_ROC_POINTS];
    int used;
    assert_int_equal(srv_stat_mean_roc(readers, 3, points, &used), SRV_STAT_ROC_POINTS);
    assert_int_equal(used, 2);
    assert_true(points[0].rating == INFINITY && points[0].hits == 0 && points[0].false_alarms == 0);
    assert_true(points[1].rating == 6);
    assert_near(points[1].hits, 0.75, 1e-12);
    assert_near(points[3].false_alarms, 0.5, 1e-12);
    assert_near(points[4].hits, 1, 1e-12);
    assert_true(points[6].hits == 1 && points[6].false_alarms == 1);
    assert_int_equal(srv_stat_mean_roc(readers + 2, 1, points, &used), 0);
}

static void the_learning_curve_goes_on_with_those_who_came_as_far(void **state)
{
    (void)state;
    struct srv_stat_trial right[60], late[50], few[10] = {0};
    for (int i = 0; i < 60; i++) right[i] = (struct srv_stat_trial){true, 6, 0};
    for (int i = 0; i < 50; i++) late[i] = (struct srv_stat_trial){true, i < 20 ? 1 : 6, 0};
    const struct srv_stat_reader readers[] = {{right, 60}, {late, 50}, {few, 10}};
    struct srv_stat_mean curve[61];
    struct srv_stat_curve_fit fit;
    assert_int_equal(srv_stat_mean_curve(readers, 3, curve, &fit), 41);
    assert_int_equal(curve[0].readers, 2);
    assert_near(curve[0].estimate.value, 0.5, 1e-12);
    assert_near(curve[30].estimate.value, 1, 1e-12);
    assert_int_equal(curve[30].readers, 2);
    assert_int_equal(curve[31].readers, 1);
    assert_int_equal(fit.gap, SRV_STAT_WHOLE);
    assert_true(fit.start < fit.asymptote);
    assert_int_equal(srv_stat_mean_curve(readers + 2, 1, curve, &fit), 0);
    assert_int_equal(fit.gap, SRV_STAT_TOO_FEW);
}

/* Two learners who answer alike are fitted as one. */
static void the_fit_over_readers_is_that_of_their_answers(void **state)
{
    (void)state;
    struct srv_stat_trial trials[60];
    struct srv_stat_mean curve[61];
    struct srv_stat_curve_fit both, one;
    for (int i = 0; i < 60; i++) trials[i] = (struct srv_stat_trial){true, i * i % 7 < 4 - i / 15 ? 1 : 6, 0};
    const struct srv_stat_reader readers[] = {{trials, 60}, {trials, 60}};
    one = srv_stat_fit_curve(trials, 60);
    assert_int_equal(srv_stat_mean_curve(readers, 2, curve, &both), 41);
    assert_near(both.start, one.start, 1e-6);
    assert_near(both.asymptote, one.asymptote, 1e-6);
    assert_near(both.rate, one.rate, 1e-6);
    assert_near(both.squares, 2 * one.squares, 1e-9);
}

static void readings_are_gathered_by_reader_and_by_what_was_shown(void **state)
{
    (void)state;
    struct srv_readings r = {0};
    static const char *const names[] = {"a", "a", "b", "b", "b"};
    for (int i = 0; i < 5; i++)
        srv_readings_add(&r, &(struct srv_reading){names[i], i % 2 ? "neck" : "none", "gan",
                                                   i % 2 ? "yes" : "no", i != 4, i % 2 ? 5 : 2, 100.0 * i});
    assert_false(r.failed);
    assert_int_equal(r.reader_count, 2);
    assert_int_equal(r.kind_count, 2);
    assert_true(r.trials[1].signal && !r.trials[0].signal);
    assert_true(r.trials[4].signal); /* a wrong "no" */
    struct srv_stat_trial trials[5];
    struct srv_stat_reader readers[2];
    assert_int_equal(srv_readings_of_kind(&r, 0, trials, readers), 2);
    assert_int_equal(readers[0].count, 1);
    assert_int_equal(readers[1].count, 2);
    assert_true(readers[1].trials[1].response_ms == 400);
    srv_readings_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(student_quantiles_are_those_of_the_tables),
        cmocka_unit_test(the_comparison_of_students_sleep_data_is_welchs),
        cmocka_unit_test(non_inferiority_is_decided_by_the_lower_end),
        cmocka_unit_test(means_of_none_one_and_equal_readers_have_no_interval),
        cmocka_unit_test(readers_count_the_same_however_much_they_answer),
        cmocka_unit_test(the_mean_curve_averages_readers_at_each_rating),
        cmocka_unit_test(the_learning_curve_goes_on_with_those_who_came_as_far),
        cmocka_unit_test(the_fit_over_readers_is_that_of_their_answers),
        cmocka_unit_test(readings_are_gathered_by_reader_and_by_what_was_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
