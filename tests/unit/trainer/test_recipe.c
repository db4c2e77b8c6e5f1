/* What networks of the experiments are trained on: parts of the patients, samples, validation, epochs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trainer/classify/cases_build.h"
#include "trainer/experiments/recipe.h"

enum { SIDE = 4, REAL = 400, EPOCHS = 20 };

static void check(nn_status status, const struct nn_error *err)
{
    if (status) fail_msg("status %d: %s", (int)status, err->text);
}

/* Two images a patient, one patient in four has the finding, one in ten an image of each kind. Pixel 0 and 1
 * tell the image. `patients` false: samples. */
static struct tr_cases make(int count, bool patients, const char *source)
{
    struct tr_cases c;
    struct nn_error err;
    check(tr_cases_make(&c, count, SIDE, true, &err), &err);
    for (int i = 0; i < count; i++) {
        int patient = i / 2;
        c.truth[i] = patient % 10 == 0 ? i % 2 : patient % 4 == 1;
        c.labels[i] = c.truth[i] ? 2 : 1;
        c.patient[i] = patients ? patient : -1;
        memset(c.pixels + i * SIDE * SIDE, patients ? 1 : 2, SIDE * SIDE);
        c.pixels[i * SIDE * SIDE] = (uint8_t)i;
        c.pixels[i * SIDE * SIDE + 1] = (uint8_t)(i >> 8);
    }
    c.class_count = 2;
    strcpy(c.classes[0], "fit");
    strcpy(c.classes[1], "sick");
    strcpy(c.finding, "sick");
    strcpy(c.sha256, source);
    return c;
}

static int image_of(const struct tr_cases *c, int i)
{
    const uint8_t *pixels = c->pixels + i * SIDE * SIDE;
    return pixels[0] + 256 * pixels[1];
}

static bool is_sample(const struct tr_cases *c, int i)
{
    return c->pixels[i * SIDE * SIDE + 2] == 2;
}

static void smaller_parts_lie_within_larger_ones_of_whole_patients_of_each_kind(void **state)
{
    (void)state;
    static const int percents[] = {1, 2, 5, 10, 25, 50, 100};
    struct tr_cases real = make(REAL, true, "a");
    struct nn_error err;
    bool before[REAL] = {false};
    for (size_t k = 0; k < sizeof percents / sizeof *percents; k++) {
        int *indices, count, kinds[2] = {0};
        bool in[REAL] = {false};
        check(tr_recipe_choose(&real, percents[k], 7, &indices, &count, &err), &err);
        for (int i = 0; i < count; i++) {
            assert_true(i == 0 || indices[i] > indices[i - 1]);
            in[indices[i]] = true;
            kinds[real.truth[indices[i]]]++;
        }
        for (int i = 0; i < REAL; i++) {
            assert_true(!before[i] || in[i]);
            assert_int_equal(in[i], in[i ^ 1]); /* the patient's other image */
        }
        assert_true(kinds[0] > 0 && kinds[1] > 0);
        assert_in_range(count, 6 < REAL * percents[k] / 100 - 4 ? REAL * percents[k] / 100 - 4 : 6,
                        REAL * percents[k] / 100 + 4);
        if (percents[k] >= 25) /* as many of a kind as in the whole */
            assert_in_range(100 * kinds[1] / count, 100 * tr_cases_positive(&real) / REAL - 3,
                            100 * tr_cases_positive(&real) / REAL + 3);
        memcpy(before, in, sizeof before);
        free(indices);
    }
    for (int i = 0; i < REAL; i++) assert_true(before[i]);
    tr_cases_release(&real);
}

static void another_seed_chooses_other_patients(void **state)
{
    (void)state;
    struct tr_cases real = make(REAL, true, "a");
    struct nn_error err;
    int *a, *b, *c, count;
    check(tr_recipe_choose(&real, 10, 1, &a, &count, &err), &err);
    check(tr_recipe_choose(&real, 10, 2, &b, &count, &err), &err);
    check(tr_recipe_choose(&real, 10, 1, &c, &count, &err), &err);
    assert_memory_not_equal(a, b, (size_t)count * sizeof *a);
    assert_memory_equal(a, c, (size_t)count * sizeof *a);
    free(a);
    free(b);
    free(c);
    tr_cases_release(&real);
}

