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

#include "tests/unit/tested_backend.h"
#include "tests/unit/trainer/small_gan.h"

static struct small_gan *new_f64_gan(int resolution_log2, float lod)
{
    return small_gan_f64(&(struct small_gan_form){resolution_log2, lod, LABELS, 0, 0});
}

static nn_id discriminator_penalty(struct small_gan *s, nn_id *params)
{
    return small_discriminator(s, params).penalty;
}

static const struct {
    int resolution_log2;
    float lod;
} settings[] = {{3, 0}, {3, 0.3125f}, {4, 1.75f}};

#define FOR_EACH_SETTING(k) for (size_t k = 0; k < sizeof settings / sizeof *settings; k++)

static void discriminator_loss_gradient_matches_central_differences(void **state)
{
    (void)state;
    FOR_EACH_SETTING(k)
    {
        struct small_gan *s = new_f64_gan(settings[k].resolution_log2, settings[k].lod);
        small_check_differences(s, &s->d, small_discriminator_total);
        small_gan_free(s);
    }
}

static void generator_loss_gradient_matches_central_differences(void **state)
{
    (void)state;
    FOR_EACH_SETTING(k)
    {
        struct small_gan *s = new_f64_gan(settings[k].resolution_log2, settings[k].lod);
        small_check_differences(s, &s->g, small_generator_total);
        small_gan_free(s);
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
    small_leaves(s, &s->d, params);
    *images = test_leaf(s->t, mixed, small_image_shape(s));
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
            double per_norm = 2 * (double)s->loss.penalty_weight / N * (norm[i / pixels] - 1);
            v[i] *= per_norm / norm[i / pixels] / (1 << (int)s->lod) / (1 << (int)s->lod);
        }
        double *above = small_gradient(s, &s->d, scores_of_mixed(s, v, h, params, &images), params);
        double *below = small_gradient(s, &s->d, scores_of_mixed(s, v, -h, params, &images), params);
        nn_id penalty = discriminator_penalty(s, params);
        double *exact = small_gradient(s, &s->d, penalty, params);
        for (size_t i = 0; i < s->d.value_count; i++) above[i] = (above[i] - below[i]) / (2 * h);
        assert_true(test_dot(exact, exact, s->d.value_count) > 1e-6);
        double error = test_difference(above, exact, s->d.value_count);
        if (!(error < 1e-6)) fail_msg("lod %g: off by %.2g", (double)s->lod, error);
        free(above);
        free(below);
        free(exact);
        small_gan_free(s);
    }
}

/* Takes `be`. */
static void compare_with_f64(struct nn_backend *be, double tolerance)
{
    struct small_gan *s = small_gan_new(be, &(struct small_gan_form){4, 0.3125f, LABELS, 0, 0}),
                     *truth = new_f64_gan(4, 0.3125f);
    small_loss *builds[] = {small_discriminator_total, small_generator_total};
    for (int k = 0; k < 2; k++) {
        nn_id params[PARAMS_MAX];
        const struct nn_network *net = k ? &s->g : &s->d, *truth_net = k ? &truth->g : &truth->d;
        nn_id loss = builds[k](s, params);
        double *got = small_gradient(s, net, loss, params);
        loss = builds[k](truth, params);
        double *want = small_gradient(truth, truth_net, loss, params);
        double error = test_difference(got, want, net->value_count);
        if (!(error < tolerance))
            fail_msg("%s gradient is off by %.2g", k ? "generator" : "discriminator", error);
        free(got);
        free(want);
    }
    small_gan_free(s);
    small_gan_free(truth);
}

static void gradients_agree_between_f64_and_f32(void **state)
{
    (void)state;
    compare_with_f64(small_reference(NN_F32), 1e-5);
}

static void gradients_agree_between_f64_and_the_cpu_in_f32(void **state)
{
    (void)state;
    struct nn_backend *be;
    assert_int_equal(test_backend_open(&be, NN_F32, NULL), NN_OK);
    compare_with_f64(be, 1e-4);
}

static void gradients_in_bf16_keep_their_direction(void **state)
{
    (void)state;
    if (!test_backend_has_bf16()) skip();
    struct nn_backend *be;
    assert_int_equal(test_backend_open(&be, NN_BF16, NULL), NN_OK);
    compare_with_f64(be, 0.1);
}

/* ---- values ------------------------------------------------------------------------------------- */

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

