/* The losses beside wgan-gp, and every label term with every loss: values against the formulas written out on
 * the host, gradients against central differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/trainer/small_gan.h"

static const struct small_gan_form fading = {4, 1.75f, LABELS, NN_LABELS_CLASSES, NN_CONDITION_CLASSIFIER};

static struct small_gan *new_gan(enum tr_loss_kind kind)
{
    struct small_gan *s = small_gan_f64(&fading);
    s->loss.kind = kind;
    s->loss.lazy_interval = 1;
    s->loss.gamma = 3;
    return s;
}

static double softplus(double x)
{
    return log1p(exp(x));
}

static double mean(const double values[N])
{
    double sum = 0;
    for (int n = 0; n < N; n++) sum += values[n];
    return sum / N;
}

/* Scores of the reals and fakes on the host. */
struct scores {
    double real[N], fake[N];
};

static struct scores scores_of(struct small_gan *s)
{
    struct scores scores;
    double out[N][1 + LABELS];
    small_scores(s, s->reals, out);
    for (int n = 0; n < N; n++) scores.real[n] = out[n][0];
    small_scores(s, s->fakes, out);
    for (int n = 0; n < N; n++) scores.fake[n] = out[n][0];
    return scores;
}

/* ---- values ------------------------------------------------------------------------------------- */

static void nonsat_r1_is_the_logistic_loss_and_the_squared_gradient_at_reals(void **state)
{
    (void)state;
    struct small_gan *s = new_gan(TR_LOSS_NONSAT_R1);
    struct scores d = scores_of(s);
    double square[N], margin[N], want[N];
    nn_id params[PARAMS_MAX];
    small_gradient_squares(s, s->reals, square);
    double penalty = 3.0 / 2 * mean(square) / 4; /* at full resolution: lod 1.75 doubles the side */
    for (int n = 0; n < N; n++) want[n] = softplus(d.fake[n]) + softplus(-d.real[n]);
    struct tr_discriminator_loss loss = small_discriminator(s, params);
    test_require_near(small_scalar(s, loss.real), mean(d.real), 1e-7);
    test_require_near(small_scalar(s, loss.fake), mean(d.fake), 1e-7);
    test_require_near(small_scalar(s, loss.penalty), penalty, 1e-6);
    test_require_near(small_scalar(s, loss.total) - small_scalar(s, loss.label), mean(want) + penalty, 1e-6);
    test_read(s->t, loss.margin, margin);
    for (int n = 0; n < N; n++) test_require_near(margin[n], d.real[n], 1e-9);
    small_gan_free(s);
}

static void r3_pairs_reals_with_fakes_and_penalises_both(void **state)
{
    (void)state;
    struct small_gan *s = new_gan(TR_LOSS_R3);
    struct scores d = scores_of(s);
    double real_square[N], fake_square[N], margin[N], want[N];
    nn_id params[PARAMS_MAX];
    small_gradient_squares(s, s->reals, real_square);
    small_gradient_squares(s, s->fakes, fake_square);
    double penalty = 3.0 / 2 * (mean(real_square) + mean(fake_square)) / 4;
    for (int n = 0; n < N; n++) want[n] = softplus(d.fake[n] - d.real[n]);
    struct tr_discriminator_loss loss = small_discriminator(s, params);
    test_require_near(small_scalar(s, loss.penalty), penalty, 1e-6);
    test_require_near(small_scalar(s, loss.total) - small_scalar(s, loss.label), mean(want) + penalty, 1e-6);
    test_read(s->t, loss.margin, margin);
    for (int n = 0; n < N; n++) test_require_near(margin[n], d.real[n] - d.fake[n], 1e-9);
    small_gan_free(s);
}

/* Of the generator's loss, what is not the label term. */
static double generator_score_loss(struct small_gan *s, enum tr_loss_kind kind)
{
    nn_id params[PARAMS_MAX];
    s->loss.kind = kind;
    s->loss.label_weight = 0;
    return small_scalar(s, small_generator_total(s, params));
}

