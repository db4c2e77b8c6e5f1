/* A start for the grey head of a level that begins to fade in.
 *
 * A new level's layers and its head have their random first weights, so the fade would mix a picture of noise
 * into the learnt one. But the new features still contain the old ones, and the head is linear: its weights
 * and bias are set to those that bring it closest, in the mean over images and pixels, to the image of the
 * level below at the new size (least squares with a little ridge). */
#ifndef TR_NEW_HEAD_H
#define TR_NEW_HEAD_H

#include "trainer/train/training.h"

/* Sets the head of the level floor(lod) in the generator and in its average. `latents` and `labels` are on
 * the training's tape, which holds the generator's leaves. *left (may be NULL) is the share of the level
 * below's variance that the head misses, 0..1. */
nn_status tr_new_head_fit(struct tr_training *tr, nn_id latents, nn_id labels, float lod, double *left,
                          struct nn_error *err) NN_MUST_CHECK;

#endif
