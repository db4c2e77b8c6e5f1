/* From a training to a model for the daemon: its averaged generator as a checkpoint (engine/checkpoint.h)
 * that says how it was trained. */
#ifndef TR_GENERATOR_EXPORT_H
#define TR_GENERATOR_EXPORT_H

#include "trainer/train/train_state.h"

/* Writes a checkpoint of the current level's resolution. During a fade nothing is written, as no single
 * network is that mixture. */
nn_status tr_generator_export(const char *path, const struct tr_snapshot *snapshot, const char *name,
                              struct nn_error *err) NN_MUST_CHECK;

#endif
