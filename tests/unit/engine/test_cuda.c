/* What the CUDA backend has of its own: batches, recorded kernels, copies, memory, and what it says and does
 * when driver, card or memory fail. Runs with ROENTGYM_TEST_DEVICE=cuda, on a GPU or on the host in its place
 * (tests/cuda_host), which is told by its environment what to lack. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/checkpoint.h"
#include "engine/device.h"
#include "engine/engine.h"
#include "engine/rng.h"
#include "engine/sampler.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tested_backend.h"

enum { SIDE = 16, PIXELS = SIDE * SIDE, CLASSES = 2, SAMPLES = 7 };

static const struct nn_checkpoint INFO = {
    .config =
        {.resolution_log2 = 4, .label_count = CLASSES, .fmap_base = 64, .fmap_max = 16, .mbstd_group = 4},
    .classes = {"no", "yes"},
    .class_count = CLASSES,
    .simulated = true,
    .name = "tiny",
    .provenance = "none",
};

static void require(nn_status status, const struct nn_error *err)
{
    if (status != NN_OK) fail_msg("%s", err->text);
}

static struct nn_backend *open_cuda(enum nn_type map_type)
{
    struct nn_backend *be;
    struct nn_error err = {0};
    char name[256];
    require(nn_backend_open_cuda(&be, map_type, name, &err), &err);
    return be;
}

/* Skips the running test unless the host plays the GPU: the environment cannot spoil a real one. */
static void require_host(void)
{
    struct nn_backend *be;
    char name[256] = "";
    if (nn_backend_open_cuda(&be, NN_F32, name, NULL) == NN_OK) be->close(be);
    if (strcmp(name, "host") != 0) skip();
}

/* ---- sampling ------------------------------------------------------------------------------------ */

struct generator {
    struct nn_network net;
    float *values, *inputs; /* of SAMPLES seeds */
};

static struct generator make_generator(void)
{
    struct generator g;
    assert_int_equal(nn_network_init(&g.net, &INFO.config, NN_GENERATOR, NULL), NN_OK);
    size_t length = (size_t)(nn_gan_latent_size(&INFO.config) + CLASSES);
    g.values = malloc(g.net.value_count * sizeof *g.values);
    g.inputs = malloc(SAMPLES * length * sizeof *g.inputs);
    assert_true(g.values && g.inputs);
    nn_network_init_values(&g.net, 3, g.values);
    for (size_t i = 0; i < SAMPLES; i++) {
        float labels[CLASSES] = {i % 2 ? 1.0f : 0.0f, i % 2 ? 0.0f : 1.0f}, *input = g.inputs + i * length;
        nn_sampler_latent(&INFO.config, i, i, 0, input);
        nn_sampler_input(&INFO.config, input, labels, 1, input);
    }
    return g;
}

static void generator_release(struct generator *g)
{
    free(g->values);
    free(g->inputs);
    nn_network_release(&g->net);
}

static void check_batches(enum nn_type map_type, double tolerance)
{
    struct nn_backend *be = open_cuda(map_type);
    struct generator g = make_generator();
    struct nn_sampler *s;
    struct nn_error err = {0};
    size_t length = (size_t)(nn_gan_latent_size(&INFO.config) + CLASSES);
    float image[PIXELS];
    uint8_t grey[SAMPLES * PIXELS], again[SAMPLES * PIXELS], single[PIXELS];
    require(nn_sampler_new(&s, be, &g.net, g.values, &err), &err);
    for (int count = 1; count <= SAMPLES; count++) {
        /* The first call runs the kernels, the second records them, the third replays. */
        for (int round = 0; round < 3; round++) {
            memset(again, 0, sizeof again);
            require(nn_sampler_run_grey(s, g.inputs, count, again, &err), &err);
            if (round) assert_memory_equal(grey, again, (size_t)count * PIXELS);
            memcpy(grey, again, sizeof grey);
        }
        for (int i = 0; i < count; i++) {
            double worst = 0;
            require(nn_sampler_run(s, g.inputs + (size_t)i * length, image, &err), &err);
            nn_sampler_grey(image, PIXELS, single);
            for (int p = 0; p < PIXELS; p++)
                worst = fmax(worst, fabs((double)grey[i * PIXELS + p] - (double)single[p]));
            if (worst > tolerance) fail_msg("%d samples, the %dth: differs by %g", count, i, worst);
        }
    }
    nn_sampler_free(s);
    generator_release(&g);
    be->close(be);
}

