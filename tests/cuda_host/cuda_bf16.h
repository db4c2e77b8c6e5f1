/* CUDA's bf16 on the host. */
#ifndef TEST_CUDA_BF16_H
#define TEST_CUDA_BF16_H

#include "engine/cpu/bf16.h"

struct __nv_bfloat16 {
    uint16_t bits;
};

static inline float __bfloat162float(__nv_bfloat16 value)
{
    return bf16_to_float(value.bits);
}

static inline __nv_bfloat16 __float2bfloat16_rn(float value)
{
    return {bf16_from_float(value)};
}

#endif
