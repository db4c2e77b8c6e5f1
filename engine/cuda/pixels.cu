/* Kernels over the channels of each pixel: pixel norm and its Jacobian, the log-softmax, and what follows a
 * convolution. A pixel belongs to as many neighbouring lanes of a warp as its channels fill, up to all. */
#include <type_traits>

#include "engine/cuda/device.cuh"

/* A thread's part of its pixel: vectors of V channels from `first` on, `stride` apart. A pixel beyond the
 * last has no part, but its lanes still take part in the sums. */
struct part {
    size_t pixel;
    int first, end, stride, lanes;
};

template <int V> __device__ inline part part_of(size_t pixels, int channels, int lanes)
{
    size_t pixel = thread_index() / lanes;
    int lane = threadIdx.x % lanes;
    return {pixel, pixel < pixels ? lane * V : channels, channels, lanes * V, lanes};
}

template <typename T, int V> __device__ inline float dot(const T *a, const T *b, part p)
{
    float sum = 0;
    for (int c = p.first; c < p.end; c += p.stride) {
        float x[V], y[V];
        load<T, V>(a + c, x);
        load<T, V>(b + c, y);
        for (int i = 0; i < V; i++) sum += x[i] * y[i];
    }
    return sum_lanes(sum, p.lanes);
}

/* Lanes that share a pixel: a power of two. */
static int lanes_for(int channels, int V)
{
    int lanes = 1;
    while (lanes < WARP && lanes * V < channels) lanes *= 2;
    return lanes;
}

/* ---- pixel norm ---------------------------------------------------------------------------------- */

template <typename T, int V>
__global__ void normalise(const T *x, T *y, size_t pixels, int channels, int lanes, float epsilon)
{
    part p = part_of<V>(pixels, channels, lanes);
    const T *from = x + p.pixel * channels;
    float r = 1 / sqrtf(dot<T, V>(from, from, p) / channels + epsilon);
    for (int c = p.first; c < p.end; c += p.stride) {
        float v[V];
        load<T, V>(from + c, v);
        for (int i = 0; i < V; i++) v[i] *= r;
        store<T, V>(y + p.pixel * channels + c, v);
    }
}

nn_status cuda_pixel_norm(struct nn_backend *be, const struct nn_tensor *x, float epsilon,
                          struct nn_tensor *y, struct nn_error *err)
{
    size_t pixels = pixels_of(x->shape);
    return by_width(x, aligned(x->data, y->data), [&](auto zero, auto width) {
        using T = decltype(zero);
        constexpr int V = decltype(width)::value;
        int lanes = lanes_for(x->shape.c, V);
        return launch(cuda_of(be), "pixel_norm", err, normalise<T, V>, blocks_for(pixels * lanes), THREADS,
                      data_of<T>(x), data_of<T>(y), pixels, x->shape.c, lanes, epsilon);
    });
}

template <typename T, int V>
__global__ void normalise_grad(const T *x, const T *g, T *out, size_t pixels, int channels, int lanes,
                               float epsilon)
{
    part p = part_of<V>(pixels, channels, lanes);
    const T *from = x + p.pixel * channels, *gradient = g + p.pixel * channels;
    float r = 1 / sqrtf(dot<T, V>(from, from, p) / channels + epsilon);
    float along = r * r * r * (dot<T, V>(from, gradient, p) / channels);
    for (int c = p.first; c < p.end; c += p.stride) {
        float v[V], w[V];
        load<T, V>(from + c, v);
        load<T, V>(gradient + c, w);
        for (int i = 0; i < V; i++) v[i] = r * w[i] - along * v[i];
        store<T, V>(out + p.pixel * channels + c, v);
    }
}

nn_status cuda_pixel_norm_grad(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *g,
                               float epsilon, struct nn_tensor *out, struct nn_error *err)
{
    size_t pixels = pixels_of(x->shape);
    return by_width(x, aligned(x->data, g->data, out->data), [&](auto zero, auto width) {
        using T = decltype(zero);
        constexpr int V = decltype(width)::value;
        int lanes = lanes_for(x->shape.c, V);
        return launch(cuda_of(be), "pixel_norm_grad", err, normalise_grad<T, V>, blocks_for(pixels * lanes),
                      THREADS, data_of<T>(x), data_of<T>(g), data_of<T>(out), pixels, x->shape.c, lanes,
                      epsilon);
    });
}

