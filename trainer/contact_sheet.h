/* Many square images on one PNG, for looking at. */
#ifndef TR_CONTACT_SHEET_H
#define TR_CONTACT_SHEET_H

#include <stdint.h>

#include "engine/error.h"

/* `count` tiles of side*side 8-bit grey pixels each, row by row, `columns` to a row, thin grey gaps between.
 * A sheet that would be wider than 4096 pixels is shrunk by halving (2x2 means). */
nn_status tr_contact_sheet_write(const char *path, const uint8_t *tiles, int count, int columns, int side,
                                 struct nn_error *err) NN_MUST_CHECK;

#endif
