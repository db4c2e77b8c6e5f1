/* States of tiny trainings: resuming from them, what is refused, growing and exporting. */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "engine/image.h"
#include "engine/safetensors.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tested_backend.h"
#include "tests/unit/trainer/tiny_training.h"
#include "trainer/train/generator_export.h"

/* ---- resuming ------------------------------------------------------------------------------------ */

/* As `roentgym train --resume` does: the configuration comes from the state. */
static struct tiny_training *resume(void **state, enum nn_type map_type, const char *path)
{
    struct tr_train_config config;
    struct nn_error err = {0};
    tiny_require(tr_train_state_read_config(path, &config, &err), &err);
    struct tiny_training *f = tiny_begin(state, map_type, &config);
    tiny_require(tr_train_state_read(path, &f->tr, &err), &err);
    return f;
}

/* Interrupted before the first step, in the middle of a level, at the start, middle and end of a fade. */
static void resume_everywhere(void **state, enum nn_type map_type, struct tr_train_config config)
{
    static const int stops[] = {0, 3, 4, 6, 8, 12, 15, 16, 21};
    const char *whole = scratch_path(state, "whole"), *part = scratch_path(state, "part");
    struct tiny_training *f = tiny_begin(state, map_type, &config);
    tiny_steps(f, TINY_LAST_STEP);
    tiny_write_state(f, whole);
    tiny_end(f);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        f = tiny_begin(state, map_type, &config);
        tiny_steps(f, stops[i]);
        tiny_write_state(f, part);
        tiny_end(f);
        f = resume(state, map_type, part);
        assert_int_equal(f->tr.steps, stops[i]);
        tiny_steps(f, TINY_LAST_STEP - stops[i]);
        tiny_write_state(f, part);
        tiny_end(f);
        tiny_assert_same_file(whole, part);
    }
}

static void a_resumed_run_equals_the_undisturbed_one_bit_for_bit_in_f32(void **state)
{
    struct tr_train_config config = tiny_config(4);
    config.loss.lazy_interval = 3;
    for (int kind = 0; kind < TR_LOSS_COUNT; kind++) {
        config.loss.kind = (enum tr_loss_kind)kind;
        resume_everywhere(state, NN_F32, config);
    }
}

static void a_resumed_run_equals_the_undisturbed_one_bit_for_bit_in_bf16(void **state)
{
    if (!test_backend_has_bf16()) skip();
    resume_everywhere(state, NN_BF16, tiny_config(4));
}

static void an_augmented_run_that_is_resumed_equals_the_undisturbed_one(void **state)
{
    struct tr_train_config config = tiny_config(4);
    config.augment = (struct tr_augment_config){TR_AUGMENT_ADA, 0.5f, 0.3f, 0.1f};
    config.mirror = true;
    config.loss.lazy_interval = 3;
    for (int kind = 0; kind < TR_LOSS_COUNT; kind++) {
        config.loss.kind = (enum tr_loss_kind)kind;
        resume_everywhere(state, NN_F32, config);
    }
}

/* ---- states that are refused --------------------------------------------------------------------- */

static void make_state(void **state, const char *path)
{
    struct tr_train_config config = tiny_config(4);
    struct tiny_training *f = tiny_begin(state, NN_F32, &config);
    tiny_steps(f, 5);
    tiny_write_state(f, path);
    tiny_end(f);
}

static void assert_refused(void **state, const char *path, nn_status wanted, const char *part)
{
    struct tr_train_config config;
    struct nn_error err = {0};
    nn_status status = tr_train_state_read_config(path, &config, &err);
    if (status == NN_OK) {
        struct tiny_training *f = tiny_begin(state, NN_F32, &config);
        status = tr_train_state_read(path, &f->tr, &err);
        tiny_end(f);
    }
    if (status != wanted || strncmp(err.text, path, strlen(path)) != 0 || !strstr(err.text, part) ||
        strchr(err.text, '\n'))
        fail_msg("status %d \"%s\", wanted \"%s: ...%s...\"", status, err.text, path, part);
}

static void other_data_are_refused(void **state)
{
    const char *path = scratch_path(state, "a");
    make_state(state, path);
    struct nn_image image;
    const char *png = scratch_path(state, "images/3.png");
    assert_int_equal(nn_png_read(png, &image, NULL), NN_OK);
    *(uint8_t *)image.pixels ^= 1;
    assert_int_equal(nn_png_write(png, &image, NULL, 0, NULL), NN_OK);
    nn_image_release(&image);
    assert_refused(state, path, NN_ERR_ARGUMENT, "data set");
}

