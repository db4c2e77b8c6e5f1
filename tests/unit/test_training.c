/* Training tiny networks: counters, determinism, resuming, growing, and that it learns. */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "engine/checkpoint.h"
#include "engine/engine.h"
#include "engine/image.h"
#include "engine/rng.h"
#include "engine/safetensors.h"
#include "tested_backend.h"
#include "tests/unit/scratch.h"
#include "trainer/train_state.h"

/* 4:0/4, 8:4/4, 16:4/... in steps of one minibatch: a fade from step 4, another from step 12. */
enum { IMAGES = 11, SIDE = 16, MINIBATCH = 4, LAST_STEP = 22 };

/* ---- a data set and a training on it ------------------------------------------------------------ */

/* Training images 0..IMAGES-1 of two classes, and one for the test split. `grey` 0: noise, else the even
 * images have that grey and the odd ones 255 minus it. */
static void write_dataset(void **state, int side, int grey)
{
    char labels[1024] = "file,label,patient_id,split\n", name[64];
    mkdir(scratch_path(state, "images"), 0777);
    for (int i = 0; i <= IMAGES; i++) {
        struct nn_image image;
        assert_int_equal(nn_image_init(&image, side, side, 8, NULL), NN_OK);
        for (int k = 0; k < side * side; k++) {
            int noise = (int)(nn_random_u32(8, (uint64_t)i, (uint64_t)k) >> 24),
                flat = i % 2 ? 255 - grey : grey;
            ((uint8_t *)image.pixels)[k] = (uint8_t)(grey ? flat : noise);
        }
        snprintf(name, sizeof name, "images/%d.png", i);
        assert_int_equal(nn_png_write(scratch_path(state, name), &image, NULL, 0, NULL), NN_OK);
        nn_image_release(&image);
        snprintf(labels + strlen(labels), sizeof labels - strlen(labels), "%s,%s,p%d,%s\n", name,
                 i % 2 ? "odd" : "even", i, i < IMAGES ? "train" : "test");
    }
    scratch_text(scratch_path(state, "labels.csv"), labels);
    scratch_text(scratch_path(state, "dataset.json"),
                 "{\"name\":\"tiny\",\"simulated\":true,\"classes\":[\"even\",\"odd\"]}");
}

static int dataset_setup(void **state)
{
    int failed = scratch_setup(state);
    if (!failed) write_dataset(state, SIDE, 0);
    return failed;
}

static const float ONE_HOT[2][2] = {{1, 0}, {0, 1}};

static struct tr_train_config tiny_config(int resolution_log2)
{
    struct tr_train_config c;
    const double step = MINIBATCH / 1000.0;
    assert_int_equal(tr_train_config_init(&c, "cpu-small", resolution_log2, NULL), NN_OK);
    c.gan.fmap_base = 32;
    c.gan.fmap_max = 6;
    c.gan.mbstd_group = 2;
    c.gan.label_count = 2;
    c.seed = 5;
    for (int k = 0; k < c.schedule.level_count; k++)
        c.schedule.levels[k] = (struct tr_level){k ? 4 * step : 0, 4 * step, MINIBATCH, 0.002f};
    return c;
}

/* A training with all that it borrows. */
struct fixture {
    struct tr_training tr;
    struct tr_losses losses;
    struct nn_backend *be;
    struct tr_dataset *data;
};

static void require(nn_status status, const struct nn_error *err)
{
    if (status != NN_OK) fail_msg("%s", err->text);
}

static struct fixture *begin(void **state, enum nn_type map_type, const struct tr_train_config *config)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct nn_error err = {0};
    assert_non_null(f);
    require(test_backend_open(&f->be, map_type, &err), &err);
    require(tr_dataset_open(&f->data, *state, NULL, NULL, &err), &err);
    require(tr_training_init(&f->tr, config, f->be, f->data, &err), &err);
    return f;
}

static void end(struct fixture *f)
{
    tr_training_release(&f->tr);
    f->be->close(f->be);
    tr_dataset_close(f->data);
    free(f);
}

