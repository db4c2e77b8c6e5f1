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

/* Which part, in pixels from the outer edge of the picture's first column and row. */
struct tr_part {
    double x, y, width, height;
    bool alone; /* what lies around it does not count, its edge goes on; else it may reach beyond the picture,
                   where all is black. A part alone lies within the picture */
    bool mirror; /* left to right */
};

/* The part to the rectangle `place` of `out`, which has the picture's depth; what lies around stays.
 *
 * Each pixel is the mean of the picture, whose pixels are little squares of one grey, over a rectangle around
 * the pixel's middle, each way as long as the pixel where the part shrinks (means of areas, with the
 * fractions of pixels at their edges), as long as a pixel of the picture where it grows (linear
 * interpolation). Rounded once. NN_ERR_MEMORY leaves `out` as it was. */
nn_status tr_resample(const struct nn_image *picture, const struct tr_part *part, struct nn_image *out,
                      struct tr_rectangle place, struct nn_error *err) NN_MUST_CHECK;

#endif