static void the_same_data_with_classes_in_another_order_are_refused(void **state)
{
    const char *path = scratch_path(state, "a");
    make_state(state, path);
    scratch_text(scratch_path(state, "dataset.json"),
                 "{\"name\":\"tiny\",\"simulated\":true,\"classes\":[\"odd\",\"even\"]}");
    assert_refused(state, path, NN_ERR_ARGUMENT, "classes");
}

static void missing_truncated_and_foreign_states_are_refused(void **state)
{
    const char *path = scratch_path(state, "a"), *bad = scratch_path(state, "bad");
    size_t size;
    assert_refused(state, path, NN_ERR_IO, "No such file");
    make_state(state, path);
    uint8_t *bytes = scratch_read(path, &size);
    for (size_t cut = 0; cut < size; cut += size / 7) {
        scratch_write(bad, bytes, cut);
        assert_refused(state, bad, NN_ERR_FORMAT, "");
    }
    scratch_write(bad, bytes, size - 1);
    assert_refused(state, bad, NN_ERR_FORMAT, "");
    free(bytes);

    const struct nn_st_text text = {"format", "roentgym-generator"};
    assert_int_equal(nn_st_write(bad, NULL, 0, &text, 1, NULL), NN_OK);
    assert_refused(state, bad, NN_ERR_FORMAT, "not a training state");
}

static void one_bit_turned_anywhere_in_a_state_is_noticed(void **state)
{
    const char *path = scratch_path(state, "a"), *bad = scratch_path(state, "bad");
    size_t size;
    make_state(state, path);
    uint8_t *bytes = scratch_read(path, &size);
    for (size_t at = 8; at < size; at += at < 3000 ? 13 : 1 + size / 97) {
        bytes[at] ^= 1;
        scratch_write(bad, bytes, size);
        assert_refused(state, bad, NN_ERR_FORMAT, "");
        bytes[at] ^= 1;
    }
    bytes[size - 1] ^= 1; /* of the last weight's moment */
    scratch_write(bad, bytes, size);
    assert_refused(state, bad, NN_ERR_FORMAT, "checksum");
    free(bytes);
}

/* The state at `path` with metadata `key` changed; NULL leaves it out. Of the first version, which
 * had no checksum, so that it is not this that tells. */
static void change_metadata(const char *path, const char *key, const char *value)
{
    struct nn_st_file *file;
    struct nn_st_text metadata[32];
    struct nn_st_tensor tensors[16];
    assert_int_equal(nn_st_open(&file, path, NULL), NN_OK);
    int texts = 0, count = nn_st_count(file);
    assert_true(nn_st_metadata_count(file) <= 32 && count <= 16);
    for (int i = 0; i < nn_st_metadata_count(file); i++) {
        metadata[texts] = nn_st_metadata_at(file, i);
        if (strcmp(metadata[texts].key, "sha256") == 0) continue;
        if (strcmp(metadata[texts].key, "format_version") == 0) metadata[texts].value = "1";
        if (strcmp(metadata[texts].key, key) == 0) {
            if (!value) continue;
            metadata[texts].value = value;
        }
        texts++;
    }
    for (int i = 0; i < count; i++) tensors[i] = *nn_st_at(file, i);
    assert_int_equal(nn_st_write(path, tensors, count, metadata, texts, NULL), NN_OK);
    nn_st_close(file);
}

static void states_from_before_they_listed_classes_are_read(void **state)
{
    const char *path = scratch_path(state, "a");
    make_state(state, path);
    change_metadata(path, "classes", NULL);
    struct tiny_training *f = resume(state, NN_F32, path);
    assert_int_equal(f->tr.steps, 5);
    tiny_end(f);
}

static void damaged_metadata_are_refused(void **state)
{
    static const struct {
        const char *key, *value, *text;
    } bad[] = {
        {"format_version", "3", "this version"},
        {"config", NULL, "configuration"},
        {"config", "{}", "configuration"},
        {"config", "[", "configuration"},
        {"images", NULL, "images"},
        {"images", "-1", "images"},
        {"images", "12 ", "images"},
        {"images", "99999999999999999999", "images"},
        {"steps", "-1", "steps"},
        {"skipped", "-1", "skipped"},
        {"adam_step", "-1", "adam_step"},
        {"adam_step", "x", "adam_step"},
        {"discriminator_adam_step", "-1", "discriminator_adam_step"},
        {"adam_phase", "", "adam_phase"},
        {"adam_phase", "-2", "adam_phase"},
        {"adam_phase", "4294967299", "adam_phase"},
        {"augment", "", "augmentation"},
        {"augment", "1.5 0 0", "augmentation"},
        {"augment", "nan 0 0", "augmentation"},
        {"augment", "0.5 8 4", "augmentation"},
        {"augment", "0.5 0 0 ", "augmentation"},
    };
    const char *path = scratch_path(state, "a");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        make_state(state, path);
        change_metadata(path, bad[i].key, bad[i].value);
        assert_refused(state, path, NN_ERR_FORMAT, bad[i].text);
    }
}

