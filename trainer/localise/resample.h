/* A square part of a picture at another size. */
#ifndef TR_RESAMPLE_H
#define TR_RESAMPLE_H

#include <stdbool.h>

#include "engine/image.h"

/* The square from (x, y), in pixels from the outer edge of the picture's first row and column, of `side`
 * pixels, to `out`, square and made by nn_image_init at the picture's depth; mirrored left to right where
 * wanted. Black beyond the picture.
 *
 * Each pixel is the mean of the picture, whose pixels are little squares of one grey, over a square around
 * the pixel's middle: as large as the pixel where the part shrinks (means of boxes, with the fractions of
 * pixels at their edges), as large as a pixel of the picture where it grows (linear interpolation). Rounded
 * once. NN_ERR_MEMORY leaves `out` as it was. */
nn_status tr_resample(const struct nn_image *picture, double x, double y, double side, bool mirror,
                      struct nn_image *out, struct nn_error *err) NN_MUST_CHECK;

#endif
