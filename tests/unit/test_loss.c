/* The whole losses on small networks in f64: their values against the formulas written out on the host, and
 * their gradients against central differences. The gradient penalty of a leaky ReLU network jumps where a
 * mask flips, so differences are taken with a small step, parameters beside a flip are left out and counted,
 * and a second oracle needs no differentiation twice. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/rng.h"
#include "host_values.h"
#include "trainer/loss.h"

enum { N = 4, LABELS = 2, PARAMS_MAX = 64, PIXELS_MAX = N * 16 * 16, LATENT_MAX = 16 };

static const struct tr_loss_config official = {.penalty_weight = 10,
                                               .penalty_target = 1,
                                               .drift_weight = 0.001f,
                                               .label_weight = 1,
                                               .label_fakes = true};

/* Both networks with their parameters and one minibatch, on one backend. */
struct small_gan {
    struct nn_backend *be;
    struct nn_tape *t;
    struct nn_network g, d;
    double *g_values, *d_values; /* on the host */
    float lod;
    int side;
    double reals[PIXELS_MAX], fakes[PIXELS_MAX], mix[N], labels[N * LABELS], latents[N * LATENT_MAX];
};

/* Weights as at the start of a training, but biases that matter. */
static double *draw_parameters(struct nn_network *net, const struct nn_gan_config *config,
                               enum nn_network_kind kind)
{
    assert_int_equal(nn_network_init(net, config, kind, NULL), NN_OK);
    assert_true(net->param_count <= PARAMS_MAX);
    float *values = malloc(net->value_count * sizeof *values);
    double *wide = malloc(net->value_count * sizeof *wide);
    assert_non_null(values);
    assert_non_null(wide);
    nn_network_init_values(net, 5, values);
    for (size_t i = 0; i < net->value_count; i++) wide[i] = (double)values[i];
    for (int i = 0; i < net->param_count; i++)
        if (strstr(net->params[i].name, "/bias"))
            test_normals(6, (uint64_t)i, nn_count(net->params[i].shape), wide + net->params[i].offset);
    free(values);
    return wide;
}

/* Takes `be`. */
static struct small_gan *new_gan(struct nn_backend *be, int resolution_log2, int label_count, float lod)
{
    struct nn_gan_config config = {.resolution_log2 = resolution_log2,
                                   .label_count = label_count,
                                   .fmap_base = 4 << (resolution_log2 - 1),
                                   .fmap_max = 6,
                                   .mbstd_group = 2};
    struct small_gan *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->be = be;
    s->lod = lod;
    s->side = 1 << (resolution_log2 - (int)lod);
    assert_int_equal(nn_tape_new(&s->t, be, NULL), NN_OK);
    s->g_values = draw_parameters(&s->g, &config, NN_GENERATOR);
    s->d_values = draw_parameters(&s->d, &config, NN_DISCRIMINATOR);
    test_normals(1, 0, PIXELS_MAX, s->reals);
    test_normals(1, 1, PIXELS_MAX, s->fakes);
    test_normals(1, 2, N * LATENT_MAX, s->latents);
    for (int n = 0; n < N; n++) {
        s->mix[n] = (double)nn_random_uniform(1, 3, (uint64_t)n);
        s->labels[n * LABELS + (n == 1 || n == 2)] = 1;
    }
    return s;
}

static struct nn_backend *open_reference(enum nn_type type)
{
    struct nn_backend *be;
    assert_int_equal(nn_backend_open_reference(&be, type, NULL), NN_OK);
    return be;
}

static struct small_gan *new_f64_gan(int resolution_log2, float lod)
{
    return new_gan(open_reference(NN_F64), resolution_log2, LABELS, lod);
}

static void free_gan(struct small_gan *s)
{
    nn_tape_free(s->t);
    s->be->close(s->be);
    nn_network_release(&s->g);
    nn_network_release(&s->d);
    free(s->g_values);
    free(s->d_values);
    free(s);
}

static struct nn_shape image_shape(const struct small_gan *s)
{
    return nn_shape(N, 1, s->side, s->side);
}

static nn_id label_leaf(const struct small_gan *s)
{
    return s->d.config.label_count ? test_leaf(s->t, s->labels, nn_shape(N, LABELS, 1, 1)) : nn_none;
}

