#include "trainer/data/picture_hash.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { CELLS = 32, WAVES = 16 };

static double mean_of(const struct nn_image *image, int left, int top, int right, int bottom)
{
    uint64_t sum = 0;
    for (int y = top; y < bottom; y++) {
        size_t row = (size_t)y * (size_t)image->width;
        for (int x = left; x < right; x++)
            sum += image->depth == 16 ? ((const uint16_t *)image->pixels)[row + (size_t)x]
                                      : ((const uint8_t *)image->pixels)[row + (size_t)x];
    }
    return (double)sum / ((double)(right - left) * (bottom - top));
}

static void reduce(const struct nn_image *image, double cells[CELLS][CELLS])
{
    for (int y = 0; y < CELLS; y++)
        for (int x = 0; x < CELLS; x++) {
            int left = x * image->width / CELLS, right = (x + 1) * image->width / CELLS;
            int top = y * image->height / CELLS, bottom = (y + 1) * image->height / CELLS;
            cells[y][x] =
                mean_of(image, left, top, right > left ? right : left + 1, bottom > top ? bottom : top + 1);
        }
}

void tr_picture_hash(const struct nn_image *image, struct tr_picture_hash *hash)
{
    double cells[CELLS][CELLS], waves[WAVES][CELLS], half[CELLS][WAVES];
    reduce(image, cells);
    for (int k = 0; k < WAVES; k++)
        for (int i = 0; i < CELLS; i++) waves[k][i] = cos(M_PI * k * (2 * i + 1) / (2 * CELLS));
    for (int y = 0; y < CELLS; y++)
        for (int u = 0; u < WAVES; u++) {
            half[y][u] = 0;
            for (int x = 0; x < CELLS; x++) half[y][u] += cells[y][x] * waves[u][x];
        }
    memset(hash, 0, sizeof *hash);
    for (int v = 0; v < WAVES; v++)
        for (int u = 0; u < WAVES; u++) {
            double sum = 0;
            for (int y = 0; y < CELLS; y++) sum += half[y][u] * waves[v][y];
            int bit = v * WAVES + u;
            if (bit > 0 && sum > 0) hash->bits[bit / 64] |= (uint64_t)1 << bit % 64;
        }
}

int tr_picture_distance(const struct tr_picture_hash *a, const struct tr_picture_hash *b)
{
    /* Mirroring turns the sign of odd waves across: odd bits of each row of 16. */
    const uint64_t odd = 0xaaaaaaaaaaaaaaaa;
    int apart = 0, mirrored = 0, total = WAVES * WAVES - 1;
    for (int w = 0; w < TR_PICTURE_HASH_WORDS; w++) {
        uint64_t differ = a->bits[w] ^ b->bits[w];
        apart += __builtin_popcountll(differ);
        mirrored += __builtin_popcountll(differ ^ odd);
    }
    int least = apart < mirrored ? apart : mirrored;
    if (total - apart < least) least = total - apart;
    if (total - mirrored < least) least = total - mirrored;
    return least;
}
