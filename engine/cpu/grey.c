/* Sixteen pixels at a time: one vector of the grey map meets `channels` vectors of the other, in which a lane
 * is a pixel's channel. A chunk's last vectors may hold fewer pixels; they are padded with zeros. */
#include "engine/cpu/grey.h"

#include "engine/cpu/lanes.h"

enum { PIXELS = 256, CHANNELS_MAX = 16, SERIAL_CHUNKS = 32, CHUNKS_PER_SUM = 64 };

struct chunk {
    size_t first, pixels, vectors; /* vectors of 16 pixels, the last perhaps in part */
};

static struct chunk chunk_at(size_t k, size_t pixels)
{
    size_t first = k * PIXELS, count = pixels - first < PIXELS ? pixels - first : PIXELS;
    return (struct chunk){first, count, (count + LANES - 1) / LANES};
}

/* A chunk of `t` as f32, filled up with zeros to whole vectors of pixels; `buffer` may be used or not. */
static const float *widen(const struct nn_tensor *t, struct chunk c, float *buffer)
{
    size_t channels = (size_t)t->shape.c, count = c.pixels * channels, padded = c.vectors * LANES * channels;
    const float *in = cpu_widen(t, c.first * channels, count, buffer);
    if (padded == count) return in;
    if (in != buffer) memcpy(buffer, in, count * sizeof *buffer);
    memset(buffer + count, 0, (padded - count) * sizeof *buffer);
    return buffer;
}

static void narrow(struct nn_tensor *t, size_t first, size_t count, const float *values)
{
    if (t->type == NN_F32)
        memcpy((float *)t->data + first, values, count * sizeof *values);
    else
        cpu_narrow(t, first, count, values);
}

LANES_INLINE lanes leaky(lanes v, float slope)
{
    lane_index positive = v > 0;
    return (lanes)((positive & (lane_index)v) | (~positive & (lane_index)(slope * v)));
}

/* `count` values repeated over a vector; zeros for NULL. */
static lanes repeated(const struct nn_tensor *t, float scale, int count)
{
    float each[LANES] = {0};
    for (int i = 0; t && i < LANES; i++) each[i] = scale * ((const float *)t->data)[i % count];
    return lanes_load(each);
}

LANES_INLINE void expand(const float *one, lanes w, lanes bias, float slope, float *many, size_t vectors,
                         int channels)
{
    for (size_t v = 0; v < vectors; v++, many += LANES * channels) {
        lanes grey = lanes_load(one + v * LANES);
        for (int k = 0; k < channels; k++)
            lanes_store(many + k * LANES,
                        leaky(lanes_spread(grey, k * (LANES / channels), channels) * w + bias, slope));
    }
}

LANES_INLINE void contract(const float *many, lanes w, lanes bias, float slope, float *one, size_t vectors,
                           int channels)
{
    for (size_t v = 0; v < vectors; v++, many += LANES * channels) {
        lanes sum[CHANNELS_MAX];
        for (int k = 0; k < channels; k++) sum[k] = lanes_load(many + k * LANES) * w;
        for (int left = channels; left > 1; left /= 2)
            for (int k = 0; k < left / 2; k++) sum[k] = lanes_pair_sums(sum[2 * k], sum[2 * k + 1]);
        lanes_store(one + v * LANES, leaky(sum[0] + bias, slope));
    }
}

LANES_INLINE lanes correlate(const float *many, const float *one, size_t vectors, int channels)
{
    lanes sum[2] = {{0}, {0}};
    for (size_t v = 0; v < vectors; v++, many += LANES * channels) {
        lanes grey = lanes_load(one + v * LANES);
        for (int k = 0; k < channels; k++)
            sum[k % 2] += lanes_load(many + k * LANES) * lanes_spread(grey, k * (LANES / channels), channels);
    }
    return sum[0] + sum[1];
}

/* A call with `channels` as a constant. */
#define BY_CHANNELS(channels, CALL)                                                                          \
    switch (channels) {                                                                                      \
    case 2:                                                                                                  \
        CALL(2);                                                                                             \
        break;                                                                                               \
    case 4:                                                                                                  \
        CALL(4);                                                                                             \
        break;                                                                                               \
    case 8:                                                                                                  \
        CALL(8);                                                                                             \
        break;                                                                                               \
    default:                                                                                                 \
        CALL(16);                                                                                            \
    }

