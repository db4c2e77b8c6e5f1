/* What intervals promise: of data sets drawn from a law that is known, with patients of one or two images
 * that are alike, the intervals of 95 % hold the truth in 93 to 97 of 100, and tests of what is not there
 * find it in 3 to 7. Counting images as if each were of another patient does not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/bootstrap.h"
#include "engine/rng.h"
#include "engine/roc.h"
#include "engine/wilson.h"

enum { PATIENTS = 120, IMAGES = 2 * PATIENTS, DRAWS = 400, SOME = PATIENTS / 3 };

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
    enum { TRIALS = 4000 };
    int8_t hit[IMAGES];
    int patient[IMAGES], held[2] = {0};
    double truth = 0.5 * erfc(-threshold / sqrt(2));
    for (int trial = 0; trial < TRIALS; trial++) {
        struct nn_share s = clustered(hit, patient, draw_hits(rng, of_two, threshold, hit, patient));
        struct nn_share images = nn_wilson(s.part, s.whole);
        held[0] += s.low <= truth && truth <= s.high;
        held[1] += images.low <= truth && truth <= images.high;
    }
    struct held h = {1000 * held[0] / TRIALS, 1000 * held[1] / TRIALS};
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
struct ratings {
    int count, patient[IMAGES];
    uint8_t truth[IMAGES];
    double rating[2][IMAGES];
    struct nn_roc roc[2];
};

/* Half of the patients with two images have one of each kind, as a fracture is of one hip. Findings are rated
 * higher by distance[k]; the variance of a rating is 3. */
static void draw_ratings(struct nn_rng *rng, const double distance[2], struct ratings *r)
{
    r->count = 0;
    for (int p = 0; p < PATIENTS; p++) {
        double own = nn_rng_normal(rng, 0, 1);
        for (int i = 0; i < (p % 3 ? 2 : 1); i++) {
            int finding = p % 6 < 3 ? p % 2 : i, k = r->count++;
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
    values[0] = nn_roc_auc(&r->roc[0], weight);
    values[1] = values[0] - nn_roc_auc(&r->roc[1], weight);
}

/* How many of 1000 data sets: the intervals of the area and of the difference hold the truth, and p of the
 * difference is below 0.05. */
struct tally {
    int area, difference, found;
};

static struct tally try_areas(const double distance[2])
{
    enum { TRIALS = 1000 };
    struct tally t = {0};
    struct nn_rng rng = {.seed = 4};
    double area[2];
    for (int c = 0; c < 2; c++) area[c] = 0.5 * erfc(-distance[c] / sqrt(6) / sqrt(2));
    for (int trial = 0; trial < TRIALS; trial++) {
        struct ratings r;
        struct nn_interval found[2];
        draw_ratings(&rng, distance, &r);
        assert_int_equal(nn_bootstrap(r.patient, r.count, DRAWS, (uint64_t)trial, areas, &r, 2, found, NULL),
                         NN_OK);
        t.area += found[0].low <= area[0] && area[0] <= found[0].high;
        t.difference += found[1].low <= area[0] - area[1] && area[0] - area[1] <= found[1].high;
        t.found += found[1].p < 0.05;
        release(&r);
    }
    print_message("# areas %.3f and %.3f: area held in %.1f of 100, difference in %.1f, p < 0.05 in %.1f\n",
                  area[0], area[1], t.area / 10.0, t.difference / 10.0, t.found / 10.0);
    return t;
}

static void intervals_of_areas_hold_the_truth_and_what_is_not_there_is_rarely_found(void **state)
{
    (void)state;
    const double alike[] = {2.2, 2.2}, apart[] = {3.5, 2.2};
    struct tally same = try_areas(alike), other = try_areas(apart);
    assert_in_range(same.area, 930, 970);
    assert_in_range(same.difference, 930, 970);
    assert_in_range(same.found, 30, 70);
    assert_in_range(other.area, 930, 970);
    assert_in_range(other.difference, 930, 970);
    assert_true(other.found > 700);
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
        cmocka_unit_test(intervals_of_areas_hold_the_truth_and_what_is_not_there_is_rarely_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