static void steps(struct fixture *f, int count)
{
    struct nn_error err = {0};
    for (int i = 0; i < count; i++) require(tr_training_step(&f->tr, &f->losses, &err), &err);
}

static void write_state(struct fixture *f, const char *path)
{
    struct nn_error err = {0};
    struct tr_snapshot snapshot = {0};
    require(tr_snapshot_take(&snapshot, &f->tr, &err), &err);
    require(tr_train_state_write(path, &snapshot, &err), &err);
    tr_snapshot_release(&snapshot);
}

static void assert_same_file(const char *a_path, const char *b_path)
{
    size_t a_size, b_size;
    uint8_t *a = scratch_read(a_path, &a_size), *b = scratch_read(b_path, &b_size);
    assert_int_equal(a_size, b_size);
    if (memcmp(a, b, a_size) != 0) fail_msg("%s and %s differ", a_path, b_path);
    free(a);
    free(b);
}

static float *host_copy(const struct fixture *f, const void *device, size_t count)
{
    float *host = malloc(count * sizeof *host);
    assert_non_null(host);
    assert_int_equal(f->be->download(f->be, host, device, count * sizeof *host, NULL), NN_OK);
    return host;
}

/* ---- counters and determinism ------------------------------------------------------------------- */

static void counters_follow_steps_images_and_phases(void **state)
{
    struct tr_train_config config = tiny_config(4);
    struct fixture *f = begin(state, NN_F32, &config);
    assert_int_equal(f->tr.images, 0);
    for (int i = 1; i <= LAST_STEP; i++) {
        steps(f, 1);
        assert_int_equal(f->tr.steps, i);
        assert_int_equal(f->tr.images, i * MINIBATCH);
        assert_int_equal(f->losses.steps, i);
        /* Adam starts anew after 4, 8, 12 and 16 steps; the last level goes on to its end and beyond. */
        assert_int_equal(f->tr.generator.adam_step, i <= 16 ? (i - 1) % 4 + 1 : i - 16);
        assert_int_equal(f->tr.discriminator.adam_step, f->tr.generator.adam_step);
        assert_int_equal(f->tr.adam_phase, (i <= 16 ? (i - 1) / 4 : 4) + 1);
        assert_int_equal(tr_training_phase(&f->tr).side, i < 4 ? 4 : i < 12 ? 8 : 16);
    }
    assert_int_equal(f->tr.skipped, 0);
    assert_true(tr_training_phase(&f->tr).finished);
    assert_true(isfinite(f->losses.real) && isfinite(f->losses.penalty) && isfinite(f->losses.generator));
    assert_true(f->losses.penalty > 0 && f->losses.label > 0);
    assert_true(fabs(f->losses.real_sign) <= LAST_STEP && f->losses.real_sign != 0);
    end(f);
}

static void a_lazy_penalty_is_an_update_more_once_in_its_interval(void **state)
{
    struct tr_train_config config = tiny_config(3);
    config.loss.kind = TR_LOSS_NONSAT_R1;
    config.loss.lazy_interval = 3;
    config.schedule.levels[0].train_kimg = 1;
    struct fixture *f = begin(state, NN_F32, &config);
    for (int i = 1; i <= 8; i++) {
        steps(f, 1);
        assert_int_equal(f->tr.generator.adam_step, i);
        assert_int_equal(f->tr.discriminator.adam_step, i + (i + 2) / 3); /* after steps 1, 4, 7 */
    }
    assert_true(f->losses.penalty > 0);
    end(f);
}

static void the_discriminator_may_step_more_often_each_time_on_other_images(void **state)
{
    struct tr_train_config config = tiny_config(3);
    config.d_repeats = 3;
    config.schedule.levels[0].train_kimg = 1;
    struct fixture *f = begin(state, NN_F32, &config);
    steps(f, 2);
    assert_int_equal(f->tr.steps, 6);
    assert_int_equal(f->losses.steps, 6);
    assert_int_equal(f->tr.images, 6 * MINIBATCH);
    assert_int_equal(f->tr.generator.adam_step, 2);
    assert_int_equal(f->tr.discriminator.adam_step, 6);
    end(f);
}

