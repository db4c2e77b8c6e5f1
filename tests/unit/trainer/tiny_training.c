#include "tests/unit/trainer/tiny_training.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "engine/image.h"
#include "engine/rng.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tested_backend.h"

const float TINY_ONE_HOT[2][2] = {{1, 0}, {0, 1}};

void tiny_dataset(void **state, int side, int grey)
{
    char labels[1024] = "file,label,patient_id,split\n", name[64];
    mkdir(scratch_path(state, "images"), 0777);
    for (int i = 0; i <= TINY_IMAGES; i++) {
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
                 i % 2 ? "odd" : "even", i, i < TINY_IMAGES ? "train" : "test");
    }
    scratch_text(scratch_path(state, "labels.csv"), labels);
    scratch_text(scratch_path(state, "dataset.json"),
                 "{\"name\":\"tiny\",\"simulated\":true,\"classes\":[\"even\",\"odd\"]}");
}

int tiny_setup(void **state)
{
    int failed = scratch_setup(state);
    if (!failed) tiny_dataset(state, TINY_SIDE, 0);
    return failed;
}

struct tr_train_config tiny_config(int resolution_log2)
{
    struct tr_train_config c;
    const double step = TINY_MINIBATCH / 1000.0;
    assert_int_equal(tr_train_config_init(&c, "cpu-small", resolution_log2, NULL), NN_OK);
    c.gan.fmap_base = 32;
    c.gan.fmap_max = 6;
    c.gan.mbstd_group = 2;
    c.gan.label_count = 2;
    c.seed = 5;
    for (int k = 0; k < c.schedule.level_count; k++)
        c.schedule.levels[k] = (struct tr_level){k ? 4 * step : 0, 4 * step, TINY_MINIBATCH, 0.002f};
    return c;
}

void tiny_require(nn_status status, const struct nn_error *err)
{
    if (status != NN_OK) fail_msg("%s", err->text);
}

struct tiny_training *tiny_begin(void **state, enum nn_type map_type, const struct tr_train_config *config)
{
    struct tiny_training *t = calloc(1, sizeof *t);
    struct nn_error err = {0};
    assert_non_null(t);
    tiny_require(test_backend_open(&t->be, map_type, &err), &err);
    tiny_require(tr_dataset_open(&t->data, *state, NULL, NULL, &err), &err);
    tiny_require(tr_training_init(&t->tr, config, t->be, t->data, &err), &err);
    return t;
}

void tiny_end(struct tiny_training *t)
{
    tr_training_release(&t->tr);
    t->be->close(t->be);
    tr_dataset_close(t->data);
    free(t);
}

void tiny_steps(struct tiny_training *t, int count)
{
    struct nn_error err = {0};
    for (int i = 0; i < count; i++) tiny_require(tr_training_step(&t->tr, &t->losses, &err), &err);
}

void tiny_write_state(struct tiny_training *t, const char *path)
{
    struct nn_error err = {0};
    struct tr_snapshot snapshot = {0};
    tiny_require(tr_snapshot_take(&snapshot, &t->tr, &err), &err);
    tiny_require(tr_train_state_write(path, &snapshot, &err), &err);
    tr_snapshot_release(&snapshot);
}

void tiny_assert_same_file(const char *a_path, const char *b_path)
{
    size_t a_size, b_size;
    uint8_t *a = scratch_read(a_path, &a_size), *b = scratch_read(b_path, &b_size);
    assert_int_equal(a_size, b_size);
    if (memcmp(a, b, a_size) != 0) fail_msg("%s and %s differ", a_path, b_path);
    free(a);
    free(b);
}

float *tiny_host_copy(const struct tiny_training *t, const void *device, size_t count)
{
    float *host = malloc(count * sizeof *host);
    assert_non_null(host);
    assert_int_equal(t->be->download(t->be, host, device, count * sizeof *host, NULL), NN_OK);
    return host;
}