static void batches_recorded_or_not_equal_single_samples_in_f32(void **state)
{
    (void)state;
    check_batches(NN_F32, 1);
}

/* In bf16 a batch leaves out the rounding between the bias and the pixel norm. */
static void batches_recorded_or_not_equal_single_samples_in_bf16(void **state)
{
    (void)state;
    check_batches(NN_BF16, 12);
}

static void a_thousand_samples_take_no_more_memory(void **state)
{
    (void)state;
    struct nn_backend *be = open_cuda(NN_BF16);
    struct generator g = make_generator();
    struct nn_sampler *s;
    struct nn_error err = {0};
    uint8_t grey[SAMPLES * PIXELS];
    size_t before = 0;
    int runs = test_backend_is_slow() ? 6 : 1000 / SAMPLES + 1;
    require(nn_sampler_new(&s, be, &g.net, g.values, &err), &err);
    for (int i = 0; i < runs; i++) {
        require(nn_sampler_run_grey(s, g.inputs, SAMPLES, grey, &err), &err);
        if (i == 2) before = be->inference->memory_bytes(be);
    }
    assert_int_equal(be->inference->memory_bytes(be), before);
    nn_sampler_free(s);
    generator_release(&g);
    be->close(be);
}

/* ---- copies and memory ---------------------------------------------------------------------------- */

static void copies_larger_than_the_staging_blocks_arrive_whole(void **state)
{
    (void)state;
    struct nn_backend *be = open_cuda(NN_F32);
    struct nn_error err = {0};
    const size_t count = (37u << 20) + 3;
    unsigned char *from = malloc(count), *to = malloc(count);
    void *device = be->alloc(be, count);
    assert_true(from && to && device);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < count; i++) from[i] = (unsigned char)(i * 31 + i / 257 + (size_t)round);
        require(be->upload(be, device, from, count, &err), &err);
        memcpy(to, from, count);
        memset(from, 0, count); /* the host's buffer is free once the call has returned */
        unsigned char *back = from;
        require(be->download(be, back, device, count, &err), &err);
        assert_memory_equal(back, to, count);
    }
    be->free(be, device);
    free(from);
    free(to);
    be->close(be);
}

static void freed_memory_is_handed_out_again(void **state)
{
    (void)state;
    struct nn_backend *be = open_cuda(NN_F32);
    void *a = be->alloc(be, 1 << 20), *b = be->alloc(be, 5 << 20);
    size_t before = be->inference->memory_bytes(be);
    for (int i = 0; i < 100; i++) {
        be->free(be, a);
        be->free(be, b);
        a = be->alloc(be, (1 << 20) - i);
        b = be->alloc(be, 5 << 20);
        assert_true(a && b);
        assert_ptr_not_equal(a, b);
    }
    assert_int_equal(be->inference->memory_bytes(be), before);
    be->free(be, a);
    be->free(be, b);
    be->close(be);
}

/* Every size is whole, and no two blocks share a byte, also after some have been given back and taken again.
 */
static void blocks_of_all_sizes_keep_what_is_in_them(void **state)
{
    (void)state;
    enum { BLOCKS = 120, LARGEST = 40000 };
    struct nn_backend *be = open_cuda(NN_F32);
    struct nn_error err = {0};
    void *blocks[BLOCKS];
    static unsigned char values[LARGEST], expected[LARGEST];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            size_t size = (size_t)(i * 331 + 1);
            if (round && i % 3) continue;
            if (round) be->free(be, blocks[i]);
            blocks[i] = be->alloc(be, size);
            assert_true(blocks[i] && (size_t)blocks[i] % 64 == 0);
            memset(values, i + 1, size);
            require(be->upload(be, blocks[i], values, size, &err), &err);
        }
        for (int i = 0; i < BLOCKS; i++) {
            size_t size = (size_t)(i * 331 + 1);
            memset(expected, i + 1, size);
            require(be->download(be, values, blocks[i], size, &err), &err);
            assert_memory_equal(values, expected, size);
        }
    }
    for (int i = 0; i < BLOCKS; i++) be->free(be, blocks[i]);
    assert_null(be->alloc(be, SIZE_MAX / 2));
    be->close(be);
}

