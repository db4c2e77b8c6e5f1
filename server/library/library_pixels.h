/* Images of a library in the one form that they are kept and served in: square, 8-bit grey. Pure. */
#ifndef SRV_LIBRARY_PIXELS_H
#define SRV_LIBRARY_PIXELS_H

#include <stdint.h>

#include "engine/error.h"
#include "engine/image.h"

enum { LIBRARY_SIDE_MIN = 4, LIBRARY_SIDE_MAX = 1024 };

/* The grey values that become 0 and 255; those beyond are clipped. high 0: the whole range of the depth. */
struct srv_grey_range {
    int low, high;
};

/* Rows from top to bottom, width x width. */
struct srv_library_pixels {
    uint8_t *grey; /* heap; the owner frees it */
    int width;
};

/* Makes the image square, with black beside the shorter side's middle, and, where it is then wider than
 * LIBRARY_SIDE_MAX, shrinks it to that by exact means of areas. NN_ERR_FORMAT: a side below LIBRARY_SIDE_MIN,
 * a range that goes beyond the depth. On failure `out` is zeroed. */
nn_status srv_library_normalise(const struct nn_image *image, struct srv_grey_range range,
                                struct srv_library_pixels *out, struct nn_error *err) NN_MUST_CHECK;

/* The square `from` at the width of `to`: shrunk to the means of areas, grown by straight lines between the
 * pixels' middles, in exact integers, rounded once. NN_ERR_MEMORY. */
nn_status srv_library_fit(const uint8_t *from, int from_width, uint8_t *to, int to_width,
                          struct nn_error *err) NN_MUST_CHECK;

#endif
