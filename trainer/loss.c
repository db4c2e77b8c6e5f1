#include "trainer/loss.h"

#include <math.h>

/* Keeps the norm's derivative finite where the gradient is zero. */
static const float NORM_EPSILON = 1e-12f;

static int batch_size(const struct nn_tape *t, nn_id x)
{
    const struct nn_tensor *value = nn_value(t, x);
    return value ? value->shape.n : 1;
}

static nn_id mean_of(struct nn_tape *t, nn_id x /* (N,1,1,1) */)
{
    return nn_affine(t, 1.0f / (float)batch_size(t, x), nn_sum_to(t, x, nn_shape(1, 1, 1, 1)), 0);
}

static nn_id score_of(struct nn_tape *t, nn_id output)
{
    return nn_channel_slice(t, output, 0, 1);
}

/* Mean over the minibatch of -sum_k y_k log softmax(logits)_k. */
static nn_id cross_entropy(struct nn_tape *t, nn_id output, nn_id labels)
{
    const struct nn_tensor *value = nn_value(t, labels);
    if (!value) return nn_none;
    int n = value->shape.n, count = value->shape.c;
    nn_id log_p = nn_log_softmax(t, nn_channel_slice(t, output, 1, count));
    nn_id sum = nn_sum_to(t, nn_mul(t, labels, log_p), nn_shape(1, 1, 1, 1));
    return nn_affine(t, -1.0f / (float)n, sum, 0);
}

/* real + (fake - real) * mix */
static nn_id mixed_images(struct nn_tape *t, const struct tr_critic_batch *b)
{
    const struct nn_tensor *reals = nn_value(t, b->reals);
    if (!reals) return nn_none;
    nn_id mix = nn_broadcast(t, b->mix, reals->shape, reals->type);
    nn_id difference = nn_axpby(t, 1, b->fakes, -1, b->reals);
    return nn_axpby(t, 1, b->reals, 1, nn_mul(t, difference, mix));
}

static nn_id gradient_penalty(struct nn_tape *t, const struct nn_network *d, const nn_id *d_params,
                              const struct tr_critic_batch *b, const struct tr_loss_config *config)
{
    nn_id mixed = mixed_images(t, b), gradient;
    nn_id score = score_of(t, nn_discriminator(t, d, d_params, mixed, b->labels, b->lod));
    nn_gradient(t, score, nn_affine(t, 0, score, 1), &mixed, 1, &gradient);
    nn_id square = nn_sum_to(t, nn_mul(t, gradient, gradient), nn_shape(batch_size(t, score), 1, 1, 1));
    /* Of the native norm, the share that is the full-resolution norm. */
    float native = config->penalty_native ? 1 : 1 / ldexpf(1, (int)b->lod);
    nn_id norm = nn_power(t, nn_affine(t, native * native, square, NORM_EPSILON), 0.5f);
    nn_id excess = nn_affine(t, 1 / config->penalty_target, norm, -1);
    return nn_affine(t, config->penalty_weight, mean_of(t, nn_mul(t, excess, excess)), 0);
}

struct tr_critic_loss tr_critic_loss(struct nn_tape *t, const struct nn_network *d, const nn_id *d_params,
                                     const struct tr_critic_batch *b, const struct tr_loss_config *config)
{
    struct tr_critic_loss loss = {.label = nn_none};
    nn_id real_output = nn_discriminator(t, d, d_params, b->reals, b->labels, b->lod);
    nn_id fake_output = nn_discriminator(t, d, d_params, b->fakes, b->labels, b->lod);
    nn_id real_score = score_of(t, real_output), fake_score = score_of(t, fake_output);
    loss.real = mean_of(t, real_score);
    loss.fake = mean_of(t, fake_score);
    loss.margin = nn_axpby(t, 1, real_score, -1, fake_score);
    loss.penalty = gradient_penalty(t, d, d_params, b, config);
    nn_id drift = mean_of(t, nn_mul(t, real_score, real_score));
    loss.total = nn_axpby(t, 1, loss.fake, -1, loss.real);
    loss.total = nn_axpby(t, 1, loss.total, 1, loss.penalty);
    loss.total = nn_axpby(t, 1, loss.total, config->drift_weight, drift);
    if (nn_gan_logit_count(&d->config)) {
        nn_id real_label = cross_entropy(t, real_output, b->labels);
        nn_id fake_label = cross_entropy(t, fake_output, b->labels);
        loss.label = nn_axpby(t, config->label_weight, real_label, config->label_weight, fake_label);
        loss.total = nn_axpby(t, 1, loss.total, 1, loss.label);
    }
    return loss;
}

nn_id tr_generator_loss(struct nn_tape *t, const struct nn_network *d, const nn_id *d_params, nn_id fakes,
                        nn_id labels, float lod, const struct tr_loss_config *config)
{
    nn_id output = nn_discriminator(t, d, d_params, fakes, labels, lod);
    nn_id loss = nn_affine(t, -1, mean_of(t, score_of(t, output)), 0);
    if (nn_gan_logit_count(&d->config))
        loss = nn_axpby(t, 1, loss, config->label_weight, cross_entropy(t, output, labels));
    return loss;
}