/* ---- what may be missing --------------------------------------------------------------------------- */

static void check_refusal(const char *variable, const char *value, const char *text)
{
    struct nn_device d;
    struct nn_error err = {0};
    char kept[4096];
    const char *old = getenv(variable);
    snprintf(kept, sizeof kept, "%s", old ? old : "");
    setenv(variable, value, 1);
    nn_status status = nn_device_open(&d, "cuda", NN_PRECISION_BEST, &err);
    assert_int_equal(status, NN_ERR_DEVICE);
    if (!strstr(err.text, text)) fail_msg("'%s' does not say '%s'", err.text, text);
    require(nn_device_open(&d, "auto", NN_PRECISION_BEST, &err), &err);
    assert_string_equal(d.backend->name, "cpu");
    if (!strstr(d.note, text)) fail_msg("'%s' does not say '%s'", d.note, text);
    d.backend->close(d.backend);
    if (old)
        setenv(variable, kept, 1);
    else
        unsetenv(variable);
}

static void a_machine_without_a_driver_or_with_an_old_one_or_an_old_card_is_told_so(void **state)
{
    (void)state;
    require_host();
    check_refusal("TEST_CUDA_DRIVER", "0", "no NVIDIA driver");
    check_refusal("TEST_CUDA_DRIVER", "12040", "it is for CUDA 12.4, needed is 13.0");
    check_refusal("TEST_CUDA_MAJOR", "7", "compute capability 7.0; 8.0");
    check_refusal("ROENTGYM_CUDA_LIBRARY", "/nowhere/lib.so", "/nowhere/lib.so");
}

/* `write` is called with a model open on the GPU, and then samples must still come, from the CPU. */
static void check_retreat(void **state, const char *variable, const char *before, const char *after)
{
    struct generator g = make_generator();
    struct nn_error err = {0};
    struct nn_model *model;
    const char *path = scratch_path(state, "m.safetensors");
    const struct nn_sample_request requests[2] = {{.seed = 1, .strength = 1, .truncation = 1},
                                                  {.seed = 2, .strength = 1, .truncation = 1}};
    uint8_t first[2 * PIXELS], second[2 * PIXELS];
    require(nn_checkpoint_write(path, &INFO, &g.net, g.values, &err), &err);
    if (before) setenv(variable, before, 1);
    require(nn_model_open(&model, path, "auto", &err), &err);
    const struct nn_model_info *info = nn_model_info(model);
    if (after) {
        assert_non_null(strstr(info->device, "cuda"));
        assert_string_equal(info->device_note, "");
        require(nn_model_sample(model, requests, 2, first, &err), &err);
        setenv(variable, after, 1);
    }
    require(nn_model_sample(model, requests, 2, second, &err), &err);
    assert_non_null(strstr(nn_model_info(model)->device, "cpu"));
    assert_non_null(strstr(nn_model_info(model)->device_note, "the GPU has failed"));
    if (after) {
        assert_non_null(strstr(info->device, "cuda")); /* who holds the old description keeps it */
        for (int i = 0; i < 2 * PIXELS; i++) assert_true(abs(first[i] - second[i]) <= 16);
    }
    unsetenv(variable);
    nn_model_close(model);
    generator_release(&g);
}

static void sampling_goes_on_on_the_cpu_when_the_device_is_lost(void **state)
{
    require_host();
    check_retreat(state, "TEST_CUDA_LOSE_AFTER", NULL, "0");
}

static void sampling_goes_on_on_the_cpu_when_memory_is_out(void **state)
{
    require_host();
    check_retreat(state, "TEST_CUDA_MEMORY_MIB", "32", NULL);
}

/* Draws `count` images on a GPU that is lost after so many copies. Returns whether it was, having checked
 * that all of them are then as the CPU makes them. */
