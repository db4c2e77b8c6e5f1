/* The sliced Wasserstein distance of Karras et al. 2018 ("Progressive growing of GANs", section 5): how far
 * apart two sets of images are, one figure for each level of their Laplacian pyramids, from the images' side
 * down to 16. Low is alike; a level's side says at what size of detail.
 *
 * From each image's level 128 random neighbourhoods of 7x7 pixels; the mean and standard deviation of each
 * set's descriptors are removed, set by set; both sets are projected on 4 x 128 random unit directions; the
 * distance is the mean over directions of the mean difference between the sorted projections, times 1000.
 *
 * Two forms, which must not be mixed up:
 *   swd-3x  grey shown as three equal channels, directions in 147 dimensions: what published figures are.
 *   swd-1   one channel, directions in 49 dimensions.
 * Since the three channels of a descriptor are equal, <direction, descriptor> is computed as the sum of the
 * direction's three parts times the one channel: the same number at a third of the work.
 *
 * Published figures are for 16,384 images a set. Fewer images give larger distances, even between two sets of
 * the same kind: compare only distances over the same number of images, and see them beside the distance
 * between two sets of real images (the floor). */
#ifndef TR_SWD_H
#define TR_SWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

enum {
    TR_SWD_LEVELS_MAX = 7, /* 1024 ... 16 */
    TR_SWD_SIDE_MIN = 16,
    TR_SWD_SETS_MAX = 3,
    TR_SWD_IMAGES_PUBLISHED = 16384,
    TR_SWD_DIRECTIONS = 512, /* 4 x 128 */
    TR_SWD_DIRECTION_SIZE_MAX = 147,
};

enum tr_swd_form { TR_SWD_3X, TR_SWD_1, TR_SWD_FORMS };
const char *tr_swd_form_name(enum tr_swd_form form); /* "swd-3x", "swd-1" */

/* Fills `pixels` with the images first .. first+count-1 of `set`: 8-bit grey, side*side bytes each. May be
 * asked more than once for the same image, which must then be the same. */
typedef nn_status tr_swd_source(void *context, int set, int first, int count, uint8_t *pixels,
                                struct nn_error *err);

/* Called now and then, by the calling thread: `done` of `total` images taken, then `done` of `total` steps of
 * comparing, perhaps alternately. Returning false stops. */
typedef bool tr_swd_progress(void *context, bool comparing, int done, int total);

struct tr_swd_request {
    int side;   /* of the images: 16, 32, ... 1024 */
    int images; /* in each set */
    int sets;   /* 2 or 3; sets 1 and 2 are compared with set 0 */
    bool forms[TR_SWD_FORMS];
    uint64_t seed;       /* of places and directions */
    size_t memory_bytes; /* bound on the descriptors in memory; what does not fit at once takes further passes
                            over the images. One level of all sets is always held. 0: 4 GiB */
    tr_swd_source *source;
    tr_swd_progress *progress; /* may be NULL */
    void *context;             /* of both */
};

struct tr_swd_result {
    int level_count;
    int sides[TR_SWD_LEVELS_MAX]; /* largest first */
    /* Times 1000. distance[s][f][k]: set s+1 from set 0 in form f at level k; 0 for a form not asked for. */
    double distance[TR_SWD_SETS_MAX - 1][TR_SWD_FORMS][TR_SWD_LEVELS_MAX];
    double mean[TR_SWD_SETS_MAX - 1][TR_SWD_FORMS]; /* over the levels */
};

/* Memory beside memory_bytes: about 7 bytes a pixel of one image and 5 KB an image, for each thread. Uses
 * OpenMP; the result does not depend on the number of threads. NN_ERR_ARGUMENT for a side, a number of
 * images or of sets out of range; NN_STOPPED when `progress` stops it. */
nn_status tr_swd(const struct tr_swd_request *request, struct tr_swd_result *result,
                 struct nn_error *err) NN_MUST_CHECK;

/* What the random numbers are: the stream of tr_descriptors_place for a set at a level, and direction `index`
 * of 0 .. 511, of unit length, with 147 (channel by channel) or 49 elements; returns which. */
uint64_t tr_swd_place_stream(int set, int level_side);
int tr_swd_direction(uint64_t seed, enum tr_swd_form form, int level_side, int index,
                     float direction[TR_SWD_DIRECTION_SIZE_MAX]);

#endif
