/* Resampling of grey images by affine maps, and its adjoint. Coordinates are computed in double, as on the
 * CPU: at 1024 pixels an f32 one would be off by a ten-thousandth of a pixel.
 *
 * The adjoint scatters, and floating-point sums depend on their order, which atomic additions leave open. So
 * it adds whole numbers: each share as a multiple of the sample's largest |g| / 2^40. A sum of 2^20 full
 * shares still fits into 64 bits, and what is lost is far below an f32's rounding. */
#include <math.h>

#include "engine/cuda/device.cuh"

static const double SHARE_SCALE = 0x1p40;

/* The pixels that one output pixel is made of, along one axis: first .. first+count-1 before mirroring. */
struct taps {
    int first, count;
    double at, width, sum;
};

__device__ inline int mirror(int k, int length)
{
    if (k >= 0 && k < length) return k;
    int q = k % (2 * length);
    if (q < 0) q += 2 * length;
    return q < length ? q : 2 * length - 1 - q;
}

__device__ inline double height(const taps &t, int k)
{
    return fmax(0.0, 1 - fabs(k - t.at) / t.width);
}

__device__ inline taps taps_about(double at, double step_x, double step_y)
{
    taps t;
    t.at = fmin(fmax(at, -0x1p20), 0x1p20);
    t.width = fmin((double)NN_WARP_WIDTH_MAX, fmax(1.0, sqrt(step_x * step_x + step_y * step_y)));
    t.first = (int)ceil(t.at - t.width);
    t.count = (int)floor(t.at + t.width) - t.first + 1;
    t.sum = 0;
    for (int k = 0; k < t.count; k++) t.sum += height(t, t.first + k);
    return t;
}

/* One output pixel of the thread: its sample, its taps along both axes. */
struct place {
    size_t sample;
    taps u, v;
};

__device__ inline place place_of(size_t index, const float *maps, int side_h, int side_w)
{
    int j = (int)(index % side_w), i = (int)(index / side_w % side_h);
    size_t sample = index / side_w / side_h;
    double m[6];
    for (int k = 0; k < 6; k++) m[k] = maps[sample * 6 + k];
    return {sample, taps_about(m[0] * j + m[1] * i + m[2], m[0], m[1]),
            taps_about(m[3] * j + m[4] * i + m[5], m[3], m[4])};
}

__global__ void gather(const float *x, const float *maps, float *out, int h, int w, size_t count)
{
    size_t index = thread_index();
    if (index >= count) return;
    place p = place_of(index, maps, h, w);
    const float *image = x + p.sample * h * w;
    float sum = 0;
    for (int r = 0; r < p.v.count; r++) {
        const float *row = image + (size_t)mirror(p.v.first + r, h) * w;
        float along = 0;
        for (int k = 0; k < p.u.count; k++)
            along += (float)(height(p.u, p.u.first + k) / p.u.sum) * row[mirror(p.u.first + k, w)];
        sum += (float)(height(p.v, p.v.first + r) / p.v.sum) * along;
    }
    out[index] = sum;
}

nn_status cuda_warp(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *maps,
                    struct nn_tensor *out, struct nn_error *err)
{
    size_t count = nn_count(x->shape);
    return launch(cuda_of(be), "warp", err, gather, blocks_for(count), THREADS, data_of<const float>(x),
                  data_of<const float>(maps), data_of<float>(out), x->shape.h, x->shape.w, count);
}

/* largest[n] = the bits of max |g[n]|, which as whole numbers are in the same order; a NaN is above all. Few
 * threads find more than what is there already, and only they wait for each other at the one address. */
__global__ void find_largest(const float *g, unsigned *largest, size_t per_sample, size_t count)
{
    size_t index = thread_index();
    if (index >= count) return;
    unsigned *top = &largest[index / per_sample], bits = __float_as_uint(g[index]) & 0x7fffffffu;
    if (bits > *(volatile unsigned *)top) atomicMax(top, bits);
}

__global__ void scatter(const float *g, const float *maps, const unsigned *largest, unsigned long long *sums,
                        int h, int w, size_t count)
{
    size_t index = thread_index();
    if (index >= count) return;
    place p = place_of(index, maps, h, w);
    float top = __uint_as_float(largest[p.sample]);
    if (!(top > 0 && top < INFINITY)) return;
    double share = g[index] / (double)top * SHARE_SCALE;
    unsigned long long *image = sums + p.sample * h * w;
    for (int r = 0; r < p.v.count; r++) {
        unsigned long long *row = image + (size_t)mirror(p.v.first + r, h) * w;
        double along = share * height(p.v, p.v.first + r) / p.v.sum;
        for (int k = 0; k < p.u.count; k++) {
            long long part = llrint(along * height(p.u, p.u.first + k) / p.u.sum);
            atomicAdd(&row[mirror(p.u.first + k, w)], (unsigned long long)part);
        }
    }
}

__global__ void unscale(const unsigned long long *sums, const unsigned *largest, float *out,
                        size_t per_sample, size_t count)
{
    size_t index = thread_index();
    if (index >= count) return;
    float top = __uint_as_float(largest[index / per_sample]);
    /* 0 where all are 0; what is not finite stays so. */
    out[index] = top < INFINITY ? (float)((long long)sums[index] / SHARE_SCALE * top) : top;
}

nn_status cuda_warp_adjoint(struct nn_backend *be, const struct nn_tensor *g, const struct nn_tensor *maps,
                            struct nn_tensor *out, struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    size_t count = nn_count(g->shape), samples = (size_t)g->shape.n, per_sample = count / samples;
    size_t size_bytes = count * sizeof(unsigned long long) + samples * sizeof(unsigned);
    auto *sums = (unsigned long long *)cuda_scratch(cuda, CUDA_SCRATCH_PARTIAL, size_bytes, err);
    if (!sums) return NN_ERR_MEMORY;
    auto *largest = (unsigned *)(sums + count);
    nn_status status =
        cuda_check(cuda, cudaMemsetAsync(sums, 0, size_bytes, cuda->stream), "cudaMemsetAsync", err);
    if (!status)
        status = launch(cuda, "warp_adjoint", err, find_largest, blocks_for(count), THREADS,
                        data_of<const float>(g), largest, per_sample, count);
    if (!status)
        status = launch(cuda, "warp_adjoint", err, scatter, blocks_for(count), THREADS,
                        data_of<const float>(g), data_of<const float>(maps), (const unsigned *)largest, sums,
                        g->shape.h, g->shape.w, count);
    if (!status)
        status = launch(cuda, "warp_adjoint", err, unscale, blocks_for(count), THREADS,
                        (const unsigned long long *)sums, (const unsigned *)largest, data_of<float>(out),
                        per_sample, count);
    return status;
}