static void a_full_disk_leaves_the_old_state(void **state)
{
    const char *path = scratch_path(state, "a"), *copy = scratch_path(state, "b");
    make_state(state, path);
    make_state(state, copy);
    struct nn_error err = {0};
    struct tiny_training *f = resume(state, NN_F32, path);
    tiny_steps(f, 1);
    int files = scratch_count(*state);
    struct tr_snapshot snapshot = {0};
    tiny_require(tr_snapshot_take(&snapshot, &f->tr, &err), &err);
    scratch_disk_full(2000);
    nn_status status = tr_train_state_write(path, &snapshot, &err);
    scratch_disk_free();
    tr_snapshot_release(&snapshot);
    assert_int_equal(status, NN_ERR_IO);
    assert_non_null(strstr(err.text, path));
    tiny_assert_same_file(path, copy);
    assert_int_equal(scratch_count(*state), files);
    tiny_end(f);
}

/* ---- growing and exporting ----------------------------------------------------------------------- */

/* A configuration that is at 8x8, fully grown, from the first image on. */
static struct tr_train_config at_8(int resolution_log2)
{
    struct tr_train_config c = tiny_config(resolution_log2);
    c.schedule.levels[0].train_kimg = 0;
    c.schedule.levels[1].fade_kimg = 0;
    return c;
}

static void growing_keeps_the_levels_that_were_learnt(void **state)
{
    const char *path = scratch_path(state, "small");
    struct tr_train_config small = at_8(3), large = at_8(4);
    static float before[4 * 64], after[4 * 64], fresh[4 * 64];
    struct nn_error err = {0};
    large.seed = small.seed + 1;
    struct tiny_training *f = tiny_begin(state, NN_F32, &small);
    tiny_steps(f, 3);
    tiny_require(tr_training_sample(&f->tr, 1, 4, TINY_ONE_HOT[1], before, &err), &err);
    uint64_t shown = f->tr.images_before = 7;
    shown += f->tr.images;
    tiny_write_state(f, path);
    tiny_end(f);

    f = tiny_begin(state, NN_F32, &large);
    tiny_require(tr_training_sample(&f->tr, 1, 4, TINY_ONE_HOT[1], fresh, &err), &err);
    tiny_require(tr_train_state_grow(path, &f->tr, &err), &err);
    tiny_require(tr_training_sample(&f->tr, 1, 4, TINY_ONE_HOT[1], after, &err), &err);
    assert_memory_equal(after, before, sizeof before);
    assert_memory_not_equal(fresh, before, sizeof before);
    assert_int_equal(f->tr.images, 0);
    assert_int_equal(f->tr.images_before, shown);
    assert_int_equal(f->tr.adam_phase, -1);
    tiny_steps(f, 12); /* on through the fade to 16x16 */
    assert_int_equal(tr_training_phase(&f->tr).side, 16);
    assert_int_equal(f->tr.skipped, 0);
    tiny_end(f);
}

static void growing_in_width_keeps_the_images_and_their_average(void **state)
{
    const char *path = scratch_path(state, "narrow");
    struct tr_train_config narrow = at_8(3), wide = at_8(4);
    static float before[4 * 64], after[4 * 64];
    struct nn_error err = {0};
    wide.gan.fmap_base *= 4; /* 4x4 has fmap_max from the first, 8x8 twice the channels it had */
    narrow.gan.fmap_max = wide.gan.fmap_max = 16;
    struct tiny_training *f = tiny_begin(state, NN_F32, &narrow);
    tiny_steps(f, 3);
    tiny_require(tr_training_sample(&f->tr, 1, 4, TINY_ONE_HOT[1], before, &err), &err);
    tiny_write_state(f, path);
    tiny_end(f);

    f = tiny_begin(state, NN_F32, &wide);
    tiny_require(tr_train_state_grow(path, &f->tr, &err), &err);
    tiny_require(tr_training_sample(&f->tr, 1, 4, TINY_ONE_HOT[1], after, &err), &err);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        assert_true(fabsf(after[i] - before[i]) < 1e-5f);
    tiny_steps(f, 12);
    assert_int_equal(f->tr.skipped, 0);
    tiny_end(f);
}