/* Like nn_network_leaves, from the host's doubles. */
static void parameter_leaves(const struct small_gan *s, const struct nn_network *net, nn_id *ids)
{
    const double *values = net == &s->g ? s->g_values : s->d_values;
    for (int i = 0; i < net->param_count; i++)
        ids[i] = test_leaf(s->t, values + net->params[i].offset, net->params[i].shape);
}

/* A loss on the emptied tape, and the leaves of the parameters that it is minimised over. */
typedef nn_id build_loss(struct small_gan *s, nn_id *params);

static struct tr_critic_loss build_critic(struct small_gan *s, nn_id *params)
{
    nn_tape_reset(s->t);
    parameter_leaves(s, &s->d, params);
    struct tr_critic_batch batch = {.reals = test_leaf(s->t, s->reals, image_shape(s)),
                                    .fakes = test_leaf(s->t, s->fakes, image_shape(s)),
                                    .mix = test_leaf(s->t, s->mix, nn_shape(N, 1, 1, 1)),
                                    .real_labels = label_leaf(s),
                                    .fake_labels = label_leaf(s),
                                    .lod = s->lod};
    struct tr_critic_loss loss = tr_critic_loss(s->t, &s->d, params, &batch, &official);
    test_require_ok(s->t);
    return loss;
}

static nn_id critic_total(struct small_gan *s, nn_id *params)
{
    return build_critic(s, params).total;
}

static nn_id critic_penalty(struct small_gan *s, nn_id *params)
{
    return build_critic(s, params).penalty;
}

static nn_id generator_total(struct small_gan *s, nn_id *params)
{
    nn_id d_params[PARAMS_MAX];
    nn_tape_reset(s->t);
    parameter_leaves(s, &s->g, params);
    parameter_leaves(s, &s->d, d_params);
    nn_id labels = label_leaf(s);
    nn_id latents = test_leaf(s->t, s->latents, nn_shape(N, nn_gan_latent_size(&s->g.config), 1, 1));
    nn_id fakes = nn_generator(s->t, &s->g, params, latents, labels, s->lod);
    struct tr_generator_batch batch = {.fakes = fakes, .fake_labels = labels, .lod = s->lod};
    nn_id loss = tr_generator_loss(s->t, &s->d, d_params, &batch, &official);
    test_require_ok(s->t);
    return loss;
}

static double scalar(const struct small_gan *s, nn_id id)
{
    double value;
    assert_int_equal(nn_count(nn_value(s->t, id)->shape), 1);
    test_read(s->t, id, &value);
    return value;
}

/* The gradient of `y`, a value of any shape, summed, in `net`'s flat layout. The caller frees. */
static double *flat_gradient(struct small_gan *s, const struct nn_network *net, nn_id y, const nn_id *params)
{
    nn_id gradients[PARAMS_MAX];
    double *flat = calloc(net->value_count, sizeof *flat);
    assert_non_null(flat);
    nn_gradient(s->t, y, nn_affine(s->t, 0, y, 1), params, net->param_count, gradients);
    test_require_ok(s->t);
    for (int i = 0; i < net->param_count; i++)
        if (gradients[i].index) test_read(s->t, gradients[i], flat + net->params[i].offset);
    return flat;
}

/* ---- gradients ---------------------------------------------------------------------------------- */

struct verdict {
    int checked, kinks, wrong;
};

/* One parameter: differences to both sides tell a kink. */
static void check_parameter(struct small_gan *s, build_loss *build, const struct nn_param *p, double *value,
                            double exact, double here, struct verdict *v)
{
    const double h = 1e-6;
    nn_id params[PARAMS_MAX];
    double at = *value;
    *value = at + h;
    double above = scalar(s, build(s, params));
    *value = at - h;
    double below = scalar(s, build(s, params));
    *value = at;
    v->checked++;
    if (fabs(above - 2 * here + below) / h > 1e-3 * fmax(1, fabs(exact))) {
        v->kinks++;
        return;
    }
    double difference = (above - below) / (2 * h);
    if (fabs(difference - exact) <= 1e-6 * fmax(1, fabs(exact))) return;
    print_error("%s: gradient %.9g, difference %.9g\n", p->name, exact, difference);
    v->wrong++;
}

