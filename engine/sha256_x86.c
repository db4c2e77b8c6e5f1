/* The x86 instructions for SHA-256; sha256.c has the plain form. */
#include "engine/sha256_blocks.h"

#if defined(__x86_64__)

#include <immintrin.h>

bool nn_sha256_has_instructions(void)
{
    return __builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1");
}

/* The instructions want the words of the state as (A,B,E,F) and (C,D,G,H), the first in the highest lane. Two
 * of them make four rounds, and msg1, alignr and msg2 the four words of the schedule that are due twelve
 * rounds later. */
__attribute__((target("sha,sse4.1"))) void nn_sha256_blocks_x86(uint32_t state[8], const uint8_t *blocks,
                                                                size_t count)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
    for (; count > 0; count--, blocks += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];
        for (int i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + 16 * i)), big_endian);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            __m128i *now = &w[i % 4], after = w[(i + 1) % 4], later = w[(i + 2) % 4], last = w[(i + 3) % 4];
            __m128i k = _mm_loadu_si128((const __m128i *)(nn_sha256_round_constants + 4 * i));
            __m128i sum = _mm_add_epi32(*now, k);
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
            *now = _mm_add_epi32(_mm_sha256msg1_epu32(*now, after), _mm_alignr_epi8(last, later, 4));
            *now = _mm_sha256msg2_epu32(*now, last);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

#else

bool nn_sha256_has_instructions(void)
{
    return false;
}

void nn_sha256_blocks_x86(uint32_t state[8], const uint8_t *blocks, size_t count)
{
    nn_sha256_blocks_plain(state, blocks, count);
}

#endif
