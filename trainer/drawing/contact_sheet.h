/* Many square images on one PNG, for looking at. */
#ifndef TR_CONTACT_SHEET_H
#define TR_CONTACT_SHEET_H

#include <stdint.h>

#include "engine/image.h"

/* Tiles row by row with thin grey gaps between; a place without an image stays grey. */
struct tr_contact_sheet {
    struct nn_image picture;
    int columns, side, halvings;
};

/* For `count` tiles of side*side pixels, `columns` to a row. A sheet that would be wider than 4096 or higher
 * than 16384 pixels is shrunk by halving (2x2 means). */
nn_status tr_contact_sheet_init(struct tr_contact_sheet *sheet, int count, int columns, int side,
                                struct nn_error *err) NN_MUST_CHECK;
/* `tile`: side*side 8-bit grey pixels. */
nn_status tr_contact_sheet_place(struct tr_contact_sheet *sheet, int index, const uint8_t *tile,
                                 struct nn_error *err) NN_MUST_CHECK;
/* With `texts`, at most 32, and one more by which check_path knows it: "Content", "contact sheet". */
nn_status tr_contact_sheet_save(const struct tr_contact_sheet *sheet, const char *path,
                                const struct nn_png_text *texts, int text_count,
                                struct nn_error *err) NN_MUST_CHECK;
/* NN_OK where nothing, or a sheet, is at a path that the user chose. NN_ERR_ARGUMENT for anything else, so
 * that a radiograph or a table named by mistake is not replaced. */
nn_status tr_contact_sheet_check_path(const char *path, struct nn_error *err) NN_MUST_CHECK;
void tr_contact_sheet_release(struct tr_contact_sheet *sheet); /* harmless on a zeroed struct */

/* All at once, of `count` tiles one after another. */
nn_status tr_contact_sheet_write(const char *path, const uint8_t *tiles, int count, int columns, int side,
                                 struct nn_error *err) NN_MUST_CHECK;

#endif
