/* Lines of a phantom data set's tables.
 *
 * labels.csv holds the truth: fracture_type and displacement by name; visibility (phantom_image.h);
 * fracture_column and fracture_row, its middle in pixels; mask, the file of the pixels that it changes; and
 * of the patient sex, age, anatomy, Singh grade and the bits of enum phantom_lookalike. Of a whole pelvis
 * `side` is "both", fracture_side "left", "right" or empty, the anatomy that of the left hip, the look-alikes
 * those of both hips.
 *
 * boxes.csv has two lines for each pelvis, left and right hip: file, side, and x, y, width, height of the
 * square of phantom_hip_box in pixels, (x, y) its upper left corner from that of the picture. */
#ifndef PHANTOM_DATASET_ROW_H
#define PHANTOM_DATASET_ROW_H

#include "trainer/phantom/anatomy.h"
#include "trainer/phantom/dataset_journal.h"

extern const char phantom_hip_header[], phantom_pelvis_header[], phantom_box_header[];
enum { PHANTOM_BOX_ROW_MAX = 128 };

/* What a row says beyond the patient. */
struct phantom_row {
    int size;         /* of the image, in pixels */
    bool test;        /* its split */
    float visibility; /* as in struct phantom_picture */
};

/* Fills entry->row. */
nn_status phantom_hip_row(const struct phantom_patient *p, const struct phantom_row *row,
                          struct phantom_entry *e, struct nn_error *err) NN_MUST_CHECK;
nn_status phantom_pelvis_row(const struct phantom_patient hips[2], const struct phantom_row *row,
                             struct phantom_entry *e, struct nn_error *err) NN_MUST_CHECK;

/* Writes a line to `text`, which has room for PHANTOM_BOX_ROW_MAX bytes, and returns its length. */
int phantom_box_row(const struct phantom_patient *hip, int size, const struct phantom_entry *e, char *text);

#endif
