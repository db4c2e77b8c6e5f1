/* Sixteen floats as one value, in GCC's vector extension: one register with AVX-512, two with AVX2. */
#ifndef NN_LANES_H
#define NN_LANES_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* How such values are passed between functions depends on the CPU that is built for; every function here and
 * in the files that include this is static, so nothing depends on it. */
#pragma GCC diagnostic ignored "-Wpsabi"

enum { LANES = 16 };
typedef float lanes __attribute__((vector_size(64)));
typedef int32_t lane_index __attribute__((vector_size(64)));

#define LANES_INLINE static inline __attribute__((always_inline))

LANES_INLINE lanes lanes_load(const float *from)
{
    lanes v;
    memcpy(&v, from, sizeof v);
    return v;
}

LANES_INLINE void lanes_store(float *to, lanes v)
{
    memcpy(to, &v, sizeof v);
}

LANES_INLINE lanes lanes_all(float v)
{
    return (lanes){v, v, v, v, v, v, v, v, v, v, v, v, v, v, v, v};
}

/* a * b + c, rounded once where the CPU can. */
LANES_INLINE lanes lanes_multiply_add(lanes a, lanes b, lanes c)
{
#ifdef __AVX512F__
    return (lanes)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined __FMA__
    __m256 x[2], y[2], z[2];
    memcpy(x, &a, sizeof a);
    memcpy(y, &b, sizeof b);
    memcpy(z, &c, sizeof c);
    for (int i = 0; i < 2; i++) z[i] = _mm256_fmadd_ps(x[i], y[i], z[i]);
    memcpy(&c, z, sizeof c);
    return c;
#else
    return a * b + c;
#endif
}

LANES_INLINE lanes lanes_leaky(lanes v, lanes slope)
{
#ifdef __AVX512F__
    __mmask16 negative = _mm512_cmp_ps_mask((__m512)v, _mm512_setzero_ps(), _CMP_LT_OQ);
    return (lanes)_mm512_mask_mul_ps((__m512)v, negative, (__m512)v, (__m512)slope);
#else
    lane_index positive = v > 0;
    return (lanes)((positive & (lane_index)v) | (~positive & (lane_index)(slope * v)));
#endif
}

/* Lanes first, first + 1, ... of a and b in turn: a, b, a, b, ... */
LANES_INLINE lanes lanes_mingle(lanes a, lanes b, int first)
{
    lane_index from = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
    return __builtin_shuffle(a, b, from + first);
}

LANES_INLINE lanes lanes_from_bf16(const uint16_t *from)
{
    typedef uint16_t halves __attribute__((vector_size(32)));
    typedef uint32_t words __attribute__((vector_size(64)));
    halves h;
    memcpy(&h, from, sizeof h);
    return (lanes)(__builtin_convertvector(h, words) << 16);
}

/* Rounds to nearest even; the values are finite. */
LANES_INLINE void lanes_to_bf16(uint16_t *to, lanes v)
{
    typedef uint16_t halves __attribute__((vector_size(32)));
#ifdef __AVX512BF16__
    halves h = (halves)_mm512_cvtneps_pbh((__m512)v);
#else
    typedef uint32_t words __attribute__((vector_size(64)));
    words bits = (words)v;
    halves h = __builtin_convertvector((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16, halves);
#endif
    memcpy(to, &h, sizeof h);
}

/* Lane i takes lane i ^ by. */
LANES_INLINE lanes lanes_swap(lanes v, int by)
{
    lane_index from = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return __builtin_shuffle(v, from ^ by);
}

/* Every lane gets the sum over its group of `group` neighbouring lanes; group is 1, 2, 4, 8 or 16. */
LANES_INLINE lanes lanes_group_sum(lanes v, int group)
{
    if (group > 1) v += lanes_swap(v, 1);
    if (group > 2) v += lanes_swap(v, 2);
    if (group > 4) v += lanes_swap(v, 4);
    if (group > 8) v += lanes_swap(v, 8);
    return v;
}

/* The sums of neighbouring pairs of lanes of a, then of b. */
LANES_INLINE lanes lanes_pair_sums(lanes a, lanes b)
{
    lane_index even = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30};
    return __builtin_shuffle(a, b, even) + __builtin_shuffle(a, b, even + 1);
}

/* Lane i takes lane first + i / group. */
LANES_INLINE lanes lanes_spread(lanes v, int first, int group)
{
    lane_index i = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return __builtin_shuffle(v, first + i / group);
}

/* 1/sqrt(v), to 2^-23: one Newton step on the CPU's estimate where it has one. */
LANES_INLINE lanes lanes_inverse_root(lanes v)
{
#ifdef __AVX512F__
    lanes r = (lanes)_mm512_rsqrt14_ps((__m512)v);
    return r * (1.5f - 0.5f * v * r * r);
#else
    float each[LANES];
    lanes_store(each, v);
    for (int i = 0; i < LANES; i++) each[i] = 1.0f / sqrtf(each[i]);
    return lanes_load(each);
#endif
}

#endif
