/* The two networks' structure: sizes, growing, and the identities of their fused layers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/gan.h"
#include "tests/unit/host_values.h"

enum { PARAMS_MAX = 64, VALUES_MAX = 8 * 16 * 16 };

static const struct nn_gan_config SMALL = {
    .resolution_log2 = 4, .label_count = 2, .fmap_base = 32, .fmap_max = 6, .mbstd_group = 4};

/* A network with its parameters on a tape of the f64 reference. */
struct fixture {
    struct nn_backend *be;
    struct nn_tape *t;
    struct nn_network net;
    double *values;
    nn_id params[PARAMS_MAX];
};

static void begin(struct fixture *f, const struct nn_gan_config *config, enum nn_network_kind kind)
{
    assert_int_equal(nn_backend_open_reference(&f->be, NN_F64, NULL), NN_OK);
    assert_int_equal(nn_tape_new(&f->t, f->be, NULL), NN_OK);
    assert_int_equal(nn_network_init(&f->net, config, kind, NULL), NN_OK);
    assert_true(f->net.param_count <= PARAMS_MAX);
    f->values = malloc(f->net.value_count * sizeof *f->values);
    assert_non_null(f->values);
    test_normals(3, (uint64_t)kind, f->net.value_count, f->values);
    nn_network_leaves(f->t, &f->net, f->values, f->params); /* the reference's memory is the host's */
}

static void end(struct fixture *f)
{
    nn_tape_free(f->t);
    nn_network_release(&f->net);
    f->be->close(f->be);
    free(f->values);
}

static nn_id random_leaf(struct fixture *f, uint64_t stream, struct nn_shape shape)
{
    static double values[VALUES_MAX];
    assert_true(nn_count(shape) <= VALUES_MAX);
    test_normals(4, stream, nn_count(shape), values);
    return test_leaf(f->t, values, shape);
}

static nn_id generate(struct fixture *f, int n, float lod)
{
    nn_id latents = random_leaf(f, 1, nn_shape(n, nn_gan_latent_size(&f->net.config), 1, 1));
    double labels[16] = {0};
    for (int i = 0; i < n; i++) labels[2 * i + i % 2] = 1;
    return nn_generator(f->t, &f->net, f->params, latents, test_leaf(f->t, labels, nn_shape(n, 2, 1, 1)),
                        lod);
}

static double difference(struct fixture *f, nn_id a, nn_id b)
{
    static double va[VALUES_MAX], vb[VALUES_MAX];
    test_require_ok(f->t);
    struct nn_shape shape = nn_value(f->t, a)->shape;
    assert_true(nn_same_shape(shape, nn_value(f->t, b)->shape));
    test_read(f->t, a, va);
    test_read(f->t, b, vb);
    return test_difference(va, vb, nn_count(shape));
}

/* ---- layout ------------------------------------------------------------------------------------- */

static void parameter_counts_are_the_published_ones(void **state)
{
    (void)state;
    static const struct {
        int labels;
        size_t generator, discriminator;
    } published[] = {
        {0, 23074009, 23082161},
        {2, 23090393, 23083187},
        {14, 23188697, 23089343},
        {15, 23196889, 23089856},
    };
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        struct nn_gan_config config = {.resolution_log2 = 10,
                                       .label_count = published[i].labels,
                                       .fmap_base = 8192,
                                       .fmap_max = 512,
                                       .mbstd_group = 4};
        struct nn_network g, d;
        assert_int_equal(nn_network_init(&g, &config, NN_GENERATOR, NULL), NN_OK);
        assert_int_equal(nn_network_init(&d, &config, NN_DISCRIMINATOR, NULL), NN_OK);
        assert_int_equal(g.value_count, published[i].generator);
        assert_int_equal(d.value_count, published[i].discriminator);
        nn_network_release(&g);
        nn_network_release(&d);
    }
}

static void channels_halve_from_64_pixels_up(void **state)
{
    (void)state;
    static const int channels[] = {512, 512, 512, 512, 256, 128, 64, 32, 16};
    const struct nn_gan_config config = {.resolution_log2 = 10, .fmap_base = 8192, .fmap_max = 512};
    for (int k = 0; k < 9; k++) assert_int_equal(nn_gan_channels(&config, k + 2), channels[k]);
    assert_int_equal(nn_gan_latent_size(&config), 512);
}

