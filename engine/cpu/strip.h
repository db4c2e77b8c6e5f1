/* As many floats as one register of the CPU that is built for holds: sixteen, or eight before AVX-512. GCC
 * keeps a wider vector in memory, which is fine where memory is what is waited for (lanes.h) and not where it
 * is not. */
#ifndef NN_STRIP_H
#define NN_STRIP_H

#include "engine/cpu/lanes.h"

#ifdef __AVX512F__
enum { STRIP = 16 };
#else
enum { STRIP = 8 };
#endif
typedef float strip __attribute__((vector_size(STRIP * 4)));

LANES_INLINE strip strip_load(const float *from)
{
    strip v;
    memcpy(&v, from, sizeof v);
    return v;
}

LANES_INLINE void strip_store(float *to, strip v)
{
    memcpy(to, &v, sizeof v);
}

LANES_INLINE strip strip_all(float v)
{
#ifdef __AVX512F__
    return lanes_all(v);
#else
    return (strip){v, v, v, v, v, v, v, v};
#endif
}

/* a * b + c, rounded once where the CPU can. */
LANES_INLINE strip strip_multiply_add(strip a, strip b, strip c)
{
#ifdef __AVX512F__
    return lanes_multiply_add(a, b, c);
#elif defined __FMA__
    return (strip)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

LANES_INLINE strip strip_leaky(strip v, strip slope)
{
#ifdef __AVX512F__
    return lanes_leaky(v, slope);
#else
    typedef int32_t index __attribute__((vector_size(STRIP * 4)));
    index positive = v > 0;
    return (strip)((positive & (index)v) | (~positive & (index)(slope * v)));
#endif
}

/* 1/sqrt(v), to 2^-23, or to 2^-14 where that is `enough` and the CPU has an estimate. */
LANES_INLINE strip strip_inverse_root(strip v, bool enough)
{
#ifdef __AVX512F__
    return enough ? (strip)_mm512_rsqrt14_ps((__m512)v) : lanes_inverse_root(v);
#elif defined __AVX__
    (void)enough;
    return strip_all(1) / (strip)_mm256_sqrt_ps((__m256)v);
#else
    (void)enough;
    for (int i = 0; i < STRIP; i++) v[i] = 1.0f / sqrtf(v[i]);
    return v;
#endif
}

/* a and b in turn, a, b, a, b, ...: the first strip of them, or the second. */
LANES_INLINE strip strip_mingle(strip a, strip b, bool second)
{
#ifdef __AVX512F__
    return lanes_mingle(a, b, second ? STRIP / 2 : 0);
#else
    typedef int32_t index __attribute__((vector_size(STRIP * 4)));
    const index first = {0, 8, 1, 9, 2, 10, 3, 11}, rest = {4, 12, 5, 13, 6, 14, 7, 15};
    return second ? __builtin_shuffle(a, b, rest) : __builtin_shuffle(a, b, first);
#endif
}

#endif
