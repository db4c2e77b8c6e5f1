#include "trainer/train/loss.h"

#include <math.h>

/* Keeps the norm's derivative finite where the gradient is zero. */
static const float NORM_EPSILON = 1e-12f;
/* Karras et al., "Training generative adversarial networks with limited data", 2020, appendix: gamma by
 * resolution and minibatch. */
static const float GAMMA_AUTOMATIC = 0.0002f;

const char *const tr_loss_words[] = {"wgan-gp", "nonsat-r1", "r3", NULL};
const char *const tr_fake_labels_words[] = {"real_batch", "random", NULL};

struct tr_loss_config tr_loss_config_official(void)
{
    return (struct tr_loss_config){.kind = TR_LOSS_WGAN_GP,
                                   .penalty_weight = 10,
                                   .penalty_target = 1,
                                   .drift_weight = 0.001f,
                                   .lazy_interval = 16,
                                   .label_weight = 1,
                                   .fake_labels = TR_FAKE_LABELS_REAL_BATCH,
                                   .label_fakes = true};
}

bool tr_loss_is_lazy(const struct tr_loss_config *config)
{
    return config->kind == TR_LOSS_NONSAT_R1 && config->lazy_interval > 1;
}

/* ---- parts -------------------------------------------------------------------------------------- */

static struct nn_shape shape_of(const struct nn_tape *t, nn_id x)
{
    const struct nn_tensor *value = nn_value(t, x);
    return value ? value->shape : nn_shape(1, 1, 1, 1);
}

static nn_id mean_of(struct nn_tape *t, nn_id x /* (N,1,1,1) */)
{
    return nn_affine(t, 1.0f / (float)shape_of(t, x).n, nn_sum_to(t, x, nn_shape(1, 1, 1, 1)), 0);
}

/* log(1 + e^x) of x (N,1,1,1): minus the first of log softmax (0, x), which does not overflow. */
static nn_id softplus(struct nn_tape *t, nn_id x)
{
    nn_id pair = nn_log_softmax(t, nn_channel_pad(t, x, 1, 2));
    return nn_affine(t, -1, nn_channel_slice(t, pair, 0, 1), 0);
}

static nn_id score_of(struct nn_tape *t, nn_id output)
{
    return nn_channel_slice(t, output, 0, 1);
}

/* Mean over the minibatch of the labels' negative log-likelihood: -sum_k y_k log softmax(logits)_k where each
 * image is of one class; where labels are findings, with p = sigmoid(logit),
 * -sum_k (y_k log p_k + (1 - y_k) log(1 - p_k)) = sum_k (softplus(logit_k) - y_k logit_k). */
static nn_id label_loss(struct nn_tape *t, const struct nn_network *d, nn_id output, nn_id labels)
{
    struct nn_shape s = shape_of(t, labels), one = nn_shape(1, 1, 1, 1);
    nn_id logits = nn_channel_slice(t, output, 1, s.c);
    if (d->config.label_kind == NN_LABELS_MULTI) {
        nn_id yes = nn_sum_to(t, nn_mul(t, labels, logits), one);
        nn_id all = nn_sum_to(t, softplus(t, nn_reshape(t, logits, nn_shape(s.n * s.c, 1, 1, 1))), one);
        return nn_affine(t, 1.0f / (float)s.n, nn_axpby(t, 1, all, -1, yes), 0);
    }
    nn_id log_p = nn_mul(t, labels, nn_log_softmax(t, logits));
    return nn_affine(t, -1.0f / (float)s.n, nn_sum_to(t, log_p, one), 0);
}

static bool has_label_term(const struct nn_network *d, const struct tr_loss_config *config)
{
    return nn_gan_logit_count(&d->config) > 0 && config->label_weight > 0;
}

/* ---- penalties ---------------------------------------------------------------------------------- */

/* (N,1,1,1): |d(sum of scores)/d images|^2 of each sample, native. */
static nn_id gradient_square(struct nn_tape *t, nn_id score, nn_id images)
{
    nn_id gradient, ones = nn_detach(t, nn_affine(t, 0, score, 1)); /* or its zeros would be followed back */
    nn_gradient(t, score, ones, &images, 1, &gradient);
    return nn_sum_to(t, nn_mul(t, gradient, gradient), nn_shape(shape_of(t, score).n, 1, 1, 1));
}

/* What turns native norms into those that the configuration wants. */
static float norm_scale(const struct tr_loss_config *config, float lod)
{
    return config->penalty_native ? 1 : 1 / ldexpf(1, (int)lod);
}

/* r + (f - r) u */
static nn_id mixed_images(struct nn_tape *t, const struct tr_discriminator_batch *b)
{
    const struct nn_tensor *reals = nn_value(t, b->reals);
    if (!reals) return nn_none;
    nn_id mix = nn_broadcast(t, b->mix, reals->shape, reals->type);
    nn_id difference = nn_axpby(t, 1, b->fakes, -1, b->reals);
    return nn_axpby(t, 1, b->reals, 1, nn_mul(t, difference, mix));
}

static nn_id gradient_penalty(struct nn_tape *t, const struct nn_network *d, const nn_id *d_params,
                              const struct tr_discriminator_batch *b, const struct tr_loss_config *config)
{
    nn_id mixed = mixed_images(t, b);
    nn_id score = score_of(t, nn_discriminator(t, d, d_params, mixed, b->real_labels, b->lod));
    float scale = norm_scale(config, b->lod);
    nn_id square = nn_affine(t, scale * scale, gradient_square(t, score, mixed), NORM_EPSILON);
    nn_id excess = nn_affine(t, 1 / config->penalty_target, nn_power(t, square, 0.5f), -1);
    return nn_affine(t, config->penalty_weight, mean_of(t, nn_mul(t, excess, excess)), 0);
}

