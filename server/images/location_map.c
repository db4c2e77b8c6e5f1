#include "server/images/location_map.h"

#include <math.h>
#include <stdlib.h>

enum { BOXES = 3, UNIT = 256 /* of a grey level, so that three roundings do not show */ };

/* Means of `line` over 2 r + 1 values that lie `stride` apart, beyond the ends 0; `room` holds `side`. */
static void box(uint16_t *line, size_t stride, int side, int r, uint16_t *room)
{
    uint32_t sum = 0, width = (uint32_t)(2 * r + 1);
    for (int i = 0; i < side; i++) room[i] = line[(size_t)i * stride];
    for (int i = 0; i < r && i < side; i++) sum += room[i];
    for (int i = 0; i < side; i++) {
        if (i + r < side) sum += room[i + r];
        if (i > r) sum -= room[i - r - 1];
        line[(size_t)i * stride] = (uint16_t)((sum + width / 2) / width);
    }
}

nn_status srv_difference_map(const uint8_t *a, const uint8_t *b, int side, uint8_t *map, struct nn_error *err)
{
    size_t row = (size_t)side, count = row * row;
    int r = side / 128 > 0 ? side / 128 : 1;
    uint16_t *blurred = malloc((count + row) * sizeof *blurred);
    if (!blurred) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d pixels", side);
    for (size_t i = 0; i < count; i++) blurred[i] = (uint16_t)(abs(a[i] - b[i]) * UNIT);
    for (int k = 0; k < BOXES; k++) {
        for (int y = 0; y < side; y++) box(blurred + (size_t)y * row, 1, side, r, blurred + count);
        for (int x = 0; x < side; x++) box(blurred + x, row, side, r, blurred + count);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t grey = (uint32_t)blurred[i] * 255 / (DIFFERENCE_FULL * UNIT);
        map[i] = grey > 255 ? 255 : (uint8_t)grey;
    }
    free(blurred);
    return NN_OK;
}

void srv_location_narrow(uint8_t *map, int side, double x, double y)
{
    double scale = -72.0 / ((double)side * side); /* -1 / (2 (side/12)^2) */
    for (int row = 0; row < side; row++) {
        double down = row + 0.5 - y * side;
        for (int column = 0; column < side; column++) {
            uint8_t *grey = &map[(size_t)row * (size_t)side + (size_t)column];
            double right = column + 0.5 - x * side;
            if (*grey) *grey = (uint8_t)lround(*grey * exp(scale * (down * down + right * right)));
        }
    }
}
