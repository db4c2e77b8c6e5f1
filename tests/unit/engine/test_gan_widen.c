/* Networks of more channels that compute what the narrow ones did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/gan_widen.h"
#include "tests/unit/host_values.h"

enum { SIDE = 32, IMAGES = 4, LABELS = 3, PARAMS_MAX = 64, OUTPUTS_MAX = IMAGES * SIDE * SIDE };

/* 16, 8, 4 and 2 channels at the sides 4, 8, 16 and 32; 32 latents. */
#define NARROW .resolution_log2 = 5, .fmap_base = 32, .fmap_max = 32
static const struct nn_gan_config VARIANTS[] = {
    {NARROW, .label_count = LABELS, .mbstd_group = 4},
    {NARROW, .label_count = LABELS, .mbstd_group = 2, .unfused = true, .label_norm = NN_NORM_LATENT_ONLY},
    {NARROW, .label_count = LABELS, .conditioning = NN_CONDITION_PROJECTION},
    {NARROW},
};
enum { VARIANT_COUNT = sizeof VARIANTS / sizeof *VARIANTS };

static const double ONE_HOT[IMAGES * LABELS] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0};

static void open_network(struct nn_network *net, const struct nn_gan_config *c, enum nn_network_kind kind,
                         float **values)
{
    assert_int_equal(nn_network_init(net, c, kind, NULL), NN_OK);
    assert_true(net->param_count <= PARAMS_MAX);
    *values = malloc(net->value_count * sizeof **values);
    assert_non_null(*values);
}

/* Images of the generator or scores of the discriminator, and into `gradient`, if it is there, that of their
 * product with the inputs by the parameter `slope_of`; in f64. */
static void run(const struct nn_network *net, const float *values, double *out, const char *slope_of,
                double *gradient)
{
    const struct nn_gan_config *c = &net->config;
    static double in[IMAGES * SIDE * SIDE];
    struct nn_backend *be;
    struct nn_tape *t;
    nn_id params[PARAMS_MAX], slope;
    double *wide = malloc(net->value_count * sizeof *wide);
    assert_non_null(wide);
    for (size_t i = 0; i < net->value_count; i++) wide[i] = (double)values[i];
    assert_int_equal(nn_backend_open_reference(&be, NN_F64, NULL), NN_OK);
    assert_int_equal(nn_tape_new(&t, be, NULL), NN_OK);
    nn_network_leaves(t, net, wide, params);
    nn_id labels = c->label_count ? test_leaf(t, ONE_HOT, nn_shape(IMAGES, LABELS, 1, 1)) : nn_none, made;
    test_normals(6, 0, IMAGES * SIDE * SIDE, in);
    if (net->kind == NN_GENERATOR)
        made = nn_generator(t, net, params, test_leaf(t, in, nn_shape(IMAGES, nn_gan_latent_size(c), 1, 1)),
                            labels, 0);
    else
        made = nn_discriminator(t, net, params, test_leaf(t, in, nn_shape(IMAGES, 1, SIDE, SIDE)), labels, 0);
    test_read(t, made, out);
    if (gradient) {
        nn_gradient(t, made, test_leaf(t, in, nn_value(t, made)->shape),
                    &params[nn_network_find(net, slope_of)], 1, &slope);
        test_read(t, slope, gradient);
    }
    test_require_ok(t);
    nn_tape_free(t);
    be->close(be);
    free(wide);
}

static void widens_to(int variant, enum nn_network_kind kind, int base)
{
    static double before[OUTPUTS_MAX], after[OUTPUTS_MAX];
    struct nn_gan_config to = VARIANTS[variant];
    struct nn_network narrow, wide;
    float *from, *values;
    to.fmap_base = base;
    assert_true(nn_gan_widens(&VARIANTS[variant], &to));
    open_network(&narrow, &VARIANTS[variant], kind, &from);
    open_network(&wide, &to, kind, &values);
    nn_network_init_values(&narrow, 3, from);
    for (int i = 0; i < narrow.param_count; i++) /* biases are 0 so far */
        if (strstr(narrow.params[i].name, "/bias"))
            for (int c = 0; c < narrow.params[i].shape.c; c++)
                from[narrow.params[i].offset + (size_t)c] = 0.1f * (float)(c % 7 - 3);
    nn_network_widen(&wide, values, &narrow, from, 1);
    run(&narrow, from, before, NULL, NULL);
    run(&wide, values, after, NULL, NULL);
    size_t count = kind == NN_GENERATOR ? OUTPUTS_MAX : IMAGES * (1 + (size_t)nn_gan_logit_count(&to));
    double got = test_difference(after, before, count);
    if (!(got <= 1e-5)) fail_msg("variant %d, base %d, network %d: differs by %g", variant, base, kind, got);
    if (base == VARIANTS[variant].fmap_base)
        assert_memory_equal(values, from, narrow.value_count * sizeof *from);
    free(from);
    free(values);
    nn_network_release(&narrow);
    nn_network_release(&wide);
}

