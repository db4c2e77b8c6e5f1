/* Which part of a radiograph was exposed, and that part made square. */
#ifndef TR_FIELD_H
#define TR_FIELD_H

#include "trainer/data/resample.h"

/* Cuts margins off that show nothing: at each edge the rows, or columns, of which at least 95 % lie within 4
 * of 255 grey levels of the edge's own middle one, in steps of 1/256 of the picture; where that is not dark,
 * only if the margin ends in a straight line, as a collimator's does. At most 45 % go at an edge; where less
 * than 1/16 of the picture were left, all stays. Fields that lie aslant keep their corners. */
struct tr_rectangle tr_field_find(const struct nn_image *image);

/* The rectangle of a 16-bit picture, whose pixels are `aspect` times as high as wide, on side*side pixels:
 * not stretched, its longer side fills the square, in the middle, black around. As tr_resample has
 * a part alone. */
nn_status tr_field_fit(const struct nn_image *image, struct tr_rectangle field, double aspect, int side,
                       uint16_t *square, struct nn_error *err) NN_MUST_CHECK;
/* Which part of the square it fills. */
struct tr_rectangle tr_field_place(struct tr_rectangle field, double aspect, int side);

#endif
