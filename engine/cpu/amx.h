/* Intel's AMX: a core's eight matrix registers of up to 16 rows of 64 bytes, and the product of two of them
 * in bf16, 32 times as fast as the same core's _mm512_dpbf16_ps. Here they are by number:
 *
 *     0..3   sums: `rows` x 16 f32
 *     4, 5   left factors: `rows` x `pairs` pairs of bf16
 *     6, 7   right factors: `pairs` x 16 pairs of bf16, as panels of weights and planes of pixels lie
 *
 * Registers and their shapes belong to a thread, from amx_begin to amx_end. Everything that begins with AMX_
 * is an instruction between those; `step` is the bytes from row to row. */
#ifndef NN_AMX_H
#define NN_AMX_H

#include <stddef.h>
#include <stdint.h>

enum { AMX_ROWS = 16, AMX_PAIRS = 16 }; /* at most */

#ifdef __AMX_BF16__
#define AMX_ZERO(sum) __asm__ volatile("tilezero %%tmm" #sum : :)
#define AMX_LOAD(to, from, step)                                                                             \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #to : : "r"(from), "r"((size_t)(step)) : "memory")
#define AMX_STORE(from, to, step)                                                                            \
    __asm__ volatile("tilestored %%tmm" #from ", (%0,%1,1)" : : "r"(to), "r"((size_t)(step)) : "memory")
#define AMX_MULTIPLY_ADD(sum, left, right)                                                                   \
    __asm__ volatile("tdpbf16ps %%tmm" #right ", %%tmm" #left ", %%tmm" #sum : :)
#else /* never reached: onednn_has_amx is false */
#define AMX_ZERO(sum) ((void)0)
#define AMX_LOAD(to, from, step) ((void)(from), (void)(step))
#define AMX_STORE(from, to, step) ((void)(to), (void)(step))
#define AMX_MULTIPLY_ADD(sum, left, right) ((void)0)
#endif

static inline void amx_begin(int rows, int pairs)
{
    struct {
        uint8_t palette, start_row, zeros[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shapes = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        shapes.rows[i] = (uint8_t)(i < 6 ? rows : pairs);
        shapes.row_bytes[i] = (uint16_t)(i == 4 || i == 5 ? 4 * pairs : 64);
    }
#ifdef __AMX_BF16__
    __asm__ volatile("ldtilecfg %0" : : "m"(shapes));
#else
    (void)shapes;
#endif
}

static inline void amx_end(void)
{
#ifdef __AMX_BF16__
    __asm__ volatile("tilerelease");
#endif
}

#endif
