/* What of a training is for others: its averaged generator as a checkpoint (engine/checkpoint.h), with where
 * it comes from. */
#ifndef TR_GENERATOR_EXPORT_H
#define TR_GENERATOR_EXPORT_H

#include "trainer/train/train_state.h"

/* The averaged generator as it stands, as a checkpoint of the current level's resolution that the daemon can
 * load. During a fade nothing is written: no single network is that mixture. */
nn_status tr_generator_export(const char *path, const struct tr_snapshot *snapshot, const char *name,
                              struct nn_error *err) NN_MUST_CHECK;

#endif
