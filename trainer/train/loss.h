/* The losses that a run can choose from, each of a discriminator's and a generator's step.
 *
 * With D a score, r the reals, f = G(z) the fakes, |.| a sample's Euclidean norm over its pixels:
 *
 *   wgan-gp    Wasserstein with gradient penalty (Gulrajani et al., NeurIPS 2017) and drift, as in Karras et
 *              al. 2018:
 *              D: E[D(f)] - E[D(r)] + lambda E[(|grad D(x)| - target)^2] / target^2 + drift E[D(r)^2]
 *                 with x = r + (f - r) u, u uniform in [0,1), one a sample
 *              G: -E[D(f)]
 *   nonsat-r1  non-saturating logistic (Goodfellow et al., NeurIPS 2014) with R1 (Mescheder et al., ICML
 *              2018), lazy as in Karras et al., "Analyzing and improving the image quality of StyleGAN",
 *              2020:
 *              D: E[softplus(D(f))] + E[softplus(-D(r))] + gamma/2 E[|grad D(r)|^2]
 *              G: E[softplus(-D(f))]
 *   r3         relativistic pairing with R1 and R2 (Huang et al., "The GAN is dead; long live the GAN!",
 *              NeurIPS 2024): sample i of the fakes against sample i of the reals,
 *              D: E[softplus(-(D(r) - D(f)))] + gamma/2 E[|grad D(r)|^2 + |grad D(f)|^2]
 *              G: E[softplus(-(D(f) - D(r)))]
 *
 * Every gradient is that of the minibatch's summed score: with minibatch stddev, D of one sample depends on
 * the others, and those cross terms belong to it, as in the published codes. It is taken at the images that D
 * is given: where they are augmented, after that (Karras et al. 2020 take it before).
 *
 * The official network always takes full-resolution images: below full resolution each native pixel is
 * repeated s x s times, s = 2^floor(lod), and |grad| at full resolution is the native one's divided by s
 * (during fades too). The penalties use the full-resolution norm, so wgan-gp's target and a gamma that is
 * given mean the same at each level as in a network trained at full resolution throughout; penalty_native
 * takes the native norm instead. The automatic gamma, 0.0002 R^2 / minibatch at full resolution R, times a
 * squared norm that is s^2 smaller, is 0.0002 side^2 / minibatch times the native one: the same number for
 * either, growing with the level as the recipe wants.
 *
 * Label terms, weighted, in both players' losses, where the networks have a classifier (Odena et al., ICML
 * 2017): the mean over the minibatch of the labels' negative log-likelihood, by softmax over classes, by a
 * sigmoid for each finding and summed over them. With projection D(x) stands for D(x, its labels), and there
 * are none; the mixed images of wgan-gp go by the reals' labels. */
#ifndef TR_LOSS_H
#define TR_LOSS_H

#include "engine/gan.h"

enum tr_loss_kind { TR_LOSS_WGAN_GP, TR_LOSS_NONSAT_R1, TR_LOSS_R3, TR_LOSS_COUNT };

/* Which labels the fakes of a discriminator's step get: those of the reals beside them, or others drawn from
 * the data set. */
enum tr_fake_labels { TR_FAKE_LABELS_REAL_BATCH, TR_FAKE_LABELS_RANDOM, TR_FAKE_LABELS_COUNT };

struct tr_loss_config {
    enum tr_loss_kind kind;
    float penalty_weight; /* wgan-gp: lambda, 10 */
    float penalty_target; /* wgan-gp: the gradient norm wanted, 1 */
    float drift_weight;   /* wgan-gp: 0.001 */
    bool penalty_native; /* norms of native gradients: for short runs, in which the low levels' discriminators
                            would not have the time to grow gradients of 2^floor(lod) */
    float gamma;         /* nonsat-r1, r3: weight of the squared gradients; 0: automatic */
    int lazy_interval;   /* nonsat-r1: steps from one penalty to the next; 1: in every step */
    float label_weight;  /* 1; 0 leaves the label terms out */
    enum tr_fake_labels fake_labels;
    bool label_fakes; /* the discriminator, too, learns to classify the fakes, as in the official code */
};

/* By kind and source: "wgan-gp", "nonsat-r1", "r3"; "real_batch", "random". NULL ends each list. */
extern const char *const tr_loss_words[TR_LOSS_COUNT + 1];
extern const char *const tr_fake_labels_words[TR_FAKE_LABELS_COUNT + 1];

/* The official constants: wgan-gp. */
struct tr_loss_config tr_loss_config_official(void);

/* Whether the penalty has steps of its own (tr_lazy_penalty). */
bool tr_loss_is_lazy(const struct tr_loss_config *config);

/* One minibatch of N, all real_type values on one tape. */
struct tr_discriminator_batch {
    nn_id reals, fakes;             /* (N,1,R,R); fakes detached */
    nn_id mix;                      /* (N,1,1,1), uniform in [0,1): 0 the real, 1 the fake; for wgan-gp */
    nn_id real_labels, fake_labels; /* (N,label_count,1,1); nn_none if unconditional */
    float lod;
};

/* Scalars (1,1,1,1) on the tape. */
struct tr_discriminator_loss {
    nn_id total;      /* to be minimised over the discriminator's parameters */
    nn_id real, fake; /* mean scores */
    nn_id margin;  /* (N,1,1,1), above 0 where a real counts as real: D(r) of nonsat-r1; D(r) - D(f) of pairs
                      of the others, whose scores have no zero of their own */
    nn_id penalty; /* weighted; nn_none where it has a step of its own */
    nn_id label;   /* of reals and, as configured, fakes, weighted; nn_none if there is no label term */
};

struct tr_discriminator_loss tr_discriminator_loss(struct nn_tape *t, const struct nn_network *d,
                                                   const nn_id *d_params,
                                                   const struct tr_discriminator_batch *batch,
                                                   const struct tr_loss_config *config);

/* Of a lazy loss (tr_loss_is_lazy): the penalty times lazy_interval, to be minimised by a step of its own
 * once in lazy_interval of the others. Uses reals, real_labels and lod of the batch. */
nn_id tr_lazy_penalty(struct nn_tape *t, const struct nn_network *d, const nn_id *d_params,
                      const struct tr_discriminator_batch *batch, const struct tr_loss_config *config);

/* To be minimised over the generator's parameters, on which only `fakes` depend. */
struct tr_generator_batch {
    nn_id fakes, fake_labels;
    nn_id reals, real_labels; /* for r3; nn_none otherwise */
    float lod;
};
nn_id tr_generator_loss(struct nn_tape *t, const struct nn_network *d, const nn_id *d_params,
                        const struct tr_generator_batch *batch, const struct tr_loss_config *config);

#endif
