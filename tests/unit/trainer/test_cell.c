/* Cells of the experiments: what makes another network of one, and that a file is whole or refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"
#include "trainer/classify/cases_build.h"
#include "trainer/experiments/cell.h"

enum { TRAIN = 6, TEST = 4, SIDE = 4 };

static const struct tr_recipe real = {100, {false, false}, false}, both = {100, {true, false}, false};

static void check(nn_status status, const struct nn_error *err)
{
    if (status) fail_msg("status %d: %s", (int)status, err->text);
}

static struct tr_cases make(int count)
{
    struct tr_cases c;
    struct nn_error err;
    check(tr_cases_make(&c, count, SIDE, true, &err), &err);
    for (int i = 0; i < count; i++) c.labels[i] = 1 + (i % 2);
    c.class_count = 2;
    strcpy(c.classes[0], "fit");
    strcpy(c.classes[1], "sick");
    strcpy(c.finding, "sick");
    strcpy(c.sha256, "data");
    return c;
}

static struct tr_lab make_lab(void **state)
{
    struct tr_lab lab = {.settings = {.folder = *state, .seeds = 1},
                         .train = make(TRAIN),
                         .test = make(TEST),
                         .model_sha256 = "model",
                         .model_device = "cpu (oneDNN, f32)",
                         .device = {.name = "cpu (oneDNN, f32)"},
                         .lock = -1};
    lab.settings.classify = tr_classify_defaults(TR_RESNET18, false);
    mkdir(scratch_path(state, "cells"), 0777);
    return lab;
}

static void key_of(const struct tr_lab *lab, const struct tr_recipe *recipe, uint64_t seed, char key[65])
{
    struct nn_error err;
    check(tr_cell_key(lab, recipe, seed, key, &err), &err);
}

static bool same(const struct tr_lab *lab, const struct tr_recipe *recipe, uint64_t seed, const char *before)
{
    char key[65];
    key_of(lab, recipe, seed, key);
    return strcmp(key, before) == 0;
}

static void all_that_decides_the_scores_makes_another_key(void **state)
{
    struct tr_lab lab = make_lab(state);
    static const struct tr_recipe others[] = {{50, {true, false}, false},
                                              {100, {false, true}, false},
                                              {100, {true, true}, false},
                                              {100, {true, false}, true}};
    char key[65], real_key[65];
    key_of(&lab, &both, 1, key);
    key_of(&lab, &real, 1, real_key);
    assert_string_not_equal(key, real_key);
    assert_true(same(&lab, &both, 1, key));
    assert_false(same(&lab, &both, 2, key));
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) assert_false(same(&lab, &others[k], 1, key));
    lab.settings.classify.epochs++;
    assert_false(same(&lab, &both, 1, key));
    lab.settings.classify.epochs--;
    lab.settings.classify.architecture = TR_VGG16;
    assert_false(same(&lab, &both, 1, key));
    lab.settings.classify.architecture = TR_RESNET18;
    lab.train.side = lab.test.side = 8;
    assert_false(same(&lab, &real, 1, real_key));
    lab.train.side = lab.test.side = SIDE;
    strcpy(lab.test.sha256, "other");
    assert_false(same(&lab, &real, 1, real_key));
    strcpy(lab.test.sha256, "data");
    strcpy(lab.test.finding, "fit");
    assert_false(same(&lab, &real, 1, real_key));
    strcpy(lab.test.finding, "sick");
    lab.train.labels[0] = 2; /* samples of another composition */
    assert_false(same(&lab, &both, 1, key));
    lab.train.labels[0] = 1;
    strcpy(lab.model_sha256, "other");
    assert_false(same(&lab, &both, 1, key));
    assert_true(same(&lab, &real, 1, real_key)); /* no generator takes part */
    strcpy(lab.model_sha256, "model");
    strcpy(lab.model_device, "cuda (H200, bf16)");
    assert_false(same(&lab, &both, 1, key));
    assert_true(same(&lab, &real, 1, real_key));
    strcpy(lab.device.name, "cpu (oneDNN, bf16)");
    assert_false(same(&lab, &real, 1, real_key));
    strcpy(lab.device.name, "cpu (oneDNN, f32)");
    assert_true(same(&lab, &real, 1, real_key));
    lab.settings.seeds = 3;
    assert_true(same(&lab, &real, 1, real_key));
    tr_cases_release(&lab.train);
    tr_cases_release(&lab.test);
}

static void a_cell_is_read_as_it_was_written_and_anything_else_refused(void **state)
{
    struct tr_lab lab = make_lab(state);
    struct nn_error err;
    double scores[TEST] = {0, 1.0 / 3, 0.1, 1};
    struct tr_cell cell = {.scores = scores, .images = 7, .epochs = 5, .auc = NAN, .seconds = 1.5},
                   read = {0};
    key_of(&lab, &both, 1, cell.key);
    strcpy(read.key, cell.key);
    check(tr_cell_read(&lab, &read, &err), &err);
    assert_null(read.scores);
    check(tr_cell_write(&lab, &cell, "all", &err), &err);
    check(tr_cell_read(&lab, &read, &err), &err);
    assert_memory_equal(read.scores, scores, sizeof scores);
    assert_true(read.images == 7 && read.epochs == 5 && isnan(read.auc) && read.seconds == 1.5);
    tr_cell_release(&read);

    char name[64];
    size_t size;
    snprintf(name, sizeof name, "cells/%.16s.json", cell.key);
    uint8_t *bytes = scratch_read(scratch_path(state, name), &size), *changed = malloc(size);
    for (size_t length = 0; length < size - 1; length += 7) {
        scratch_write(scratch_path(state, name), bytes, length);
        assert_int_equal(tr_cell_read(&lab, &read, &err), NN_ERR_FORMAT);
        assert_null(read.scores);
        assert_non_null(strstr(err.text, name));
    }
    for (uint64_t k = 0; k < 500; k++) { /* never a crash, and never scores beyond 0..1 */
        size_t length = scratch_mutate(bytes, size, k, changed);
        scratch_write(scratch_path(state, name), changed, length);
        if (tr_cell_read(&lab, &read, &err) != NN_OK) continue;
        for (int i = 0; i < TEST; i++) assert_true(read.scores[i] >= 0 && read.scores[i] <= 1);
        tr_cell_release(&read);
    }
    lab.test.count = TEST - 1; /* another number of test images */
    scratch_write(scratch_path(state, name), bytes, size);
    assert_int_equal(tr_cell_read(&lab, &read, &err), NN_ERR_FORMAT);
    lab.test.count = TEST;
    read.key[60] ^= 1; /* the file's name is the same */
    assert_int_equal(tr_cell_read(&lab, &read, &err), NN_ERR_FORMAT);
    free(changed);
    free(bytes);
    tr_cases_release(&lab.train);
    tr_cases_release(&lab.test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_that_decides_the_scores_makes_another_key, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_cell_is_read_as_it_was_written_and_anything_else_refused,
                                        scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
