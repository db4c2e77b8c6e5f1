/* What the networks' variants change, each against the tape, its own algebra or its files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/checkpoint.h"
#include "engine/engine.h"
#include "engine/sampler.h"
#include "engine/tape.h"
#include "tests/unit/host_values.h"
#include "tests/unit/scratch.h"

enum { SIDE = 32, PIXELS = SIDE * SIDE, LABELS = 3, PARAMS_MAX = 64, INPUT_MAX = 64 };

static const struct nn_gan_config PLAIN = {
    .resolution_log2 = 5, .label_count = LABELS, .fmap_base = 512, .fmap_max = 32, .mbstd_group = 4};

#define WITH_LABELS(count) .resolution_log2 = 5, .label_count = (count), .fmap_base = 512, .fmap_max = 32
static const struct nn_gan_config VARIANTS[] = {
    {WITH_LABELS(LABELS), .mbstd_group = 4, .unfused = true},
    {WITH_LABELS(LABELS), .mbstd_group = 4, .label_norm = NN_NORM_LATENT_ONLY},
    {WITH_LABELS(LABELS), .mbstd_group = 4, .label_kind = NN_LABELS_MULTI},
    {WITH_LABELS(LABELS), .unfused = true, .label_kind = NN_LABELS_MULTI, .label_norm = NN_NORM_LATENT_ONLY},
    {WITH_LABELS(LABELS), .mbstd_group = 4, .conditioning = NN_CONDITION_PROJECTION},
    {WITH_LABELS(LABELS), .mbstd_group = 0, .pixel_norm_epsilon = 0.1f},
    {WITH_LABELS(0), .mbstd_group = 4},
    {WITH_LABELS(0), .mbstd_group = 4, .unfused = true, .label_norm = NN_NORM_LATENT_ONLY},
};
enum { VARIANT_COUNT = sizeof VARIANTS / sizeof *VARIANTS };

/* Label vectors of each kind: one class, a mixture; some findings, none. */
static const float VECTORS[][LABELS] = {{0, 1, 0}, {0.25f, 0.25f, 0.5f}, {1, 0, 1}, {0, 0, 0}};
enum { VECTOR_COUNT = sizeof VECTORS / sizeof *VECTORS };

static float *make_values(const struct nn_network *net)
{
    float *values = malloc(net->value_count * sizeof *values);
    double bias[64];
    assert_non_null(values);
    nn_network_init_values(net, 3, values);
    for (int i = 0; i < net->param_count; i++) {
        const struct nn_param *p = &net->params[i];
        if (!strstr(p->name, "/bias")) continue;
        assert_true(p->shape.c <= 64);
        test_normals(4, (uint64_t)i, nn_count(p->shape), bias);
        for (size_t k = 0; k < nn_count(p->shape); k++) values[p->offset + k] = (float)bias[k];
    }
    return values;
}

/* ---- the sampler against the tape --------------------------------------------------------------- */

static void by_tape(struct nn_backend *be, const struct nn_network *net, float *values, uint64_t seed,
                    const float *labels, float *image)
{
    struct nn_tape *t;
    nn_id params[PARAMS_MAX];
    float z[INPUT_MAX];
    assert_true(net->param_count <= PARAMS_MAX);
    nn_sampler_latent(&net->config, seed, seed, 0, z);
    assert_int_equal(nn_tape_new(&t, be, NULL), NN_OK);
    nn_network_leaves(t, net, values, params); /* the backend's memory is the host's */
    nn_id latents = nn_from_host(t, z, nn_shape(1, nn_gan_latent_size(&net->config), 1, 1));
    nn_id y = net->config.label_count ? nn_from_host(t, labels, nn_shape(1, LABELS, 1, 1)) : nn_none;
    nn_id made = nn_generator(t, net, params, latents, y, 0);
    test_require_ok(t);
    assert_int_equal(nn_read(t, made, image, NULL), NN_OK);
    nn_tape_free(t);
}

static void by_sampler(struct nn_sampler *sampler, const struct nn_gan_config *c, uint64_t seed,
                       const float *labels, float truncation, float *image)
{
    float input[INPUT_MAX];
    nn_sampler_latent(c, seed, seed, 0, input);
    nn_sampler_input(c, input, c->label_count ? labels : NULL, truncation, input);
    assert_int_equal(nn_sampler_run(sampler, input, image, NULL), NN_OK);
}

