/* What every kernel file needs: elements in groups of up to 16 bytes a thread, and the launch. */
#ifndef NN_DEVICE_CUH
#define NN_DEVICE_CUH

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "engine/cuda/cuda.h"

enum { THREADS = 256, WARP = 32 };

__device__ inline float widen(float value)
{
    return value;
}
__device__ inline float widen(__nv_bfloat16 value)
{
    return __bfloat162float(value);
}
__device__ inline void narrow(float value, float *to)
{
    *to = value;
}
__device__ inline void narrow(float value, __nv_bfloat16 *to)
{
    *to = __float2bfloat16_rn(value);
}

/* V elements that are read or written at once. */
template <typename T, int V> struct alignas(sizeof(T) * V) pack {
    T v[V];
};

template <typename T, int V> __device__ inline void load(const T *from, float (&out)[V])
{
    pack<T, V> p = *reinterpret_cast<const pack<T, V> *>(from);
    for (int i = 0; i < V; i++) out[i] = widen(p.v[i]);
}

template <typename T, int V> __device__ inline void store(T *to, const float (&in)[V])
{
    pack<T, V> p;
    for (int i = 0; i < V; i++) narrow(in[i], &p.v[i]);
    *reinterpret_cast<pack<T, V> *>(to) = p;
}

/* Elements of T in 16 bytes. */
template <typename T> constexpr int wide = 16 / (int)sizeof(T);

__device__ inline size_t thread_index()
{
    return (size_t)blockIdx.x * blockDim.x + threadIdx.x;
}

/* The row of a row_grid's thread and its group in it, which may lie beyond the last. */
__device__ inline size_t row_of(unsigned tiles)
{
    return blockIdx.x / tiles;
}
__device__ inline unsigned group_of(unsigned tiles)
{
    return blockIdx.x % tiles * blockDim.x + threadIdx.x;
}

/* The sum over the `lanes` neighbours that share it, a power of two up to WARP, in each of them. Every lane
 * of the warp must come here. */
__device__ inline float sum_lanes(float value, int lanes)
{
    for (int step = lanes / 2; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    return value;
}

/* ---- host ---- */

/* Whether every pointer lies at a multiple of 16 bytes; NULL counts as one that does. Weights in the flat
 * buffers need not. */
template <typename... P> inline bool aligned(const P *...pointers)
{
    return (((size_t)pointers % 16 == 0) && ...);
}

inline unsigned blocks_for(size_t threads)
{
    return (unsigned)((threads + THREADS - 1) / THREADS);
}

/* Rows of `width` groups of elements, each in `tiles` pieces of a block: few divisions, and of 32 bits, then
 * find a thread's place. */
struct row_grid {
    unsigned tiles, blocks;
};

inline row_grid grid_over(size_t rows, size_t width)
{
    unsigned tiles = blocks_for(width);
    return {tiles, (unsigned)(rows * tiles)};
}

/* Calls f with a value of the type's element type. */
template <typename F> inline nn_status by_type(enum nn_type type, F f)
{
    return type == NN_BF16 ? f(__nv_bfloat16()) : f(float());
}

/* Calls f with the element type and the number of channels that fit a read, as constants. */
template <typename F> inline nn_status by_width(const struct nn_tensor *t, bool vectors, F f)
{
    return by_type(t->type, [&](auto zero) {
        using T = decltype(zero);
        if (vectors && t->shape.c % wide<T> == 0) return f(zero, std::integral_constant<int, wide<T>>());
        return f(zero, std::integral_constant<int, 1>());
    });
}

template <typename T> inline T *data_of(const struct nn_tensor *t)
{
    return (T *)t->data;
}

inline size_t pixels_of(struct nn_shape s)
{
    return (size_t)s.n * s.h * s.w;
}

template <typename... P, typename... A>
inline nn_status launch(struct cuda_backend *cuda, const char *name, struct nn_error *err,
                        void (*kernel)(P...), dim3 grid, dim3 block, A... arguments)
{
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.stream = cuda->stream;
    return cuda_check(cuda, cudaLaunchKernelEx(&config, kernel, (P)arguments...), name, err);
}

#endif
