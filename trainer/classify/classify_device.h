/* A classifier on a device: its weights there, a tape, minibatches of cases as it wants to see them. What
 * training and scoring share. */
#ifndef TR_CLASSIFY_DEVICE_H
#define TR_CLASSIFY_DEVICE_H

#include "trainer/classify/cases.h"
#include "trainer/classify/classifier.h"

struct tr_classify_device {
    const struct tr_classifier *net; /* borrowed */
    struct nn_backend *be;           /* borrowed */
    struct nn_tape *t;
    void *values;   /* device memory */
    float *moments; /* host memory, running ones */
    nn_id *leaves, *gradients;
    struct tr_norm_use *uses;
    int room;                       /* cases at once */
    float *host;                    /* for their pixels */
    nn_id *convolutions, *features; /* NULL, or what the caller asks of each pass (struct tr_pass) */
};

/* Copies values and moments. `room` is the largest minibatch. */
nn_status tr_classify_device_open(struct tr_classify_device *d, const struct tr_classifier *net,
                                  struct nn_backend *be, const float *values, const float *moments, int room,
                                  struct nn_error *err) NN_MUST_CHECK;
void tr_classify_device_close(struct tr_classify_device *d); /* harmless on a zeroed struct */

/* Resets the tape and puts the leaves of the weights on it. */
void tr_classify_device_begin(struct tr_classify_device *d);

/* Cases on the tape, (n,1,side,side) in -1..1. */
nn_id tr_classify_device_grey(struct tr_classify_device *d, const struct tr_cases *cases, const int *indices,
                              int n);

/* Of such images three channels with ImageNet's means and deviations, and of those the logits (n,1,1,1).
 * `training`: with the batch's moments, to which d->uses then points, and dropout by `seed`. */
nn_id tr_classify_device_logits(struct tr_classify_device *d, nn_id grey, bool training, uint64_t seed);

/* The logits of all cases by the running moments. `progress` may be NULL. */
nn_status tr_classify_device_score(struct tr_classify_device *d, const struct tr_cases *cases, double *logits,
                                   tr_cases_progress *progress, void *context,
                                   struct nn_error *err) NN_MUST_CHECK;

#endif