/* |a - b| / |b|, both at least as large as an image that shows something. */
static double image_difference(const float *a, const float *b)
{
    double square = 0, own = 0;
    for (int i = 0; i < PIXELS; i++) {
        square += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
        own += (double)b[i] * (double)b[i];
    }
    assert_true(own > PIXELS * 1e-3);
    return sqrt(square / own);
}

struct prepared {
    struct nn_backend *be;
    struct nn_network net;
    float *values;
    struct nn_sampler *sampler;
};

static struct prepared prepare(const struct nn_gan_config *config)
{
    struct prepared p;
    assert_int_equal(nn_backend_open_cpu(&p.be, NN_F32, NULL), NN_OK);
    assert_int_equal(nn_network_init(&p.net, config, NN_GENERATOR, NULL), NN_OK);
    p.values = make_values(&p.net);
    assert_int_equal(nn_sampler_new(&p.sampler, p.be, &p.net, p.values, NULL), NN_OK);
    return p;
}

static void finish(struct prepared *p)
{
    nn_sampler_free(p->sampler);
    free(p->values);
    nn_network_release(&p->net);
    p->be->close(p->be);
}

static void the_sampler_equals_the_tape_in_every_variant(void **state)
{
    (void)state;
    static float tape[PIXELS], plan[PIXELS];
    for (int v = 0; v < VARIANT_COUNT; v++) {
        struct prepared p = prepare(&VARIANTS[v]);
        for (int k = 0; k < VECTOR_COUNT; k++) {
            by_tape(p.be, &p.net, p.values, (uint64_t)k, VECTORS[k], tape);
            by_sampler(p.sampler, &VARIANTS[v], (uint64_t)k, VECTORS[k], 1, plan);
            double got = image_difference(plan, tape);
            if (!(got <= 1e-5)) fail_msg("variant %d, labels %d: differs by %g", v, k, got);
        }
        finish(&p);
    }
}

static void every_variant_is_another_function(void **state)
{
    (void)state;
    static float plain[PIXELS], other[PIXELS];
    struct prepared p = prepare(&PLAIN);
    by_sampler(p.sampler, &PLAIN, 1, VECTORS[2], 1, plain);
    finish(&p);
    for (int v = 0; v < VARIANT_COUNT; v++) {
        if (VARIANTS[v].label_kind == NN_LABELS_MULTI || VARIANTS[v].conditioning) continue; /* same images */
        struct prepared q = prepare(&VARIANTS[v]);
        by_sampler(q.sampler, &VARIANTS[v], 1, VECTORS[2], 1, other);
        assert_true(image_difference(other, plain) > 1e-3);
        finish(&q);
    }
}

static void truncation_0_is_one_image_for_each_label_in_every_variant(void **state)
{
    (void)state;
    static float a[PIXELS], b[PIXELS];
    for (int v = 0; v < VARIANT_COUNT; v++) {
        struct prepared p = prepare(&VARIANTS[v]);
        by_sampler(p.sampler, &VARIANTS[v], 1, VECTORS[2], 0, a);
        by_sampler(p.sampler, &VARIANTS[v], 2, VECTORS[2], 0, b);
        assert_memory_equal(a, b, sizeof a);
        by_sampler(p.sampler, &VARIANTS[v], 2, VECTORS[0], 0, b);
        assert_true(!VARIANTS[v].label_count || image_difference(b, a) > 1e-3);
        finish(&p);
    }
}

/* ---- labels ------------------------------------------------------------------------------------- */

static void require_labels(const struct nn_gan_config *c, int class_index, float strength, float a, float b,
                           float d)
{
    float labels[LABELS] = {-1, -1, -1};
    const float want[] = {a, b, d};
    nn_sampler_labels(c, class_index, strength, labels);
    for (int k = 0; k < LABELS; k++) test_require_near((double)labels[k], (double)want[k], 1e-6);
}

static void strength_leads_to_the_mean_of_classes_and_away_from_a_finding(void **state)
{
    (void)state;
    struct nn_gan_config multi = PLAIN, none = PLAIN;
    multi.label_kind = NN_LABELS_MULTI;
    none.label_count = 0;
    assert_int_equal(nn_sampler_class_count(&PLAIN), 3);
    assert_int_equal(nn_sampler_class_count(&multi), 4);
    assert_int_equal(nn_sampler_class_count(&none), 1);
    require_labels(&PLAIN, 1, 1, 0, 1, 0);
    require_labels(&PLAIN, 1, 0, 1 / 3.0f, 1 / 3.0f, 1 / 3.0f);
    require_labels(&PLAIN, 2, 0.25f, 0.25f, 0.25f, 0.5f);
    require_labels(&multi, 1, 1, 0, 1, 0);
    require_labels(&multi, 1, 0.25f, 0, 0.25f, 0);
    require_labels(&multi, 3, 1, 0, 0, 0);
    require_labels(&none, 0, 1, -1, -1, -1); /* nothing to write */
}

