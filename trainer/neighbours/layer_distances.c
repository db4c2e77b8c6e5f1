#include "trainer/neighbours/layer_distances.h"

#include <math.h>
#include <string.h>

/* A tile of maps of both sides is compared stretch by stretch, so that what is read of either serves for all
 * of the other while it is in the cache: 2 x 16 x 2,048 values of 2 bytes. */
enum { TILE = 16, STRETCH = 2048 };

static inline float widened(uint16_t bits)
{
    union {
        uint32_t bits;
        float value;
    } wide = {.bits = (uint32_t)bits << 16};
    return wide.value;
}

static float stretch_distance(const uint16_t *restrict a, const uint16_t *restrict b, size_t count)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++) sum += fabsf(widened(a[i]) - widened(b[i]));
    return sum;
}

static void tile_distances(const uint16_t *a, int a_count, const uint16_t *b, int b_count, size_t size,
                           float *out, size_t stride)
{
    double sums[TILE][TILE] = {{0}};
    for (size_t first = 0; first < size; first += STRETCH) {
        size_t some = size - first < STRETCH ? size - first : STRETCH;
        for (int i = 0; i < a_count; i++)
            for (int k = 0; k < b_count; k++)
                sums[i][k] += (double)stretch_distance(a + (size_t)i * size + first,
                                                       b + (size_t)k * size + first, some);
    }
    for (int i = 0; i < a_count; i++)
        for (int k = 0; k < b_count; k++)
            out[(size_t)i * stride + (size_t)k] = (float)(sums[i][k] / (double)size);
}

void tr_layer_distances(const uint16_t *a, int a_count, const uint16_t *b, int b_count, size_t size,
                        float *out, size_t stride)
{
#pragma omp parallel for collapse(2) schedule(dynamic)
    for (int i = 0; i < a_count; i += TILE)
        for (int k = 0; k < b_count; k += TILE)
            tile_distances(a + (size_t)i * size, a_count - i < TILE ? a_count - i : TILE,
                           b + (size_t)k * size, b_count - k < TILE ? b_count - k : TILE, size,
                           out + (size_t)i * stride + k, stride);
}

void tr_to_bf16(const float *from, size_t count, uint16_t *to)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &from[i], sizeof bits);
        to[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
}
