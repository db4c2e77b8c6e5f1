/* The three convolutions as plain loops over the contract's formula: for the few shapes that the libraries
 * have no kernel for. One thread a result; for a weight, which sums over all pixels, one block. */
#include "engine/cuda/device.cuh"

struct extents {
    struct nn_conv g;
    struct nn_shape x, y;
};

template <typename T, typename W>
__global__ void direct_y(extents e, const T *x, const W *w, T *y, size_t count)
{
    size_t index = thread_index();
    if (index >= count) return;
    int o = (int)(index % e.y.c), ox = (int)(index / e.y.c % e.y.w);
    int oy = (int)(index / e.y.c / e.y.w % e.y.h);
    size_t n = index / e.y.c / e.y.w / e.y.h;
    float sum = 0;
    for (int ky = 0; ky < e.g.kernel_h; ky++)
        for (int kx = 0; kx < e.g.kernel_w; kx++) {
            int iy = oy * e.g.stride - e.g.pad_h + ky, ix = ox * e.g.stride - e.g.pad_w + kx;
            if (iy < 0 || iy >= e.x.h || ix < 0 || ix >= e.x.w) continue;
            const T *pixel = x + ((n * e.x.h + iy) * e.x.w + ix) * e.x.c;
            const W *tap = w + (((size_t)o * e.g.kernel_h + ky) * e.g.kernel_w + kx) * e.x.c;
            for (int i = 0; i < e.x.c; i++) sum += widen(pixel[i]) * widen(tap[i]);
        }
    narrow(sum, &y[index]);
}

template <typename T, typename W>
__global__ void direct_x(extents e, const T *y, const W *w, T *x, size_t count)
{
    size_t index = thread_index();
    if (index >= count) return;
    int i = (int)(index % e.x.c), ix = (int)(index / e.x.c % e.x.w);
    int iy = (int)(index / e.x.c / e.x.w % e.x.h);
    size_t n = index / e.x.c / e.x.w / e.x.h, tap_size = (size_t)e.g.kernel_h * e.g.kernel_w * e.x.c;
    float sum = 0;
    for (int ky = 0; ky < e.g.kernel_h; ky++)
        for (int kx = 0; kx < e.g.kernel_w; kx++) {
            int py = iy + e.g.pad_h - ky, px = ix + e.g.pad_w - kx, oy = py / e.g.stride,
                ox = px / e.g.stride;
            if (py < 0 || px < 0 || py % e.g.stride || px % e.g.stride || oy >= e.y.h || ox >= e.y.w)
                continue;
            const T *pixel = y + ((n * e.y.h + oy) * e.y.w + ox) * e.y.c;
            const W *tap = w + ((size_t)ky * e.g.kernel_w + kx) * e.x.c + i;
            for (int o = 0; o < e.y.c; o++) sum += widen(pixel[o]) * widen(tap[o * tap_size]);
        }
    narrow(sum, &x[index]);
}

/* Block (o, tap, i). */
template <typename T> __global__ void direct_w(extents e, const T *x, const T *y, float *w)
{
    __shared__ float shared[THREADS / WARP];
    int taps = e.g.kernel_h * e.g.kernel_w, i = blockIdx.x % e.x.c, tap = blockIdx.x / e.x.c % taps;
    int o = blockIdx.x / e.x.c / taps, ky = tap / e.g.kernel_w, kx = tap % e.g.kernel_w;
    size_t pixels = (size_t)e.y.n * e.y.h * e.y.w;
    float sum = 0;
    for (size_t p = threadIdx.x; p < pixels; p += THREADS) {
        int ox = (int)(p % e.y.w), oy = (int)(p / e.y.w % e.y.h);
        int iy = oy * e.g.stride - e.g.pad_h + ky, ix = ox * e.g.stride - e.g.pad_w + kx;
        if (iy < 0 || iy >= e.x.h || ix < 0 || ix >= e.x.w) continue;
        size_t q = (p / e.y.w / e.y.h * e.x.h + iy) * e.x.w + ix;
        sum += widen(x[q * e.x.c + i]) * widen(y[p * e.y.c + o]);
    }
    sum = sum_lanes(sum, WARP);
    if (threadIdx.x % WARP == 0) shared[threadIdx.x / WARP] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int j = 1; j < THREADS / WARP; j++) sum += shared[j];
        w[blockIdx.x] = sum;
    }
}

nn_status cuda_direct_conv(struct cuda_backend *cuda, const struct cuda_conv_call *c, struct nn_error *err)
{
    extents e = {c->geometry, c->x.shape, c->y.shape};
    return by_type(c->x.type, [&](auto map_zero) {
        using T = decltype(map_zero);
        if (c->role == CUDA_MAKE_W)
            return launch(cuda, "direct_w", err, direct_w<T>, (unsigned)nn_count(c->w.shape), THREADS, e,
                          data_of<const T>(&c->x), data_of<const T>(&c->y), data_of<float>(&c->w));
        return by_type(c->w.type, [&](auto weight_zero) {
            using W = decltype(weight_zero);
            size_t count = nn_count(c->role == CUDA_MAKE_Y ? c->y.shape : c->x.shape);
            if (c->role == CUDA_MAKE_Y)
                return launch(cuda, "direct_y", err, direct_y<T, W>, blocks_for(count), THREADS, e,
                              data_of<const T>(&c->x), data_of<const W>(&c->w), data_of<T>(&c->y), count);
            return launch(cuda, "direct_x", err, direct_x<T, W>, blocks_for(count), THREADS, e,
                          data_of<const T>(&c->y), data_of<const W>(&c->w), data_of<T>(&c->x), count);
        });
    });
}