/* gamma/2 E[|grad D(x)|^2], times `factor` */
static nn_id zero_centred_penalty(struct nn_tape *t, nn_id score, nn_id images, float lod, float factor,
                                  const struct tr_loss_config *config)
{
    struct nn_shape s = shape_of(t, images);
    float scale = norm_scale(config, lod), gamma = config->gamma * scale * scale;
    if (config->gamma == 0) gamma = GAMMA_AUTOMATIC * (float)(s.h * s.w) / (float)s.n;
    return nn_affine(t, factor * gamma / 2, mean_of(t, gradient_square(t, score, images)), 0);
}

nn_id tr_lazy_penalty(struct nn_tape *t, const struct nn_network *d, const nn_id *d_params,
                      const struct tr_discriminator_batch *b, const struct tr_loss_config *config)
{
    nn_id score = score_of(t, nn_discriminator(t, d, d_params, b->reals, b->real_labels, b->lod));
    return zero_centred_penalty(t, score, b->reals, b->lod, (float)config->lazy_interval, config);
}

/* ---- losses ------------------------------------------------------------------------------------- */

/* The discriminator's output of both halves of a minibatch. */
struct outputs {
    nn_id real, fake;             /* (N, 1 + logits, 1, 1) */
    nn_id real_score, fake_score; /* (N,1,1,1) */
};

static nn_id discriminator_penalty(struct nn_tape *t, const struct nn_network *d, const nn_id *d_params,
                                   const struct tr_discriminator_batch *b, const struct outputs *o,
                                   const struct tr_loss_config *config)
{
    if (config->kind == TR_LOSS_WGAN_GP) return gradient_penalty(t, d, d_params, b, config);
    if (tr_loss_is_lazy(config)) return nn_none;
    nn_id r1 = zero_centred_penalty(t, o->real_score, b->reals, b->lod, 1, config);
    if (config->kind != TR_LOSS_R3) return r1;
    return nn_axpby(t, 1, r1, 1, zero_centred_penalty(t, o->fake_score, b->fakes, b->lod, 1, config));
}

/* What remains without penalty and labels. */
static nn_id discriminator_adversarial(struct nn_tape *t, const struct tr_discriminator_loss *loss,
                                       const struct outputs *o, const struct tr_loss_config *config)
{
    if (config->kind == TR_LOSS_WGAN_GP) {
        nn_id drift = mean_of(t, nn_mul(t, o->real_score, o->real_score));
        return nn_axpby(t, 1, nn_axpby(t, 1, loss->fake, -1, loss->real), config->drift_weight, drift);
    }
    nn_id total = softplus(t, nn_affine(t, -1, loss->margin, 0));
    if (config->kind == TR_LOSS_NONSAT_R1) total = nn_axpby(t, 1, total, 1, softplus(t, o->fake_score));
    return mean_of(t, total);
}

static nn_id discriminator_label(struct nn_tape *t, const struct nn_network *d,
                                 const struct tr_discriminator_batch *b, const struct outputs *o,
                                 const struct tr_loss_config *config)
{
    nn_id real = label_loss(t, d, o->real, b->real_labels);
    if (!config->label_fakes) return nn_affine(t, config->label_weight, real, 0);
    return nn_axpby(t, config->label_weight, real, config->label_weight,
                    label_loss(t, d, o->fake, b->fake_labels));
}

struct tr_discriminator_loss tr_discriminator_loss(struct nn_tape *t, const struct nn_network *d,
                                                   const nn_id *d_params,
                                                   const struct tr_discriminator_batch *b,
                                                   const struct tr_loss_config *config)
{
    struct outputs o = {.real = nn_discriminator(t, d, d_params, b->reals, b->real_labels, b->lod),
                        .fake = nn_discriminator(t, d, d_params, b->fakes, b->fake_labels, b->lod)};
    o.real_score = score_of(t, o.real);
    o.fake_score = score_of(t, o.fake);
    struct tr_discriminator_loss loss = {.real = mean_of(t, o.real_score), .fake = mean_of(t, o.fake_score)};
    bool paired = config->kind != TR_LOSS_NONSAT_R1;
    loss.margin = paired ? nn_axpby(t, 1, o.real_score, -1, o.fake_score) : o.real_score;
    loss.penalty = discriminator_penalty(t, d, d_params, b, &o, config);
    if (has_label_term(d, config)) loss.label = discriminator_label(t, d, b, &o, config);
    loss.total = discriminator_adversarial(t, &loss, &o, config);
    if (loss.penalty.index) loss.total = nn_axpby(t, 1, loss.total, 1, loss.penalty);
    if (loss.label.index) loss.total = nn_axpby(t, 1, loss.total, 1, loss.label);
    return loss;
}

nn_id tr_generator_loss(struct nn_tape *t, const struct nn_network *d, const nn_id *d_params,
                        const struct tr_generator_batch *b, const struct tr_loss_config *config)
{
    nn_id output = nn_discriminator(t, d, d_params, b->fakes, b->fake_labels, b->lod);
    nn_id score = score_of(t, output), loss;
    if (config->kind == TR_LOSS_R3) {
        nn_id real = score_of(t, nn_discriminator(t, d, d_params, b->reals, b->real_labels, b->lod));
        score = nn_axpby(t, 1, score, -1, real);
    }
    if (config->kind == TR_LOSS_WGAN_GP)
        loss = nn_affine(t, -1, mean_of(t, score), 0);
    else
        loss = mean_of(t, softplus(t, nn_affine(t, -1, score, 0)));
    if (has_label_term(d, config))
        loss = nn_axpby(t, 1, loss, config->label_weight, label_loss(t, d, output, b->fake_labels));
    return loss;
}
