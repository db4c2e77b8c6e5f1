/* boxes.csv beside a data set's labels.csv: where the hips are on its pelves.
 *
 * Columns, in any order: `file` (as in labels.csv), `side` (the patient's "left" or "right"), `x`, `y`,
 * `width`, `height`, in pixels of the image from its upper left corner, fractions allowed. At most one line
 * for each hip of a file. Other columns are ignored. */
#ifndef TR_BOXES_H
#define TR_BOXES_H

#include <stdbool.h>

#include "engine/error.h"

struct tr_box {
    const char *file; /* owned by the table */
    bool left;
    double x, y, width, height; /* width and height > 0 */
    int line;                   /* in boxes.csv, from 1 */
};

struct tr_boxes {
    struct tr_box *boxes; /* sorted by file, then right before left */
    int count;
    char *text; /* backing of all strings */
};

/* On failure there is nothing to release. NN_ERR_FORMAT names file and line: a missing column, a record too
 * short, another side, a number that is none or no length, a hip that is there twice. */
nn_status tr_boxes_read(struct tr_boxes *boxes, const char *path, struct nn_error *err) NN_MUST_CHECK;
void tr_boxes_release(struct tr_boxes *boxes); /* harmless on a zeroed table */

#endif