static void joint_input_is_normalised_whole_and_latent_only_leaves_labels_as_they_are(void **state)
{
    (void)state;
    float latent[INPUT_MAX], input[INPUT_MAX];
    const float labels[LABELS] = {1, 0, 1};
    struct nn_gan_config c = PLAIN;
    int size = nn_gan_latent_size(&c);
    nn_sampler_latent(&c, 7, 7, 0, latent);
    for (int norm = 0; norm < 2; norm++) {
        double square = 0;
        c.label_norm = (enum nn_label_norm)norm;
        nn_sampler_input(&c, latent, labels, 1, input);
        int length = norm == NN_NORM_JOINT ? size + LABELS : size;
        for (int i = 0; i < length; i++) square += (double)input[i] * (double)input[i];
        test_require_near(square / length, 1, 1e-5);
        for (int k = 0; k < LABELS; k++)
            assert_int_equal(input[size + k] == labels[k], norm == NN_NORM_LATENT_ONLY || labels[k] == 0);
    }
}

/* ---- the discriminator -------------------------------------------------------------------------- */

/* Outputs (4, outputs) for 4 images and their labels, in f64. */
static void discriminate(const struct nn_gan_config *config, const double *labels, double *out)
{
    static double images[4 * PIXELS];
    struct nn_backend *be;
    struct nn_tape *t;
    struct nn_network net;
    nn_id params[PARAMS_MAX];
    assert_int_equal(nn_backend_open_reference(&be, NN_F64, NULL), NN_OK);
    assert_int_equal(nn_tape_new(&t, be, NULL), NN_OK);
    assert_int_equal(nn_network_init(&net, config, NN_DISCRIMINATOR, NULL), NN_OK);
    assert_true(net.param_count <= PARAMS_MAX);
    double *values = malloc(net.value_count * sizeof *values);
    assert_non_null(values);
    test_normals(3, 1, net.value_count, values);
    nn_network_leaves(t, &net, values, params);
    test_normals(6, 0, 4 * PIXELS, images);
    nn_id y = labels ? test_leaf(t, labels, nn_shape(4, LABELS, 1, 1)) : nn_none;
    test_read(t, nn_discriminator(t, &net, params, test_leaf(t, images, nn_shape(4, 1, SIDE, SIDE)), y, 0),
              out);
    free(values);
    nn_network_release(&net);
    nn_tape_free(t);
    be->close(be);
}

static void a_projection_adds_the_sum_over_the_labels(void **state)
{
    (void)state;
    struct nn_gan_config c = PLAIN;
    c.conditioning = NN_CONDITION_PROJECTION;
    assert_int_equal(nn_gan_logit_count(&c), 0);
    double none[4], each[LABELS][4], some[4];
    double labels[4 * LABELS] = {0};
    discriminate(&c, labels, none);
    for (int k = 0; k < LABELS; k++) {
        for (int n = 0; n < 4; n++)
            for (int i = 0; i < LABELS; i++) labels[n * LABELS + i] = i == k;
        discriminate(&c, labels, each[k]);
    }
    for (int n = 0; n < 4; n++)
        for (int i = 0; i < LABELS; i++) labels[n * LABELS + i] = i != 1;
    discriminate(&c, labels, some);
    for (int n = 0; n < 4; n++) {
        assert_true(fabs(each[0][n] - none[n]) > 1e-3);
        test_require_near(some[n] - none[n], each[0][n] + each[2][n] - 2 * none[n], 1e-9);
    }
}

static void a_classifier_does_not_see_the_labels(void **state)
{
    (void)state;
    double labels[4 * LABELS] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0}, with[4 * 4], without[4 * 4];
    assert_int_equal(nn_gan_logit_count(&PLAIN), LABELS);
    discriminate(&PLAIN, labels, with);
    discriminate(&PLAIN, NULL, without);
    assert_memory_equal(with, without, sizeof with);
}

