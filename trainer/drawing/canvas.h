/* A picture in colour with images, frames and short texts, which a contact sheet cannot have. Whatever
 * reaches beyond the picture is cut off. */
#ifndef TR_CANVAS_H
#define TR_CANVAS_H

#include <stdint.h>

#include "engine/image.h"

struct tr_colour {
    uint8_t red, green, blue;
};

/* Okabe and Ito's, which colour-blind readers can tell apart. */
enum { TR_CANVAS_COLOURS = 7 };
extern const struct tr_colour tr_canvas_colours[TR_CANVAS_COLOURS];

struct tr_canvas {
    struct nn_image picture; /* 24 bits */
};

/* All white. */
nn_status tr_canvas_init(struct tr_canvas *canvas, int width, int height, struct nn_error *err) NN_MUST_CHECK;
void tr_canvas_release(struct tr_canvas *canvas); /* harmless on a zeroed struct */

void tr_canvas_fill(struct tr_canvas *canvas, int x, int y, int width, int height, struct tr_colour colour);
/* side*side 8-bit grey pixels. */
void tr_canvas_place(struct tr_canvas *canvas, int x, int y, const uint8_t *pixels, int side);

/* Letters, of which capitals look like small ones, digits and common signs; others are boxes. (x,y) is the
 * top left corner; a character takes TR_CANVAS_ADVANCE by TR_CANVAS_LINE pixels times `size`. Returns where
 * the text ends. */
enum { TR_CANVAS_ADVANCE = 6, TR_CANVAS_LINE = 10 };
int tr_canvas_text(struct tr_canvas *canvas, int x, int y, int size, const char *text);

/* As a PNG file that tr_contact_sheet_check_path takes for a contact sheet, so it may be replaced. */
nn_status tr_canvas_save(const struct tr_canvas *canvas, const char *path,
                         struct nn_error *err) NN_MUST_CHECK;

#endif