static void scales_are_gain_over_root_of_fan_in(void **state)
{
    (void)state;
    static const struct {
        enum nn_network_kind kind;
        const char *name;
        double gain, fan_in;
    } layers[] = {
        {NN_GENERATOR, "4x4/Dense/weight", 0.3535533906, 514},
        {NN_GENERATOR, "4x4/Conv/weight", 1.4142135624, 9 * 512},
        {NN_GENERATOR, "64x64/Conv0_up/weight", 1.4142135624, 9 * 512},
        {NN_GENERATOR, "64x64/Conv1/weight", 1.4142135624, 9 * 256},
        {NN_GENERATOR, "ToRGB_lod0/weight", 1, 16},
        {NN_DISCRIMINATOR, "FromRGB_lod0/weight", 1.4142135624, 1},
        {NN_DISCRIMINATOR, "64x64/Conv1_down/weight", 1.4142135624, 9 * 256},
        {NN_DISCRIMINATOR, "4x4/Conv/weight", 1.4142135624, 9 * 513},
        {NN_DISCRIMINATOR, "4x4/Dense0/weight", 1.4142135624, 16 * 512},
        {NN_DISCRIMINATOR, "4x4/Dense1/weight", 1, 512},
        {NN_DISCRIMINATOR, "4x4/Dense1/bias", 1, 1},
    };
    const struct nn_gan_config config = {
        .resolution_log2 = 10, .label_count = 2, .fmap_base = 8192, .fmap_max = 512, .mbstd_group = 4};
    struct nn_network nets[2];
    for (int k = 0; k < 2; k++)
        assert_int_equal(nn_network_init(&nets[k], &config, k ? NN_DISCRIMINATOR : NN_GENERATOR, NULL),
                         NN_OK);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const struct nn_network *net = &nets[layers[i].kind == NN_DISCRIMINATOR];
        int found = nn_network_find(net, layers[i].name);
        assert_true(found >= 0);
        test_require_near((double)net->params[found].scale, layers[i].gain / sqrt(layers[i].fan_in), 1e-7);
    }
    assert_int_equal(nn_network_find(&nets[0], "2048x2048/Conv1/weight"), -1);
    for (int k = 0; k < 2; k++) nn_network_release(&nets[k]);
}

static void initial_weights_are_standard_normal_and_biases_zero(void **state)
{
    (void)state;
    struct nn_network net;
    assert_int_equal(nn_network_init(&net, &SMALL, NN_GENERATOR, NULL), NN_OK);
    float *values = malloc(net.value_count * sizeof *values),
          *again = malloc(net.value_count * sizeof *again);
    assert_non_null(values);
    assert_non_null(again);
    nn_network_init_values(&net, 9, values);
    nn_network_init_values(&net, 9, again);
    assert_memory_equal(values, again, net.value_count * sizeof *values);
    double sum = 0, square = 0, count = 0;
    for (int i = 0; i < net.param_count; i++) {
        const struct nn_param *p = &net.params[i];
        bool is_bias = strstr(p->name, "/bias") != NULL;
        for (size_t k = p->offset; k < p->offset + nn_count(p->shape); k++) {
            if (is_bias) assert_true(values[k] == 0);
            sum += is_bias ? 0 : (double)values[k];
            square += (double)(values[k] * values[k]);
            count += !is_bias;
        }
    }
    test_require_near(sum / count, 0, 4 / sqrt(count));
    test_require_near(square / count, 1, 6 / sqrt(count));
    free(values);
    free(again);
    nn_network_release(&net);
}

static void configurations_out_of_range_are_refused(void **state)
{
    (void)state;
    struct nn_error err;
    struct nn_gan_config bad[] = {SMALL, SMALL, SMALL, SMALL, SMALL, SMALL};
    bad[0].resolution_log2 = 11;
    bad[1].resolution_log2 = 1;
    bad[2].label_count = -1;
    bad[3].fmap_base = 4; /* no channel left at 16x16 */
    bad[4].fmap_max = 0;
    bad[5].mbstd_group = -1;
    assert_int_equal(nn_gan_check(&SMALL, &err), NN_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct nn_network net;
        assert_int_equal(nn_network_init(&net, &bad[i], NN_GENERATOR, &err), NN_ERR_ARGUMENT);
    }
}

/* ---- fused layers ------------------------------------------------------------------------------- */

/* The stored (O,I,3,3) weight as (I,O,3,3), turned by 180 degrees. */
static nn_id turned(struct fixture *f, nn_id w)
{
    static double from[VALUES_MAX], to[VALUES_MAX];
    struct nn_shape s = nn_value(f->t, w)->shape;
    test_read(f->t, w, from);
    for (int o = 0; o < s.n; o++)
        for (int tap = 0; tap < 9; tap++)
            for (int i = 0; i < s.c; i++) to[(i * 9 + 8 - tap) * s.n + o] = from[(o * 9 + tap) * s.c + i];
    return test_leaf(f->t, to, nn_shape(s.c, s.n, 3, 3));
}

