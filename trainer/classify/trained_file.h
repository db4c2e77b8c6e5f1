/* Trained classifiers as files: safetensors with torchvision's names, and as metadata architecture, side,
 * finding, data, data_sha256, images, seed, validation_auc, epoch and whatever more is given. */
#ifndef TR_TRAINED_FILE_H
#define TR_TRAINED_FILE_H

#include "trainer/classify/classify_training.h"

/* Replaces `path` whole. `training`: the training's key. */
nn_status tr_trained_save(const struct tr_trained *trained, const char *training, const char *path,
                          struct nn_error *err) NN_MUST_CHECK;
/* Reads all but the history: `epochs` becomes 0. NN_ERR_FORMAT names the file and what is wrong with it. */
nn_status tr_trained_load(struct tr_trained *trained, const char *path, struct nn_error *err) NN_MUST_CHECK;
/* Whether the file is of that training; NN_ERR_FORMAT: it is no classifier. */
nn_status tr_trained_is_of(const char *path, const char *training, bool *is,
                           struct nn_error *err) NN_MUST_CHECK;

/* Its validation_auc alone, NAN where there was no validation; NN_ERR_FORMAT: it is no classifier. */
nn_status tr_trained_auc(const char *path, double *auc, struct nn_error *err) NN_MUST_CHECK;

#endif
