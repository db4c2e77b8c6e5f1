/* What `roentgym inspect` says of how the images of a data set look. */
#ifndef TR_INSPECT_LOOKS_H
#define TR_INSPECT_LOOKS_H

#include <stdint.h>

#include "trainer/data/picture_hash.h"

struct json_t; /* jansson's */

/* Of an image that could be read. Texts are borrowed. */
struct tr_look {
    const char *file, *label, *split;
    struct tr_picture_hash hash;
    double mean; /* of its pixels as 8 bits */
};

/* Adds to `facts`: pairs of images that look alike (trainer/data/picture_hash.h), how many of them have other
 * labels and how many stand in both splits, with the first of each by name; and the mean grey of each label's
 * images, by which a network could tell classes without looking at bones. */
void tr_inspect_looks(struct json_t *facts, const struct tr_look *looks, int count);

/* {"0-15": share, ...}: of the pixels in 16 steps of grey, from counts of 256. */
struct json_t *tr_inspect_histogram(const uint64_t bins[256]);

#endif
