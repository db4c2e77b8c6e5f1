/* Kernels over the channels of each pixel: pixel norm, its Jacobian, and the log-softmax. */
#include "engine/cpu/cpu.h"
#include "engine/cpu/lanes.h"

#include <math.h>
#include <omp.h>

enum { CHUNK = 1024, SERIAL_CHUNKS = 32 };

/* Treats `pixels` pixels of `channels` channels each; b is a again where the function takes one argument. */
typedef void (*pixel_loop)(const float *a, const float *b, float *restrict out, size_t pixels,
                           size_t channels, float epsilon);

static nn_status map_pixels(struct nn_backend *be, pixel_loop f, const struct nn_tensor *a,
                            const struct nn_tensor *b, struct nn_tensor *out, float epsilon,
                            struct nn_error *err)
{
    size_t channels = (size_t)a->shape.c, pixels = cpu_pixels(a->shape);
    size_t per_chunk = channels < CHUNK ? CHUNK / channels : 1, chunks = (pixels + per_chunk - 1) / per_chunk;
    size_t width = per_chunk * channels;
    float *buffers =
        cpu_scratch(&cpu_of(be)->partial, (size_t)omp_get_max_threads() * 3 * width * sizeof(float), err);
    if (!buffers) return NN_ERR_MEMORY;
#pragma omp parallel for schedule(dynamic, 32) if (chunks > SERIAL_CHUNKS)
    for (size_t k = 0; k < chunks; k++) {
        float *own = buffers + (size_t)omp_get_thread_num() * 3 * width;
        size_t first = k * per_chunk, count = pixels - first < per_chunk ? pixels - first : per_chunk;
        const float *a_in = cpu_widen(a, first * channels, count * channels, own);
        const float *b_in = b == a ? a_in : cpu_widen(b, first * channels, count * channels, own + width);
        float *to = cpu_target(out, first * channels, own + 2 * width);
        f(a_in, b_in, to, count, channels, epsilon);
        cpu_narrow(out, first * channels, count * channels, to);
    }
    return NN_OK;
}

/* Up to 16 channels: a vector holds whole pixels, and each lane gets its own pixel's sum. `channels` is a
 * constant at every call. */
LANES_INLINE void norm_packed(const float *x, float *restrict y, size_t count, int channels, float epsilon)
{
    for (size_t i = 0; i < count; i += LANES) {
        lanes v = lanes_load(x + i), mean = lanes_group_sum(v * v, channels) * (1.0f / (float)channels);
        lanes_store(y + i, v * lanes_inverse_root(mean + epsilon));
    }
}

LANES_INLINE void norm_grad_packed(const float *x, const float *g, float *restrict out, size_t count,
                                   int channels, float epsilon)
{
    const float share = 1.0f / (float)channels;
    for (size_t i = 0; i < count; i += LANES) {
        lanes v = lanes_load(x + i), u = lanes_load(g + i);
        lanes r = lanes_inverse_root(lanes_group_sum(v * v, channels) * share + epsilon);
        lanes along = r * r * (lanes_group_sum(v * u, channels) * share);
        lanes_store(out + i, r * (u - along * v));
    }
}

static inline float dot(const float *a, const float *b, size_t count)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

static void norm_pixels(const float *x, float *restrict y, size_t pixels, size_t channels, float epsilon)
{
    for (size_t p = 0; p < pixels; p++, x += channels, y += channels) {
        float r = 1.0f / sqrtf(dot(x, x, channels) / (float)channels + epsilon);
        for (size_t c = 0; c < channels; c++) y[c] = r * x[c];
    }
}

static void norm_grad_pixels(const float *x, const float *g, float *restrict out, size_t pixels,
                             size_t channels, float epsilon)
{
    for (size_t p = 0; p < pixels; p++, x += channels, g += channels, out += channels) {
        float r = 1.0f / sqrtf(dot(x, x, channels) / (float)channels + epsilon);
        float along = r * r * (dot(x, g, channels) / (float)channels);
        for (size_t c = 0; c < channels; c++) out[c] = r * (g[c] - along * x[c]);
    }
}

/* The narrow layers are the large ones. Pixels beyond the last whole vector go one by one. */
static void norm_loop(const float *x, const float *same, float *restrict y, size_t pixels, size_t channels,
                      float epsilon)
{
    (void)same;
    size_t packed = channels == 4 || channels == 8 || channels == 16 ? pixels * channels / LANES * LANES : 0;
    if (channels == 4)
        norm_packed(x, y, packed, 4, epsilon);
    else if (channels == 8)
        norm_packed(x, y, packed, 8, epsilon);
    else if (channels == 16)
        norm_packed(x, y, packed, 16, epsilon);
    norm_pixels(x + packed, y + packed, pixels - packed / channels, channels, epsilon);
}

static void norm_grad_loop(const float *x, const float *g, float *restrict out, size_t pixels,
                           size_t channels, float epsilon)
{
    size_t packed = channels == 4 || channels == 8 || channels == 16 ? pixels * channels / LANES * LANES : 0;
    if (channels == 4)
        norm_grad_packed(x, g, out, packed, 4, epsilon);
    else if (channels == 8)
        norm_grad_packed(x, g, out, packed, 8, epsilon);
    else if (channels == 16)
        norm_grad_packed(x, g, out, packed, 16, epsilon);
    norm_grad_pixels(x + packed, g + packed, out + packed, pixels - packed / channels, channels, epsilon);
}

static void log_softmax_loop(const float *x, const float *same, float *restrict out, size_t pixels,
                             size_t channels, float epsilon)
{
    (void)same, (void)epsilon;
    for (size_t p = 0; p < pixels; p++, x += channels, out += channels) {
        float top = x[0], sum = 0;
        for (size_t c = 1; c < channels; c++) top = fmaxf(top, x[c]);
        for (size_t c = 0; c < channels; c++) sum += expf(x[c] - top);
        float shift = top + logf(sum);
        for (size_t c = 0; c < channels; c++) out[c] = x[c] - shift;
    }
}

nn_status cpu_pixel_norm(struct nn_backend *be, const struct nn_tensor *x, float epsilon, struct nn_tensor *y,
                         struct nn_error *err)
{
    return map_pixels(be, norm_loop, x, x, y, epsilon, err);
}

nn_status cpu_pixel_norm_grad(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *g,
                              float epsilon, struct nn_tensor *out, struct nn_error *err)
{
    return map_pixels(be, norm_grad_loop, x, g, out, epsilon, err);
}

nn_status cpu_log_softmax(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                          struct nn_error *err)
{
    return map_pixels(be, log_softmax_loop, x, x, out, 0, err);
}
