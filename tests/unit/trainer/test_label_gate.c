/* Where scores become a verdict, and from where on a sample passes, at small sets that can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "trainer/evaluate/label_gate.h"

static struct tr_label_gate chosen(const uint8_t *truth, const double *scores, int count, double margin)
{
    struct tr_label_gate gate;
    assert_int_equal(tr_label_gate_choose(truth, scores, count, margin, &gate, NULL), NN_OK);
    return gate;
}

static void the_threshold_lies_in_the_middle_of_the_gap_that_tells_most_apart(void **state)
{
    (void)state;
    /* Above 0.35 are 3 of 4 with and 1 of 4 without, above 0.65 2 and none: 0.5 and 0.5; the wider gap is
     * taken. */
    static const uint8_t truth[] = {0, 1, 0, 0, 1, 0, 1, 1};
    static const double scores[] = {0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.8, 0.9};
    struct tr_label_gate gate = chosen(truth, scores, 8, 0);
    assert_float_equal(gate.threshold, 0.65, 1e-12);
    assert_true(tr_label_gate_verdict(&gate, 0.66));
    assert_false(tr_label_gate_verdict(&gate, 0.65));
}

static void what_passes_lies_beyond_all_but_a_share_of_the_other_kind(void **state)
{
    (void)state;
    uint8_t truth[40];
    double scores[40];
    for (int i = 0; i < 40; i++) {
        truth[i] = i >= 20;
        scores[i] = i / 40.0;
    }
    scores[19] = 0.9; /* one of 20 without scores high, */
    scores[20] = 0.1; /* one with scores low */
    struct tr_label_gate strict = chosen(truth, scores, 40, 0), lenient = chosen(truth, scores, 40, 0.05);
    assert_true(strict.yes_above == 0.9 && strict.no_below == 0.1);
    assert_true(lenient.yes_above == lenient.threshold && lenient.no_below == lenient.threshold);
    assert_float_equal(lenient.threshold, (18 / 40.0 + 21 / 40.0) / 2, 1e-12);
    assert_true(tr_label_gate_passes(&strict, true, 0.95));
    assert_false(tr_label_gate_passes(&strict, true, 0.9));
    assert_false(tr_label_gate_passes(&strict, false, 0.95));
    assert_true(tr_label_gate_passes(&strict, false, 0.05));
}

static void a_margin_is_never_on_the_wrong_side_of_the_threshold(void **state)
{
    (void)state;
    static const uint8_t truth[] = {0, 0, 1, 1};
    static const double scores[] = {0.1, 0.2, 0.7, 0.8};
    struct tr_label_gate gate = chosen(truth, scores, 4, 0.5);
    assert_float_equal(gate.threshold, 0.45, 1e-12);
    assert_true(gate.yes_above == gate.threshold && gate.no_below == gate.threshold);
}

static void equal_scores_pass_nothing_and_one_kind_is_refused(void **state)
{
    (void)state;
    static const uint8_t truth[] = {0, 1, 0}, one[] = {1, 1, 1};
    static const double scores[] = {0.5, 0.5, 0.5};
    struct tr_label_gate gate = chosen(truth, scores, 3, 0.05);
    assert_false(tr_label_gate_passes(&gate, true, 0.5) || tr_label_gate_passes(&gate, false, 0.5));
    struct nn_error err;
    assert_int_equal(tr_label_gate_choose(one, scores, 3, 0.05, &gate, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "both kinds"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_threshold_lies_in_the_middle_of_the_gap_that_tells_most_apart),
        cmocka_unit_test(what_passes_lies_beyond_all_but_a_share_of_the_other_kind),
        cmocka_unit_test(a_margin_is_never_on_the_wrong_side_of_the_threshold),
        cmocka_unit_test(equal_scores_pass_nothing_and_one_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
