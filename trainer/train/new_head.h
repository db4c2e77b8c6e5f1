/* A start for the grey head of a level that begins to fade in.
 *
 * The layers of a new level are as they were drawn, and so is its head: during the fade a picture of noise is
 * mixed into the one that was learnt. The head is linear, though, and the new features still tell of the old
 * ones; so its weights and bias are set to those with which, in the mean over images and pixels, it comes
 * closest to the level below, shown at the new size (least squares with a little ridge). */
#ifndef TR_NEW_HEAD_H
#define TR_NEW_HEAD_H

#include "trainer/train/training.h"

/* Sets the head of the level floor(lod) in the generator and in its average. `latents` and `labels` are on
 * the training's tape, which holds the generator's leaves. *left (may be NULL) is the share of the level
 * below's variance that the head misses, 0..1. */
nn_status tr_new_head_fit(struct tr_training *tr, nn_id latents, nn_id labels, float lod, double *left,
                          struct nn_error *err) NN_MUST_CHECK;

#endif
