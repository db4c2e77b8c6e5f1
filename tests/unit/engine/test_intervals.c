/* What intervals promise: of data sets drawn from a law that is known, with patients of one or two images
 * that are alike, the intervals of 95 % hold the truth in some 95 of 100, and tests of what is not there
 * find it in some 5. Counting images as if each were of another patient does not, nor do percentiles near 1.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/bootstrap.h"
#include "engine/cluster.h"
#include "engine/rng.h"
#include "engine/roc.h"
#include "engine/wilson.h"

enum { PATIENTS = 120, IMAGES = 2 * PATIENTS, DRAWS = 400, TRIALS = 400, SOME = PATIENTS / 3 };

/* ---- shares ------------------------------------------------------------------------------------- */

static struct nn_share clustered(const int8_t *hit, const int *patient, int count)
{
    struct nn_share share;
    assert_int_equal(nn_wilson_clustered(hit, patient, count, &share, NULL), NN_OK);
    return share;
}

static void assert_near(double value, double expected)
{
    assert_true(fabs(value - expected) < 1e-12);
}

static void assert_same(struct nn_share a, struct nn_share b)
{
    assert_near(a.value, b.value);
    assert_near(a.low, b.low);
    assert_near(a.high, b.high);
}

static void images_of_different_patients_give_wilsons_interval(void **state)
{
    (void)state;
    const int8_t hit[] = {1, 0, 1, -1, 1, 1, 0, -1, 1};
    const int apart[] = {5, 3, -1, 3, 8, -1, 0, 5, 2};
    struct nn_share share = clustered(hit, apart, 9);
    assert_true(share.part == 5 && share.whole == 7);
    assert_same(share, nn_wilson(5, 7));
}

static void copies_of_images_change_nothing(void **state)
{
    (void)state;
    int8_t hit[60];
    int patient[60];
    for (int hits = 0; hits <= 20; hits += 5) {
        for (int i = 0; i < 60; i++) patient[i] = i / 3, hit[i] = i / 3 < hits;
        assert_same(clustered(hit, patient, 60), nn_wilson(hits, 20));
    }
}

static void patients_with_one_image_right_and_one_wrong_do_not_narrow_it(void **state)
{
    (void)state;
    const int8_t hit[] = {1, 0, 1, 0, 0, 1};
    const int patient[] = {0, 0, 1, 1, 2, 2};
    assert_same(clustered(hit, patient, 6), nn_wilson(3, 6));
}

static void a_single_patient_counts_as_one(void **state)
{
    (void)state;
    const int8_t hit[] = {1, 0, 1, 1};
    const int patient[] = {7, 7, 7, 7};
    struct nn_share share = clustered(hit, patient, 4);
    assert_near(share.value, 0.75);
    assert_true(share.low < 0.12 && share.high > 0.98); /* of one case */
}

static void of_nothing_there_is_no_share(void **state)
{
    (void)state;
    const int8_t hit[] = {-1, -1};
    const int patient[] = {0, 0};
    struct nn_share share = clustered(hit, patient, 2);
    assert_true(share.whole == 0 && isnan(share.value) && isnan(share.low));
}

/* The first `of_two` patients have two images; 0.7 of the variance of what decides whether an image is right
 * is the patient's. */
static int draw_hits(struct nn_rng *rng, int of_two, double threshold, int8_t *hit, int *patient)
{
    int count = 0;
    for (int p = 0; p < PATIENTS; p++) {
        double own = nn_rng_normal(rng, 0, sqrt(0.7));
        for (int i = 0; i < (p < of_two ? 2 : 1); i++, count++) {
            patient[count] = p;
            hit[count] = own + nn_rng_normal(rng, 0, sqrt(0.3)) < threshold;
        }
    }
    return count;
}

/* How many of 1000 intervals hold the truth: those by patient, and Wilson's of images. */
struct held {
    int by_patient, by_image;
};

static struct held try_shares(struct nn_rng *rng, int of_two, double threshold)
{
    enum { DRAWN = 4000 };
    int8_t hit[IMAGES];
    int patient[IMAGES], held[2] = {0};
    double truth = 0.5 * erfc(-threshold / sqrt(2));
    for (int trial = 0; trial < DRAWN; trial++) {
        struct nn_share s = clustered(hit, patient, draw_hits(rng, of_two, threshold, hit, patient));
        struct nn_share images = nn_wilson(s.part, s.whole);
        held[0] += s.low <= truth && truth <= s.high;
        held[1] += images.low <= truth && truth <= images.high;
    }
    struct held h = {1000 * held[0] / DRAWN, 1000 * held[1] / DRAWN};
    print_message("# share %.3f, %d of %d patients with two images: held in %.1f of 100, by images in %.1f\n",
                  truth, of_two, PATIENTS, h.by_patient / 10.0, h.by_image / 10.0);
    return h;
}

