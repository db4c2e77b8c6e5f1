/* Boxes drawn on pictures, for looking at. */
#ifndef TR_BOX_OVERLAY_H
#define TR_BOX_OVERLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "trainer/localise/place.h"

/* A frame of one pixel in white beside one in black, or where `dashed` in dashes, with an R or L in its upper
 * corner; what is beyond the tile of side*side pixels is left out. */
void tr_box_overlay(uint8_t *tile, int side, const struct tr_place *place, int hip, bool dashed);

#endif
