/* A hash by which pictures that look the same are found: one that was scaled, compressed again or brightened
 * is a few bits away, another patient's radiograph of the same kind many. */
#ifndef TR_PICTURE_HASH_H
#define TR_PICTURE_HASH_H

#include <stdint.h>

#include "engine/image.h"

enum { TR_PICTURE_HASH_WORDS = 4, TR_PICTURE_HASH_NEAR = 32 };

/* The signs of the 255 lowest frequencies (16x16 without the mean) of the cosine transform of the picture's
 * means on 32x32 cells; Zauner 2010, with more bits, as radiographs of one body part have the lowest 63 in
 * common. */
struct tr_picture_hash {
    uint64_t bits[TR_PICTURE_HASH_WORDS];
};

void tr_picture_hash(const struct nn_image *image, struct tr_picture_hash *hash);

/* Bits in which they differ, 0..255: the least over the second as it is, mirrored left to right, and with
 * black and white exchanged. Copies that were scaled, compressed or brightened have at most
 * TR_PICTURE_HASH_NEAR, other pictures clearly more (tests/unit/trainer/test_ingest.c,
 * tests/commands/test_ingest_cli.py). A cropped copy may be missed. */
int tr_picture_distance(const struct tr_picture_hash *a, const struct tr_picture_hash *b);

#endif