static void fused_up_equals_doubling_and_convolving_with_the_turned_kernel(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, &SMALL, NN_GENERATOR);
    const struct nn_conv halve = NN_SQUARE_CONV(4, 2, 1, 0.7f);
    const struct nn_conv same = NN_SQUARE_CONV(3, 1, 1, 0.7f);
    nn_id x = random_leaf(&f, 2, nn_shape(2, 5, 4, 3)), w = random_leaf(&f, 3, nn_shape(5, 3, 3, 3));
    nn_id fused = nn_conv_dx(f.t, halve, x, nn_taps_spread(f.t, w), nn_none, 1, nn_shape(2, 3, 8, 6));
    nn_id plain = nn_conv(f.t, same, nn_upsample2(f.t, x), turned(&f, w), nn_none, 1);
    assert_true(difference(&f, fused, plain) < 1e-14);
    end(&f);
}

static void fused_down_equals_convolving_and_averaging(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, &SMALL, NN_GENERATOR);
    const struct nn_conv halve = NN_SQUARE_CONV(4, 2, 1, 0.25f);
    const struct nn_conv same = NN_SQUARE_CONV(3, 1, 1, 1);
    nn_id x = random_leaf(&f, 2, nn_shape(2, 3, 8, 6)), w = random_leaf(&f, 3, nn_shape(5, 3, 3, 3));
    nn_id fused = nn_conv(f.t, halve, x, nn_taps_spread(f.t, w), nn_none, 1);
    nn_id plain = nn_avg_pool2(f.t, nn_conv(f.t, same, x, w, nn_none, 1));
    assert_true(difference(&f, fused, plain) < 1e-14);
    end(&f);
}

/* ---- growing ------------------------------------------------------------------------------------ */

static void generator_images_have_the_side_of_their_level(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, &SMALL, NN_GENERATOR);
    const float lods[] = {0, 0.5f, 1, 1.5f, 2};
    const int sides[] = {16, 16, 8, 8, 4};
    for (int k = 0; k < 5; k++) {
        nn_id image = generate(&f, 3, lods[k]);
        test_require_ok(f.t);
        assert_true(nn_same_shape(nn_value(f.t, image)->shape, nn_shape(3, 1, sides[k], sides[k])));
    }
    end(&f);
}

static void a_fading_generator_goes_from_the_doubled_lower_level_to_the_new_one(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, &SMALL, NN_GENERATOR);
    for (int level = 0; level <= 1; level++) {
        nn_id grown = generate(&f, 4, (float)level);
        nn_id lower = nn_upsample2(f.t, generate(&f, 4, (float)(level + 1)));
        nn_id mean = nn_axpby(f.t, 0.75f, grown, 0.25f, lower);
        assert_true(difference(&f, generate(&f, 4, (float)level + 0.25f), mean) < 1e-12);
        assert_true(difference(&f, generate(&f, 4, (float)level + 0.9999f), lower) < 1e-3);
        assert_true(difference(&f, generate(&f, 4, (float)level + 0.0001f), grown) < 1e-3);
        assert_true(difference(&f, grown, lower) > 0.1);
    }
    end(&f);
}

static void a_fading_discriminator_starts_as_the_lower_level_on_halved_images(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, &SMALL, NN_DISCRIMINATOR);
    nn_id images = random_leaf(&f, 5, nn_shape(4, 1, 16, 16));
    nn_id lower = nn_discriminator(f.t, &f.net, f.params, nn_avg_pool2(f.t, images), nn_none, 1);
    nn_id grown = nn_discriminator(f.t, &f.net, f.params, images, nn_none, 0);
    nn_id start = nn_discriminator(f.t, &f.net, f.params, images, nn_none, 0.9999f);
    nn_id finish = nn_discriminator(f.t, &f.net, f.params, images, nn_none, 0.0001f);
    assert_true(difference(&f, start, lower) < 1e-3);
    assert_true(difference(&f, finish, grown) < 1e-3);
    assert_true(difference(&f, grown, lower) > 0.01);
    end(&f);
}

/* ---- what samples share ------------------------------------------------------------------------- */

/* Marks the samples whose D output moves when the image of `sample` changes. */
static void influenced_by(struct fixture *f, int n, int sample, bool influenced[])
{
    static double images[VALUES_MAX], before[64], after[64];
    struct nn_shape shape = nn_shape(n, 1, 8, 8);
    test_normals(6, 0, nn_count(shape), images);
    test_read(f->t, nn_discriminator(f->t, &f->net, f->params, test_leaf(f->t, images, shape), nn_none, 1),
              before);
    for (int i = 0; i < 64; i++) images[sample * 64 + i] *= 3;
    test_read(f->t, nn_discriminator(f->t, &f->net, f->params, test_leaf(f->t, images, shape), nn_none, 1),
              after);
    for (int i = 0; i < n; i++)
        influenced[i] = memcmp(before + 3 * i, after + 3 * i, 3 * sizeof *before) != 0;
}

