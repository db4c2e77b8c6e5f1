/* Cases: images of a data set's splits at any side, joined, chosen, split by patient. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "engine/image.h"
#include "tests/unit/scratch.h"
#include "trainer/classify/cases.h"
#include "trainer/classify/cases_build.h"

enum { SIDE = 16, IMAGES = 12, TRAIN = 8 };

static void check(nn_status status, const struct nn_error *err)
{
    if (status) fail_msg("status %d: %s", (int)status, err->text);
}

/* Image i is all of grey 10 i but for its left half, which is 4 brighter; every second one is sick. Images 2k
 * and 2k+1 are of one patient; the last four are for testing. */
static const char *write_images(void **state)
{
    char csv[4096] = "file,label,patient_id,split\n";
    mkdir(scratch_path(state, "d"), 0777);
    for (int i = 0; i < IMAGES; i++) {
        struct nn_image image;
        struct nn_error err;
        char name[64];
        check(nn_image_init(&image, SIDE, SIDE, 8, &err), &err);
        for (int p = 0; p < SIDE * SIDE; p++)
            ((uint8_t *)image.pixels)[p] = (uint8_t)(10 * i + (p % SIDE < SIDE / 2 ? 4 : 0));
        snprintf(name, sizeof name, "d/%d.png", i);
        check(nn_png_write(scratch_path(state, name), &image, NULL, 0, &err), &err);
        nn_image_release(&image);
        snprintf(csv + strlen(csv), sizeof csv - strlen(csv), "%d.png,%s,p%d,%s\n", i, i % 2 ? "sick" : "fit",
                 i / 2, i < TRAIN ? "train" : "test");
    }
    scratch_text(scratch_path(state, "d/labels.csv"), csv);
    scratch_text(scratch_path(state, "d/dataset.json"),
                 "{\"name\": \"d\", \"simulated\": true, \"classes\": [\"fit\", \"sick\"]}");
    return scratch_path(state, "d");
}

static void both_splits_are_read_with_truth_patient_and_file(void **state)
{
    struct tr_cases train, test;
    struct nn_error err;
    const char *folder = write_images(state);
    check(tr_cases_read(&train, folder, true, NULL, 8, NULL, NULL, &err), &err);
    check(tr_cases_read(&test, folder, false, "fit", 8, NULL, NULL, &err), &err);
    assert_int_equal(train.count, TRAIN);
    assert_int_equal(test.count, IMAGES - TRAIN);
    assert_string_equal(train.finding, "sick");
    assert_int_equal(tr_cases_patients(&test), (IMAGES - TRAIN) / 2);
    for (int i = 0; i < test.count; i++) {
        assert_int_equal(test.truth[i], i % 2 == 0);
        assert_int_equal(test.patient[i], i / 2);
        assert_int_equal(test.pixels[64 * i], 10 * (TRAIN + i) + 4);
        assert_int_equal(test.pixels[64 * i + 4], 10 * (TRAIN + i));
    }
    for (int i = 0; i < train.count; i++) assert_int_equal(train.truth[i], i % 2);
    assert_string_equal(test.file[3], "11.png");
    assert_int_equal(tr_cases_patients_of_both(&train), TRAIN / 2);
    tr_cases_release(&train);
    tr_cases_release(&test);
}

static void an_unknown_finding_is_named_with_those_there_are(void **state)
{
    struct tr_cases c;
    struct nn_error err;
    assert_int_equal(tr_cases_read(&c, write_images(state), true, "ill", 8, NULL, NULL, &err),
                     NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "has no class \"ill\", but fit, sick"));
}

static void a_part_without_one_kind_is_refused(void **state)
{
    struct tr_cases c;
    struct nn_error err;
    const char *folder = write_images(state);
    scratch_text(scratch_path(state, "d/labels.csv"),
                 "file,label,patient_id,split\n0.png,fit,a,train\n1.png,sick,b,train\n2.png,fit,c,test\n");
    assert_int_equal(tr_cases_read(&c, folder, false, NULL, 8, NULL, NULL, &err), NN_ERR_FORMAT);
    assert_non_null(strstr(err.text, "of 1 test images none shows sick"));
}

static void other_sides_are_interpolated(void **state)
{
    (void)state;
    uint8_t from[4] = {0, 100, 0, 100}, up[16], same[4];
    tr_cases_resample(from, 2, same, 2);
    assert_memory_equal(same, from, 4);
    tr_cases_resample(from, 2, up, 4);
    const uint8_t row[4] = {0, 25, 75, 100};
    for (int y = 0; y < 4; y++) assert_memory_equal(up + 4 * y, row, 4);
    uint8_t wide[256], down[196];
    memset(wide, 77, sizeof wide);
    tr_cases_resample(wide, 16, down, 14);
    for (int i = 0; i < 196; i++) assert_int_equal(down[i], 77);
    assert_int_equal(tr_cases_source_side(256, 224), 256);
    assert_int_equal(tr_cases_source_side(1024, 128), 128);
    assert_int_equal(tr_cases_source_side(128, 224), 128);
}

/* Cases without pixels to speak of: `per` to a patient, every fourth patient with the finding. */
static struct tr_cases invent(int count, int per)
{
    struct tr_cases c;
    struct nn_error err;
    check(tr_cases_make(&c, count, 4, true, &err), &err);
    memset(c.pixels, 0, (size_t)count * 16);
    for (int i = 0; i < count; i++) {
        if (per) c.patient[i] = i / per;
        c.truth[i] = (per ? i / per : i) % 4 == 3;
        c.pixels[16 * i] = (uint8_t)i;
    }
    return c;
}

