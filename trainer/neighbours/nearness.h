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
 * All samples. Whether they are nearer as a whole (Meehan, Chaudhuri and Dasgupta 2020) is asked with
 * Mann and Whitney's test, one-sided. */
#ifndef TR_NEARNESS_H
#define TR_NEARNESS_H

#include <stdbool.h>

#include "engine/error.h"

#define TR_COPY_QUANTILE 0.01
#define TR_COPY_RATIO 0.8

enum { TR_AS_IT_IS, TR_MIRRORED, TR_VARIANTS };

/* value[((layer * queries + query) * variants + variant) * trainings + training]; the last `held_out` queries
 * are held-out real images, the others samples. All borrowed. */
struct tr_nearness_input {
    const float *value;
    int layers, queries, held_out, trainings;
    const int *patient; /* of each training image */
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
    double effect, p;                       /* as below */
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
    int flagged_samples, flagged_held_out; /* of the latter those that would be, by the others' threshold */
};

/* NN_ERR_ARGUMENT without samples, held-out images or two training images. */
nn_status tr_nearness(struct tr_nearness *result, const struct tr_nearness_input *in,
                      struct nn_error *err) NN_MUST_CHECK;
void tr_nearness_release(struct tr_nearness *result); /* harmless on a zeroed struct */

/* Mann and Whitney's test of whether x tends to be smaller than y. *effect is the probability that one of x
 * is smaller than one of y, ties half: 0.5 where there is no difference. *p is that of an effect at least as
 * large by chance: the normal approximation, with corrections for ties and continuity. NN_ERR_MEMORY. */
nn_status tr_mann_whitney(const double *x, int x_count, const double *y, int y_count, double *effect,
                          double *p, struct nn_error *err) NN_MUST_CHECK;

#endif
