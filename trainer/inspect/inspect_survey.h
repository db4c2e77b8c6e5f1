/* What a data set's folder holds, read more patiently than training does: a record of labels.csv may say
 * anything, and an image that cannot be read keeps its place. */
#ifndef TR_INSPECT_SURVEY_H
#define TR_INSPECT_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"
#include "trainer/data/picture_hash.h"

enum { TR_SURVEY_FILE, TR_SURVEY_LABEL, TR_SURVEY_PATIENT, TR_SURVEY_SPLIT, TR_SURVEY_CELLS };
enum { TR_SURVEY_BINS = 256 };

/* A record of labels.csv and what its image turned out to be. */
struct tr_survey_item {
    const char *cell[TR_SURVEY_CELLS]; /* "" where there is no such column */
    int width, height, depth;          /* 0: cannot be read */
    char sha256[65];
    char problem[200]; /* why it cannot be read */
    struct tr_picture_hash hash;
    double mean; /* grey, as 8 bits */
};

struct tr_survey {
    const char *folder; /* borrowed */
    char *text;         /* backing of the cells */
    struct tr_survey_item *items;
    int count;
    char labels_sha256[65];        /* of labels.csv */
    bool multi;                    /* the column is `labels`: findings joined by | */
    uint64_t bins[TR_SURVEY_BINS]; /* of all images' pixels, as 8 bits */
};

/* Reads labels.csv and every image (OpenMP). `show`: progress on stdout. Fails where labels.csv cannot be
 * read or has no column `file`; NN_STOPPED after a signal (trainer/interrupt.h). On failure nothing is held.
 */
nn_status tr_survey_read(struct tr_survey *survey, const char *folder, bool show,
                         struct nn_error *err) NN_MUST_CHECK;
void tr_survey_release(struct tr_survey *survey); /* harmless on a zeroed struct */

#endif
