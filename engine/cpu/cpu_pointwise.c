/* Elementwise kernels: one pass over memory, in chunks that a thread widens to f32 in its L1 cache, computes
 * with a plain loop, and narrows back. The loops know nothing of types. */
#include "engine/cpu/cpu.h"

#include "engine/cpu/bf16.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 1024, SERIAL_CHUNKS = 32 /* fewer are not worth waking threads for */ };

const float *cpu_widen(const struct nn_tensor *t, size_t first, size_t count, float *buffer)
{
    if (t->type == NN_F32) return (const float *)t->data + first;
    const uint16_t *from = (const uint16_t *)t->data + first;
    for (size_t i = 0; i < count; i++) buffer[i] = bf16_to_float(from[i]);
    return buffer;
}

float *cpu_target(struct nn_tensor *t, size_t first, float *buffer)
{
    return t->type == NN_F32 ? (float *)t->data + first : buffer;
}

void cpu_narrow(struct nn_tensor *t, size_t first, size_t count, const float *values)
{
    if (t->type == NN_F32) return; /* cpu_target gave the tensor itself */
    uint16_t *to = (uint16_t *)t->data + first;
    for (size_t i = 0; i < count; i++) to[i] = bf16_from_float(values[i]);
}

/* out[i] = f(a[i], b[i]) with two constants; b is a again where the function takes one argument. */
typedef void (*loop)(const float *a, const float *b, float *restrict out, size_t count, float p, float q);

static nn_status map(loop f, const struct nn_tensor *a, const struct nn_tensor *b, struct nn_tensor *out,
                     float p, float q)
{
    size_t count = nn_count(out->shape), chunks = (count + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(dynamic, 32) if (chunks > SERIAL_CHUNKS)
    for (size_t k = 0; k < chunks; k++) {
        float a_wide[CHUNK], b_wide[CHUNK], made[CHUNK];
        size_t first = k * CHUNK, length = count - first < CHUNK ? count - first : CHUNK;
        const float *a_in = cpu_widen(a, first, length, a_wide);
        const float *b_in = b == a ? a_in : cpu_widen(b, first, length, b_wide);
        float *to = cpu_target(out, first, made);
        f(a_in, b_in, to, length, p, q);
        cpu_narrow(out, first, length, to);
    }
    return NN_OK;
}

static void mask_loop(const float *y, const float *g, float *restrict out, size_t count, float slope, float q)
{
    (void)q;
    for (size_t i = 0; i < count; i++) out[i] = (y[i] > 0 ? 1.0f : slope) * g[i];
}

static void axpby_loop(const float *a, const float *b, float *restrict out, size_t count, float alpha,
                       float beta)
{
    for (size_t i = 0; i < count; i++) out[i] = alpha * a[i] + beta * b[i];
}

static void affine_loop(const float *a, const float *b, float *restrict out, size_t count, float alpha,
                        float beta)
{
    (void)b;
    for (size_t i = 0; i < count; i++) out[i] = alpha * a[i] + beta;
}

static void mul_loop(const float *a, const float *b, float *restrict out, size_t count, float p, float q)
{
    (void)p, (void)q;
    for (size_t i = 0; i < count; i++) out[i] = a[i] * b[i];
}

static void root_loop(const float *a, const float *b, float *restrict out, size_t count, float p, float q)
{
    (void)b, (void)p, (void)q;
    for (size_t i = 0; i < count; i++) out[i] = sqrtf(a[i]);
}

static void inverse_root_loop(const float *a, const float *b, float *restrict out, size_t count, float p,
                              float q)
{
    (void)b, (void)p, (void)q;
    for (size_t i = 0; i < count; i++) out[i] = 1.0f / sqrtf(a[i]);
}

static void power_loop(const float *a, const float *b, float *restrict out, size_t count, float exponent,
                       float q)
{
    (void)b, (void)q;
    for (size_t i = 0; i < count; i++) out[i] = powf(a[i], exponent);
}

static void exponential_loop(const float *a, const float *b, float *restrict out, size_t count, float p,
                             float q)
{
    (void)b, (void)p, (void)q;
    for (size_t i = 0; i < count; i++) out[i] = expf(a[i]);
}

static void copy_loop(const float *a, const float *b, float *restrict out, size_t count, float p, float q)
{
    (void)b, (void)p, (void)q;
    memcpy(out, a, count * sizeof *out);
}

nn_status cpu_lrelu_mask(struct nn_backend *be, const struct nn_tensor *y, const struct nn_tensor *g,
                         float slope, struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    return map(mask_loop, y, g, out, slope, 0);
}

nn_status cpu_axpby(struct nn_backend *be, float alpha, const struct nn_tensor *a, float beta,
                    const struct nn_tensor *b, struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    return map(axpby_loop, a, b, out, alpha, beta);
}

nn_status cpu_affine(struct nn_backend *be, float alpha, const struct nn_tensor *x, float beta,
                     struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    return map(affine_loop, x, x, out, alpha, beta);
}

nn_status cpu_mul(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                  struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    return map(mul_loop, a, b, out, 0, 0);
}

nn_status cpu_power(struct nn_backend *be, const struct nn_tensor *x, float exponent, struct nn_tensor *out,
                    struct nn_error *err)
{
    (void)be, (void)err;
    if (exponent == 0.0f) return map(affine_loop, x, x, out, 0, 1);
    if (exponent == 1.0f) return map(copy_loop, x, x, out, 0, 0);
    if (exponent == 2.0f) return map(mul_loop, x, x, out, 0, 0);
    if (exponent == 0.5f) return map(root_loop, x, x, out, 0, 0);
    if (exponent == -0.5f) return map(inverse_root_loop, x, x, out, 0, 0);
    return map(power_loop, x, x, out, exponent, 0);
}

nn_status cpu_exponential(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                          struct nn_error *err)
{
    (void)be, (void)err;
    return map(exponential_loop, x, x, out, 0, 0);
}

nn_status cpu_cast(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                   struct nn_error *err)
{
    (void)be, (void)err;
    return map(copy_loop, x, x, out, 0, 0);
}

void cpu_apply_epilogue(struct nn_epilogue epilogue, struct nn_tensor *t)
{
    if (!epilogue.bias && epilogue.slope == 1.0f) return;
    const float *bias = epilogue.bias ? epilogue.bias->data : NULL;
    size_t channels = (size_t)t->shape.c, pixels = cpu_pixels(t->shape);
    size_t per_chunk = channels < CHUNK ? CHUNK / channels : 1, chunks = (pixels + per_chunk - 1) / per_chunk;
#pragma omp parallel for schedule(dynamic, 32) if (chunks > SERIAL_CHUNKS)
    for (size_t k = 0; k < chunks; k++) {
        size_t end = (k + 1) * per_chunk < pixels ? (k + 1) * per_chunk * channels : pixels * channels;
        float wide[CHUNK];
        for (size_t first = k * per_chunk * channels; first < end; first += CHUNK) {
            size_t length = end - first < CHUNK ? end - first : CHUNK;
            const float *in = cpu_widen(t, first, length, wide);
            float *to = cpu_target(t, first, wide);
            size_t c = first % channels;
            for (size_t i = 0; bias && i < length; c = 0)
                for (; c < channels && i < length; c++, i++) to[i] = in[i] + bias[c];
            for (size_t i = 0; i < length; i++) to[i] = to[i] > 0 ? to[i] : epilogue.slope * to[i];
            cpu_narrow(t, first, length, to);
        }
    }
}