/* Up to 20 values of every parameter. */
static void check_against_differences(struct small_gan *s, const struct nn_network *net, build_loss *build)
{
    nn_id params[PARAMS_MAX];
    nn_id loss = build(s, params);
    double here = scalar(s, loss), *exact = flat_gradient(s, net, loss, params);
    double *values = net == &s->g ? s->g_values : s->d_values;
    struct verdict v = {0};
    for (int i = 0; i < net->param_count; i++) {
        const struct nn_param *p = &net->params[i];
        size_t count = nn_count(p->shape), stride = count / 20 + 1;
        for (size_t k = p->offset + stride / 2; k < p->offset + count; k += stride)
            check_parameter(s, build, p, &values[k], exact[k], here, &v);
    }
    free(exact);
    assert_true(v.checked > 100);
    assert_int_equal(v.wrong, 0);
    assert_true(v.kinks * 50 <= v.checked);
}

static const struct {
    int resolution_log2;
    float lod;
} settings[] = {{3, 0}, {3, 0.3125f}, {4, 1.75f}};

#define FOR_EACH_SETTING(k) for (size_t k = 0; k < sizeof settings / sizeof *settings; k++)

static void critic_loss_gradient_matches_central_differences(void **state)
{
    (void)state;
    FOR_EACH_SETTING(k)
    {
        struct small_gan *s = new_f64_gan(settings[k].resolution_log2, settings[k].lod);
        check_against_differences(s, &s->d, critic_total);
        free_gan(s);
    }
}

static void generator_loss_gradient_matches_central_differences(void **state)
{
    (void)state;
    FOR_EACH_SETTING(k)
    {
        struct small_gan *s = new_f64_gan(settings[k].resolution_log2, settings[k].lod);
        check_against_differences(s, &s->g, generator_total);
        free_gan(s);
    }
}

/* Builds D's scores of the mixed images, moved along v (may be NULL) by `step`, on the emptied tape. */
static nn_id scores_of_mixed(struct small_gan *s, const double *v, double step, nn_id *params, nn_id *images)
{
    double mixed[PIXELS_MAX];
    int pixels = s->side * s->side;
    for (int i = 0; i < N * pixels; i++) {
        mixed[i] = s->reals[i] + (s->fakes[i] - s->reals[i]) * s->mix[i / pixels];
        if (v) mixed[i] += step * v[i];
    }
    nn_tape_reset(s->t);
    parameter_leaves(s, &s->d, params);
    *images = test_leaf(s->t, mixed, image_shape(s));
    return nn_channel_slice(s->t, nn_discriminator(s->t, &s->d, params, *images, nn_none, s->lod), 0, 1);
}

/* d(sum of scores)/d(mixed images), and each sample's norm of it at full resolution. */
static void image_gradient(struct small_gan *s, double *gradient, double norm[N])
{
    nn_id params[PARAMS_MAX], images, id;
    nn_id scores = scores_of_mixed(s, NULL, 0, params, &images);
    nn_gradient(s->t, scores, nn_affine(s->t, 0, scores, 1), &images, 1, &id);
    test_read(s->t, id, gradient);
    size_t pixels = (size_t)s->side * (size_t)s->side;
    for (size_t n = 0; n < N; n++)
        norm[n] = sqrt(test_dot(gradient + n * pixels, gradient + n * pixels, pixels)) / (1 << (int)s->lod);
}

/* The penalty's gradient is the derivative of the gradient of sum D along v = d penalty/d(image gradient),
 * v held fixed; two first-order gradients at x + hv and x - hv give it. */