static void train_and_write(void **state, uint64_t seed, const char *file)
{
    struct tr_train_config config = tiny_config(4);
    config.seed = seed;
    struct fixture *f = begin(state, NN_F32, &config);
    steps(f, 14);
    write_state(f, scratch_path(state, file));
    end(f);
}

static void the_same_seed_gives_the_same_bytes_and_another_seed_others(void **state)
{
    size_t a_size, b_size;
    train_and_write(state, 1, "a");
    train_and_write(state, 1, "b");
    assert_same_file(scratch_path(state, "a"), scratch_path(state, "b"));
    train_and_write(state, 2, "b");
    uint8_t *a = scratch_read(scratch_path(state, "a"), &a_size);
    uint8_t *b = scratch_read(scratch_path(state, "b"), &b_size);
    assert_memory_not_equal(a + a_size / 2, b + b_size / 2, 64);
    free(a);
    free(b);
}

static void sampling_does_not_disturb_training(void **state)
{
    struct tr_train_config config = tiny_config(4);
    static float images[3 * SIDE * SIDE], again[3 * SIDE * SIDE];
    struct fixture *a = begin(state, NN_F32, &config), *b = begin(state, NN_F32, &config);
    for (int i = 0; i < 14; i++) {
        steps(a, 1);
        steps(b, 1);
        assert_int_equal(tr_training_sample(&b->tr, 3, 3, ONE_HOT[i % 2], images, NULL), NN_OK);
        assert_int_equal(tr_training_sample(&b->tr, 3, 3, ONE_HOT[i % 2], again, NULL), NN_OK);
        assert_memory_equal(images, again, sizeof images);
    }
    write_state(a, scratch_path(state, "a"));
    write_state(b, scratch_path(state, "b"));
    assert_same_file(scratch_path(state, "a"), scratch_path(state, "b"));
    end(a);
    end(b);
}

/* ---- resuming ----------------------------------------------------------------------------------- */

/* As `roentgym train --resume` does: the configuration comes from the state. */
static struct fixture *resume(void **state, enum nn_type map_type, const char *path)
{
    struct tr_train_config config;
    struct nn_error err = {0};
    require(tr_train_state_read_config(path, &config, &err), &err);
    struct fixture *f = begin(state, map_type, &config);
    require(tr_train_state_read(path, &f->tr, &err), &err);
    return f;
}

