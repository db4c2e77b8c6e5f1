/* Step sizes and moving averages: pure functions of the configuration and of the images shown. */
#ifndef TR_OPTIMISER_H
#define TR_OPTIMISER_H

#include "engine/backend.h"
#include "trainer/train/train_config.h"

/* Adam for the next update of each network; `step` is left 0.
 *
 * Over the first lr_rampup_kimg the step size is multiplied by exp(-5 (1 - t)^2), t from 0 to 1 (Karras et
 * al. 2018, the Theano code).
 *
 * The discriminator of a lazy loss makes k + 1 updates in k = lazy_interval steps; with c = k / (k + 1) its
 * step size is multiplied by c and its betas are raised to the power c, so that over k steps they do what
 * they did without the additional update (Karras et al., StyleGAN2, 2020, appendix B). */
struct nn_adam tr_generator_adam(const struct tr_train_config *c, const struct tr_phase *phase,
                                 uint64_t images);
struct nn_adam tr_discriminator_adam(const struct tr_train_config *c, const struct tr_phase *phase,
                                     uint64_t images);

/* The share of the averaged generator that a step on `minibatch` images keeps: ema_decay, or
 * 0.5^(minibatch / H) with H = ema_kimg, at most ema_rampup times the images shown so far; 0 where H is 0. */
float tr_ema_decay(const struct tr_train_config *c, int minibatch, uint64_t images);

#endif
