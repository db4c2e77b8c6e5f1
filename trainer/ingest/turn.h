/* Turning and mirroring of square pictures: the eight ways to lay one on itself. */
#ifndef TR_TURN_H
#define TR_TURN_H

#include <stdbool.h>
#include <stdint.h>

/* Pixel (x, y) of the result is (u, v) of the source: x and y exchanged where `transpose`, then counted from
 * the other end where `flip_x`, `flip_y`. Zeroed: as it is. */
struct tr_turn {
    bool transpose, flip_x, flip_y;
};

/* What brings a picture of EXIF orientation 1..8 upright. */
struct tr_turn tr_turn_exif(int orientation);

/* What brings a picture of this Patient Orientation (DICOM C.7.6.1.1.1) to the way radiographs are hung: rows
 * down to the feet, and from the patient's right to the left. Only letters R, L, H and F turn anything. */
struct tr_turn tr_turn_patient(const char *row_runs, const char *column_runs);

struct tr_turn tr_turn_clockwise(int degrees); /* 0, 90, 180 or 270 */
struct tr_turn tr_turn_then(struct tr_turn first, struct tr_turn second);

/* From side*side 16-bit pixels to others. */
void tr_turn_apply(struct tr_turn turn, const uint16_t *from, uint16_t *to, int side);

#endif