static bool loses_all_or_none(const char *path, const struct nn_sample_point *points, int count, int depth,
                              int copies)
{
    struct nn_error err = {0};
    struct nn_model *model, *cpu;
    size_t size_bytes = (size_t)count * PIXELS * (size_t)depth / 8;
    uint8_t *drawn = malloc(size_bytes), *wanted = malloc(size_bytes);
    char text[16];
    snprintf(text, sizeof text, "%d", copies);
    require(nn_model_open(&cpu, path, "cpu", &err), &err);
    require(nn_model_draw(cpu, points, count, SIDE, depth, wanted, &err), &err);
    require(nn_model_open(&model, path, "auto", &err), &err);
    setenv("TEST_CUDA_LOSE_AFTER", text, 1);
    require(nn_model_draw(model, points, count, SIDE, depth, drawn, &err), &err);
    unsetenv("TEST_CUDA_LOSE_AFTER");
    bool lost = strstr(nn_model_info(model)->device, "cpu");
    assert_int_equal(memcmp(drawn, wanted, size_bytes) == 0, lost);
    nn_model_close(model);
    nn_model_close(cpu);
    free(drawn);
    free(wanted);
    return lost;
}

static void all_images_of_a_call_are_of_the_device_that_is_named_after_it(void **state)
{
    enum { POINTS = 129 }; /* one more than the sampler is given at once */
    struct generator g = make_generator();
    struct nn_error err = {0};
    struct nn_sample_point points[POINTS];
    const char *path = scratch_path(state, "m.safetensors");
    require_host();
    require(nn_checkpoint_write(path, &INFO, &g.net, g.values, &err), &err);
    for (int i = 0; i < POINTS; i++)
        points[i] = (struct nn_sample_point){.seed = (uint64_t)i, .labels = {1}, .truncation = 1};
    assert_true(loses_all_or_none(path, points, 3, 16, 3)); /* amid the second */
    assert_false(loses_all_or_none(path, points, 3, 16, 100));
    assert_true(loses_all_or_none(path, points, POINTS, 8, 5)); /* amid the last */
    generator_release(&g);
}

static void a_named_device_that_fails_is_an_error(void **state)
{
    struct generator g = make_generator();
    struct nn_error err = {0};
    struct nn_model *model;
    const struct nn_sample_request request = {.seed = 1, .strength = 1, .truncation = 1};
    const char *path = scratch_path(state, "m.safetensors");
    uint8_t pixels[PIXELS];
    require_host();
    require(nn_checkpoint_write(path, &INFO, &g.net, g.values, &err), &err);
    require(nn_model_open(&model, path, "cuda", &err), &err);
    require(nn_model_sample(model, &request, 1, pixels, &err), &err);
    setenv("TEST_CUDA_LOSE_AFTER", "0", 1);
    assert_int_equal(nn_model_sample(model, &request, 1, pixels, &err), NN_ERR_DEVICE);
    assert_non_null(strstr(err.text, "lost"));
    unsetenv("TEST_CUDA_LOSE_AFTER");
    nn_model_close(model);
    generator_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_recorded_or_not_equal_single_samples_in_f32),
        cmocka_unit_test(batches_recorded_or_not_equal_single_samples_in_bf16),
        cmocka_unit_test(a_thousand_samples_take_no_more_memory),
        cmocka_unit_test(copies_larger_than_the_staging_blocks_arrive_whole),
        cmocka_unit_test(freed_memory_is_handed_out_again),
        cmocka_unit_test(blocks_of_all_sizes_keep_what_is_in_them),
        cmocka_unit_test(a_machine_without_a_driver_or_with_an_old_one_or_an_old_card_is_told_so),
        cmocka_unit_test_setup_teardown(sampling_goes_on_on_the_cpu_when_the_device_is_lost, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(sampling_goes_on_on_the_cpu_when_memory_is_out, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(all_images_of_a_call_are_of_the_device_that_is_named_after_it,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_named_device_that_fails_is_an_error, scratch_setup,
                                        scratch_teardown),
    };
    const char *device = getenv("ROENTGYM_TEST_DEVICE");
    if (!device || strcmp(device, "cuda") != 0) {
        printf("1..0 # SKIP only with ROENTGYM_TEST_DEVICE=cuda\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
