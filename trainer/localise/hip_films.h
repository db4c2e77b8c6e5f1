/* The pelves of a data set with their true boxes, in memory. */
#ifndef TR_HIP_FILMS_H
#define TR_HIP_FILMS_H

#include "trainer/data/boxes.h"
#include "trainer/data/dataset.h"
#include "trainer/localise/hip_views.h"

struct tr_hip_films {
    struct tr_dataset *data; /* owns the files' names */
    struct tr_hip_film *films;
    int count, train_count; /* those to train with come first */
    int unmarked;           /* images of the data set without a line in the boxes, which are left out */
    int side;               /* of their pixels */
    char boxes_sha256[65];
    uint8_t *pixels;
};

/* Opens the data set `folder` (trainer/data/dataset.h) and reads boxes.csv (trainer/data/boxes.h) at
 * `boxes_path`, NULL for the one in the folder. Images are of `side` pixels, or of twice that where the data
 * set has it. A hip without a line where the other has one is not on the picture. NN_ERR_FORMAT names file
 * and line: a box of a file that labels.csv does not have, one whose middle is not on the picture or that is
 * larger than the picture; a data set whose images are smaller than `side`, or without a box.
 * NN_STOPPED after a signal (trainer/interrupt.h). */
nn_status tr_hip_films_read(struct tr_hip_films *films, const char *folder, const char *boxes_path, int side,
                            struct nn_error *err) NN_MUST_CHECK;
void tr_hip_films_release(struct tr_hip_films *films); /* harmless on a zeroed struct */

#endif
