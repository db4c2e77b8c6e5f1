/* Are samples nearer to training images than other real images are, and is one of them a copy?
 *
 * Copies. The distance of a query (a sample, or a held-out real image) from a training image is the mean over
 * all layers of their L1 distance in the layer, divided by the median there of the distances of held-out
 * images from their nearest training image, so that each layer counts the same; of the query and its mirror
 * image the nearer one counts. A query is flagged as a copy when its nearest training image is much nearer
 * than the next one of another patient (Lowe 2004): the ratio of the two is below TR_COPY_RATIO, and below
 * the 1 % quantile of the same ratios of held-out images (the (k+1)-th smallest of n, k = 0.01 n rounded
 * down; a held-out image is so by chance with probability (k+1)/(n+1) at most). The distance alone would not
 * do: smooth images are near to everything, and of an image like no other a copy moved by a pixel is as far
 * as others are from theirs. On 256-pixel phantoms, ResNet-18: of copies with noise, mirrored, or moved by
 * one pixel of 128, 15 of 15 have a ratio below 0.62, of 128 held-out images none below 0.81; one of
 * the five moved ones is not nearer than the 1 % quantile of distances.
 *
 * All samples. Whether they are nearer as a whole (Meehan, Chaudhuri and Dasgupta 2020) is told by the
 * effect, the probability that a sample is nearer than a held-out image, ties half (the area under the ROC
 * curve, Mann and Whitney's U over all pairs): 0.5 where there is no difference. Its interval of 95 % and p,
 * two-sided, that it is 0.5, are nn_bootstrap_share's (engine/bootstrap.h) and draw held-out patients, not
 * images, beside single samples; the training images are taken as they are. Layers are not independent, and p
 * is not corrected for their number: `all` is the one to ask. */
#ifndef TR_NEARNESS_H
#define TR_NEARNESS_H

#include <stdbool.h>

#include "engine/bootstrap.h"
#include "engine/wilson.h"

#define TR_COPY_QUANTILE 0.01
#define TR_COPY_RATIO 0.8

enum { TR_AS_IT_IS, TR_MIRRORED, TR_VARIANTS };

/* value[((layer * queries + query) * variants + variant) * trainings + training]; the last `held_out` queries
 * are held-out real images, the others samples. All borrowed. */
struct tr_nearness_input {
    const float *value;
    int layers, queries, held_out, trainings;
    const int *query_patient, *training_patient; /* of each; -1 of a sample (engine/cluster.h) */
};

struct tr_nearest {
    int training;
    double distance;
};

struct tr_copy_score {
    int training; /* the nearest one */
    bool mirrored;
    double distance, ratio; /* ratio to the next of another patient; 1 where there is none */
    bool flagged;
};

struct tr_layer_nearness {
    double samples_median, held_out_median; /* of the distances from the nearest training image */
    double effect;
    struct nn_interval interval; /* of the effect, with its p; p NAN: nothing could be drawn */
};

/* Heap memory. */
struct tr_nearness {
    struct tr_nearest *nearest;       /* [layer * queries + query], as it is, not mirrored */
    struct tr_copy_score *copy;       /* a query */
    struct tr_layer_nearness *layers; /* a layer */
    struct tr_layer_nearness all;     /* of the distances in `copy` */
    struct tr_layer_nearness ratios;  /* of its ratios */
    double threshold;                 /* below which a ratio is a copy's */
    double chance; /* at most so often a held-out image, one not used for the threshold, is flagged */
    struct nn_share flagged_samples;
    struct nn_share flagged_held_out; /* those that would be, by the others' threshold; by patient */
};

/* NN_ERR_ARGUMENT without samples, held-out images or two training images. */
nn_status tr_nearness(struct tr_nearness *result, const struct tr_nearness_input *in,
                      struct nn_error *err) NN_MUST_CHECK;
void tr_nearness_release(struct tr_nearness *result); /* harmless on a zeroed struct */

#endif
