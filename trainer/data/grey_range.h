/* "grey_range" of a data set's dataset.json: the grey values of its files that become 0 and 255. */
#ifndef TR_GREY_RANGE_H
#define TR_GREY_RANGE_H

#include "engine/error.h"
#include "engine/sha256.h"

struct json_t; /* jansson's */

/* high 0: none is given, and 0 and the depth's largest become 0 and 255. */
struct tr_grey_range {
    int low, high;
};

/* From the pair in the file, NULL where there is none; `path` stands for the file in error texts. */
nn_status tr_grey_range_parse(struct tr_grey_range *range, const struct json_t *pair, const char *path,
                              struct nn_error *err) NN_MUST_CHECK;

/* Adds it, as the last part, to the hash that names a data set in states and checkpoints. */
void tr_grey_range_hash(struct tr_grey_range range, struct nn_sha256 *hash);

#endif
