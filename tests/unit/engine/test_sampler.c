/* A whole generator on the CPU against the reference backend, in both precisions and all variants; what the
 * same request may differ in; and that a sample allocates nothing. */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/rng.h"
#include "engine/sampler_plan.h"
#include "tests/unit/own_malloc.h"

enum { SIDE_LOG2 = 7, SIDE = 1 << SIDE_LOG2, PIXELS = SIDE * SIDE, INPUT_MAX = NN_FMAP_MAX + NN_LABELS_MAX };

/* ---- generators ------------------------------------------------------------------------------ */

/* Widths that end in chains of 4, 8, 16 and 32 channels, in maps of 24 before them, and one of 6 that the
 * chain does not take; labels in all their kinds; both forms of up-sampling. */
static const struct {
    const char *name;
    struct nn_gan_config config;
} variants[] = {
    {"classes", {.label_count = 3, .fmap_base = 512, .fmap_max = 32}},
    {"unfused", {.label_count = 3, .fmap_base = 512, .fmap_max = 32, .unfused = true}},
    {"unconditional", {.fmap_base = 512, .fmap_max = 32}},
    {"multi-label", {.label_count = 4, .fmap_base = 512, .fmap_max = 32, .label_kind = NN_LABELS_MULTI}},
    {"latents normalised alone",
     {.label_count = 2, .fmap_base = 512, .fmap_max = 32, .label_norm = NN_NORM_LATENT_ONLY}},
    {"another epsilon", {.label_count = 2, .fmap_base = 512, .fmap_max = 32, .pixel_norm_epsilon = 1e-4f}},
    {"4 channels", {.label_count = 2, .fmap_base = 256, .fmap_max = 32}},
    {"16 channels", {.label_count = 2, .fmap_base = 1024, .fmap_max = 64}},
    {"32 channels", {.label_count = 2, .fmap_base = 2048, .fmap_max = 64}},
    {"48 channels before", {.label_count = 2, .fmap_base = 2048, .fmap_max = 48}},
    {"24 channels before", {.label_count = 2, .fmap_base = 512, .fmap_max = 24}},
    {"unfused 24 before", {.label_count = 1, .fmap_base = 512, .fmap_max = 24, .unfused = true}},
    {"6 channels", {.label_count = 2, .fmap_base = 384, .fmap_max = 32}},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

struct made {
    struct nn_network net;
    float *values;
};

static struct made make(int variant)
{
    struct made m;
    struct nn_gan_config config = variants[variant].config;
    config.resolution_log2 = SIDE_LOG2;
    config.mbstd_group = 4;
    assert_int_equal(nn_network_init(&m.net, &config, NN_GENERATOR, NULL), NN_OK);
    m.values = malloc(m.net.value_count * sizeof *m.values);
    assert_non_null(m.values);
    nn_network_init_values(&m.net, 3, m.values);
    for (int i = 0; i < m.net.param_count; i++) {
        const struct nn_param *p = &m.net.params[i];
        if (strstr(p->name, "/bias"))
            nn_random_normals(4, 9, p->offset, nn_count(p->shape), m.values + p->offset);
        for (size_t k = 0; strncmp(p->name, "ToRGB", 5) == 0 && k < nn_count(p->shape); k++)
            m.values[p->offset + k] *= 0.25f; /* as of a trained model, most of the image lies within -1..1 */
    }
    return m;
}

static void release(struct made *m)
{
    nn_network_release(&m->net);
    free(m->values);
}

static void input_of(const struct nn_gan_config *c, uint64_t seed, float *input)
{
    float labels[NN_LABELS_MAX];
    if (c->label_count) nn_sampler_labels(c, (int)(seed % (uint64_t)nn_sampler_class_count(c)), 1, labels);
    nn_sampler_latent(c, seed, seed, 0, input);
    nn_sampler_input(c, input, labels, 1, input);
}

static struct nn_sampler *open_sampler(const struct made *m, struct nn_backend *be)
{
    struct nn_sampler *s;
    struct nn_error err = {0};
    if (nn_sampler_new(&s, be, &m->net, m->values, &err)) fail_msg("%s", err.text);
    return s;
}

static struct nn_backend *open_cpu(enum nn_type type)
{
    struct nn_backend *be;
    struct nn_error err = {0};
    if (nn_backend_open_cpu(&be, type, &err)) fail_msg("%s", err.text);
    return be;
}

/* ---- against the reference ------------------------------------------------------------------- */

struct apart {
    double mean, most; /* grey levels */
};

static struct apart compare(const uint8_t *grey, const float *image)
{
    struct apart d = {0, 0};
    for (int i = 0; i < PIXELS; i++) {
        double wanted = fmin(fmax((double)image[i] * 127.5 + 127.5, 0), 255), off = fabs(grey[i] - wanted);
        d.mean += off / PIXELS;
        d.most = fmax(d.most, off);
    }
    return d;
}

static void compare_with_reference(enum nn_type type, struct apart allowed)
{
    static float image[PIXELS];
    static uint8_t grey[PIXELS];
    float input[INPUT_MAX];
    struct apart worst = {0, 0};
    struct nn_backend *reference, *cpu = open_cpu(type);
    assert_int_equal(nn_backend_open_reference(&reference, NN_F32, NULL), NN_OK);
    for (int v = 0; v < VARIANTS; v++) {
        struct made m = make(v);
        struct nn_sampler *wanted = open_sampler(&m, reference), *tested = open_sampler(&m, cpu);
        assert_true((tested->prepared != NULL) == (strcmp(variants[v].name, "6 channels") != 0));
        for (uint64_t seed = 0; seed < 3; seed++) {
            struct nn_error err = {0};
            input_of(&m.net.config, seed, input);
            if (nn_sampler_run(wanted, input, image, &err)) fail_msg("%s", err.text);
            if (nn_sampler_run_grey(tested, input, 1, grey, &err)) fail_msg("%s", err.text);
            struct apart d = compare(grey, image);
            worst = (struct apart){fmax(worst.mean, d.mean), fmax(worst.most, d.most)};
            if (!(d.mean <= allowed.mean && d.most <= allowed.most))
                fail_msg("%s, seed %d: %.3f grey levels apart on average, %.2f at most", variants[v].name,
                         (int)seed, d.mean, d.most);
        }
        nn_sampler_free(wanted);
        nn_sampler_free(tested);
        release(&m);
    }
    print_message("apart by %.2f grey levels on average, %.2f at most\n", worst.mean, worst.most);
    reference->close(reference);
    cpu->close(cpu);
}

static void f32_gives_the_reference_image_to_the_rounding_of_a_grey_level(void **state)
{
    (void)state;
    compare_with_reference(NN_F32, (struct apart){0.28, 0.51});
}

static void bf16_gives_it_to_half_a_grey_level_on_average(void **state)
{
    (void)state;
    if (!nn_cpu_has_bf16()) skip();
    compare_with_reference(NN_BF16, (struct apart){0.5, 4});
}

/* ---- the same request, the same bytes -------------------------------------------------------- */

static void place_in_a_batch_and_threads_change_no_byte(enum nn_type type)
{
    enum { BATCH = 5 };
    static uint8_t together[BATCH][PIXELS], alone[PIXELS];
    float inputs[BATCH * INPUT_MAX];
    struct made m = make(0);
    struct nn_backend *be = open_cpu(type);
    size_t length = (size_t)(nn_gan_latent_size(&m.net.config) + m.net.config.label_count);
    int threads = omp_get_max_threads();
    for (uint64_t i = 0; i < BATCH; i++) input_of(&m.net.config, i, inputs + i * length);
    struct nn_sampler *s = open_sampler(&m, be);
    assert_int_equal(nn_sampler_run_grey(s, inputs, BATCH, together[0], NULL), NN_OK);
    nn_sampler_free(s);
    for (int n = 1; n <= 4; n++) {
        omp_set_num_threads(n);
        s = open_sampler(&m, be);
        for (size_t i = BATCH; i-- > 0;) {
            assert_int_equal(nn_sampler_run_grey(s, inputs + i * length, 1, alone, NULL), NN_OK);
            assert_memory_equal(alone, together[i], PIXELS);
        }
        nn_sampler_free(s);
    }
    omp_set_num_threads(threads);
    be->close(be);
    release(&m);
}

static void the_same_input_gives_the_same_bytes_in_f32(void **state)
{
    (void)state;
    place_in_a_batch_and_threads_change_no_byte(NN_F32);
}

static void the_same_input_gives_the_same_bytes_in_bf16(void **state)
{
    (void)state;
    if (!nn_cpu_has_bf16()) skip();
    place_in_a_batch_and_threads_change_no_byte(NN_BF16);
}

static void a_value_and_its_grey_level_are_one_pixel(void **state)
{
    (void)state;
    static float image[PIXELS];
    static uint8_t grey[PIXELS], rounded[PIXELS];
    float input[INPUT_MAX];
    struct made m = make(0);
    struct nn_backend *be = open_cpu(NN_F32);
    struct nn_sampler *s = open_sampler(&m, be);
    input_of(&m.net.config, 7, input);
    assert_int_equal(nn_sampler_run(s, input, image, NULL), NN_OK);
    assert_int_equal(nn_sampler_run_grey(s, input, 1, grey, NULL), NN_OK);
    nn_sampler_grey(image, PIXELS, rounded);
    assert_memory_equal(grey, rounded, PIXELS);
    nn_sampler_free(s);
    be->close(be);
    release(&m);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void a_sample_allocates_no_buffer(void **state)
{
    (void)state;
    if (!OWN_MALLOC) skip();
    static uint8_t grey[8 * PIXELS];
    static float image[PIXELS];
    float inputs[8 * INPUT_MAX] = {0};
    for (enum nn_type type = NN_F32; type <= NN_BF16; type++) {
        if (type == NN_BF16 && !nn_cpu_has_bf16()) continue;
        struct made m = make(0);
        struct nn_backend *be = open_cpu(type);
        struct nn_sampler *s = open_sampler(&m, be);
        assert_int_equal(nn_sampler_run_grey(s, inputs, 1, grey, NULL), NN_OK); /* threads come to life */
        /* oneDNN's own calls take some bytes each for their arguments; what is meant are buffers. */
        long before = atomic_load(&own_buffers);
        for (int i = 0; i < 10; i++) assert_int_equal(nn_sampler_run_grey(s, inputs, 8, grey, NULL), NN_OK);
        assert_int_equal(nn_sampler_run(s, inputs, image, NULL), NN_OK);
        assert_int_equal(atomic_load(&own_buffers) - before, 0);
        nn_sampler_free(s);
        be->close(be);
        release(&m);
    }
    assert_true(atomic_load(&own_buffers) > 0); /* nn_sampler_new's are counted */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_gives_the_reference_image_to_the_rounding_of_a_grey_level),
        cmocka_unit_test(bf16_gives_it_to_half_a_grey_level_on_average),
        cmocka_unit_test(the_same_input_gives_the_same_bytes_in_f32),
        cmocka_unit_test(the_same_input_gives_the_same_bytes_in_bf16),
        cmocka_unit_test(a_value_and_its_grey_level_are_one_pixel),
        cmocka_unit_test(a_sample_allocates_no_buffer),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