static void intervals_of_shares_hold_the_truth_as_often_as_they_say(void **state)
{
    (void)state;
    const double thresholds[] = {0, 0.7, 1.3, 1.8}; /* shares of 0.5, 0.76, 0.90, 0.96 */
    struct nn_rng rng = {.seed = 3};
    for (int t = 0; t < 4; t++) {
        struct held some = try_shares(&rng, SOME, thresholds[t]),
                    all = try_shares(&rng, PATIENTS, thresholds[t]);
        assert_in_range(some.by_patient, 930, 970);
        assert_in_range(all.by_patient, 930, 970);
        assert_true(all.by_image + 15 < all.by_patient);
    }
}

/* ---- areas -------------------------------------------------------------------------------------- */

/* Of two classifiers: ratings that share the patient's part and the image's, and have noise of their own. */
enum { FIRST, SECOND, DIFFERENCE, PRECISION, STATISTICS };
struct ratings {
    int count, patient[IMAGES];
    uint8_t truth[IMAGES];
    double rating[2][IMAGES];
    struct nn_roc roc[2];
};

/* Which data sets are drawn: of `others` + 1 patients one has the finding, and with others = 1 half of those
 * with two images have one of each kind, as a fracture is of one hip. */
struct law {
    int patients, others;
    double area[2];
};

/* Findings are rated higher, as the areas want it; the variance of a rating is 3. */
static void draw_ratings(struct nn_rng *rng, const struct law *law, const double distance[2],
                         struct ratings *r)
{
    r->count = 0;
    for (int p = 0; p < law->patients; p++) {
        double own = nn_rng_normal(rng, 0, 1);
        for (int i = 0; i < (p % 3 ? 2 : 1); i++) {
            int mixed = law->others == 1 && p % 6 >= 3, k = r->count++;
            int finding = mixed ? i : p % (law->others + 1) == law->others;
            double image = nn_rng_normal(rng, 0, 1);
            r->patient[k] = p;
            r->truth[k] = (uint8_t)finding;
            for (int c = 0; c < 2; c++)
                r->rating[c][k] = own + image + nn_rng_normal(rng, 0, 1) + finding * distance[c];
        }
    }
    for (int c = 0; c < 2; c++)
        assert_int_equal(nn_roc_init(&r->roc[c], r->truth, r->rating[c], r->count, NULL), NN_OK);
}

static void release(struct ratings *r)
{
    for (int c = 0; c < 2; c++) nn_roc_release(&r->roc[c]);
}

static void areas(const void *context, const int *weight, double *values)
{
    const struct ratings *r = context;
    values[FIRST] = nn_roc_auc(&r->roc[0], weight);
    values[SECOND] = nn_roc_auc(&r->roc[1], weight);
    values[DIFFERENCE] = values[FIRST] - values[SECOND];
    values[PRECISION] = nn_roc_average_precision(&r->roc[0], weight);
}

/* How many of 1000 data sets: the intervals of the first area, of its average precision and of the
 * difference, and percentiles of the area and of the difference hold the truth, the area lies below its
 * interval, and p of the difference is below 0.05. */
struct tally {
    int area, precision, difference, percentiles, of_difference, below, found;
};

/* How far apart the kinds' means are for this area, by bisection: the area is Phi(distance / sqrt(2 * 3)). */
static double distance_of(double area)
{
    double low = 0, high = 20;
    while (high - low > 1e-9) {
        double middle = (low + high) / 2;
        *(0.5 * erfc(-middle / sqrt(12)) < area ? &low : &high) = middle;
    }
    return low;
}

static bool holds(struct nn_interval i, double value)
{
    return i.low <= value && value <= i.high;
}

static double phi(double z)
{
    return 0.5 * erfc(-z / sqrt(2));
}

/* The average precision of endless images of which that share has the finding: the mean over them of the
 * share of findings among all that are rated as high. */
static double precision_of(double distance, double share)
{
    const double step = 0.01, deviation = sqrt(3);
    double sum = 0;
    for (double z = -8; z < 8; z += step) {
        double findings = share * phi(-z), others = (1 - share) * phi(-z - distance / deviation);
        sum += step * exp(-z * z / 2) / sqrt(2 * acos(-1)) * findings / (findings + others);
    }
    return sum;
}