static void group_0_is_the_whole_minibatch(void **state)
{
    (void)state;
    struct nn_gan_config whole = PLAIN, four = PLAIN, two = PLAIN;
    double a[16], b[16], d[16];
    whole.mbstd_group = 0;
    four.mbstd_group = 4;
    two.mbstd_group = 2;
    discriminate(&whole, NULL, a);
    discriminate(&four, NULL, b);
    discriminate(&two, NULL, d);
    assert_memory_equal(a, b, sizeof a);
    assert_true(memcmp(a, d, sizeof a) != 0);
}

static void a_projection_without_labels_is_refused(void **state)
{
    (void)state;
    struct nn_backend *be;
    struct nn_tape *t;
    struct nn_network net;
    struct nn_error err;
    nn_id params[PARAMS_MAX];
    struct nn_gan_config c = PLAIN;
    c.conditioning = NN_CONDITION_PROJECTION;
    assert_int_equal(nn_backend_open_cpu(&be, NN_F32, NULL), NN_OK);
    assert_int_equal(nn_tape_new(&t, be, NULL), NN_OK);
    assert_int_equal(nn_network_init(&net, &c, NN_DISCRIMINATOR, NULL), NN_OK);
    float *values = make_values(&net);
    nn_network_leaves(t, &net, values, params);
    static double images[4 * PIXELS];
    nn_id x = test_leaf(t, images, nn_shape(4, 1, SIDE, SIDE));
    assert_int_equal(nn_discriminator(t, &net, params, x, nn_none, 0).index, 0);
    assert_int_equal(nn_tape_status(t, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "3 labels"));
    free(values);
    nn_network_release(&net);
    nn_tape_free(t);
    be->close(be);
}

static void layouts_differ_in_the_names_of_the_sampling_layers_and_the_embedding(void **state)
{
    (void)state;
    struct nn_gan_config unfused = PLAIN, projection = PLAIN;
    unfused.unfused = true;
    projection.conditioning = NN_CONDITION_PROJECTION;
    const struct nn_gan_config *configs[] = {&PLAIN, &unfused, &projection};
    struct nn_network g[3], d[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nn_network_init(&g[i], configs[i], NN_GENERATOR, NULL), NN_OK);
        assert_int_equal(nn_network_init(&d[i], configs[i], NN_DISCRIMINATOR, NULL), NN_OK);
    }
    assert_int_equal(g[0].value_count, g[1].value_count);
    assert_int_equal(d[0].value_count, d[1].value_count);
    /* 3 logits with their biases less, 3 embeddings more */
    assert_int_equal(d[2].value_count, d[0].value_count - 3);
    assert_true(nn_network_find(&g[0], "32x32/Conv0_up/weight") >= 0);
    assert_int_equal(nn_network_find(&g[1], "32x32/Conv0_up/weight"), -1);
    int conv0 = nn_network_find(&g[1], "32x32/Conv0/weight");
    assert_true(conv0 >= 0);
    assert_true(nn_same_shape(g[1].params[conv0].shape, nn_shape(32, 32, 3, 3)));
    test_require_near((double)g[1].params[conv0].scale, sqrt(2.0 / (9 * 32)), 1e-7);
    assert_true(nn_network_find(&d[1], "32x32/Conv1/weight") >= 0);
    int embedding = nn_network_find(&d[2], "4x4/Embedding/weight");
    assert_true(nn_same_shape(d[2].params[embedding].shape, nn_shape(32, LABELS, 1, 1)));
    for (int i = 0; i < 3; i++) {
        nn_network_release(&g[i]);
        nn_network_release(&d[i]);
    }
}

/* ---- files -------------------------------------------------------------------------------------- */

static void write_variant(const char *path, const struct nn_gan_config *config)
{
    struct nn_network net;
    struct nn_checkpoint info = {.config = *config,
                                 .class_count = config->label_count,
                                 .classes = {"cardiomegaly", "effusion", "fracture"},
                                 .name = "variant",
                                 .provenance = "made in a test"};
    assert_int_equal(nn_network_init(&net, config, NN_GENERATOR, NULL), NN_OK);
    float *values = make_values(&net);
    assert_int_equal(nn_checkpoint_write(path, &info, &net, values, NULL), NN_OK);
    free(values);
    nn_network_release(&net);
}

