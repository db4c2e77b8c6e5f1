/* How cases come to be: room for them, and pixels at any side. Used by the files that fill them. */
#ifndef TR_CASES_BUILD_H
#define TR_CASES_BUILD_H

#include "trainer/classify/cases.h"

/* Zeroed arrays for `count` cases at `side`, patients -1; truth only where it is known. */
nn_status tr_cases_make(struct tr_cases *cases, int count, int side, bool known,
                        struct nn_error *err) NN_MUST_CHECK;

/* The side, a power of two up to `own`, of the box means that images at `side` are made of: the least that is
 * as large, else `own`. */
int tr_cases_source_side(int own, int side);

/* From side `from_side` to `to_side`: each pixel is the mean of its neighbours under a tent as wide as a
 * pixel of the coarser image, centred on where it lies, rounded; borders are not passed. Copies where the
 * sides agree. */
void tr_cases_resample(const uint8_t *from, int from_side, uint8_t *to, int to_side);

/* Classes, finding and source. */
void tr_cases_copy_facts(struct tr_cases *to, const struct tr_cases *from);

/* Sets truth from labels and `finding`, a class of theirs. */
void tr_cases_judge(struct tr_cases *cases);

#endif