static void try_one(const struct ratings *r, const struct law *law, double precision, uint64_t seed,
                    struct tally *t)
{
    struct nn_interval found[STATISTICS];
    double values[STATISTICS], difference = law->area[0] - law->area[1];
    int kinds[2];
    areas(r, NULL, values);
    assert_int_equal(nn_bootstrap(r->patient, r->count, DRAWS, seed, areas, r, STATISTICS, found, NULL),
                     NN_OK);
    assert_int_equal(nn_cluster_kinds(r->truth, r->patient, r->count, kinds, NULL), NN_OK);
    int rarer = nn_cluster_rarer(kinds);
    struct nn_interval area = nn_bootstrap_share(values[FIRST], found[FIRST], rarer);
    struct nn_interval less = nn_bootstrap_difference(values, found, found[DIFFERENCE], rarer);
    t->area += holds(area, law->area[0]);
    t->below += law->area[0] < area.low;
    t->precision += holds(nn_bootstrap_share(values[PRECISION], found[PRECISION], rarer), precision);
    t->percentiles += holds(found[FIRST], law->area[0]);
    t->difference += holds(less, difference);
    t->of_difference += holds(found[DIFFERENCE], difference);
    t->found += less.p < 0.05;
}

static struct tally try_areas(struct law law)
{
    struct tally t = {0};
    struct nn_rng rng = {.seed = 4};
    const double distance[2] = {distance_of(law.area[0]), distance_of(law.area[1])};
    double precision = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        struct ratings r;
        draw_ratings(&rng, &law, distance, &r);
        if (trial == 0) precision = precision_of(distance[0], (double)r.roc[0].findings / r.count);
        try_one(&r, &law, precision, (uint64_t)trial, &t);
        release(&r);
    }
    int *all[] = {&t.area, &t.precision, &t.difference, &t.percentiles, &t.of_difference, &t.below, &t.found};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) *all[k] = *all[k] * 1000 / TRIALS;
    print_message(
        "# %3d patients, 1 of %d with, areas %.2f and %.2f: held in %.1f of 100 (%.1f below it), by "
        "percentiles in %.1f; precision in %.1f; difference in %.1f, by percentiles in %.1f, p < 0.05 in "
        "%.1f\n",
        law.patients, law.others + 1, law.area[0], law.area[1], t.area / 10.0, t.below / 10.0,
        t.percentiles / 10.0, t.precision / 10.0, t.difference / 10.0, t.of_difference / 10.0,
        t.found / 10.0);
    return t;
}

static void intervals_of_areas_hold_the_truth_also_of_few_patients_and_near_one(void **state)
{
    (void)state;
    const double area[] = {0.9, 0.97};
    const int patients[] = {30, 60, 120};
    for (int n = 0; n < 3; n++)
        for (int a = 0; a < 2; a++) {
            struct tally half = try_areas((struct law){patients[n], 1, {area[a], 0.7}});
            struct tally quarter = try_areas((struct law){patients[n], 3, {area[a], 0.7}});
            assert_in_range(half.area, 915, 985); /* 400 data sets have an error of 1 in 100 */
            assert_in_range(quarter.area, 905, 985);
            assert_in_range(half.precision, 915, 995);
            assert_in_range(quarter.precision, 915, 1000);
            assert_in_range(half.difference, 915, 995);
            assert_in_range(quarter.difference, 905, 995);
        }
}

static void what_is_not_there_is_rarely_found_and_what_is_there_is(void **state)
{
    (void)state;
    struct tally same = try_areas((struct law){PATIENTS, 1, {0.8, 0.8}}),
                 other = try_areas((struct law){PATIENTS, 1, {0.92, 0.8}});
    assert_in_range(same.difference, 930, 970);
    assert_in_range(same.found, 30, 70);
    assert_in_range(other.difference, 930, 970);
    assert_true(other.found > 700);
}

static void percentiles_of_few_patients_are_too_narrow_near_one(void **state)
{
    (void)state;
    struct tally few = try_areas((struct law){30, 3, {0.97, 0.97}});
    assert_true(few.percentiles < 850);
    assert_true(few.area > 940);
    struct tally apart = try_areas((struct law){30, 3, {0.99, 0.95}});
    assert_true(apart.of_difference < 890);
    assert_true(apart.difference > 940);
}

static void a_difference_reaches_as_far_as_both_intervals_let_it(void **state)
{
    (void)state;
    const double value[2] = {0.9, 0.7};
    const struct nn_interval drawn[2] = {{.deviation = 0.04, .used = 1999},
                                         {.deviation = 0.06, .used = 1999}};
    struct nn_interval one = nn_bootstrap_share(0.9, drawn[0], 20),
                       two = nn_bootstrap_share(0.7, drawn[1], 20);
    for (double r = -0.9; r < 1; r += 0.3) {
        double a = 0.9 - one.low, b = two.high - 0.7, c = one.high - 0.9, d = 0.7 - two.low;
        struct nn_interval less = {.deviation = sqrt(0.0016 + 0.0036 - 2 * r * 0.0024), .used = 1999};
        less = nn_bootstrap_difference(value, drawn, less, 20);
        assert_near(less.low, 0.2 - sqrt(a * a + b * b - 2 * r * a * b));
        assert_near(less.high, 0.2 + sqrt(c * c + d * d - 2 * r * c * d));
        assert_int_equal(less.p<0.05, less.low> 0);
    }
}