/* Twice the base makes twice the channels, sixteen times makes fmap_max of all. */
static const int BASES[] = {32, 64, 128, 512};

static void a_wider_generator_draws_the_same_images(void **state)
{
    (void)state;
    for (int v = 0; v < VARIANT_COUNT; v++)
        for (int b = 0; b < 4; b++) widens_to(v, NN_GENERATOR, BASES[b]);
}

static void a_wider_discriminator_gives_the_same_scores_and_logits(void **state)
{
    (void)state;
    for (int v = 0; v < VARIANT_COUNT; v++)
        for (int b = 0; b < 4; b++) widens_to(v, NN_DISCRIMINATOR, BASES[b]);
}

/* What makes the copies of one channel is taught by those who read them. */
static void the_copies_of_a_channel_are_not_taught_alike(void **state)
{
    (void)state;
    static double images[OUTPUTS_MAX], slopes[8 * 9 * 8];
    struct nn_gan_config to = VARIANTS[0];
    struct nn_network narrow, wide;
    float *from, *values;
    to.fmap_base *= 2;
    open_network(&narrow, &VARIANTS[0], NN_GENERATOR, &from);
    open_network(&wide, &to, NN_GENERATOR, &values);
    nn_network_init_values(&narrow, 3, from);
    nn_network_widen(&wide, values, &narrow, from, 1);
    run(&wide, values, images, "16x16/Conv1/weight", slopes); /* of 4 channels, and now 8 */
    double apart = test_difference(slopes, slopes + 4 * 9 * 8, 4 * 9 * 8);
    if (!(apart > 0.3)) fail_msg("gradients of copies differ by %g only", apart);
    free(from);
    free(values);
    nn_network_release(&narrow);
    nn_network_release(&wide);
}

static void shares_are_the_same_for_one_seed_and_others_for_another(void **state)
{
    (void)state;
    struct nn_gan_config to = VARIANTS[0];
    struct nn_network narrow, wide;
    float *from, *values[3];
    to.fmap_base *= 2;
    open_network(&narrow, &VARIANTS[0], NN_DISCRIMINATOR, &from);
    open_network(&wide, &to, NN_DISCRIMINATOR, &values[0]);
    size_t size = wide.value_count * sizeof **values;
    nn_network_init_values(&narrow, 3, from);
    for (int k = 0; k < 3; k++) {
        if (k) assert_non_null(values[k] = malloc(size));
        nn_network_widen(&wide, values[k], &narrow, from, k < 2 ? 7 : 8);
    }
    assert_memory_equal(values[0], values[1], size);
    assert_memory_not_equal(values[0], values[2], size);
    for (int k = 0; k < 3; k++) free(values[k]);
    free(from);
    nn_network_release(&narrow);
    nn_network_release(&wide);
}

static void fewer_channels_no_multiple_or_another_latent_do_not_widen(void **state)
{
    (void)state;
    const struct nn_gan_config narrow = VARIANTS[0];
    struct nn_gan_config to = narrow;
    to.fmap_base = 16;
    assert_false(nn_gan_widens(&narrow, &to));
    to.fmap_base = 48; /* 24 channels beside 16 */
    assert_false(nn_gan_widens(&narrow, &to));
    to = narrow;
    to.fmap_base = to.fmap_max = 64; /* latents, too */
    assert_false(nn_gan_widens(&narrow, &to));
    to = narrow;
    to.fmap_base = 64;
    to.resolution_log2 = 6; /* widening and growing are two steps of one run */
    assert_true(nn_gan_widens(&narrow, &to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wider_generator_draws_the_same_images),
        cmocka_unit_test(a_wider_discriminator_gives_the_same_scores_and_logits),
        cmocka_unit_test(the_copies_of_a_channel_are_not_taught_alike),
        cmocka_unit_test(shares_are_the_same_for_one_seed_and_others_for_another),
        cmocka_unit_test(fewer_channels_no_multiple_or_another_latent_do_not_widen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
