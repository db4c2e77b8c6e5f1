/* A ring of padded copies of an image's rows: the rows that a convolution's taps see around one output row,
 * with a margin of zeros on both sides, so that the kernels need no bound checks. One ring per thread. */
#ifndef NN_NARROW_ROWS_H
#define NN_NARROW_ROWS_H

#include <stddef.h>
#include <string.h>

enum { RING_ROWS = 4, RING_MARGIN_BYTES = 256 };

struct row_ring {
    char *rows; /* RING_ROWS rows in turn, then one of zeros for what lies outside the image */
    size_t row_bytes, pixel_bytes;
    int height, width;
    int held[RING_ROWS]; /* which row of the image each copy holds; -1: none */
};

/* One pixel to the left; to the right what the widest vector may read past the end. An odd number of cache
 * lines spreads the rows over the cache's sets. */
static inline size_t ring_row_bytes(int width, size_t pixel_bytes)
{
    size_t size = ((size_t)width + 1) * pixel_bytes + RING_MARGIN_BYTES;
    return (size + 127) / 128 * 128 + 64;
}

static inline size_t ring_bytes(int width, size_t pixel_bytes)
{
    return (RING_ROWS + 1) * ring_row_bytes(width, pixel_bytes);
}

/* Borrows `memory` of ring_bytes, all zero. */
static inline struct row_ring ring_make(char *memory, int height, int width, size_t pixel_bytes)
{
    struct row_ring r = {memory, ring_row_bytes(width, pixel_bytes), pixel_bytes, height, width, {0}};
    for (int i = 0; i < RING_ROWS; i++) r.held[i] = -1;
    return r;
}

/* Row y of `image`, starting at its pixel -1. Valid until RING_ROWS other rows have been asked for. */
static inline const char *ring_row(struct row_ring *r, const char *image, int y)
{
    if (y < 0 || y >= r->height) return r->rows + RING_ROWS * r->row_bytes;
    int slot = y % RING_ROWS;
    char *row = r->rows + (size_t)slot * r->row_bytes;
    if (r->held[slot] != y) {
        size_t length = (size_t)r->width * r->pixel_bytes;
        memcpy(row + r->pixel_bytes, image + (size_t)y * length, length);
        r->held[slot] = y;
    }
    return row;
}

#endif
