/* CUDA's language on the host: a __global__ function is a plain function that runs once for each thread. */
#ifndef TEST_CUDA_RUNTIME_H
#define TEST_CUDA_RUNTIME_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>

#include <math.h>

#include "cuda_runtime_api.h"

#define __global__
#define __device__
/* One block at a time runs, in one thread of the host. Nothing else of the library is a thread's own, so that
 * host_launch.cpp finds all of it, and fills it with NaNs before a block. */
#define __shared__ static thread_local

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

/* Of the thread that is running. */
extern dim3 gridDim, blockDim, blockIdx, threadIdx;

void __syncthreads();
float __shfl_xor_sync(unsigned mask, float value, int lane_mask);

static inline uint32_t __float_as_uint(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float __uint_as_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

template <typename T> T atomicAdd(T *at, T value)
{
    T old = *at;
    *at += value;
    return old;
}

template <typename T> T atomicMax(T *at, T value)
{
    T old = *at;
    if (value > old) *at = value;
    return old;
}

struct cudaLaunchConfig_t {
    dim3 gridDim, blockDim;
    cudaStream_t stream;
};

/* Runs `work` now, or appends it to the graph that is being captured. */
void host_enqueue(std::function<void()> work);
void host_run_grid(dim3 grid, dim3 block, const std::function<void()> &thread);

template <typename... P, typename... A>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *config, void (*kernel)(P...), A... arguments)
{
    std::tuple<P...> values(arguments...);
    dim3 grid = config->gridDim, block = config->blockDim;
    if (grid.x == 0 || block.x == 0) return cudaErrorUnknown;
    host_enqueue([=] { host_run_grid(grid, block, [&] { std::apply(kernel, values); }); });
    return cudaSuccess;
}

#endif