static void penalty_gradient_matches_two_first_order_gradients(void **state)
{
    (void)state;
    FOR_EACH_SETTING(k)
    {
        struct small_gan *s = new_f64_gan(settings[k].resolution_log2, settings[k].lod);
        const double h = 1e-7;
        double v[PIXELS_MAX], norm[N];
        nn_id params[PARAMS_MAX], images;
        image_gradient(s, v, norm);
        for (int i = 0, pixels = s->side * s->side; i < N * pixels; i++) {
            double per_norm = 2 * (double)official.penalty_weight / N * (norm[i / pixels] - 1);
            v[i] *= per_norm / norm[i / pixels] / (1 << (int)s->lod) / (1 << (int)s->lod);
        }
        double *above = flat_gradient(s, &s->d, scores_of_mixed(s, v, h, params, &images), params);
        double *below = flat_gradient(s, &s->d, scores_of_mixed(s, v, -h, params, &images), params);
        nn_id penalty = critic_penalty(s, params);
        double *exact = flat_gradient(s, &s->d, penalty, params);
        for (size_t i = 0; i < s->d.value_count; i++) above[i] = (above[i] - below[i]) / (2 * h);
        assert_true(test_dot(exact, exact, s->d.value_count) > 1e-6);
        double error = test_difference(above, exact, s->d.value_count);
        if (!(error < 1e-6)) fail_msg("lod %g: off by %.2g", (double)s->lod, error);
        free(above);
        free(below);
        free(exact);
        free_gan(s);
    }
}

/* Takes `be`. */
static void compare_with_f64(struct nn_backend *be, double tolerance)
{
    struct small_gan *s = new_gan(be, 4, LABELS, 0.3125f), *truth = new_f64_gan(4, 0.3125f);
    build_loss *builds[] = {critic_total, generator_total};
    for (int k = 0; k < 2; k++) {
        nn_id params[PARAMS_MAX];
        const struct nn_network *net = k ? &s->g : &s->d, *truth_net = k ? &truth->g : &truth->d;
        nn_id loss = builds[k](s, params);
        double *got = flat_gradient(s, net, loss, params);
        loss = builds[k](truth, params);
        double *want = flat_gradient(truth, truth_net, loss, params);
        double error = test_difference(got, want, net->value_count);
        if (!(error < tolerance)) fail_msg("%s gradient is off by %.2g", k ? "generator" : "critic", error);
        free(got);
        free(want);
    }
    free_gan(s);
    free_gan(truth);
}

static void gradients_agree_between_f64_and_f32(void **state)
{
    (void)state;
    compare_with_f64(open_reference(NN_F32), 1e-5);
}

static void gradients_agree_between_f64_and_the_cpu_in_f32(void **state)
{
    (void)state;
    struct nn_backend *be;
    assert_int_equal(nn_backend_open_cpu(&be, NN_F32, NULL), NN_OK);
    compare_with_f64(be, 1e-4);
}

static void gradients_in_bf16_keep_their_direction(void **state)
{
    (void)state;
    if (!nn_cpu_has_bf16()) skip();
    struct nn_backend *be;
    assert_int_equal(nn_backend_open_cpu(&be, NN_BF16, NULL), NN_OK);
    compare_with_f64(be, 0.1);
}

/* ---- values ------------------------------------------------------------------------------------- */

/* D's output for images on the host: N rows of the score and the logits. */
static void discriminate(struct small_gan *s, const double *images, double out[N][1 + LABELS])
{
    nn_id params[PARAMS_MAX];
    nn_tape_reset(s->t);
    parameter_leaves(s, &s->d, params);
    nn_id leaf = test_leaf(s->t, images, image_shape(s));
    test_read(s->t, nn_discriminator(s->t, &s->d, params, leaf, nn_none, s->lod), &out[0][0]);
}

static double cross_entropy(const struct small_gan *s, double out[N][1 + LABELS])
{
    double sum = 0;
    for (int n = 0; n < N; n++) {
        double total = exp(out[n][1]) + exp(out[n][2]);
        for (int k = 0; k < LABELS; k++)
            sum -= s->labels[n * LABELS + k] * log(exp(out[n][1 + k]) / total) / N;
    }
    return sum;
}

