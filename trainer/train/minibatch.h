/* What the networks are shown in one step, on the training's tape. It is a function of the configuration and
 * the number of images shown before (tr->images) alone, so a resumed run shows the same. n is the size of the
 * minibatch. */
#ifndef TR_MINIBATCH_H
#define TR_MINIBATCH_H

#include "trainer/train/training.h"

/* Streams of nn_random_*, one a purpose. Latents at fixed seeds for sheets use NN_STREAM_LATENT. */
enum {
    TR_STREAM_ORDER = 0x7001, /* of the training images */
    TR_STREAM_MIX,
    TR_STREAM_DISCRIMINATOR_LATENT,
    TR_STREAM_GENERATOR_LATENT,
    TR_STREAM_GENERATOR_LABEL,
    TR_STREAM_DISCRIMINATOR_LABEL,
    TR_STREAM_MIRROR,
    TR_STREAM_HEAD_LATENT
};

/* The next n training images as the phase shows them, augmented: (n,1,side,side). Fails as tr_dataset_image.
 */
nn_status tr_minibatch_reals(struct tr_training *tr, const struct tr_phase *phase, int n, nn_id *images,
                             struct nn_error *err) NN_MUST_CHECK;

/* The images with the augmentation that the discriminator sees them through. */
nn_id tr_minibatch_augment(struct tr_training *tr, nn_id images, enum tr_augment_role role);

/* Labels (n,label_count,1,1), nn_none without labels: those of the reals with TR_STREAM_ORDER, else those of
 * images drawn from all. */
nn_id tr_minibatch_labels(struct tr_training *tr, int n, uint64_t stream);

nn_id tr_minibatch_latents(struct tr_training *tr, int n, uint64_t stream); /* (n,latent size,1,1), normal */
nn_id tr_minibatch_mixing(struct tr_training *tr, int n);                   /* (n,1,1,1), uniform in 0..1 */

#endif
