/* What is measured on held-out images, and what its intervals stand for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/rng.h"
#include "engine/wilson.h"
#include "trainer/classify/cases_build.h"
#include "trainer/experiments/held_out.h"

enum { IMAGES = 60, PATIENTS = 40, SEEDS = 2, ROWS = 2, RARE = 3 };

static const struct tr_row rows[ROWS] = {{"real", {100, {false, false}, false}, 0},
                                         {"samples", {0, {true, false}, false}, 0}};

/* Every second patient has two images; RARE patients have the finding. */
static struct tr_cases make_test(void)
{
    struct tr_cases c;
    assert_int_equal(tr_cases_make(&c, IMAGES, 4, true, NULL), NN_OK);
    for (int i = 0; i < IMAGES; i++) {
        c.patient[i] = i / 3 * 2 + (i % 3 > 0);
        c.truth[i] = c.patient[i] < RARE;
    }
    return c;
}

/* The scores of the second row are those of the first, or wrong from case `wrong` on. */
static void measure(const struct tr_cases *test, int wrong, struct tr_held_out found[ROWS])
{
    double scores[ROWS * SEEDS][IMAGES];
    struct tr_cell cells[ROWS * SEEDS] = {{.scores = NULL}};
    struct tr_grid grid = {rows, ROWS, SEEDS, cells};
    struct nn_rng random = {.seed = 1};
    struct nn_error err;
    for (int k = 0; k < ROWS * SEEDS; k++) {
        cells[k].scores = scores[k];
        for (int i = 0; i < IMAGES; i++) {
            bool right = k < SEEDS || i < wrong;
            scores[k][i] = (test->truth[i] == right ? 0.6 : 0.1) + 0.3 * nn_rng_uniform(&random);
        }
    }
    if (tr_held_out_measure(&grid, test, found, &err)) fail_msg("%s", err.text);
}

static void assert_wilson(struct nn_interval interval, int cases)
{
    struct nn_share share = nn_wilson(cases, cases);
    assert_float_equal((float)interval.low, (float)share.low, 1e-6f);
    assert_float_equal((float)interval.high, 1, 1e-6f);
}

static void what_nobody_spoils_stands_for_the_patients_that_it_counts(void **state)
{
    (void)state;
    struct tr_cases test = make_test();
    struct tr_held_out found[ROWS];
    measure(&test, IMAGES, found);
    for (int r = 0; r < ROWS; r++) {
        const struct tr_figure *f = found[r].figure;
        for (int m = 0; m < TR_MEASURES; m++) assert_true(f[m].mean == 1 && f[m].least == 1);
        assert_wilson(f[TR_SENSITIVITY].interval, RARE);
        assert_wilson(f[TR_SPECIFICITY].interval, PATIENTS - RARE);
        assert_wilson(f[TR_ACCURACY].interval, PATIENTS);
        assert_wilson(f[TR_BALANCED].interval, RARE);
        assert_wilson(f[TR_AUC].interval, RARE);
    }
    tr_cases_release(&test);
}

static void differences_are_paired_and_have_the_sign_of_the_row_less_its_reference(void **state)
{
    (void)state;
    struct tr_cases test = make_test();
    struct tr_held_out found[ROWS];
    measure(&test, IMAGES - 12, found);
    const struct tr_figure *less = &found[1].less[TR_ACCURACY];
    assert_float_equal((float)less->mean, -12.0f / IMAGES, 1e-6f);
    assert_true(less->interval.high < 0 && less->interval.p < 0.05);
    assert_true(less->by_seed[0] == less->by_seed[1]);
    const struct tr_figure *same = &found[0].less[TR_ACCURACY];
    assert_true(same->mean == 0 && same->interval.low == 0 && same->interval.high == 0);
    assert_true(same->interval.p == 1);
    tr_cases_release(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_spoils_stands_for_the_patients_that_it_counts),
        cmocka_unit_test(differences_are_paired_and_have_the_sign_of_the_row_less_its_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
