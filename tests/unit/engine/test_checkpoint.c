/* Generator checkpoints: what is written comes back, and every bad file is refused by name. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/checkpoint.h"
#include "engine/file.h"
#include "engine/safetensors.h"
#include "engine/sha256.h"
#include "tests/unit/scratch.h"

static const struct nn_checkpoint INFO = {
    .config = {.resolution_log2 = 4, .label_count = 2, .fmap_base = 32, .fmap_max = 8, .mbstd_group = 4},
    .class_count = 2,
    .classes = {"no_fracture", "fracture, \"displaced\""},
    .name = "tiny hips",
    .simulated = true,
    .kimg = 12.345,
    .provenance = "made in a test",
};

struct made {
    struct nn_network net;
    float *values;
};

static struct made make_generator(const struct nn_gan_config *config)
{
    struct made m;
    assert_int_equal(nn_network_init(&m.net, config, NN_GENERATOR, NULL), NN_OK);
    m.values = malloc(m.net.value_count * sizeof *m.values);
    assert_non_null(m.values);
    nn_network_init_values(&m.net, 7, m.values);
    for (size_t i = 0; i < m.net.value_count; i += 5) m.values[i] = (float)i; /* biases too */
    return m;
}

static void release(struct made *m)
{
    nn_network_release(&m->net);
    free(m->values);
}

static void write_good(const char *path)
{
    struct made m = make_generator(&INFO.config);
    struct nn_error err = {0};
    if (nn_checkpoint_write(path, &INFO, &m.net, m.values, &err)) fail_msg("%s", err.text);
    release(&m);
}

/* ---- the good ones ------------------------------------------------------------------------------ */

static void what_is_written_comes_back(void **state)
{
    const char *path = scratch_path(state, "a.safetensors");
    struct made m = make_generator(&INFO.config), back;
    struct nn_checkpoint info;
    char sha256[65], wanted[65];
    write_good(path);
    assert_int_equal(nn_checkpoint_read(path, &info, &back.net, &back.values, sha256, NULL), NN_OK);
    assert_memory_equal(&info.config, &INFO.config, sizeof info.config);
    assert_int_equal(info.class_count, 2);
    assert_string_equal(info.classes[0], INFO.classes[0]);
    assert_string_equal(info.classes[1], INFO.classes[1]);
    assert_string_equal(info.name, INFO.name);
    assert_string_equal(info.provenance, INFO.provenance);
    assert_true(info.simulated);
    assert_true(fabs(info.kimg - INFO.kimg) < 1e-9);
    assert_int_equal(back.net.kind, NN_GENERATOR);
    assert_int_equal(back.net.value_count, m.net.value_count);
    assert_memory_equal(back.values, m.values, m.net.value_count * sizeof *m.values);
    size_t size;
    uint8_t *bytes = scratch_read(path, &size);
    nn_sha256_hex(bytes, size, wanted);
    assert_string_equal(sha256, wanted);
    free(bytes);
    release(&back);
    release(&m);
}

static void unconditional_generators_and_real_data_are_kept_apart(void **state)
{
    const char *path = scratch_path(state, "a.safetensors");
    struct nn_checkpoint info = INFO;
    char sha256[65];
    info.config.label_count = info.class_count = 0;
    info.simulated = false;
    struct made m = make_generator(&info.config), back;
    assert_int_equal(nn_checkpoint_write(path, &info, &m.net, m.values, NULL), NN_OK);
    assert_int_equal(nn_checkpoint_read(path, &info, &back.net, &back.values, sha256, NULL), NN_OK);
    assert_int_equal(info.class_count, 0);
    assert_int_equal(info.config.label_count, 0);
    assert_false(info.simulated);
    release(&back);
    release(&m);
}

static void the_same_generator_gives_the_same_file(void **state)
{
    size_t a_size, b_size;
    write_good(scratch_path(state, "a"));
    write_good(scratch_path(state, "b"));
    uint8_t *a = scratch_read(scratch_path(state, "a"), &a_size);
    uint8_t *b = scratch_read(scratch_path(state, "b"), &b_size);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    free(a);
    free(b);
}

static void convolution_weights_are_stored_in_their_declared_order(void **state)
{
    const char *path = scratch_path(state, "a");
    struct made m = make_generator(&INFO.config);
    struct nn_st_file *file;
    write_good(path);
    assert_int_equal(nn_st_open(&file, path, NULL), NN_OK);
    assert_int_equal(nn_st_count(file), m.net.param_count);
    const struct nn_st_tensor *weight = nn_st_find(file, "8x8/Conv0_up/weight");
    const struct nn_param *param = &m.net.params[nn_network_find(&m.net, "8x8/Conv0_up/weight")];
    const int64_t dims[] = {param->shape.n, param->shape.h, param->shape.w, param->shape.c};
    assert_int_equal(weight->rank, 4);
    assert_memory_equal(weight->dims, dims, sizeof dims);
    assert_memory_equal(weight->data, m.values + param->offset, nn_st_tensor_bytes(weight));
    nn_st_close(file);
    release(&m);
}