static void a_checkpoint_keeps_every_variant(void **state)
{
    const char *path = scratch_path(state, "v.safetensors");
    for (int v = 0; v < VARIANT_COUNT; v++) {
        struct nn_checkpoint info;
        struct nn_network net;
        float *values;
        char sha256[65];
        write_variant(path, &VARIANTS[v]);
        assert_int_equal(nn_checkpoint_read(path, &info, &net, &values, sha256, NULL), NN_OK);
        assert_memory_equal(&info.config, &VARIANTS[v], sizeof info.config);
        free(values);
        nn_network_release(&net);
    }
}

static void a_model_offers_none_of_its_findings_or_any_image(void **state)
{
    const char *path = scratch_path(state, "m.safetensors");
    static uint8_t pixels[3][PIXELS];
    struct nn_model *m;
    write_variant(path, &VARIANTS[2]);
    assert_int_equal(nn_model_open(&m, path, "cpu", NULL), NN_OK);
    const struct nn_model_info *info = nn_model_info(m);
    assert_true(info->multi_label);
    assert_int_equal(info->label_count, 3);
    assert_int_equal(info->class_count, 4);
    assert_string_equal(info->classes[2], "fracture");
    assert_string_equal(info->classes[3], "none");
    struct nn_sample_request requests[] = {{1, 2, 1, 1}, {1, 2, 0, 1}, {1, 3, 1, 1}};
    assert_int_equal(nn_model_sample(m, requests, 3, pixels[0], NULL), NN_OK);
    assert_memory_equal(pixels[1], pixels[2], PIXELS); /* a finding of strength 0 is none */
    assert_true(memcmp(pixels[0], pixels[1], PIXELS) != 0);
    requests[0].class_index = 4;
    assert_int_equal(nn_model_sample(m, requests, 1, pixels[0], NULL), NN_ERR_ARGUMENT);
    nn_model_close(m);

    write_variant(path, &VARIANTS[6]);
    assert_int_equal(nn_model_open(&m, path, "cpu", NULL), NN_OK);
    info = nn_model_info(m);
    assert_false(info->multi_label);
    assert_int_equal(info->label_count, 0);
    assert_int_equal(info->class_count, 1);
    assert_string_equal(info->classes[0], "any");
    const struct nn_sample_request any = {1, 0, 1, 1}, weak = {1, 0, 0, 1};
    assert_int_equal(nn_model_sample(m, &any, 1, pixels[0], NULL), NN_OK);
    assert_int_equal(nn_model_sample(m, &weak, 1, pixels[1], NULL), NN_OK);
    assert_memory_equal(pixels[0], pixels[1], PIXELS);
    nn_model_close(m);
}

static void configurations_out_of_range_are_refused(void **state)
{
    (void)state;
    struct nn_error err;
    struct nn_gan_config c = PLAIN;
    c.label_count = NN_LABELS_MAX;
    assert_int_equal(nn_gan_check(&c, &err), NN_OK);
    c.label_kind = NN_LABELS_MULTI; /* no room for "none" */
    assert_int_equal(nn_gan_check(&c, &err), NN_ERR_ARGUMENT);
    c = PLAIN;
    const float epsilons[] = {-1e-8f, 1.5f, NAN};
    for (int i = 0; i < 3; i++) {
        c.pixel_norm_epsilon = epsilons[i];
        assert_int_equal(nn_gan_check(&c, &err), NN_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, "pixel_norm_epsilon"));
    }
}

#define in_folder(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sampler_equals_the_tape_in_every_variant),
        cmocka_unit_test(every_variant_is_another_function),
        cmocka_unit_test(truncation_0_is_one_image_for_each_label_in_every_variant),
        cmocka_unit_test(strength_leads_to_the_mean_of_classes_and_away_from_a_finding),
        cmocka_unit_test(joint_input_is_normalised_whole_and_latent_only_leaves_labels_as_they_are),
        cmocka_unit_test(a_projection_adds_the_sum_over_the_labels),
        cmocka_unit_test(a_classifier_does_not_see_the_labels),
        cmocka_unit_test(group_0_is_the_whole_minibatch),
        cmocka_unit_test(a_projection_without_labels_is_refused),
        cmocka_unit_test(layouts_differ_in_the_names_of_the_sampling_layers_and_the_embedding),
        in_folder(a_checkpoint_keeps_every_variant),
        in_folder(a_model_offers_none_of_its_findings_or_any_image),
        cmocka_unit_test(configurations_out_of_range_are_refused),
    };
    return cmocka_run_group_tests_name("network variants", tests, NULL, NULL);
}
