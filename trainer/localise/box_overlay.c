#include "trainer/localise/box_overlay.h"

#include <math.h>
#include <stddef.h>

enum { LETTER_WIDTH = 5, LETTER_HEIGHT = 7, DASH = 4 };

/* Rows from the top, the highest of five bits on the left. */
static const uint8_t letters[TR_HIPS][LETTER_HEIGHT] = {{30, 17, 17, 30, 20, 18, 17},
                                                        {16, 16, 16, 16, 16, 16, 31}};

static void dot(uint8_t *tile, int side, int x, int y, uint8_t grey)
{
    if (x >= 0 && x < side && y >= 0 && y < side) tile[(size_t)y * (size_t)side + (size_t)x] = grey;
}

static int pixel_of(double place, int side)
{
    return (int)lrint(fmin(fmax(place, -4), 4) * side);
}

void tr_box_overlay(uint8_t *tile, int side, const struct tr_place *p, int hip, bool dashed)
{
    int left = pixel_of(p->x, side), right = pixel_of(p->x + p->width, side) - 1;
    int top = pixel_of(p->y, side), bottom = pixel_of(p->y + p->height, side) - 1;
    for (int inner = 1; inner >= 0; inner--) {
        uint8_t grey = inner ? 0 : 255;
        for (int x = left + inner; x <= right - inner; x++) {
            if (dashed && x / DASH % 2) continue;
            dot(tile, side, x, top + inner, grey);
            dot(tile, side, x, bottom - inner, grey);
        }
        for (int y = top + inner; y <= bottom - inner; y++) {
            if (dashed && y / DASH % 2) continue;
            dot(tile, side, left + inner, y, grey);
            dot(tile, side, right - inner, y, grey);
        }
    }
    for (int i = 0; i < LETTER_WIDTH * LETTER_HEIGHT && !dashed; i++) {
        int x = i % LETTER_WIDTH, y = i / LETTER_WIDTH;
        if (letters[hip][y] >> (LETTER_WIDTH - 1 - x) & 1) dot(tile, side, left + 4 + x, top + 4 + y, 255);
    }
}
