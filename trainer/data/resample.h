/* A part of a picture at another size. (The pyramid has means of whole boxes, in exact integers:
 * trainer/data/pyramid.h and nn_image_box_means.) */
#ifndef TR_RESAMPLE_H
#define TR_RESAMPLE_H

#include <stdbool.h>

#include "engine/image.h"

/* First column and row within, first beyond. */
struct tr_rectangle {
    int left, top, right, bottom;
};

/* A part of a picture, in pixels from the outer edge of its first column and row. */
struct tr_part {
    double x, y, width, height;
    bool alone;  /* true: pixels around the part are not read, as if its edge went on, and it lies within the
                    picture. false: it may reach beyond the picture, where all is black */
    bool mirror; /* left to right */
};

/* Draws the part into the rectangle `place` of `out`, which has the picture's depth; the rest of `out` stays.
 *
 * Each pixel is the mean of the picture, whose pixels are little squares of one grey, over a rectangle around
 * the pixel's middle. Where the part shrinks the rectangle is as large as the pixel (means of areas, with
 * fractions of pixels at their edges); where it grows, as large as a pixel of the picture (linear
 * interpolation). Rounded once. NN_ERR_MEMORY leaves `out` as it was. */
nn_status tr_resample(const struct nn_image *picture, const struct tr_part *part, struct nn_image *out,
                      struct tr_rectangle place, struct nn_error *err) NN_MUST_CHECK;

#endif