static void validation_takes_whole_patients_of_each_kind(void **state)
{
    (void)state;
    struct tr_cases c = invent(240, 3), validation;
    struct nn_error err;
    bool there[80] = {false};
    check(tr_cases_split(&c, 0.2, 5, &validation, &err), &err);
    assert_int_equal(c.count + validation.count, 240);
    assert_int_equal(validation.count, 48);
    assert_int_equal(tr_cases_positive(&validation), 12);
    for (int i = 0; i < c.count; i++) there[c.patient[i]] = true;
    for (int i = 0; i < validation.count; i++) assert_false(there[validation.patient[i]]);
    tr_cases_release(&c);
    tr_cases_release(&validation);
}

static void validation_goes_by_the_seed(void **state)
{
    (void)state;
    struct tr_cases parts[3];
    struct nn_error err;
    for (int k = 0; k < 3; k++) {
        struct tr_cases c = invent(240, 0);
        check(tr_cases_split(&c, 0.2, (uint64_t)(k / 2), &parts[k], &err), &err);
        tr_cases_release(&c);
    }
    assert_memory_equal(parts[0].pixels, parts[1].pixels, 48 * 16);
    assert_true(memcmp(parts[0].pixels, parts[2].pixels, 48 * 16) != 0);
    for (int k = 0; k < 3; k++) tr_cases_release(&parts[k]);
}

static void too_few_patients_for_validation_are_refused_and_kept(void **state)
{
    (void)state;
    struct tr_cases c = invent(12, 3), validation;
    struct nn_error err;
    assert_int_equal(tr_cases_split(&c, 0.2, 1, &validation, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "too few patients"));
    assert_int_equal(c.count, 12);
    tr_cases_release(&c);
}

static void joined_sets_keep_their_patients_apart(void **state)
{
    (void)state;
    struct tr_cases a = invent(6, 3), b = invent(4, 2), samples = invent(2, 0), chosen;
    struct nn_error err;
    strcpy(a.sha256, "of both splits"); /* which number their patients each from 0 */
    strcpy(b.sha256, a.sha256);
    check(tr_cases_join(&a, &b, &err), &err);
    check(tr_cases_join(&a, &samples, &err), &err);
    const int want[12] = {0, 0, 0, 1, 1, 1, 2, 2, 3, 3, -1, -1};
    assert_int_equal(a.count, 12);
    assert_memory_equal(a.patient, want, sizeof want);
    check(tr_cases_select(&chosen, &a, (const int[]){9, 0, 9}, 3, &err), &err);
    assert_int_equal(chosen.pixels[0], 3);
    assert_int_equal(chosen.pixels[16], 0);
    assert_int_equal(chosen.patient[2], 3);
    tr_cases_release(&chosen);
    check(tr_cases_select(&chosen, &a, NULL, 7, &err), &err);
    assert_memory_equal(chosen.patient, want, 7 * sizeof *want);
    tr_cases_release(&a);
    tr_cases_release(&b);
    tr_cases_release(&samples);
    tr_cases_release(&chosen);
}

static void samples_are_drawn_with_the_labels_of_what_they_are_like(void **state)
{
    (void)state;
    static const char MODEL[] = "deploy/models/default.safetensors";
    struct tr_cases like = invent(4, 0), samples, again;
    struct nn_error err;
    like.class_count = 2;
    strcpy(like.classes[0], "no_fracture");
    strcpy(like.classes[1], "fracture");
    strcpy(like.finding, "fracture");
    for (int i = 0; i < like.count; i++) like.labels[i] = (uint64_t)1 << like.truth[i];
    check(tr_cases_draw(&samples, MODEL, "cpu", &like, 8, 100, 16, NULL, NULL, &err), &err);
    check(tr_cases_draw(&again, MODEL, "cpu", &like, 3, 101, 16, NULL, NULL, &err), &err);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(samples.truth[i], i % 4 == 3);
        assert_int_equal(samples.seed[i], 100 + i);
        assert_int_equal(samples.patient[i], -1);
    }
    /* The same seed with the same label, as image 1 there and image 0 here: of neither kind is the finding.
     */
    assert_memory_equal(samples.pixels + 256, again.pixels, 256);
    assert_true(memcmp(samples.pixels, samples.pixels + 256, 256) != 0);
    /* The same seed with the other label. */
    assert_int_equal(again.seed[2], samples.seed[3]);
    assert_true(memcmp(samples.pixels + 3 * 256, again.pixels + 2 * 256, 256) != 0);
    tr_cases_release(&samples);
    tr_cases_release(&again);
    strcpy(like.classes[1], "cyst");
    assert_int_equal(tr_cases_draw(&samples, MODEL, "cpu", &like, 8, 100, 16, NULL, NULL, &err),
                     NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "does not know cyst"));
    tr_cases_release(&like);
}

int main(void)
{
#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(both_splits_are_read_with_truth_patient_and_file),
        IN_SCRATCH(an_unknown_finding_is_named_with_those_there_are),
        IN_SCRATCH(a_part_without_one_kind_is_refused),
        cmocka_unit_test(other_sides_are_interpolated),
        cmocka_unit_test(validation_takes_whole_patients_of_each_kind),
        cmocka_unit_test(validation_goes_by_the_seed),
        cmocka_unit_test(too_few_patients_for_validation_are_refused_and_kept),
        cmocka_unit_test(joined_sets_keep_their_patients_apart),
        cmocka_unit_test(samples_are_drawn_with_the_labels_of_what_they_are_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
