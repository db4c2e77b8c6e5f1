/* Random neighbourhoods of 7x7 pixels as points in 49 dimensions, stored in stripes: 64 descriptors side by
 * side, so that a projection of 64 is a sum of 49 rows. */
#ifndef TR_DESCRIPTORS_H
#define TR_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

enum {
    TR_PATCH_SIDE = 7,
    TR_PATCH_SIZE = TR_PATCH_SIDE * TR_PATCH_SIDE,
    TR_PATCHES_PER_IMAGE = 128,
    TR_STRIPE = 64,
};

/* Of `images` images at one level: value k of descriptor i is
 * values[((i / 64) * 49 + k) * 64 + i % 64]. Image j's descriptors are 128 j .. 128 j + 127. */
struct tr_descriptors {
    float *values;
    int images;
};

/* Bytes of `values`. */
size_t tr_descriptors_bytes(int images);

/* Where neighbourhood `number` of image `index` begins, 0 .. side-7: its centre is uniform over 3 .. side-4
 * in both directions. A function of these numbers alone. */
void tr_descriptors_place(uint64_t seed, uint64_t stream, int index, int number, int side, int *x, int *y);

/* Fills image `index`'s descriptors from the level `image`. Different images may be taken by different
 * threads. */
void tr_descriptors_take(const struct tr_descriptors *d, int index, const float *image, int side,
                         uint64_t seed, uint64_t stream);

/* Subtracts the mean over all values of all descriptors, and divides by their standard deviation (1 where
 * that is 0: a level that is constant stays at 0). Uses OpenMP; the result does not depend on the threads. */
void tr_descriptors_normalise(const struct tr_descriptors *d);

/* out[r * 128 images + i] = <directions[r], descriptor i>, for all i and 0 <= r < count. */
void tr_descriptors_project(const struct tr_descriptors *d, float (*directions)[TR_PATCH_SIZE], int count,
                            float *out);

#endif
