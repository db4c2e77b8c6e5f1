/* Areas under ROC curves and bootstrap intervals at their edges, by hand. The oracle suite compares them with
 * scikit-learn and NumPy. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/bootstrap.h"
#include "engine/roc.h"

/* Findings rated 6, 4, 3, others 1, 4: of six pairs four are right and one is a tie. */
static const uint8_t truth[] = {1, 0, 1, 0, 1};
static const double rating[] = {6, 1, 4, 4, 3};

static void assert_near(double value, double expected)
{
    assert_true(fabs(value - expected) < 1e-15);
}

static void a_tie_is_half_a_pair_and_one_step_of_the_curve(void **state)
{
    (void)state;
    struct nn_roc roc;
    struct nn_roc_point points[5];
    assert_int_equal(nn_roc_init(&roc, truth, rating, 5, NULL), NN_OK);
    assert_near(nn_roc_auc(&roc, NULL), 4.5 / 6);
    /* precision 1, 2/3, 3/4 where the recall rises by a third */
    assert_near(nn_roc_average_precision(&roc, NULL), (1 + 2.0 / 3 + 3.0 / 4) / 3);
    assert_int_equal(nn_roc_curve(&roc, points), 4);
    assert_true(points[1].rating == 4 && points[1].findings == 2 && points[1].others == 1);
    assert_true(points[3].findings == 3 && points[3].others == 2);
    nn_roc_release(&roc);
}

static void a_weight_counts_a_case_as_often_as_copies_of_it(void **state)
{
    (void)state;
    const uint8_t copies_truth[] = {1, 1, 0, 0, 0, 1};
    const double copies[] = {6, 6, 4, 4, 4, 3};
    struct nn_roc roc, other;
    assert_int_equal(nn_roc_init(&roc, truth, rating, 5, NULL), NN_OK);
    assert_int_equal(nn_roc_init(&other, copies_truth, copies, 6, NULL), NN_OK);
    const int weight[] = {2, 0, 0, 3, 1}, only_findings[] = {1, 0, 1, 0, 1};
    assert_near(nn_roc_auc(&roc, weight), nn_roc_auc(&other, NULL));
    assert_near(nn_roc_average_precision(&roc, weight), nn_roc_average_precision(&other, NULL));
    assert_true(isnan(nn_roc_auc(&roc, only_findings)));
    assert_true(isnan(nn_roc_average_precision(&roc, only_findings)));
    nn_roc_release(&roc);
    nn_roc_release(&other);
}

static void what_has_no_curve_is_refused(void **state)
{
    (void)state;
    struct nn_roc roc;
    struct nn_error err;
    const double not_finite[] = {1, 2, NAN, 3, 4};
    assert_int_equal(nn_roc_init(&roc, truth, rating, 1, &err), NN_ERR_ARGUMENT);
    assert_int_equal(nn_roc_init(&roc, truth, rating, 0, &err), NN_ERR_ARGUMENT);
    assert_int_equal(nn_roc_init(&roc, truth, not_finite, 5, &err), NN_ERR_NUMERIC);
    assert_non_null(strstr(err.text, "case 2"));
}

/* What each draw gave, to look at. */
struct seen {
    int draws, torn, total_wrong;
};

static void look(const void *context, const int *weight, double *values)
{
    struct seen *seen = *(struct seen *const *)context;
    seen->draws++;
    if (weight[0] != weight[3] || weight[1] != weight[4]) seen->torn++; /* the same patients */
    if (weight[0] + weight[1] + weight[2] + weight[5] != 4) seen->total_wrong++;
    values[0] = weight[0] == 0 ? NAN : weight[0];
    values[1] = NAN;
}

static void patients_are_drawn_whole_and_draws_without_a_value_left_out(void **state)
{
    (void)state;
    const int patient[] = {70, 9, -1, 70, 9, -1};
    struct seen seen = {0}, *context = &seen;
    struct nn_interval interval[2], again[2];
    assert_int_equal(nn_bootstrap(patient, 6, 1000, 5, look, &context, 2, interval, NULL), NN_OK);
    assert_int_equal(seen.draws, 1000);
    assert_int_equal(seen.torn, 0);
    assert_int_equal(seen.total_wrong, 0);
    assert_in_range(interval[0].used, 600, 760); /* (3/4)^4 = 0.316 of the draws lack the patient */
    assert_true(interval[0].low == 1 && interval[0].high >= 2);
    assert_true(interval[1].used == 0 && isnan(interval[1].low));
    assert_int_equal(nn_bootstrap(patient, 6, 1000, 5, look, &context, 2, again, NULL), NN_OK);
    assert_int_equal(again[0].used, interval[0].used);
    assert_int_equal(nn_bootstrap(patient, 0, 1000, 5, look, &context, 2, again, NULL), NN_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tie_is_half_a_pair_and_one_step_of_the_curve),
        cmocka_unit_test(a_weight_counts_a_case_as_often_as_copies_of_it),
        cmocka_unit_test(what_has_no_curve_is_refused),
        cmocka_unit_test(patients_are_drawn_whole_and_draws_without_a_value_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
