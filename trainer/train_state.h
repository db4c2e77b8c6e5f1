/* The file from which a run goes on: RUN/state.safetensors holds both networks, the averaged generator, Adam,
 * the counters, the configuration, the hash of the data and its classes. Written atomically. */
#ifndef TR_TRAIN_STATE_H
#define TR_TRAIN_STATE_H

#include "trainer/training.h"

nn_status tr_train_state_write(const char *path, const struct tr_training *tr,
                               struct nn_error *err) NN_MUST_CHECK;

/* The configuration alone, before a training exists. */
nn_status tr_train_state_read_config(const char *path, struct tr_train_config *config,
                                     struct nn_error *err) NN_MUST_CHECK;

/* Fills a training made by tr_training_init with that configuration and data. Data of another hash, or
 * with other classes, are refused. On failure `tr` must be released. */
nn_status tr_train_state_read(const char *path, struct tr_training *tr, struct nn_error *err) NN_MUST_CHECK;

/* Fills a fresh training with what a run of a lower (or the same) resolution, of the same widths and classes,
 * has learnt: weights and average, for the levels it had. Counters and Adam start anew; images_before
 * remembers what that run had been shown. Its data may be others, smaller ones for instance. */
nn_status tr_train_state_grow(const char *path, struct tr_training *tr, struct nn_error *err) NN_MUST_CHECK;

/* The averaged generator as it stands, as a checkpoint of the current level's resolution that the daemon can
 * load. During a fade nothing is written: no single network is that mixture. */
nn_status tr_train_state_export(const char *path, const struct tr_training *tr, const char *name,
                                struct nn_error *err) NN_MUST_CHECK;

#endif