static void the_generator_s_losses_are_those_of_the_header(void **state)
{
    (void)state;
    struct small_gan *s = new_gan(TR_LOSS_R3);
    double want[N];
    small_generate(s, s->fakes);
    struct scores d = scores_of(s);
    for (int n = 0; n < N; n++) want[n] = softplus(-d.fake[n]);
    test_require_near(generator_score_loss(s, TR_LOSS_NONSAT_R1), mean(want), 1e-7);
    for (int n = 0; n < N; n++) want[n] = softplus(d.real[n] - d.fake[n]);
    test_require_near(generator_score_loss(s, TR_LOSS_R3), mean(want), 1e-7);
    test_require_near(generator_score_loss(s, TR_LOSS_WGAN_GP), -mean(d.fake), 1e-7);
    small_gan_free(s);
}

static void a_lazy_penalty_is_the_penalty_times_its_interval_and_leaves_the_loss(void **state)
{
    (void)state;
    struct small_gan *s = new_gan(TR_LOSS_NONSAT_R1);
    nn_id params[PARAMS_MAX];
    struct tr_discriminator_loss loss = small_discriminator(s, params);
    double penalty = small_scalar(s, loss.penalty), rest = small_scalar(s, loss.total) - penalty;
    s->loss.lazy_interval = 5;
    loss = small_discriminator(s, params);
    assert_int_equal(loss.penalty.index, 0);
    test_require_near(small_scalar(s, loss.total), rest, 1e-9);
    test_require_near(small_scalar(s, small_lazy_penalty(s, params)), 5 * penalty, 1e-6);
    small_gan_free(s);
}

static double penalty_of(struct small_gan *s)
{
    nn_id params[PARAMS_MAX];
    return small_scalar(s, small_discriminator(s, params).penalty);
}

static void the_automatic_gamma_goes_by_side_and_minibatch_whatever_the_norm(void **state)
{
    (void)state;
    struct small_gan *s = new_gan(TR_LOSS_NONSAT_R1);
    double square[N];
    s->loss.gamma = 0;
    small_gradient_squares(s, s->reals, square);
    const double want = 0.0002 * s->side * s->side / N / 2 * mean(square);
    test_require_near(penalty_of(s), want, 1e-6 * want);
    s->loss.penalty_native = true;
    test_require_near(penalty_of(s), want, 1e-6 * want);
    s->loss.gamma = 3; /* that, though, is given for one of the norms */
    test_require_near(penalty_of(s), 3.0 / 2 * mean(square), 1e-5);
    small_gan_free(s);
}

/* Both terms of the label loss, by kind, from logits on the host. */
static double label_loss(const struct small_gan *s, double out[N][1 + LABELS], const double *labels)
{
    double sum = 0;
    for (int n = 0; n < N; n++) {
        double total = exp(out[n][1]) + exp(out[n][2]);
        for (int k = 0; k < LABELS; k++) {
            double logit = out[n][1 + k], y = labels[n * LABELS + k], p = 1 / (1 + exp(-logit));
            if (s->d.config.label_kind == NN_LABELS_MULTI)
                sum -= (y * log(p) + (1 - y) * log(1 - p)) / N;
            else
                sum -= y * log(exp(logit) / total) / N;
        }
    }
    return sum;
}

static void label_terms_are_log_likelihoods_of_each_side_s_own_labels(void **state)
{
    (void)state;
    for (int kind = NN_LABELS_CLASSES; kind <= NN_LABELS_MULTI; kind++) {
        struct small_gan_form form = fading;
        form.label_kind = (enum nn_label_kind)kind;
        struct small_gan *s = small_gan_f64(&form);
        double real_out[N][1 + LABELS], fake_out[N][1 + LABELS];
        nn_id params[PARAMS_MAX];
        if (kind == NN_LABELS_MULTI) s->labels[0] = s->labels[1] = 1, s->labels[2] = s->labels[3] = 0;
        for (int n = 0; n < N; n++) memcpy(s->fake_labels + n * LABELS, s->labels, LABELS * sizeof(double));
        small_scores(s, s->reals, real_out);
        small_scores(s, s->fakes, fake_out);
        double real = label_loss(s, real_out, s->labels), fake = label_loss(s, fake_out, s->fake_labels);
        s->loss.label_weight = 0.5f;
        test_require_near(small_scalar(s, small_discriminator(s, params).label), (real + fake) / 2, 1e-7);
        s->loss.label_fakes = false;
        test_require_near(small_scalar(s, small_discriminator(s, params).label), real / 2, 1e-7);
        small_gan_free(s);
    }
}