static void validation_takes_whole_patients_of_the_real_images_first(void **state)
{
    (void)state;
    struct tr_cases real = make(REAL, true, "a");
    struct tr_cases samples[TR_SAMPLE_SETS] = {make(REAL, false, "m"), make(REAL, false, "m")};
    const struct tr_recipe both = {100, {true, false}, false};
    struct tr_portion p;
    struct nn_error err;
    check(tr_recipe_portion(&both, &real, samples, EPOCHS, 1, &p, &err), &err);
    assert_in_range(p.validation.count, REAL * 13 / 100, REAL * 17 / 100);
    assert_int_equal(p.train.count + p.validation.count, 2 * REAL);
    for (int i = 0; i < p.validation.count; i++) {
        assert_false(is_sample(&p.validation, i));
        for (int k = 0; k < p.train.count; k++)
            assert_true(is_sample(&p.train, k) ||
                        image_of(&p.train, k) / 2 != image_of(&p.validation, i) / 2);
    }
    tr_portion_release(&p);
    for (int k = 0; k < TR_SAMPLE_SETS; k++) tr_cases_release(&samples[k]);
    tr_cases_release(&real);
}

static void few_real_images_are_validated_on_samples_and_alone_not_at_all(void **state)
{
    (void)state;
    struct tr_cases real = make(REAL, true, "a");
    struct tr_cases samples[TR_SAMPLE_SETS] = {make(REAL, false, "m")}; /* the second is not looked at */
    const struct tr_recipe few = {5, {false, false}, false}, more = {5, {true, false}, false},
                           drawn = {0, {true, false}, false};
    struct tr_portion p;
    struct nn_error err;
    check(tr_recipe_portion(&few, &real, samples, EPOCHS, 1, &p, &err), &err);
    assert_int_equal(p.validation.count, 0);
    int real_count = p.train.count;
    tr_portion_release(&p);
    check(tr_recipe_portion(&more, &real, samples, EPOCHS, 1, &p, &err), &err);
    assert_int_equal(p.train.count + p.validation.count, real_count + REAL);
    for (int i = 0; i < p.validation.count; i++) assert_true(is_sample(&p.validation, i));
    assert_in_range(p.validation.count, REAL * 13 / 100, REAL * 17 / 100);
    tr_portion_release(&p);
    check(tr_recipe_portion(&drawn, &real, samples, EPOCHS, 1, &p, &err), &err);
    for (int i = 0; i < p.train.count; i++) assert_true(is_sample(&p.train, i));
    tr_portion_release(&p);
    tr_cases_release(&samples[0]);
    tr_cases_release(&real);
}

static void every_network_is_shown_about_as_many_images(void **state)
{
    (void)state;
    struct tr_cases real = make(REAL, true, "a");
    struct tr_cases samples[TR_SAMPLE_SETS] = {make(REAL, false, "m"), make(REAL, false, "m")};
    static const struct tr_recipe recipes[] = {
        {1, {false, false}, false},  {10, {true, false}, false}, {100, {false, false}, true},
        {0, {true, false}, false},   {0, {true, true}, false},   {100, {true, false}, false},
        {100, {false, true}, false}, {100, {true, true}, true},
    };
    for (size_t k = 0; k < sizeof recipes / sizeof *recipes; k++) {
        struct tr_portion p;
        struct nn_error err;
        check(tr_recipe_portion(&recipes[k], &real, samples, EPOCHS, 3, &p, &err), &err);
        int epoch = p.train.count > p.usual ? p.train.count : p.usual;
        assert_int_equal(p.usual, REAL * 85 / 100);
        assert_in_range(p.epochs * epoch, EPOCHS * p.usual * 88 / 100, EPOCHS * p.usual * 112 / 100);
        tr_portion_release(&p);
    }
    for (int k = 0; k < TR_SAMPLE_SETS; k++) tr_cases_release(&samples[k]);
    tr_cases_release(&real);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smaller_parts_lie_within_larger_ones_of_whole_patients_of_each_kind),
        cmocka_unit_test(another_seed_chooses_other_patients),
        cmocka_unit_test(validation_takes_whole_patients_of_the_real_images_first),
        cmocka_unit_test(few_real_images_are_validated_on_samples_and_alone_not_at_all),
        cmocka_unit_test(every_network_is_shown_about_as_many_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
