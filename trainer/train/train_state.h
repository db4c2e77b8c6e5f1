/* The file that a run is resumed from: both networks, the averaged generator, Adam, the counters, the losses
 * since the last tick, the configuration, the data set's hash and classes, and a SHA-256 over all of it. The
 * same training gives the same bytes: the file contains no time and no machine's name. Written atomically. */
#ifndef TR_TRAIN_STATE_H
#define TR_TRAIN_STATE_H

#include "trainer/train/training.h"

/* A copy of a training at one moment, from which a state or a generator is written while the training goes
 * on. Zeroed it is empty. It may be taken again and again, of one training, in the same memory. */
enum { TR_STATE_BUFFERS = 7, TR_STATE_AVERAGE = 3 /* the averaged generator's place among them */ };
struct tr_snapshot {
    struct tr_training at;         /* its counters, configuration and layouts; its buffers are not used */
    float *host[TR_STATE_BUFFERS]; /* heap */
};

/* NN_ERR_NUMERIC: a weight is not finite, so a state would be useless. The training must outlive the
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

/* Fills a fresh training with the weights and the average of a run of a lower (or the same) resolution with
 * the same classes, for the levels that it had; narrower networks are widened (engine/gan_widen.h). Counters
 * and Adam start anew; images_before remembers how many images that run was shown. Its data set may be
 * another, one of smaller images for instance. */
nn_status tr_train_state_grow(const char *path, struct tr_training *tr, struct nn_error *err) NN_MUST_CHECK;

#endif