/* Interrupted before the first step, in the middle of a level, at the start, middle and end of a fade. */
static void resume_everywhere(void **state, enum nn_type map_type, struct tr_train_config config)
{
    static const int stops[] = {0, 3, 4, 6, 8, 12, 15, 16, 21};
    const char *whole = scratch_path(state, "whole"), *part = scratch_path(state, "part");
    struct fixture *f = begin(state, map_type, &config);
    steps(f, LAST_STEP);
    write_state(f, whole);
    end(f);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        f = begin(state, map_type, &config);
        steps(f, stops[i]);
        write_state(f, part);
        end(f);
        f = resume(state, map_type, part);
        assert_int_equal(f->tr.steps, stops[i]);
        steps(f, LAST_STEP - stops[i]);
        write_state(f, part);
        end(f);
        assert_same_file(whole, part);
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

static void a_configuration_comes_back_from_its_text(void **state)
{
    (void)state;
    struct tr_train_config config = tiny_config(4), back;
    config.loss.drift_weight = 0.1f / 3;
    config.loss.kind = TR_LOSS_R3;
    config.loss.fake_labels = TR_FAKE_LABELS_RANDOM;
    config.loss.label_fakes = false;
    config.loss.lazy_interval = 7;
    config.ema_kimg = 10.0f / 3;
    config.schedule.levels[1].lr = 1e-7f / 3;
    config.tick_kimg = 1.0 / 3;
    config.seed = INT64_MAX;
    char *text = tr_train_config_text(&config), *again;
    struct nn_error err = {0};
    require(tr_train_config_parse(&back, text, "text", &err), &err);
    again = tr_train_config_text(&back);
    assert_string_equal(text, again);
    assert_true(back.loss.drift_weight == config.loss.drift_weight && back.seed == config.seed &&
                back.schedule.levels[1].lr == config.schedule.levels[1].lr &&
                back.tick_kimg == config.tick_kimg);
    assert_true(back.loss.kind == config.loss.kind && back.loss.fake_labels == config.loss.fake_labels &&
                back.loss.label_fakes == config.loss.label_fakes &&
                back.loss.lazy_interval == config.loss.lazy_interval && back.ema_kimg == config.ema_kimg);
    free(text);
    free(again);
}

/* The configuration in the first states, and of what came later the values that such a run had. */
static void a_configuration_of_the_first_format_is_read(void **state)
{
    (void)state;
    static const char first[] =
        "{\"resolution_log2\":2,\"label_count\":2,\"fmap_base\":64,\"fmap_max\":16,\"mbstd_group\":4,"
        "\"penalty_weight\":10.0,\"penalty_target\":1.0,\"drift_weight\":0.001,\"label_weight\":1.0,"
        "\"penalty_native\":true,\"adam_beta1\":0.0,\"adam_beta2\":0.99,\"adam_epsilon\":1e-8,"
        "\"ema_decay\":0.995,\"seed\":3,\"tick_kimg\":2.0,\"levels\":[{\"fade_kimg\":0.0,"
        "\"train_kimg\":4.0,\"minibatch\":16,\"lr\":0.002}]}";
    struct tr_train_config c;
    struct nn_error err = {0};
    require(tr_train_config_parse(&c, first, "first", &err), &err);
    assert_int_equal(c.loss.kind, TR_LOSS_WGAN_GP);
    assert_true(c.loss.penalty_native && c.loss.label_fakes && c.ema_decay == 0.995f);
    assert_int_equal(c.loss.fake_labels, TR_FAKE_LABELS_REAL_BATCH);
    assert_true(c.d_repeats == 1 && c.ema_kimg == 0 && c.lr_rampup_kimg == 0);
}

/* ---- states that are refused -------------------------------------------------------------------- */

static void make_state(void **state, const char *path)
{
    struct tr_train_config config = tiny_config(4);
    struct fixture *f = begin(state, NN_F32, &config);
    steps(f, 5);
    write_state(f, path);
    end(f);
}

static void assert_refused(void **state, const char *path, nn_status wanted, const char *part)
{
    struct tr_train_config config;
    struct nn_error err = {0};
    nn_status status = tr_train_state_read_config(path, &config, &err);
    if (status == NN_OK) {
        struct fixture *f = begin(state, NN_F32, &config);
        status = tr_train_state_read(path, &f->tr, &err);
        end(f);
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

/* The state at `path` with metadata `key` changed; NULL leaves it out. Without its checksum, as the first
 * states were, so that it is not this that tells. */
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
    struct fixture *f = resume(state, NN_F32, path);
    assert_int_equal(f->tr.steps, 5);
    end(f);
}

static void damaged_metadata_are_refused(void **state)
{
    static const struct {
        const char *key, *value, *text;
    } bad[] = {
        {"format_version", "2", "this version"},
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

/* As the first states have it. */
static void a_configuration_without_variants_means_the_first_networks(void **state)
{
    static const char first[] =
        "{\"resolution_log2\":2,\"label_count\":2,\"fmap_base\":64,\"fmap_max\":16,\"mbstd_group\":4,"
        "\"penalty_weight\":10,\"penalty_target\":1,\"drift_weight\":0.001,\"label_weight\":1,"
        "\"penalty_native\":true,\"adam_beta1\":0,\"adam_beta2\":0.99,\"adam_epsilon\":1e-8,"
        "\"ema_decay\":0.995,\"seed\":1,\"tick_kimg\":2,"
        "\"levels\":[{\"fade_kimg\":0,\"train_kimg\":4,\"minibatch\":16,\"lr\":0.002}]}";
    struct tr_train_config c;
    struct nn_error err = {0};
    (void)state;
    if (tr_train_config_parse(&c, first, "RUN/state", &err)) fail_msg("%s", err.text);
    assert_int_equal(c.gan.label_kind, NN_LABELS_CLASSES);
    assert_int_equal(c.gan.label_norm, NN_NORM_JOINT);
    assert_int_equal(c.gan.conditioning, NN_CONDITION_CLASSIFIER);
    assert_false(c.gan.unfused);
    assert_true(nn_gan_pixel_norm_epsilon(&c.gan) == 1e-8f);
    assert_int_equal(c.gan.mbstd_group, 4);
    assert_false(c.mirror);
}

static void a_configuration_keeps_every_variant(void **state)
{
    struct tr_train_config c = tiny_config(4), back;
    (void)state;
    c.gan.label_kind = NN_LABELS_MULTI;
    c.gan.label_norm = NN_NORM_LATENT_ONLY;
    c.gan.conditioning = NN_CONDITION_PROJECTION;
    c.gan.unfused = true;
    c.gan.mbstd_group = 0;
    c.gan.pixel_norm_epsilon = 1e-4f;
    char *text = tr_train_config_text(&c);
    assert_int_equal(tr_train_config_parse(&back, text, "RUN/state", NULL), NN_OK);
    assert_memory_equal(&back.gan, &c.gan, sizeof c.gan);
    assert_string_equal(back.preset, "cpu-small");
    free(text);
}

static void a_configuration_out_of_range_is_refused_by_name(void **state)
{
    static const struct {
        const char *from, *to;
    } bad[] = {
        {"\"fmap_max\":6", "\"fmap_max\":0"},          {"\"mbstd_group\":2", "\"mbstd_group\":257"},
        {"\"minibatch\":4", "\"minibatch\":0"},        {"\"resolution_log2\":4", "\"resolution_log2\":3"},
        {"\"label_count\":2", "\"label_count\":65"},   {"\"adam_beta2\":0.", "\"adam_beta2\":1."},
        {"\"loss\":\"wgan-gp\"", "\"loss\":\"?\""},    {"\"d_repeats\":1", "\"d_repeats\":0"},
        {"\"label_fakes\":true", "\"label_fakes\":1"}, {"\"lazy_interval\":16", "\"lazy_interval\":1.5"},
    };
    struct tr_train_config config = tiny_config(4), back;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = tr_train_config_text(&config), changed[4096];
        struct nn_error err = {0};
        const char *at = strstr(text, bad[i].from);
        assert_non_null(at);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, bad[i].to,
                 at + strlen(bad[i].from));
        assert_int_equal(tr_train_config_parse(&back, changed, "RUN/state", &err), NN_ERR_FORMAT);
        assert_non_null(strstr(err.text, "RUN/state: "));
        free(text);
    }
}

static void a_full_disk_leaves_the_old_state(void **state)
{
    const char *path = scratch_path(state, "a"), *copy = scratch_path(state, "b");
    make_state(state, path);
    make_state(state, copy);
    struct nn_error err = {0};
    struct fixture *f = resume(state, NN_F32, path);
    steps(f, 1);
    int files = scratch_count(*state);
    struct tr_snapshot snapshot = {0};
    require(tr_snapshot_take(&snapshot, &f->tr, &err), &err);
    scratch_disk_full(2000);
    nn_status status = tr_train_state_write(path, &snapshot, &err);
    scratch_disk_free();
    tr_snapshot_release(&snapshot);
    assert_int_equal(status, NN_ERR_IO);
    assert_non_null(strstr(err.text, path));
    assert_same_file(path, copy);
    assert_int_equal(scratch_count(*state), files);
    end(f);
}

/* ---- gradients that are not finite -------------------------------------------------------------- */

static void a_gradient_that_is_not_finite_skips_the_update_and_is_counted(void **state)
{
    struct tr_train_config config = tiny_config(4);
    struct fixture *f = begin(state, NN_F32, &config);
    struct tr_player *g = &f->tr.generator, *d = &f->tr.discriminator;
    steps(f, 2);
    float *weights = host_copy(f, d->values, d->net.value_count), good = weights[d->net.value_count - 1];
    weights[d->net.value_count - 1] = NAN; /* the last bias: every score and logit depends on it */
    size_t d_size = d->net.value_count * sizeof *weights, g_size = g->net.value_count * sizeof *weights;
    assert_int_equal(f->be->upload(f->be, d->values, weights, d_size, NULL), NN_OK);
    float *d_v = host_copy(f, d->v, d->net.value_count),
          *g_values = host_copy(f, g->values, g->net.value_count);

    steps(f, 1);
    assert_int_equal(f->tr.skipped, 2); /* both networks' updates */
    assert_int_equal(f->tr.skipped_in_a_row, 1);
    steps(f, 1);
    assert_int_equal(f->tr.skipped, 4);
    assert_int_equal(f->tr.skipped_in_a_row, 2);
    assert_int_equal(f->tr.steps, 4);
    float *after = host_copy(f, d->values, d->net.value_count), *v = host_copy(f, d->v, d->net.value_count);
    float *g_after = host_copy(f, g->values, g->net.value_count);
    assert_memory_equal(after, weights, d_size);
    assert_memory_equal(v, d_v, d_size);
    assert_memory_equal(g_after, g_values, g_size);

    weights[d->net.value_count - 1] = good;
    assert_int_equal(f->be->upload(f->be, d->values, weights, d_size, NULL), NN_OK);
    steps(f, 1); /* and it goes on */
    assert_int_equal(f->tr.skipped, 4);
    assert_int_equal(f->tr.skipped_in_a_row, 0);
    float *later = host_copy(f, d->values, d->net.value_count);
    assert_memory_not_equal(later, weights, d_size);
    void *all[] = {weights, d_v, g_values, after, v, g_after, later};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    end(f);
}

/* ---- learning ----------------------------------------------------------------------------------- */

static double mean_grey(struct fixture *f, int class_index)
{
    enum { COUNT = 16 };
    static float images[COUNT * 8 * 8];
    struct nn_error err = {0};
    double sum = 0;
    require(tr_training_sample(&f->tr, 100, COUNT, ONE_HOT[class_index], images, &err), &err);
    for (int i = 0; i < COUNT * 8 * 8; i++) sum += (double)images[i] * 127.5 + 127.5;
    return sum / (COUNT * 8 * 8);
}

static void learn_greys(void **state, struct tr_augment_config augment)
{
    const int even = 60, odd = 195;
    write_dataset(state, 8, even);
    struct tr_train_config config = tiny_config(3);
    config.gan.fmap_max = 16;
    config.gan.fmap_base = 64;
    config.ema_decay = 0.95f;
    config.augment = augment;
    config.schedule.levels[0] = (struct tr_level){0, 0, 8, 0.004f};
    config.schedule.levels[1] = (struct tr_level){0, 8, 8, 0.004f};
    struct fixture *f = begin(state, NN_F32, &config);
    steps(f, 400);
    double got_even = mean_grey(f, 0), got_odd = mean_grey(f, 1);
    if (!(fabs(got_even - even) < 25 && fabs(got_odd - odd) < 25))
        fail_msg("greys %.1f and %.1f, wanted %d and %d", got_even, got_odd, even, odd);
    assert_int_equal(f->tr.skipped, 0);
    end(f);
}

static void the_generator_learns_the_grey_of_each_class(void **state)
{
    learn_greys(state, tr_augment_config_official());
}

/* Brightness and contrast of what the discriminator sees vary; what is learnt must not drift with them. */
static void augmented_training_learns_the_grey_of_each_class_unaugmented(void **state)
{
    learn_greys(state, (struct tr_augment_config){TR_AUGMENT_FIXED, 0.4f, 0.6f, 500});
}

/* ---- augmentation ------------------------------------------------------------------------------- */

/* Bytes that differ between the weights of both networks after 14 steps with either configuration. */
static int different_weights(void **state, const struct tr_train_config *a, const struct tr_train_config *b)
{
    const struct tr_train_config *configs[] = {a, b};
    float *weights[2][2];
    size_t sizes[2];
    int different = 0;
    for (int i = 0; i < 2; i++) {
        struct fixture *f = begin(state, NN_F32, configs[i]);
        const struct tr_player *players[] = {&f->tr.generator, &f->tr.discriminator};
        steps(f, 14);
        for (int k = 0; k < 2; k++) {
            sizes[k] = players[k]->net.value_count;
            weights[i][k] = host_copy(f, players[k]->values, sizes[k]);
        }
        end(f);
    }
    for (int k = 0; k < 2; k++) {
        different += memcmp(weights[0][k], weights[1][k], sizes[k] * sizeof(float)) != 0;
        free(weights[0][k]);
        free(weights[1][k]);
    }
    return different;
}

static void augmentation_of_no_strength_changes_nothing(void **state)
{
    struct tr_train_config without = tiny_config(4), with = without;
    with.augment = (struct tr_augment_config){TR_AUGMENT_ADA, 0, 1, 0.1f}; /* no sign is above 1 */
    assert_int_equal(different_weights(state, &without, &with), 0);
    with.augment = (struct tr_augment_config){TR_AUGMENT_FIXED, 0.3f, 0.6f, 500};
    assert_int_equal(different_weights(state, &without, &with), 2);
}

static void mirroring_changes_only_images_that_are_not_symmetric(void **state)
{
    struct tr_train_config without = tiny_config(4), with = without;
    with.mirror = true;
    assert_int_equal(different_weights(state, &without, &with), 2);
    write_dataset(state, SIDE, 60);
    assert_int_equal(different_weights(state, &without, &with), 0);
}

static void adaptive_strength_follows_the_scores_of_the_training(void **state)
{
    struct tr_train_config config = tiny_config(4);
    config.augment = (struct tr_augment_config){TR_AUGMENT_ADA, 0.4f, 0, 0.125f};
    struct fixture *f = begin(state, NN_F32, &config);
    double p = f->tr.augment.p;
    for (int turn = 0; turn < 5; turn++) {
        f->losses.real_sign = 0;
        steps(f, 4);
        double rise = f->tr.augment.p - p; /* 16 of 125 images, one way or the other */
        assert_true(fabs(rise - (f->losses.real_sign > 0 ? 0.128 : -0.128)) < 1e-9 || f->tr.augment.p == 0 ||
                    f->tr.augment.p == (double)TR_AUGMENT_P_MAX);
        assert_true(rise > 0 || f->losses.real_sign <= 0 || p == (double)TR_AUGMENT_P_MAX);
        p = f->tr.augment.p;
    }
    end(f);
}

/* ---- growing and exporting ---------------------------------------------------------------------- */

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
    struct fixture *f = begin(state, NN_F32, &small);
    steps(f, 3);
    require(tr_training_sample(&f->tr, 1, 4, ONE_HOT[1], before, &err), &err);
    uint64_t shown = f->tr.images_before = 7;
    shown += f->tr.images;
    write_state(f, path);
    end(f);

    f = begin(state, NN_F32, &large);
    require(tr_training_sample(&f->tr, 1, 4, ONE_HOT[1], fresh, &err), &err);
    require(tr_train_state_grow(path, &f->tr, &err), &err);
    require(tr_training_sample(&f->tr, 1, 4, ONE_HOT[1], after, &err), &err);
    assert_memory_equal(after, before, sizeof before);
    assert_memory_not_equal(fresh, before, sizeof before);
    assert_int_equal(f->tr.images, 0);
    assert_int_equal(f->tr.images_before, shown);
    assert_int_equal(f->tr.adam_phase, -1);
    steps(f, 12); /* on through the fade to 16x16 */
    assert_int_equal(tr_training_phase(&f->tr).side, 16);
    assert_int_equal(f->tr.skipped, 0);
    end(f);
}

static void assert_does_not_grow(void **state, const char *path, const struct tr_train_config *config)
{
    struct fixture *f = begin(state, NN_F32, config);
    struct nn_error err = {0};
    float *before = host_copy(f, f->tr.generator.values, f->tr.generator.net.value_count);
    assert_int_equal(tr_train_state_grow(path, &f->tr, &err), NN_ERR_ARGUMENT);
    assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
    float *after = host_copy(f, f->tr.generator.values, f->tr.generator.net.value_count);
    assert_memory_equal(before, after, f->tr.generator.net.value_count * sizeof *before);
    free(before);
    free(after);
    end(f);
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
    config.gan.fmap_base = 64;
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
    static float image[SIDE * SIDE];
    static uint8_t pixels[SIDE * SIDE];
    const char *path = scratch_path(state, "g.safetensors");
    struct fixture *f = begin(state, NN_F32, &config);
    for (int step = 1; step <= 20; step++) {
        steps(f, 1);
        struct tr_phase phase = tr_training_phase(&f->tr);
        struct tr_snapshot snapshot = {0};
        remove(path);
        require(tr_snapshot_take(&snapshot, &f->tr, &err), &err);
        require(tr_train_state_export(path, &snapshot, "tiny model", &err), &err);
        tr_snapshot_release(&snapshot);
        if (phase.fading) {
            assert_int_not_equal(remove(path), 0); /* nothing was written */
            continue;
        }
        if (step % 3) continue;
        require(nn_model_open(&model, path, "cpu", &err), &err);
        const struct nn_model_info *info = nn_model_info(model);
        assert_int_equal(info->resolution, phase.side);
        assert_string_equal(info->name, "tiny model");
        assert_string_equal(info->classes[0], "even");
        assert_string_equal(info->classes[1], "odd");
        assert_true(info->simulated && fabs(info->kimg - 0.004 * step) < 1e-9);
        assert_non_null(strstr(info->provenance, tr_dataset_sha256(f->data)));
        const struct nn_sample_request request = {
            .seed = 9, .class_index = 1, .strength = 1, .truncation = 1};
        require(nn_model_sample(model, &request, 1, pixels, &err), &err);
        require(tr_training_sample(&f->tr, 9, 1, ONE_HOT[1], image, &err), &err);
        for (int i = 0; i < phase.side * phase.side; i++) {
            double grey = fmin(fmax((double)image[i] * 127.5 + 127.5, 0), 255);
            assert_true(fabs(grey - pixels[i]) < (test_backend_has_bf16() ? 12 : 1));
        }
        nn_model_close(model);
    }
    end(f);
}

#define on_data(name) cmocka_unit_test_setup_teardown(name, dataset_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_data(augmentation_of_no_strength_changes_nothing),
        on_data(mirroring_changes_only_images_that_are_not_symmetric),
        on_data(adaptive_strength_follows_the_scores_of_the_training),
        on_data(augmented_training_learns_the_grey_of_each_class_unaugmented),
        on_data(an_augmented_run_that_is_resumed_equals_the_undisturbed_one),
        on_data(counters_follow_steps_images_and_phases),
        on_data(a_lazy_penalty_is_an_update_more_once_in_its_interval),
        on_data(the_discriminator_may_step_more_often_each_time_on_other_images),
        on_data(the_same_seed_gives_the_same_bytes_and_another_seed_others),
        on_data(sampling_does_not_disturb_training),
        on_data(a_resumed_run_equals_the_undisturbed_one_bit_for_bit_in_f32),
        on_data(a_resumed_run_equals_the_undisturbed_one_bit_for_bit_in_bf16),
        cmocka_unit_test(a_configuration_comes_back_from_its_text),
        cmocka_unit_test(a_configuration_of_the_first_format_is_read),
        on_data(other_data_are_refused),
        on_data(the_same_data_with_classes_in_another_order_are_refused),
        on_data(missing_truncated_and_foreign_states_are_refused),
        on_data(states_from_before_they_listed_classes_are_read),
        on_data(damaged_metadata_are_refused),
        cmocka_unit_test(a_configuration_keeps_every_variant),
        cmocka_unit_test(a_configuration_without_variants_means_the_first_networks),
        cmocka_unit_test(a_configuration_out_of_range_is_refused_by_name),
        on_data(a_full_disk_leaves_the_old_state),
        on_data(a_gradient_that_is_not_finite_skips_the_update_and_is_counted),
        on_data(the_generator_learns_the_grey_of_each_class),
        on_data(growing_keeps_the_levels_that_were_learnt),
        on_data(other_widths_classes_or_a_lower_resolution_do_not_grow),
        on_data(the_exported_generator_is_the_level_reached_and_samples_alike),
    };
    omp_set_num_threads(1); /* networks this small only wait for each other */
    return cmocka_run_group_tests_name("training", tests, NULL, NULL);
}