/* ---- what follows a convolution ------------------------------------------------------------------- */

template <int V> __device__ inline void activate(float (&v)[V], const float *bias, int c, float slope)
{
    for (int i = 0; i < V; i++) {
        if (bias) v[i] += bias[c + i];
        v[i] = v[i] > 0 ? v[i] : slope * v[i];
    }
}

/* Bias and leaky ReLU, then pixel norm. The second reading of a pixel finds it in the cache. */
template <typename T, int V>
__global__ void finish_normalised(T *t, const float *bias, float slope, float epsilon, size_t pixels,
                                  int channels, int lanes)
{
    part p = part_of<V>(pixels, channels, lanes);
    T *pixel = t + p.pixel * channels;
    float sum = 0;
    for (int c = p.first; c < p.end; c += p.stride) {
        float v[V];
        load<T, V>(pixel + c, v);
        activate<V>(v, bias, c, slope);
        for (int i = 0; i < V; i++) sum += v[i] * v[i];
    }
    float r = 1 / sqrtf(sum_lanes(sum, p.lanes) / channels + epsilon);
    for (int c = p.first; c < p.end; c += p.stride) {
        float v[V];
        load<T, V>(pixel + c, v);
        activate<V>(v, bias, c, slope);
        for (int i = 0; i < V; i++) v[i] *= r;
        store<T, V>(pixel + c, v);
    }
}

template <typename T, int V>
__global__ void finish_plain(T *t, const float *bias, float slope, size_t count, int channels)
{
    size_t first = thread_index() * V;
    if (first >= count) return;
    float v[V];
    load<T, V>(t + first, v);
    activate<V>(v, bias, (int)(first % channels), slope);
    store<T, V>(t + first, v);
}

nn_status cuda_finish(struct cuda_backend *cuda, struct nn_epilogue epilogue, float epsilon,
                      struct nn_tensor *t, struct nn_error *err)
{
    const float *bias = epilogue.bias ? data_of<const float>(epilogue.bias) : NULL;
    size_t count = nn_count(t->shape), pixels = pixels_of(t->shape);
    int channels = t->shape.c;
    if (!bias && epilogue.slope == 1 && epsilon <= 0) return NN_OK;
    return by_width(t, aligned(t->data), [&](auto zero, auto width) {
        using T = decltype(zero);
        constexpr int V = decltype(width)::value;
        int lanes = lanes_for(channels, V);
        if (epsilon > 0)
            return launch(cuda, "finish_normalised", err, finish_normalised<T, V>, blocks_for(pixels * lanes),
                          THREADS, data_of<T>(t), bias, epilogue.slope, epsilon, pixels, channels, lanes);
        return launch(cuda, "finish", err, finish_plain<T, V>, blocks_for(count / V), THREADS, data_of<T>(t),
                      bias, epilogue.slope, count, channels);
    });
}

/* ---- log-softmax ---------------------------------------------------------------------------------- */

/* Labels are few and minibatches small: one thread a pixel. */
template <typename T> __global__ void log_softmax(const T *x, T *out, size_t pixels, int channels)
{
    size_t pixel = thread_index();
    if (pixel >= pixels) return;
    const T *from = x + pixel * channels;
    float top = widen(from[0]), sum = 0;
    for (int c = 1; c < channels; c++) top = fmaxf(top, widen(from[c]));
    for (int c = 0; c < channels; c++) sum += expf(widen(from[c]) - top);
    float shift = top + logf(sum);
    for (int c = 0; c < channels; c++) narrow(widen(from[c]) - shift, &out[pixel * channels + c]);
}

nn_status cuda_log_softmax(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                           struct nn_error *err)
{
    size_t pixels = pixels_of(x->shape);
    return by_type(x->type, [&](auto zero) {
        using T = decltype(zero);
        return launch(cuda_of(be), "log_softmax", err, log_softmax<T>, blocks_for(pixels), THREADS,
                      data_of<T>(x), data_of<T>(out), pixels, x->shape.c);
    });
}