static void minibatch_stddev_groups_are_strided(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, &SMALL, NN_DISCRIMINATOR);
    for (int sample = 0; sample < 8; sample++) {
        bool influenced[8];
        influenced_by(&f, 8, sample, influenced);
        for (int i = 0; i < 8; i++) assert_int_equal(influenced[i], i % 2 == sample % 2);
    }
    end(&f);
}

static void a_minibatch_smaller_than_the_group_is_one_group(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, &SMALL, NN_DISCRIMINATOR);
    bool influenced[3];
    influenced_by(&f, 3, 1, influenced);
    for (int i = 0; i < 3; i++) assert_true(influenced[i]);
    end(&f);
}

static void groups_of_one_leave_samples_independent(void **state)
{
    (void)state;
    struct fixture f;
    struct nn_gan_config config = SMALL;
    config.mbstd_group = 1;
    begin(&f, &config, NN_DISCRIMINATOR);
    bool influenced[4];
    influenced_by(&f, 4, 2, influenced);
    for (int i = 0; i < 4; i++) assert_int_equal(influenced[i], i == 2);
    end(&f);
}

static void an_image_does_not_depend_on_its_neighbours_in_the_minibatch(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, &SMALL, NN_GENERATOR);
    double many[4 * 256], few[2 * 256];
    test_read(f.t, generate(&f, 4, 0), many);
    test_read(f.t, generate(&f, 2, 0), few);
    assert_memory_equal(many, few, sizeof few);
    end(&f);
}

static void the_label_changes_the_image(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, &SMALL, NN_GENERATOR);
    nn_id latents = random_leaf(&f, 1, nn_shape(1, nn_gan_latent_size(&f.net.config), 1, 1)), image[2];
    for (int label = 0; label < 2; label++) {
        double one_hot[2] = {label == 0, label == 1};
        nn_id labels = test_leaf(f.t, one_hot, nn_shape(1, 2, 1, 1));
        image[label] = nn_generator(f.t, &f.net, f.params, latents, labels, 0);
    }
    assert_true(difference(&f, image[0], image[1]) > 1e-3);
    end(&f);
}

/* ---- misuse ------------------------------------------------------------------------------------- */

static void levels_and_images_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct nn_error err;
    const float lods[] = {-0.5f, 2.5f, 3, NAN};
    begin(&f, &SMALL, NN_GENERATOR);
    for (int k = 0; k < 4; k++) {
        assert_int_equal(generate(&f, 2, lods[k]).index, 0);
        assert_int_equal(nn_tape_status(f.t, &err), NN_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, "lod"));
        nn_tape_reset(f.t);
        nn_network_leaves(f.t, &f.net, f.values, f.params);
    }
    end(&f);
    begin(&f, &SMALL, NN_DISCRIMINATOR);
    nn_id images = random_leaf(&f, 5, nn_shape(4, 1, 16, 16)); /* of lod 0, not of lod 1 */
    assert_int_equal(nn_discriminator(f.t, &f.net, f.params, images, nn_none, 1).index, 0);
    assert_int_equal(nn_tape_status(f.t, NULL), NN_ERR_ARGUMENT);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameter_counts_are_the_published_ones),
        cmocka_unit_test(channels_halve_from_64_pixels_up),
        cmocka_unit_test(scales_are_gain_over_root_of_fan_in),
        cmocka_unit_test(initial_weights_are_standard_normal_and_biases_zero),
        cmocka_unit_test(configurations_out_of_range_are_refused),
        cmocka_unit_test(fused_up_equals_doubling_and_convolving_with_the_turned_kernel),
        cmocka_unit_test(fused_down_equals_convolving_and_averaging),
        cmocka_unit_test(generator_images_have_the_side_of_their_level),
        cmocka_unit_test(a_fading_generator_goes_from_the_doubled_lower_level_to_the_new_one),
        cmocka_unit_test(a_fading_discriminator_starts_as_the_lower_level_on_halved_images),
        cmocka_unit_test(minibatch_stddev_groups_are_strided),
        cmocka_unit_test(a_minibatch_smaller_than_the_group_is_one_group),
        cmocka_unit_test(groups_of_one_leave_samples_independent),
        cmocka_unit_test(an_image_does_not_depend_on_its_neighbours_in_the_minibatch),
        cmocka_unit_test(the_label_changes_the_image),
        cmocka_unit_test(levels_and_images_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