/* ---- the bad ones ------------------------------------------------------------------------------- */

static void assert_refused(const char *path, nn_status wanted, const char *part)
{
    struct nn_checkpoint info;
    struct made back;
    char sha256[65];
    struct nn_error err = {0};
    nn_status status = nn_checkpoint_read(path, &info, &back.net, &back.values, sha256, &err);
    if (status != wanted || err.status != status) fail_msg("status %d: %s", status, err.text);
    if (strncmp(err.text, path, strlen(path)) != 0 || strchr(err.text, '\n') || !strstr(err.text, part))
        fail_msg("got \"%s\", wanted \"%s: ... %s ...\"", err.text, path, part);
    assert_null(back.values);
    assert_null(back.net.params);
}

static void missing_files_and_folders_are_refused(void **state)
{
    assert_refused(scratch_path(state, "none"), NN_ERR_IO, "No such file");
    assert_refused(scratch_path(state, "."), NN_ERR_FORMAT, "");
}

static void every_truncation_is_refused(void **state)
{
    const char *whole = scratch_path(state, "whole"), *cut = scratch_path(state, "cut");
    size_t size;
    write_good(whole);
    uint8_t *bytes = scratch_read(whole, &size);
    for (size_t length = 0; length < size; length += length < 64 ? 7 : 997) {
        scratch_write(cut, bytes, length);
        assert_refused(cut, NN_ERR_FORMAT, "");
    }
    scratch_write(cut, bytes, size - 1);
    assert_refused(cut, NN_ERR_FORMAT, "");
    free(bytes);
}

static void damaged_bytes_are_refused_or_read_but_never_worse(void **state)
{
    const char *whole = scratch_path(state, "whole"), *bad = scratch_path(state, "bad");
    size_t size;
    write_good(whole);
    uint8_t *bytes = scratch_read(whole, &size), *changed = malloc(size);
    assert_non_null(changed);
    size_t header = 2048; /* most changes in the header, where they tell */
    for (uint64_t i = 0; i < 300; i++) {
        struct nn_checkpoint info;
        struct made back;
        char sha256[65];
        struct nn_error err = {0};
        memcpy(changed, bytes, size);
        size_t length = scratch_mutate(bytes, i % 8 ? header : size, i, changed);
        if (i % 8) memcpy(changed + length, bytes + header, size - header);
        scratch_write(bad, changed, i % 8 ? length + size - header : length);
        if (nn_checkpoint_read(bad, &info, &back.net, &back.values, sha256, &err) == NN_OK)
            release(&back);
        else
            assert_int_equal(strncmp(err.text, bad, strlen(bad)), 0);
    }
    free(changed);
    free(bytes);
}

/* The good file's parts, to be written again with a change. */
struct parts {
    struct nn_st_file *file;
    struct nn_st_text metadata[16];
    struct nn_st_tensor tensors[64];
    int metadata_count, tensor_count;
};

static void take_apart(struct parts *p, const char *path)
{
    write_good(path);
    assert_int_equal(nn_st_open(&p->file, path, NULL), NN_OK);
    p->metadata_count = nn_st_metadata_count(p->file);
    p->tensor_count = nn_st_count(p->file);
    assert_in_range(p->metadata_count, 1, 16);
    assert_in_range(p->tensor_count, 1, 64);
    for (int i = 0; i < p->metadata_count; i++) p->metadata[i] = nn_st_metadata_at(p->file, i);
    for (int i = 0; i < p->tensor_count; i++) p->tensors[i] = *nn_st_at(p->file, i);
}

static void put_together(struct parts *p, const char *path)
{
    struct nn_error err = {0};
    if (nn_st_write(path, p->tensors, p->tensor_count, p->metadata, p->metadata_count, &err))
        fail_msg("%s", err.text);
    nn_st_close(p->file);
}

/* A checkpoint whose metadata `key` is `value`; NULL leaves the key out. */
static const char *with_metadata(void **state, const char *key, const char *value)
{
    struct parts p;
    const char *path = scratch_path(state, "changed");
    int found = 0;
    take_apart(&p, path);
    for (int i = 0; i < p.metadata_count; i++) {
        if (strcmp(p.metadata[i].key, key) != 0) continue;
        found++;
        if (value)
            p.metadata[i].value = value;
        else
            p.metadata[i--] = p.metadata[--p.metadata_count];
    }
    assert_int_equal(found, 1);
    put_together(&p, path);
    return path;
}

