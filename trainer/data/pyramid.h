/* Builds the files of a data set's pyramid (trainer/data/dataset.h says what they hold). */
#ifndef TR_PYRAMID_H
#define TR_PYRAMID_H

#include "engine/image.h"
#include "trainer/data/dataset.h"
#include "trainer/data/grey_range.h"
#include "trainer/data/labels.h"

struct tr_pyramid {
    int side;        /* of the images, in pixels */
    char sha256[65]; /* over `labels_sha256`, the content of every image and the range, if there is one */
};

/* "FOLDER/r0064.u8" */
void tr_pyramid_path(const char *folder, int side, char *path, size_t size);

/* The square `image` at `side`, a power of two up to its own, as the pyramid has it: side*side bytes. `range`
 * with high 0 is that of the depth. */
nn_status tr_pyramid_reduce(const struct nn_image *image, struct tr_grey_range range, int side,
                            uint8_t *pixels, struct nn_error *err) NN_MUST_CHECK;

/* Reads every image of `labels` (paths relative to `folder`), checks that all are alike, and writes
 * r0004.u8 ... into the existing folder `into`, fsynced. Error texts name labels.csv's line and the image;
 * of several bad images the first in the table. On failure files may be left in `into`. */
nn_status tr_pyramid_build(struct tr_pyramid *pyramid, const char *folder, const char *into,
                           const struct tr_labels *labels, const char *labels_sha256,
                           struct tr_grey_range range, tr_dataset_progress *progress, void *context,
                           struct nn_error *err) NN_MUST_CHECK;

#endif
