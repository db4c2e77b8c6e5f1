#include "trainer/train/optimiser.h"

#include <math.h>

struct nn_adam tr_generator_adam(const struct tr_train_config *c, const struct tr_phase *phase,
                                 uint64_t images)
{
    struct nn_adam adam = {.lr = c->schedule.levels[phase->level].lr,
                           .beta1 = c->adam_beta1,
                           .beta2 = c->adam_beta2,
                           .epsilon = c->adam_epsilon};
    double kimg = (double)images / 1000, rampup = (double)c->lr_rampup_kimg;
    if (kimg < rampup) {
        double left = 1 - kimg / rampup;
        adam.lr *= (float)exp(-5 * left * left);
    }
    return adam;
}

struct nn_adam tr_discriminator_adam(const struct tr_train_config *c, const struct tr_phase *phase,
                                     uint64_t images)
{
    struct nn_adam adam = tr_generator_adam(c, phase, images);
    if (!tr_loss_is_lazy(&c->loss)) return adam;
    float share = (float)c->loss.lazy_interval / (float)(c->loss.lazy_interval + 1);
    adam.lr *= share;
    adam.beta1 = powf(adam.beta1, share);
    adam.beta2 = powf(adam.beta2, share);
    return adam;
}

float tr_ema_decay(const struct tr_train_config *c, int minibatch, uint64_t images)
{
    if (c->ema_kimg <= 0) return c->ema_decay;
    double half_life = 1000 * (double)c->ema_kimg;
    if (c->ema_rampup > 0) half_life = fmin(half_life, (double)c->ema_rampup * (double)images);
    return half_life > 0 ? (float)pow(0.5, minibatch / half_life) : 0;
}
