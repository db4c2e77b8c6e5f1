/* The file from which a run goes on: both networks, the averaged generator, Adam, the counters, the losses of
 * the tick that has begun, the configuration, the hash of the data and its classes, and a SHA-256 over all of
 * it. The same training gives the same bytes: no time and no name of a machine is in it. Written
 * atomically. */
#ifndef TR_TRAIN_STATE_H
#define TR_TRAIN_STATE_H

#include "trainer/train/training.h"

/* A training as it stood: what a state or a generator is written from while the training goes on. Zeroed it
 * is empty; it may be taken again and again, of one training, in the same memory. */
enum { TR_STATE_BUFFERS = 7, TR_STATE_AVERAGE = 3 /* the averaged generator's place among them */ };
struct tr_snapshot {
    struct tr_training at;         /* its counters, configuration and layouts; its buffers are not used */
    float *host[TR_STATE_BUFFERS]; /* heap */
};

/* NN_ERR_NUMERIC if a weight is not finite: such a state is worth nothing. The training must outlive the
 * snapshot. */
nn_status tr_snapshot_take(struct tr_snapshot *snapshot, const struct tr_training *tr,
                           struct nn_error *err) NN_MUST_CHECK;
void tr_snapshot_release(struct tr_snapshot *snapshot);

nn_status tr_train_state_write(const char *path, const struct tr_snapshot *snapshot,
                               struct nn_error *err) NN_MUST_CHECK;

/* The configuration alone, before a training exists. Here as in what follows a file that is truncated, whose
 * checksum is wrong or that has a weight that is not finite is NN_ERR_FORMAT. */
nn_status tr_train_state_read_config(const char *path, struct tr_train_config *config,
                                     struct nn_error *err) NN_MUST_CHECK;

/* Fills a training made by tr_training_init with that configuration and data. Data of another hash, or
 * with other classes, are refused. On failure `tr` must be released. */
nn_status tr_train_state_read(const char *path, struct tr_training *tr, struct nn_error *err) NN_MUST_CHECK;

/* Fills a fresh training with what a run of a lower (or the same) resolution, of the same widths and classes,
 * has learnt: weights and average, for the levels it had. Counters and Adam start anew; images_before
 * remembers what that run had been shown. Its data may be others, smaller ones for instance. */
nn_status tr_train_state_grow(const char *path, struct tr_training *tr, struct nn_error *err) NN_MUST_CHECK;

#endif
