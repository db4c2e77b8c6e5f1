/* Maps of where a finding is, as grey images: 0 where it is not. Pure. */
#ifndef SRV_LOCATION_MAP_H
#define SRV_LOCATION_MAP_H

#include <stdint.h>

#include "engine/error.h"

/* A difference of so many grey levels, over the width of the blur, is as bright as there is. */
enum { DIFFERENCE_FULL = 64 };

/* Where two images differ: what a model changed when it was told another class. Fills `map`, side^2 like
 * both, with |a - b|, blurred by three boxes of about side/64 pixels, so that it shows regions rather than
 * grain; on a scale that is the same for all images, so that a class at a low strength gives a faint map.
 * Where the images agree far and wide it is 0. NN_ERR_MEMORY. */
nn_status srv_difference_map(const uint8_t *a, const uint8_t *b, int side, uint8_t *map,
                             struct nn_error *err) NN_MUST_CHECK;

/* Fades what is far from the finding's middle, with a standard deviation of side/12: a fracture that
 * displaces a bone changes the picture of all of it. `x` and `y` are parts of the side, from the left and the
 * top. */
void srv_location_narrow(uint8_t *map, int side, double x, double y);

#endif