static void assert_does_not_grow(void **state, const char *path, const struct tr_train_config *config)
{
    struct tiny_training *f = tiny_begin(state, NN_F32, config);
    struct nn_error err = {0};
    float *before = tiny_host_copy(f, f->tr.generator.values, f->tr.generator.net.value_count);
    assert_int_equal(tr_train_state_grow(path, &f->tr, &err), NN_ERR_ARGUMENT);
    assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
    float *after = tiny_host_copy(f, f->tr.generator.values, f->tr.generator.net.value_count);
    assert_memory_equal(before, after, f->tr.generator.net.value_count * sizeof *before);
    free(before);
    free(after);
    tiny_end(f);
}

static void other_widths_classes_or_a_lower_resolution_do_not_grow(void **state)
{
    const char *path = scratch_path(state, "a");
    make_state(state, path);
    struct tr_train_config config = tiny_config(3);
    assert_does_not_grow(state, path, &config);
    config = tiny_config(4);
    config.gan.fmap_max = 7;
    assert_does_not_grow(state, path, &config);
    config = tiny_config(4);
    config.gan.fmap_base = 16;
    assert_does_not_grow(state, path, &config);
    config = tiny_config(4);
    config.gan.label_count = 3;
    assert_does_not_grow(state, path, &config);
}

static void the_exported_generator_is_the_level_reached_and_samples_alike(void **state)
{
    struct tr_train_config config = tiny_config(4);
    struct nn_error err = {0};
    struct nn_model *model;
    static float image[TINY_SIDE * TINY_SIDE];
    static uint8_t pixels[TINY_SIDE * TINY_SIDE];
    const char *path = scratch_path(state, "g.safetensors");
    struct tiny_training *f = tiny_begin(state, NN_F32, &config);
    for (int step = 1; step <= 20; step++) {
        tiny_steps(f, 1);
        struct tr_phase phase = tr_training_phase(&f->tr);
        struct tr_snapshot snapshot = {0};
        remove(path);
        tiny_require(tr_snapshot_take(&snapshot, &f->tr, &err), &err);
        tiny_require(tr_generator_export(path, &snapshot, "tiny model", &err), &err);
        tr_snapshot_release(&snapshot);
        if (phase.fading) {
            assert_int_not_equal(remove(path), 0); /* nothing was written */
            continue;
        }
        if (step % 3) continue;
        tiny_require(nn_model_open(&model, path, "cpu", &err), &err);
        const struct nn_model_info *info = nn_model_info(model);
        assert_int_equal(info->resolution, phase.side);
        assert_string_equal(info->name, "tiny model");
        assert_string_equal(info->classes[0], "even");
        assert_string_equal(info->classes[1], "odd");
        assert_true(info->simulated && fabs(info->kimg - 0.004 * step) < 1e-9);
        assert_non_null(strstr(info->provenance, tr_dataset_sha256(f->data)));
        const struct nn_sample_request request = {
            .seed = 9, .class_index = 1, .strength = 1, .truncation = 1};
        tiny_require(nn_model_sample(model, &request, 1, pixels, &err), &err);
        tiny_require(tr_training_sample(&f->tr, 9, 1, TINY_ONE_HOT[1], image, &err), &err);
        for (int i = 0; i < phase.side * phase.side; i++) {
            double grey = fmin(fmax((double)image[i] * 127.5 + 127.5, 0), 255);
            assert_true(fabs(grey - pixels[i]) < (test_backend_has_bf16() ? 12 : 1));
        }
        nn_model_close(model);
    }
    tiny_end(f);
}

#define on_data(name) cmocka_unit_test_setup_teardown(name, tiny_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_data(a_resumed_run_equals_the_undisturbed_one_bit_for_bit_in_f32),
        on_data(a_resumed_run_equals_the_undisturbed_one_bit_for_bit_in_bf16),
        on_data(an_augmented_run_that_is_resumed_equals_the_undisturbed_one),
        on_data(other_data_are_refused),
        on_data(the_same_data_with_classes_in_another_order_are_refused),
        on_data(missing_truncated_and_foreign_states_are_refused),
        on_data(one_bit_turned_anywhere_in_a_state_is_noticed),
        on_data(states_from_before_they_listed_classes_are_read),
        on_data(damaged_metadata_are_refused),
        on_data(a_full_disk_leaves_the_old_state),
        on_data(growing_keeps_the_levels_that_were_learnt),
        on_data(growing_in_width_keeps_the_images_and_their_average),
        on_data(other_widths_classes_or_a_lower_resolution_do_not_grow),
        on_data(the_exported_generator_is_the_level_reached_and_samples_alike),
    };
    omp_set_num_threads(1); /* networks this small only wait for each other */
    return cmocka_run_group_tests_name("train state", tests, NULL, NULL);
}