static void discriminator_loss_is_the_sum_of_its_published_terms(void **state)
{
    (void)state;
    FOR_EACH_SETTING(k)
    {
        struct small_gan *s = new_f64_gan(settings[k].resolution_log2, settings[k].lod);
        double real_out[N][1 + LABELS], fake_out[N][1 + LABELS], gradient[PIXELS_MAX], norm[N];
        double real = 0, fake = 0, drift = 0, penalty = 0;
        small_scores(s, s->reals, real_out);
        small_scores(s, s->fakes, fake_out);
        image_gradient(s, gradient, norm);
        for (int n = 0; n < N; n++) {
            real += real_out[n][0] / N;
            fake += fake_out[n][0] / N;
            drift += 0.001 * real_out[n][0] * real_out[n][0] / N;
            penalty += 10 * (norm[n] - 1) * (norm[n] - 1) / N;
        }
        double label = cross_entropy(s, real_out) + cross_entropy(s, fake_out);
        nn_id params[PARAMS_MAX];
        struct tr_discriminator_loss loss = small_discriminator(s, params);
        test_require_near(small_scalar(s, loss.real), real, 1e-7);
        test_require_near(small_scalar(s, loss.fake), fake, 1e-7);
        test_require_near(small_scalar(s, loss.penalty), penalty, 1e-6);
        test_require_near(small_scalar(s, loss.label), label, 1e-7);
        test_require_near(small_scalar(s, loss.total), fake - real + penalty + drift + label, 1e-6);
        double margin[N];
        test_read(s->t, loss.margin, margin);
        for (int n = 0; n < N; n++) test_require_near(margin[n], real_out[n][0] - fake_out[n][0], 1e-7);
        small_gan_free(s);
    }
}

static void generator_loss_is_minus_the_mean_score_plus_cross_entropy(void **state)
{
    (void)state;
    struct small_gan *s = new_f64_gan(3, 0.3125f);
    double out[N][1 + LABELS], images[PIXELS_MAX], score = 0;
    nn_id params[PARAMS_MAX];
    small_generate(s, images);
    small_scores(s, images, out);
    for (int n = 0; n < N; n++) score += out[n][0] / N;
    nn_id loss = small_generator_total(s, params);
    test_require_near(small_scalar(s, loss), cross_entropy(s, out) - score, 1e-7);
    small_gan_free(s);
}

static void without_labels_there_is_no_label_term(void **state)
{
    (void)state;
    struct small_gan *s = small_gan_f64(&(struct small_gan_form){3, 0, 0, 0, 0});
    nn_id params[PARAMS_MAX];
    struct tr_discriminator_loss loss = small_discriminator(s, params);
    assert_int_equal(loss.label.index, 0);
    double rest = small_scalar(s, loss.fake) - small_scalar(s, loss.real) + small_scalar(s, loss.penalty);
    assert_true(fabs(small_scalar(s, loss.total) - rest) < 0.1); /* only the drift is left */
    small_check_differences(s, &s->d, small_discriminator_total);
    small_check_differences(s, &s->g, small_generator_total);
    small_gan_free(s);
}

static void a_flat_discriminator_has_a_finite_penalty_gradient(void **state)
{
    (void)state;
    struct small_gan *s = new_f64_gan(3, 0);
    memset(s->d_values, 0, s->d.value_count * sizeof *s->d_values);
    nn_id params[PARAMS_MAX];
    struct tr_discriminator_loss loss = small_discriminator(s, params);
    test_require_near(small_scalar(s, loss.penalty), 10, 1e-4);
    double *gradient = small_gradient(s, &s->d, loss.total, params);
    for (size_t i = 0; i < s->d.value_count; i++) assert_true(isfinite(gradient[i]));
    free(gradient);
    small_gan_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discriminator_loss_is_the_sum_of_its_published_terms),
        cmocka_unit_test(generator_loss_is_minus_the_mean_score_plus_cross_entropy),
        cmocka_unit_test(discriminator_loss_gradient_matches_central_differences),
        cmocka_unit_test(generator_loss_gradient_matches_central_differences),
        cmocka_unit_test(penalty_gradient_matches_two_first_order_gradients),
        cmocka_unit_test(gradients_agree_between_f64_and_f32),
        cmocka_unit_test(gradients_agree_between_f64_and_the_cpu_in_f32),
        cmocka_unit_test(gradients_in_bf16_keep_their_direction),
        cmocka_unit_test(without_labels_there_is_no_label_term),
        cmocka_unit_test(a_flat_discriminator_has_a_finite_penalty_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