/* Twenty of twenty twice: that both are the same is not known of others. */
static void what_no_draw_changes_may_still_differ(void **state)
{
    (void)state;
    const double value[2] = {1, 1};
    const struct nn_interval same[2] = {{.used = 1999}, {.used = 1999}};
    struct nn_share all = nn_wilson(20, 20);
    struct nn_interval less = nn_bootstrap_difference(value, same, same[0], 20);
    assert_near(less.low, all.low - 1);
    assert_near(less.high, 1 - all.low);
    assert_near(less.p, 1);
    const double far[2] = {1, 0};
    less = nn_bootstrap_difference(far, same, same[0], 20);
    assert_true(less.low > 0.7 && less.low < 0.8 && less.p < 0.002);
    assert_near(less.high, 1);
    less = nn_bootstrap_difference(value, same, (struct nn_interval){.used = 0}, 20);
    assert_true(isnan(less.low) && isnan(less.p));
}

static void a_share_that_no_draw_changes_has_wilsons_interval(void **state)
{
    (void)state;
    const struct nn_interval same = {.low = 1, .high = 1, .p = 0.001, .deviation = 0, .used = 1999};
    struct nn_interval one = nn_bootstrap_share(1, same, 20), half = nn_bootstrap_share(0.5, same, 20);
    struct nn_share of_20 = nn_wilson(20, 20), of_10 = nn_wilson(10, 20);
    assert_near(one.low, of_20.low);
    assert_near(one.high, 1);
    assert_true(one.p < 0.05 && one.p >= 0.001);
    assert_near(half.low, of_10.low);
    assert_near(half.high, of_10.high);
    assert_near(half.p, 1);
    struct nn_interval none = nn_bootstrap_share(1, (struct nn_interval){.used = 0}, 20);
    assert_true(isnan(none.low) && isnan(none.p));
}

/* The deviation in log odds of v is deviation / (v (1 - v)). */
static void an_interval_leaves_one_half_out_where_p_is_below_a_twentieth(void **state)
{
    (void)state;
    for (double value = 0.05; value < 1; value += 0.05)
        for (double deviation = 0.01; deviation < 0.3; deviation += 0.01) {
            const struct nn_interval drawn = {.deviation = deviation, .used = 1999};
            struct nn_interval i = nn_bootstrap_share(value, drawn, 20);
            assert_true(0 < i.low && i.low < value && value < i.high && i.high < 1);
            assert_int_equal(i.p<0.05, i.low> 0.5 || i.high < 0.5);
        }
}

static void clusters_of_either_kind_are_counted_once_each(void **state)
{
    (void)state;
    const uint8_t truth[] = {1, 1, 0, 1, 0, 0, 0};
    const int patient[] = {7, 7, 7, -1, -1, 2, 2};
    int kinds[2];
    assert_int_equal(nn_cluster_kinds(truth, patient, 7, kinds, NULL), NN_OK);
    assert_int_equal(kinds[0], 3);
    assert_int_equal(kinds[1], 2);
    assert_int_equal(nn_cluster_rarer(kinds), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_of_different_patients_give_wilsons_interval),
        cmocka_unit_test(copies_of_images_change_nothing),
        cmocka_unit_test(patients_with_one_image_right_and_one_wrong_do_not_narrow_it),
        cmocka_unit_test(a_single_patient_counts_as_one),
        cmocka_unit_test(of_nothing_there_is_no_share),
        cmocka_unit_test(intervals_of_shares_hold_the_truth_as_often_as_they_say),
        cmocka_unit_test(intervals_of_areas_hold_the_truth_also_of_few_patients_and_near_one),
        cmocka_unit_test(what_is_not_there_is_rarely_found_and_what_is_there_is),
        cmocka_unit_test(percentiles_of_few_patients_are_too_narrow_near_one),
        cmocka_unit_test(a_difference_reaches_as_far_as_both_intervals_let_it),
        cmocka_unit_test(what_no_draw_changes_may_still_differ),
        cmocka_unit_test(a_share_that_no_draw_changes_has_wilsons_interval),
        cmocka_unit_test(an_interval_leaves_one_half_out_where_p_is_below_a_twentieth),
        cmocka_unit_test(clusters_of_either_kind_are_counted_once_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
