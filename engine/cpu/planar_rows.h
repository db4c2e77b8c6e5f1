/* Rows of planes: the arithmetic of planar.c. Everything here is inlined with its sizes as constants. */
#ifndef NN_PLANAR_ROWS_H
#define NN_PLANAR_ROWS_H

#include "engine/cpu/lanes.h"
#include "engine/cpu/planar.h"

/* Channels and vectors of pixels that are summed at once: as many sums as there are registers. */
#ifdef __AVX512F__
enum { SUMS = 16 };
#else
enum { SUMS = 4 };
#endif
enum { PLANAR_OUT_MAX = 64 };

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
LANES_INLINE lanes planar_multiply(lanes sum, lanes x, planar_unit w, bool narrow)
{
#ifdef __AVX512BF16__
    if (narrow) return (lanes)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)_mm512_set1_ps(w));
#endif
    (void)narrow;
    return lanes_multiply_add(x, lanes_all(w), sum);
}

/* `block` channels of `vectors` vectors of pixels from pixel x on; weights in the order of use. */
LANES_INLINE void planar_sums(const struct planar_row *r, int x, const planar_unit *weights,
                              const float *bias, int taps, int block, int vectors, bool narrow,
                              lanes sums[SUMS])
{
    for (int b = 0; b < block; b++)
        for (int v = 0; v < vectors; v++) sums[b * vectors + v] = lanes_all(bias[b]);
#pragma GCC unroll 1
    for (int ty = 0; ty < taps; ty++)
#pragma GCC unroll 1
        for (int tx = 0; tx < taps; tx++) {
            const planar_unit *in = r->in[ty] + x + r->shift + tx;
#pragma GCC unroll 1
            for (int p = 0; p < r->planes; p++, in += r->pitch, weights += block) {
                lanes pixels[SUMS];
#pragma GCC unroll 16
                for (int v = 0; v < vectors; v++) pixels[v] = lanes_load(in + v * LANES);
#pragma GCC unroll 16
                for (int b = 0; b < block; b++)
#pragma GCC unroll 16
                    for (int v = 0; v < vectors; v++)
                        sums[b * vectors + v] =
                            planar_multiply(sums[b * vectors + v], pixels[v], weights[b], narrow);
            }
        }
}

/* All `out` channels of `vectors` vectors of pixels, activated, and the factors that normalise them. */
LANES_INLINE void planar_pixels(const struct planar_row *r, int x, int taps, int out, int block, int vectors,
                                bool narrow, lanes *values, lanes *factors)
{
    lanes squares[SUMS], slope = lanes_all(r->slope);
    for (int v = 0; v < vectors; v++) squares[v] = (lanes){0};
    for (int first = 0; first < out; first += block) {
        lanes sums[SUMS];
        planar_sums(r, x, r->weights + (size_t)first * (size_t)(taps * taps * r->planes), r->bias + first,
                    taps, block, vectors, narrow, sums);
#pragma GCC unroll 16
        for (int b = 0; b < block; b++)
#pragma GCC unroll 16
            for (int v = 0; v < vectors; v++) {
                lanes sum = lanes_leaky(sums[b * vectors + v], slope);
                squares[v] = lanes_multiply_add(sum, sum, squares[v]);
                values[(first + b) * vectors + v] = sum;
            }
    }
    for (int v = 0; v < vectors; v++) {
        lanes mean = lanes_multiply_add(squares[v], lanes_all(1.0f / (float)out), lanes_all(r->epsilon));
        factors[v] = narrow ? lanes_inverse_root_narrow(mean) : lanes_inverse_root(mean);
    }
}

/* Plane p's elements of sixteen pixels, of which values[c * vectors] are the channels before `factor`. */
LANES_INLINE lanes planar_pack(const lanes *values, lanes factor, int vectors, int p, bool narrow)
{
#ifdef __AVX512BF16__
    if (narrow) {
        typedef uint16_t halves __attribute__((vector_size(64)));
        halves two = (halves)_mm512_cvtne2ps_pbh((__m512)(values[(2 * p + 1) * vectors] * factor),
                                                 (__m512)(values[2 * p * vectors] * factor));
        const halves order = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                              8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
        return (lanes)__builtin_shuffle(two, order);
    }
#endif
    (void)narrow;
    return values[p * vectors] * factor;
}

/* A row of 3x3 to planes, or where `grey` is there to one value a pixel. */
LANES_INLINE void planar_same(const struct planar_row *r, int out, int block, int vectors, bool narrow,
                              planar_unit *to, const float *grey, float *image)
{
    for (int x = 0; x < r->width; x += vectors * LANES) {
        lanes values[PLANAR_OUT_MAX * 4], factors[SUMS];
        planar_pixels(r, x, 3, out, block, vectors, narrow, values, factors);
        for (int v = 0; v < vectors; v++) {
            int at = x + v * LANES;
            if (image) {
                lanes sum = {0};
#pragma GCC unroll 16
                for (int c = 0; c < out; c++)
                    sum = lanes_multiply_add(values[c * vectors + v], lanes_all(grey[c]), sum);
                lanes_store(image + at, lanes_multiply_add(sum, factors[v], lanes_all(grey[out])));
            } else {
                int planes = narrow ? out / 2 : out;
#pragma GCC unroll 16
                for (int p = 0; p < planes; p++)
                    lanes_store(to + (size_t)p * r->pitch + at,
                                planar_pack(values + v, factors[v], vectors, p, narrow));
            }
        }
    }
}

/* A row of up-sampling, both of its horizontal phases. */
LANES_INLINE void planar_twice(struct planar_row r, int out, int block, int vectors, bool narrow, int phase_y,
                               planar_unit *to, size_t to_pitch)
{
    const int planes = narrow ? out / 2 : out;
    const planar_unit *weights[2];
    size_t phase_units = (size_t)(4 * r.planes * out);
    for (int px = 0; px < 2; px++) weights[px] = r.weights + (size_t)(2 * phase_y + px) * phase_units;
    for (int x = 0; x < r.width; x += vectors * LANES) {
        lanes packed[2][PLANAR_OUT_MAX * 4];
#pragma GCC unroll 1
        for (int px = 0; px < 2; px++) {
            lanes values[PLANAR_OUT_MAX * 4], factors[SUMS];
            r.shift = px - 1;
            r.weights = weights[px];
            planar_pixels(&r, x, 2, out, block, vectors, narrow, values, factors);
            for (int v = 0; v < vectors; v++)
#pragma GCC unroll 16
                for (int p = 0; p < planes; p++)
                    packed[px][p * vectors + v] = planar_pack(values + v, factors[v], vectors, p, narrow);
        }
        for (int v = 0; v < vectors; v++)
            for (int p = 0; p < planes; p++) {
                planar_unit *at = to + (size_t)p * to_pitch + 2 * (x + v * LANES);
                lanes even = packed[0][p * vectors + v], odd = packed[1][p * vectors + v];
                lanes_store(at, lanes_mingle(even, odd, 0));
                lanes_store(at + LANES, lanes_mingle(even, odd, LANES / 2));
            }
    }
}

#endif
