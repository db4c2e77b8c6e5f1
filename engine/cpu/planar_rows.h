/* Rows of planes: the arithmetic of planar.c. Everything here is inlined with its sizes as constants. */
#ifndef NN_PLANAR_ROWS_H
#define NN_PLANAR_ROWS_H

#include "engine/cpu/amx.h"
#include "engine/cpu/planar.h"
#include "engine/cpu/strip.h"

/* Sums at once, of at most BLOCK channels and some strips of pixels: as many as there are registers for. */
#ifdef __AVX512F__
enum { SUMS = 16, BLOCK = 8 };
#else
enum { SUMS = 8, BLOCK = 4 };
#endif
enum { PLANAR_OUT_MAX = 64 };

/* How a chain multiplies: f32, pairs of bf16, or those by AMX. */
enum planar_arithmetic { PLANAR_F32, PLANAR_PAIRS, PLANAR_AMX };

/* One phase of one output row: a phase of an up-sampling has 2x2 taps, 3x3 is a single phase. */
struct planar_row {
    const planar_unit *in[3]; /* rows by vertical tap, from their pixel 0 on */
    size_t pitch;             /* units from plane to plane */
    int planes, out, width;
    int shift; /* of the first horizontal tap */
    const planar_unit *weights;
    const float *bias;
    float slope, epsilon;
};

/* sum += x * w, of one f32 channel or of two bf16 ones. */
LANES_INLINE strip planar_multiply(strip sum, strip x, planar_unit w, bool narrow)
{
#ifdef __AVX512BF16__
    if (narrow) return (strip)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)_mm512_set1_ps(w));
#endif
    (void)narrow;
    return strip_multiply_add(x, strip_all(w), sum);
}

/* `block` channels of `vectors` strips of pixels from pixel x on; weights in the order of use. */
LANES_INLINE void planar_sums(const struct planar_row *r, int x, const planar_unit *weights,
                              const float *bias, int taps, int block, int vectors, bool narrow,
                              strip sums[SUMS])
{
    for (int b = 0; b < block; b++)
        for (int v = 0; v < vectors; v++) sums[b * vectors + v] = strip_all(bias[b]);
#pragma GCC unroll 1
    for (int ty = 0; ty < taps; ty++)
#pragma GCC unroll 1
        for (int tx = 0; tx < taps; tx++) {
            const planar_unit *in = r->in[ty] + x + r->shift + tx;
#pragma GCC unroll 1
            for (int p = 0; p < r->planes; p++, in += r->pitch, weights += block) {
                strip pixels[SUMS];
#pragma GCC unroll 16
                for (int v = 0; v < vectors; v++) pixels[v] = strip_load(in + v * STRIP);
#pragma GCC unroll 16
                for (int b = 0; b < block; b++)
#pragma GCC unroll 16
                    for (int v = 0; v < vectors; v++)
                        sums[b * vectors + v] =
                            planar_multiply(sums[b * vectors + v], pixels[v], weights[b], narrow);
            }
        }
}

/* Planes that one product of AMX takes. */
static inline int planar_amx_pairs(int planes)
{
    return planes < AMX_PAIRS ? planes : AMX_PAIRS;
}

/* `rows` channels of four strips of pixels from pixel x on, or of a `single` one, without the bias. Left
 * factors are channels of weights and right ones planes of pixels, so sums lie as everything here does. */
LANES_INLINE void planar_amx_sums(const struct planar_row *r, int x, const planar_unit *weights, int taps,
                                  int rows, bool single, strip *sums)
{
    int pairs = planar_amx_pairs(r->planes);
    size_t pitch = r->pitch * sizeof(planar_unit), step = (single ? 1 : 4) * sizeof(strip);
    AMX_ZERO(0);
    if (!single) {
        AMX_ZERO(1);
        AMX_ZERO(2);
        AMX_ZERO(3);
    }
    for (int ty = 0; ty < taps; ty++)
        for (int tx = 0; tx < taps; tx++)
            for (int p = 0; p < r->planes; p += pairs, weights += rows * pairs) {
                const planar_unit *in = r->in[ty] + (size_t)p * r->pitch + x + r->shift + tx;
                AMX_LOAD(4, weights, (size_t)pairs * sizeof *weights);
                AMX_LOAD(6, in, pitch);
                AMX_MULTIPLY_ADD(0, 4, 6);
                if (single) continue;
                AMX_LOAD(7, in + STRIP, pitch);
                AMX_MULTIPLY_ADD(1, 4, 7);
                AMX_LOAD(6, in + 2 * STRIP, pitch);
                AMX_MULTIPLY_ADD(2, 4, 6);
                AMX_LOAD(7, in + 3 * STRIP, pitch);
                AMX_MULTIPLY_ADD(3, 4, 7);
            }
    AMX_STORE(0, sums, step);
    if (single) return;
    AMX_STORE(1, sums + 1, step);
    AMX_STORE(2, sums + 2, step);
    AMX_STORE(3, sums + 3, step);
}