bool grey_fits(const struct nn_conv *geometry, const struct nn_tensor *many, const struct nn_tensor *one)
{
    int c = many->shape.c;
    return nn_conv_is(geometry, 1, 1, 0) && one->shape.c == 1 && (c == 2 || c == 4 || c == 8 || c == 16);
}

void grey_expand(float scale, const struct nn_tensor *one, const struct nn_tensor *w,
                 struct nn_epilogue epilogue, struct nn_tensor *many)
{
    int channels = many->shape.c;
    size_t pixels = cpu_pixels(one->shape), chunks = (pixels + PIXELS - 1) / PIXELS;
    lanes weight = repeated(w, scale, channels), bias = repeated(epilogue.bias, 1.0f, channels);
#pragma omp parallel for schedule(dynamic, 32) if (chunks > SERIAL_CHUNKS)
    for (size_t k = 0; k < chunks; k++) {
        struct chunk c = chunk_at(k, pixels);
        float grey[PIXELS], made[PIXELS * CHANNELS_MAX];
        const float *in = widen(one, c, grey);
#define EXPAND(C) expand(in, weight, bias, epilogue.slope, made, c.vectors, C)
        BY_CHANNELS(channels, EXPAND)
        narrow(many, c.first * (size_t)channels, c.pixels * (size_t)channels, made);
    }
}

void grey_contract(float scale, const struct nn_tensor *many, const struct nn_tensor *w,
                   struct nn_epilogue epilogue, struct nn_tensor *one)
{
    int channels = many->shape.c;
    size_t pixels = cpu_pixels(one->shape), chunks = (pixels + PIXELS - 1) / PIXELS;
    lanes weight = repeated(w, scale, channels), bias = repeated(epilogue.bias, 1.0f, 1);
#pragma omp parallel for schedule(dynamic, 32) if (chunks > SERIAL_CHUNKS)
    for (size_t k = 0; k < chunks; k++) {
        struct chunk c = chunk_at(k, pixels);
        float wide[PIXELS * CHANNELS_MAX], made[PIXELS];
        const float *in = widen(many, c, wide);
#define CONTRACT(C) contract(in, weight, bias, epilogue.slope, made, c.vectors, C)
        BY_CHANNELS(channels, CONTRACT)
        narrow(one, c.first, c.pixels, made);
    }
}

nn_status grey_weights(struct cpu_backend *cpu, float scale, const struct nn_tensor *many,
                       const struct nn_tensor *one, struct nn_tensor *w, struct nn_error *err)
{
    int channels = many->shape.c;
    size_t pixels = cpu_pixels(one->shape), chunks = (pixels + PIXELS - 1) / PIXELS;
    size_t tasks = (chunks + CHUNKS_PER_SUM - 1) / CHUNKS_PER_SUM;
    float *sums = cpu_scratch(&cpu->partial, tasks * LANES * sizeof *sums, err);
    if (!sums) return NN_ERR_MEMORY;
#pragma omp parallel for schedule(dynamic) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++) {
        lanes sum = {0};
        size_t end = (task + 1) * CHUNKS_PER_SUM < chunks ? (task + 1) * CHUNKS_PER_SUM : chunks;
        for (size_t k = task * CHUNKS_PER_SUM; k < end; k++) {
            struct chunk c = chunk_at(k, pixels);
            float grey[PIXELS], wide[PIXELS * CHANNELS_MAX];
            const float *g = widen(one, c, grey);
            const float *x = widen(many, c, wide);
#define CORRELATE(C) sum += correlate(x, g, c.vectors, C)
            BY_CHANNELS(channels, CORRELATE)
        }
        lanes_store(sums + task * LANES, sum);
    }
    for (int c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t i = 0; i < tasks * LANES; i++)
            if ((int)(i % (size_t)channels) == c) sum += (double)sums[i];
        ((float *)w->data)[c] = scale * (float)sum;
    }
    return NN_OK;
}