static void critic_loss_is_the_sum_of_its_published_terms(void **state)
{
    (void)state;
    FOR_EACH_SETTING(k)
    {
        struct small_gan *s = new_f64_gan(settings[k].resolution_log2, settings[k].lod);
        double real_out[N][1 + LABELS], fake_out[N][1 + LABELS], gradient[PIXELS_MAX], norm[N];
        double real = 0, fake = 0, drift = 0, penalty = 0;
        discriminate(s, s->reals, real_out);
        discriminate(s, s->fakes, fake_out);
        image_gradient(s, gradient, norm);
        for (int n = 0; n < N; n++) {
            real += real_out[n][0] / N;
            fake += fake_out[n][0] / N;
            drift += 0.001 * real_out[n][0] * real_out[n][0] / N;
            penalty += 10 * (norm[n] - 1) * (norm[n] - 1) / N;
        }
        double label = cross_entropy(s, real_out) + cross_entropy(s, fake_out);
        nn_id params[PARAMS_MAX];
        struct tr_critic_loss loss = build_critic(s, params);
        test_require_near(scalar(s, loss.real), real, 1e-7);
        test_require_near(scalar(s, loss.fake), fake, 1e-7);
        test_require_near(scalar(s, loss.penalty), penalty, 1e-6);
        test_require_near(scalar(s, loss.label), label, 1e-7);
        test_require_near(scalar(s, loss.total), fake - real + penalty + drift + label, 1e-6);
        double margin[N];
        test_read(s->t, loss.margin, margin);
        for (int n = 0; n < N; n++) test_require_near(margin[n], real_out[n][0] - fake_out[n][0], 1e-7);
        free_gan(s);
    }
}

static void generator_loss_is_minus_the_mean_score_plus_cross_entropy(void **state)
{
    (void)state;
    struct small_gan *s = new_f64_gan(3, 0.3125f);
    double out[N][1 + LABELS], images[PIXELS_MAX], score = 0;
    nn_id params[PARAMS_MAX];
    nn_tape_reset(s->t);
    parameter_leaves(s, &s->g, params);
    nn_id latents = test_leaf(s->t, s->latents, nn_shape(N, nn_gan_latent_size(&s->g.config), 1, 1));
    test_read(s->t, nn_generator(s->t, &s->g, params, latents, label_leaf(s), s->lod), images);
    discriminate(s, images, out);
    for (int n = 0; n < N; n++) score += out[n][0] / N;
    nn_id loss = generator_total(s, params);
    test_require_near(scalar(s, loss), cross_entropy(s, out) - score, 1e-7);
    free_gan(s);
}

static void without_labels_there_is_no_label_term(void **state)
{
    (void)state;
    struct small_gan *s = new_gan(open_reference(NN_F64), 3, 0, 0);
    nn_id params[PARAMS_MAX];
    struct tr_critic_loss loss = build_critic(s, params);
    assert_int_equal(loss.label.index, 0);
    double rest = scalar(s, loss.fake) - scalar(s, loss.real) + scalar(s, loss.penalty);
    assert_true(fabs(scalar(s, loss.total) - rest) < 0.1); /* only the drift is left */
    check_against_differences(s, &s->d, critic_total);
    check_against_differences(s, &s->g, generator_total);
    free_gan(s);
}

static void a_flat_critic_has_a_finite_penalty_gradient(void **state)
{
    (void)state;
    struct small_gan *s = new_f64_gan(3, 0);
    memset(s->d_values, 0, s->d.value_count * sizeof *s->d_values);
    nn_id params[PARAMS_MAX];
    struct tr_critic_loss loss = build_critic(s, params);
    test_require_near(scalar(s, loss.penalty), 10, 1e-4);
    double *gradient = flat_gradient(s, &s->d, loss.total, params);
    for (size_t i = 0; i < s->d.value_count; i++) assert_true(isfinite(gradient[i]));
    free(gradient);
    free_gan(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(critic_loss_is_the_sum_of_its_published_terms),
        cmocka_unit_test(generator_loss_is_minus_the_mean_score_plus_cross_entropy),
        cmocka_unit_test(critic_loss_gradient_matches_central_differences),
        cmocka_unit_test(generator_loss_gradient_matches_central_differences),
        cmocka_unit_test(penalty_gradient_matches_two_first_order_gradients),
        cmocka_unit_test(gradients_agree_between_f64_and_f32),
        cmocka_unit_test(gradients_agree_between_f64_and_the_cpu_in_f32),
        cmocka_unit_test(gradients_in_bf16_keep_their_direction),
        cmocka_unit_test(without_labels_there_is_no_label_term),
        cmocka_unit_test(a_flat_critic_has_a_finite_penalty_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
