/* The letters of trainer/drawing/canvas.h. */
#ifndef TR_CANVAS_FONT_H
#define TR_CANVAS_FONT_H

#include <stdint.h>

enum { TR_GLYPH_COLUMNS = 5, TR_GLYPH_ROWS = 9 };

/* Rows from the top, two of them below the line; the highest of five bits is the left column. */
const uint8_t *tr_canvas_glyph(char c);

#endif