/* All `out` channels of `vectors` strips of pixels, activated, and the factors that normalise them. */
LANES_INLINE void planar_pixels(const struct planar_row *r, int x, int taps, int out, int block, int vectors,
                                enum planar_arithmetic by, strip *values, strip *factors)
{
    strip squares[SUMS], slope = strip_all(r->slope);
    for (int v = 0; v < vectors; v++) squares[v] = (strip){0};
    for (int first = 0; first < out; first += block) {
        strip sums[SUMS], *made = values + first * vectors;
        const planar_unit *weights = r->weights + (size_t)first * (size_t)(taps * taps * r->planes);
        if (by != PLANAR_AMX)
            planar_sums(r, x, weights, r->bias + first, taps, block, vectors, by == PLANAR_PAIRS, sums);
        else if (first % AMX_ROWS == 0)
            planar_amx_sums(r, x, weights, taps, out < AMX_ROWS ? out : AMX_ROWS, vectors == 1, made);
#pragma GCC unroll 16
        for (int b = 0; b < block; b++)
#pragma GCC unroll 16
            for (int v = 0; v < vectors; v++) {
                int i = b * vectors + v;
                strip sum = by == PLANAR_AMX ? made[i] + strip_all(r->bias[first + b]) : sums[i];
                made[i] = sum = strip_leaky(sum, slope);
                squares[v] = strip_multiply_add(sum, sum, squares[v]);
            }
    }
    for (int v = 0; v < vectors; v++) {
        strip mean = strip_multiply_add(squares[v], strip_all(1.0f / (float)out), strip_all(r->epsilon));
        factors[v] = strip_inverse_root(mean, by != PLANAR_F32);
    }
}

/* Plane p's elements of a strip of pixels, of which values[c * vectors] are the channels before `factor`. */
LANES_INLINE strip planar_pack(const strip *values, strip factor, int vectors, int p, bool narrow)
{
#ifdef __AVX512BF16__
    if (narrow) {
        typedef uint16_t halves __attribute__((vector_size(64)));
        halves two = (halves)_mm512_cvtne2ps_pbh((__m512)(values[(2 * p + 1) * vectors] * factor),
                                                 (__m512)(values[2 * p * vectors] * factor));
        const halves order = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                              8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
        return (strip)__builtin_shuffle(two, order);
    }
#endif
    (void)narrow;
    return values[p * vectors] * factor;
}

/* A row of 3x3 to planes, or where `grey` is there to one value a pixel. */
LANES_INLINE void planar_same(const struct planar_row *r, int out, int block, int vectors,
                              enum planar_arithmetic by, planar_unit *to, const float *grey, float *image)
{
    const bool narrow = by != PLANAR_F32;
    for (int x = 0; x < r->width; x += vectors * STRIP) {
        strip values[PLANAR_OUT_MAX * 4], factors[SUMS];
        planar_pixels(r, x, 3, out, block, vectors, by, values, factors);
        for (int v = 0; v < vectors; v++) {
            int at = x + v * STRIP;
            if (image) {
                strip sum = {0};
#pragma GCC unroll 16
                for (int c = 0; c < out; c++)
                    sum = strip_multiply_add(values[c * vectors + v], strip_all(grey[c]), sum);
                strip_store(image + at, strip_multiply_add(sum, factors[v], strip_all(grey[out])));
            } else {
                int planes = narrow ? out / 2 : out;
#pragma GCC unroll 16
                for (int p = 0; p < planes; p++)
                    strip_store(to + (size_t)p * r->pitch + at,
                                planar_pack(values + v, factors[v], vectors, p, narrow));
            }
        }
    }
}

/* A row of up-sampling, both of its horizontal phases. */
LANES_INLINE void planar_twice(struct planar_row r, int out, int block, int vectors,
                               enum planar_arithmetic by, int phase_y, planar_unit *to, size_t to_pitch)
{
    const bool narrow = by != PLANAR_F32;
    const int planes = narrow ? out / 2 : out;
    const planar_unit *weights[2];
    size_t phase_units = (size_t)(4 * r.planes * out);
    for (int px = 0; px < 2; px++) weights[px] = r.weights + (size_t)(2 * phase_y + px) * phase_units;
    for (int x = 0; x < r.width; x += vectors * STRIP) {
        strip packed[2][PLANAR_OUT_MAX * 4];
#pragma GCC unroll 1
        for (int px = 0; px < 2; px++) {
            strip values[PLANAR_OUT_MAX * 4], factors[SUMS];
            r.shift = px - 1;
            r.weights = weights[px];
            planar_pixels(&r, x, 2, out, block, vectors, by, values, factors);
            for (int v = 0; v < vectors; v++)
#pragma GCC unroll 16
                for (int p = 0; p < planes; p++)
                    packed[px][p * vectors + v] = planar_pack(values + v, factors[v], vectors, p, narrow);
        }
        for (int v = 0; v < vectors; v++)
            for (int p = 0; p < planes; p++) {
                planar_unit *at = to + (size_t)p * to_pitch + 2 * (x + v * STRIP);
                strip even = packed[0][p * vectors + v], odd = packed[1][p * vectors + v];
                strip_store(at, strip_mingle(even, odd, false));
                strip_store(at + STRIP, strip_mingle(even, odd, true));
            }
    }
}

#endif
