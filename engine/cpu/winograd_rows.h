/* The arithmetic of Winograd's convolutions in bf16: groups of 32 channels to and from f32, and products with
 * panels of weights. Everything here is inlined with its sizes as constants. */
#ifndef NN_WINOGRAD_ROWS_H
#define NN_WINOGRAD_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/cpu/lanes.h"

#ifdef __AVX512BF16__
enum { WINOGRAD_FAST = true };
#else
enum { WINOGRAD_FAST = false };
#endif

enum {
    GROUP = 32,       /* channels of one vector of bf16 */
    PANEL_WIDEST = 64 /* outputs of a panel; else 32 */
};

/* The even and the odd channels of a group. */
struct halves {
    lanes even, odd;
};

LANES_INLINE struct halves halves_load(const uint16_t *from)
{
    lane_index both;
    memcpy(&both, from, sizeof both);
    return (struct halves){(lanes)(both << 16), (lanes)(both & (int32_t)0xffff0000)};
}

/* Rounds to nearest even; first the even channels, then the odd ones, as halves_place has it. */
LANES_INLINE void halves_store(uint16_t *to, struct halves v)
{
#ifdef __AVX512BF16__
    __m512bh both = _mm512_cvtne2ps_pbh((__m512)v.odd, (__m512)v.even);
    memcpy(to, &both, sizeof both);
#else
    lanes_to_bf16(to, v.even);
    lanes_to_bf16(to + LANES, v.odd);
#endif
}

static inline size_t halves_place(size_t channel)
{
    return channel / GROUP * GROUP + channel % 2 * (GROUP / 2) + channel % GROUP / 2;
}

LANES_INLINE struct halves halves_sum(struct halves a, struct halves b)
{
    return (struct halves){a.even + b.even, a.odd + b.odd};
}

LANES_INLINE struct halves halves_difference(struct halves a, struct halves b)
{
    return (struct halves){a.even - b.even, a.odd - b.odd};
}

/* sum + a * b of both elements of sixteen pairs of bf16. */
LANES_INLINE lanes pairs_multiply_add(lanes sum, lane_index a, lane_index b)
{
#ifdef __AVX512BF16__
    return (lanes)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    sum = lanes_multiply_add((lanes)(a << 16), (lanes)(b << 16), sum);
    return lanes_multiply_add((lanes)(a & (int32_t)0xffff0000), (lanes)(b & (int32_t)0xffff0000), sum);
#endif
}

/* `count` rows of `in` inputs, which lie `at` elements after `rows`, times a panel of `vectors` vectors of
 * outputs: pair of inputs, output, input of the pair. */
LANES_INLINE void panel_multiply(const uint16_t *rows, const size_t *at, size_t in, const uint16_t *panel,
                                 int count, int vectors, float *to)
{
    lanes sums[24];
    const uint16_t *row[12];
    for (int r = 0; r < count; r++) row[r] = rows + at[r];
#pragma GCC unroll 24
    for (int i = 0; i < count * vectors; i++) sums[i] = (lanes){0};
    for (size_t k = 0; k < in; k += 2, panel += 2 * LANES * vectors) {
        lane_index weights[4];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) memcpy(&weights[v], panel + 2 * LANES * v, sizeof weights[v]);
#pragma GCC unroll 12
        for (int r = 0; r < count; r++) {
            int32_t pair;
            memcpy(&pair, row[r] + k, sizeof pair);
            lane_index pairs = (lane_index){0} + pair;
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sums[r * vectors + v] = pairs_multiply_add(sums[r * vectors + v], pairs, weights[v]);
        }
    }
#pragma GCC unroll 24
    for (int i = 0; i < count * vectors; i++) lanes_store(to + i * LANES, sums[i]);
}

#endif