static void a_projection_and_a_weight_of_zero_have_no_label_term(void **state)
{
    (void)state;
    struct small_gan_form form = fading;
    nn_id params[PARAMS_MAX];
    struct small_gan *s = new_gan(TR_LOSS_R3);
    s->loss.label_weight = 0;
    assert_int_equal(small_discriminator(s, params).label.index, 0);
    small_gan_free(s);
    form.conditioning = NN_CONDITION_PROJECTION;
    s = small_gan_f64(&form);
    assert_int_equal(small_discriminator(s, params).label.index, 0);
    small_gan_free(s);
}

/* ---- gradients ---------------------------------------------------------------------------------- */

static void check_gradients(enum tr_loss_kind kind, enum nn_label_kind labels,
                            enum nn_conditioning conditioning)
{
    struct small_gan_form form = fading;
    form.label_kind = labels;
    form.conditioning = conditioning;
    struct small_gan *s = small_gan_f64(&form);
    s->loss.kind = kind;
    s->loss.gamma = 3;
    small_check_differences(s, &s->d, small_discriminator_total);
    if (tr_loss_is_lazy(&s->loss)) small_check_differences(s, &s->d, small_lazy_penalty);
    s->loss.lazy_interval = 1;
    if (kind == TR_LOSS_NONSAT_R1) small_check_differences(s, &s->d, small_discriminator_total);
    small_check_differences(s, &s->g, small_generator_total);
    small_gan_free(s);
}

static void gradients_match_central_differences_for_every_loss_with_classes(void **state)
{
    (void)state;
    for (int kind = 0; kind < TR_LOSS_COUNT; kind++)
        check_gradients((enum tr_loss_kind)kind, NN_LABELS_CLASSES, NN_CONDITION_CLASSIFIER);
}

static void gradients_match_central_differences_for_every_loss_with_findings(void **state)
{
    (void)state;
    for (int kind = 0; kind < TR_LOSS_COUNT; kind++)
        check_gradients((enum tr_loss_kind)kind, NN_LABELS_MULTI, NN_CONDITION_CLASSIFIER);
}

static void gradients_match_central_differences_for_every_loss_with_projection(void **state)
{
    (void)state;
    for (int kind = 0; kind < TR_LOSS_COUNT; kind++)
        check_gradients((enum tr_loss_kind)kind, NN_LABELS_CLASSES, NN_CONDITION_PROJECTION);
}

/* Scores of some hundreds must not overflow a softplus in f32. */
static void losses_stay_finite_for_large_scores(void **state)
{
    (void)state;
    for (int kind = TR_LOSS_NONSAT_R1; kind < TR_LOSS_COUNT; kind++) {
        struct small_gan *s = small_gan_new(small_reference(NN_F32), &fading);
        nn_id params[PARAMS_MAX];
        const struct nn_param *weight = &s->d.params[nn_network_find(&s->d, "4x4/Dense1/weight")];
        for (size_t i = 0; i < nn_count(weight->shape); i++) s->d_values[weight->offset + i] *= 1000;
        s->loss.kind = (enum tr_loss_kind)kind;
        nn_id loss = small_discriminator_total(s, params);
        double value = small_scalar(s, loss), *gradient = small_gradient(s, &s->d, loss, params);
        assert_true(isfinite(value) && value > 100);
        for (size_t i = 0; i < s->d.value_count; i++) assert_true(isfinite(gradient[i]));
        free(gradient);
        small_gan_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonsat_r1_is_the_logistic_loss_and_the_squared_gradient_at_reals),
        cmocka_unit_test(r3_pairs_reals_with_fakes_and_penalises_both),
        cmocka_unit_test(the_generator_s_losses_are_those_of_the_header),
        cmocka_unit_test(a_lazy_penalty_is_the_penalty_times_its_interval_and_leaves_the_loss),
        cmocka_unit_test(the_automatic_gamma_goes_by_side_and_minibatch_whatever_the_norm),
        cmocka_unit_test(label_terms_are_log_likelihoods_of_each_side_s_own_labels),
        cmocka_unit_test(a_projection_and_a_weight_of_zero_have_no_label_term),
        cmocka_unit_test(gradients_match_central_differences_for_every_loss_with_classes),
        cmocka_unit_test(gradients_match_central_differences_for_every_loss_with_findings),
        cmocka_unit_test(gradients_match_central_differences_for_every_loss_with_projection),
        cmocka_unit_test(losses_stay_finite_for_large_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
