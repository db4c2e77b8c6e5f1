/* The losses of the progressive GAN: Wasserstein with gradient penalty (Gulrajani et al., NeurIPS 2017) and
 * drift, and the auxiliary classifier's cross-entropy (Odena et al., ICML 2017), as in Karras et al. 2018. */
#ifndef TR_LOSS_H
#define TR_LOSS_H

#include "engine/gan.h"

struct tr_loss_config {
    float penalty_weight; /* lambda, 10 */
    float penalty_target; /* the gradient norm wanted, 1 */
    float drift_weight;   /* 0.001 */
    float label_weight;   /* 1 */
    bool penalty_native;  /* the norm of the native gradient instead: for short runs, in which the low levels'
                             discriminators would not have the time to grow gradients of 2^floor(lod) */
};

/* One minibatch of N, all real_type values on one tape. */
struct tr_critic_batch {
    nn_id reals, fakes; /* (N,1,R,R); fakes detached */
    nn_id mix;          /* (N,1,1,1), uniform in [0,1): 0 the real, 1 the fake */
    nn_id labels;       /* (N,label_count,1,1), of reals and fakes alike; nn_none if unconditional */
    float lod;
};

/* Scalars (1,1,1,1) on the tape. */
struct tr_critic_loss {
    nn_id total;      /* to be minimised over the discriminator's parameters */
    nn_id real, fake; /* mean scores */
    nn_id margin;  /* (N,1,1,1): D(real) - D(fake) of pairs, since these scores have no zero of their own */
    nn_id penalty; /* weighted */
    nn_id label;   /* cross-entropy of reals and fakes, weighted; nn_none without a classifier */
};

/* E[D(f)] - E[D(r)] + lambda E[(|grad D(mixed)| - target)^2 / target^2] + drift E[D(r)^2] + CE.
 * The norm is that of the full-resolution gradient, the native one divided by 2^floor(lod), unless
 * penalty_native says otherwise. */
struct tr_critic_loss tr_critic_loss(struct nn_tape *t, const struct nn_network *d, const nn_id *d_params,
                                     const struct tr_critic_batch *batch,
                                     const struct tr_loss_config *config);

/* -E[D(G(z,y))] + CE(y). Minimised over the generator's parameters. */
nn_id tr_generator_loss(struct nn_tape *t, const struct nn_network *d, const nn_id *d_params, nn_id fakes,
                        nn_id labels, float lod, const struct tr_loss_config *config);

#endif
