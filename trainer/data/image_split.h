/* A random order of images. Its beginning and what follows are two random sets without an image in common. */
#ifndef TR_IMAGE_SPLIT_H
#define TR_IMAGE_SPLIT_H

#include <stdint.h>

/* order[0 .. count-1] becomes a permutation of 0 .. count-1 that depends on seed and count alone. */
void tr_image_split(uint64_t seed, int count, int *order);

#endif