static void every_metadata_key_is_needed(void **state)
{
    static const char *const keys[] = {"format",    "format_version", "name",        "resolution",
                                       "fmap_base", "fmap_max",       "mbstd_group", "classes",
                                       "kimg",      "training_data",  "provenance"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_refused(with_metadata(state, keys[i], NULL), NN_ERR_FORMAT, keys[i]);
}

static void bad_metadata_are_refused(void **state)
{
    static const struct {
        const char *key, *value, *text;
    } bad[] = {
        {"format", "roentgym-training-state", "not a roentgym generator"},
        {"format", "pt", "not a roentgym generator"},
        {"format_version", "2", "format version 2"},
        {"format_version", "0", "format version 0"},
        {"format_version", "new", "format_version"},
        {"resolution", "48", "resolution 48"},
        {"resolution", "2048", "resolution 2048"},
        {"resolution", "-16", "resolution"},
        {"resolution", "", "resolution"},
        {"fmap_base", "1e3", "fmap_base"},
        {"fmap_base", "99999999999999999999", "fmap_base"},
        {"fmap_base", "0", "fmap_base"},
        {"fmap_max", "0", "fmap_max"},
        {"fmap_max", "5000", "fmap_max"},
        {"mbstd_group", "257", "mbstd_group"},
        {"kimg", "nan", "kimg"},
        {"kimg", "-1", "kimg"},
        {"kimg", "inf", "kimg"},
        {"kimg", "many", "kimg"},
        {"training_data", "phantoms", "training_data"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(with_metadata(state, bad[i].key, bad[i].value), NN_ERR_FORMAT, bad[i].text);
}

static void broken_lists_of_classes_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "no_fracture,fracture",
                                      "{\"no_fracture\":0}",
                                      "[\"no_fracture\",",
                                      "[\"no_fracture\",1]",
                                      "[\"no_fracture\",\"\"]",
                                      "[\"no_fracture\",null]",
                                      "[\"a name that is too long for the table of names of classes\",\"b\"]",
                                      "\"no_fracture\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(with_metadata(state, "classes", bad[i]), NN_ERR_FORMAT, "classes");
    char many[8 * NN_LABELS_MAX + 16] = "[\"a\"";
    for (int i = 0; i < NN_LABELS_MAX; i++) strcat(many, ",\"a\"");
    assert_refused(with_metadata(state, "classes", strcat(many, "]")), NN_ERR_FORMAT, "classes");
}

static void tensors_that_do_not_fit_the_configuration_are_refused(void **state)
{
    /* Another number of classes, or other widths, than the weights were made for. */
    assert_refused(with_metadata(state, "classes", "[\"a\"]"), NN_ERR_FORMAT, "4x4/Dense/weight");
    assert_refused(with_metadata(state, "fmap_max", "7"), NN_ERR_FORMAT, "4x4/Dense/weight");
    assert_refused(with_metadata(state, "resolution", "32"), NN_ERR_FORMAT, "32x32/Conv0_up/weight");

    struct parts p;
    const char *path = scratch_path(state, "changed");
    take_apart(&p, path);
    p.tensor_count--; /* one is missing */
    const char *gone = p.tensors[p.tensor_count].name;
    char name[64];
    snprintf(name, sizeof name, "%s", gone);
    put_together(&p, path);
    assert_refused(path, NN_ERR_FORMAT, name);

    take_apart(&p, path);
    snprintf(name, sizeof name, "%s", p.tensors[0].name);
    p.tensors[0].type = NN_ST_I32; /* same size, another type */
    put_together(&p, path);
    assert_refused(path, NN_ERR_FORMAT, name);
}

static void weights_that_are_not_finite_are_refused(void **state)
{
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const char *path = scratch_path(state, "nan");
    for (int i = 0; i < 3; i++) {
        struct made m = make_generator(&INFO.config);
        m.values[i == 0 ? 0 : i == 1 ? m.net.value_count - 1 : m.net.value_count / 2] = bad[i];
        assert_int_equal(nn_checkpoint_write(path, &INFO, &m.net, m.values, NULL), NN_OK);
        release(&m);
        assert_refused(path, NN_ERR_FORMAT, "not a finite number");
    }
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    const char *path = scratch_path(state, "a");
    struct made m = make_generator(&INFO.config);
    struct nn_error err = {0};
    size_t before_size, after_size;
    write_good(path);
    uint8_t *before = scratch_read(path, &before_size);
    m.values[0] = 5;
    scratch_disk_full(1000);
    nn_status status = nn_checkpoint_write(path, &INFO, &m.net, m.values, &err);
    scratch_disk_free();
    assert_int_equal(status, NN_ERR_IO);
    assert_non_null(strstr(err.text, path));
    uint8_t *after = scratch_read(path, &after_size);
    assert_int_equal(after_size, before_size);
    assert_memory_equal(after, before, before_size);
    assert_int_equal(scratch_count(*state), 1);
    free(before);
    free(after);
    release(&m);
}

#define in_folder(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(what_is_written_comes_back),
        in_folder(unconditional_generators_and_real_data_are_kept_apart),
        in_folder(the_same_generator_gives_the_same_file),
        in_folder(convolution_weights_are_stored_in_their_declared_order),
        in_folder(missing_files_and_folders_are_refused),
        in_folder(every_truncation_is_refused),
        in_folder(damaged_bytes_are_refused_or_read_but_never_worse),
        in_folder(every_metadata_key_is_needed),
        in_folder(bad_metadata_are_refused),
        in_folder(broken_lists_of_classes_are_refused),
        in_folder(tensors_that_do_not_fit_the_configuration_are_refused),
        in_folder(weights_that_are_not_finite_are_refused),
        in_folder(a_full_disk_leaves_the_old_file),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
