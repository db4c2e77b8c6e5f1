#include "trainer/swd/laplacian.h"

#include <stdbool.h>
#include <stddef.h>

/* ...2 1 [0 1 2 ... last] last-1 last-2...; the kernel reaches no further than two pixels out. */
static int mirrored(int i, int last)
{
    return i < 0 ? -i : i > last ? 2 * last - i : i;
}

void tr_laplacian_down(const float *image, int side, float *small, float *scratch)
{
    size_t width = (size_t)side, half = width / 2;
    int last = side - 1;
    for (int y = 0; y < side; y++) { /* scratch: side rows of half */
        const float *row = image + (size_t)y * width;
        float *to = scratch + (size_t)y * half;
        for (int x = 0; x < side; x += 2) {
            bool inside = x >= 2 && x + 2 <= last;
            float far =
                inside ? row[x - 2] + row[x + 2] : row[mirrored(x - 2, last)] + row[mirrored(x + 2, last)];
            float near =
                inside ? row[x - 1] + row[x + 1] : row[mirrored(x - 1, last)] + row[mirrored(x + 1, last)];
            to[x / 2] = (far + 4 * near + 6 * row[x]) * (1.0f / 16);
        }
    }
    for (int y = 0; y < side; y += 2) {
        const float *rows[5];
        for (int k = 0; k < 5; k++) rows[k] = scratch + (size_t)mirrored(y + k - 2, last) * half;
        float *to = small + (size_t)(y / 2) * half;
        for (size_t x = 0; x < half; x++)
            to[x] = (rows[0][x] + rows[4][x] + 4 * (rows[1][x] + rows[3][x]) + 6 * rows[2][x]) * (1.0f / 16);
    }
}

/* What stands at -1 and at `half` of the small image once zeros are between its pixels: the zero-filled image
 * ends with a zero on the far side only, so its mirror shows pixel 1 on the near side and the last one again
 * on the far side. */
static int before(int i)
{
    return i == 0 ? 1 : i - 1;
}

static int after(int i, int half)
{
    return i == half - 1 ? i : i + 1;
}

void tr_laplacian_subtract_up(float *image, int side, const float *small, float *scratch)
{
    int half = side / 2;
    size_t width = (size_t)side, narrow = width / 2;
    for (int y = 0; y < half; y++) { /* scratch: half rows of side */
        const float *row = small + (size_t)y * narrow;
        float *to = scratch + (size_t)y * width;
        for (int x = 0; x < half; x++) {
            to[2 * x] = (row[before(x)] + 6 * row[x] + row[after(x, half)]) * (1.0f / 8);
            to[2 * x + 1] = (row[x] + row[after(x, half)]) * (1.0f / 2);
        }
    }
    for (int y = 0; y < half; y++) {
        const float *above = scratch + (size_t)before(y) * width, *here = scratch + (size_t)y * width;
        const float *below = scratch + (size_t)after(y, half) * width;
        float *even = image + (size_t)(2 * y) * width, *odd = even + width;
        for (size_t x = 0; x < width; x++) {
            even[x] -= (above[x] + 6 * here[x] + below[x]) * (1.0f / 8);
            odd[x] -= (here[x] + below[x]) * (1.0f / 2);
        }
    }
}
