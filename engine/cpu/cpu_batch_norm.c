/* Batch normalisation. Every pass goes over blocks of pixels whose size depends on the shape alone; a block's
 * sums are made in f32 around the block's mean or the channel's, and put together in double, in order, so the
 * result does not depend on the number of threads. */
#include "engine/cpu/cpu.h"

#include "engine/cpu/map_element.h"

#include <math.h>

/* A block of ROW_VALUES or, with many channels, of ROWS_MIN pixels; the map's second reading is from cache.
 */
enum { ROW_VALUES = 16384, ROWS_MIN = 32, TOGETHER = 4, SERIAL = 32768 };

struct blocks {
    size_t channels, pixels, rows, count;
};

static struct blocks blocks_of(struct nn_shape s)
{
    struct blocks b = {.channels = (size_t)s.c, .pixels = cpu_pixels(s)};
    b.rows = ROW_VALUES / b.channels > ROWS_MIN ? ROW_VALUES / b.channels : ROWS_MIN;
    b.count = (b.pixels + b.rows - 1) / b.rows;
    return b;
}

static size_t rows_in(const struct blocks *b, size_t block)
{
    size_t left = b->pixels - block * b->rows;
    return left < b->rows ? left : b->rows;
}

/* sums[c] = sum over rows of x; then squares[c] = sum of (x - sums[c]/rows)^2. */
MAP_INLINE void block_moments(const void *x, enum nn_type type, size_t first, size_t rows, size_t channels,
                              float *restrict sums, float *restrict squares)
{
    for (size_t c = 0; c < channels; c++) sums[c] = squares[c] = 0;
    size_t r = 0;
    for (; r + TOGETHER <= rows; r += TOGETHER)
        for (size_t c = 0, i = first + r * channels; c < channels; c++, i++)
            sums[c] += (map_load(x, type, i) + map_load(x, type, i + channels)) +
                       (map_load(x, type, i + 2 * channels) + map_load(x, type, i + 3 * channels));
    for (; r < rows; r++)
        for (size_t c = 0; c < channels; c++) sums[c] += map_load(x, type, first + r * channels + c);
    float part = 1.0f / (float)rows;
    for (r = 0; r + TOGETHER <= rows; r += TOGETHER)
        for (size_t c = 0, i = first + r * channels; c < channels; c++, i++) {
            float mean = part * sums[c], a = map_load(x, type, i) - mean;
            float b = map_load(x, type, i + channels) - mean, d = map_load(x, type, i + 2 * channels) - mean;
            float e = map_load(x, type, i + 3 * channels) - mean;
            squares[c] += (a * a + b * b) + (d * d + e * e);
        }
    for (; r < rows; r++)
        for (size_t c = 0; c < channels; c++) {
            float a = map_load(x, type, first + r * channels + c) - part * sums[c];
            squares[c] += a * a;
        }
}

/* Chan, Golub and LeVeque: the squares around the whole mean are those around the blocks' means and the
 * distances of these. */
static void join_moments(const struct blocks *b, const float *parts, float *out)
{
    for (size_t c = 0; c < b->channels; c++) {
        double sum = 0, squares = 0;
        for (size_t k = 0; k < b->count; k++) sum += (double)parts[2 * k * b->channels + c];
        double mean = sum / (double)b->pixels;
        for (size_t k = 0; k < b->count; k++) {
            double rows = (double)rows_in(b, k);
            double from_mean = (double)parts[2 * k * b->channels + c] / rows - mean;
            squares += (double)parts[(2 * k + 1) * b->channels + c] + rows * from_mean * from_mean;
        }
        out[c] = (float)mean;
        out[b->channels + c] = (float)(squares / (double)b->pixels);
    }
}

nn_status cpu_moments(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                      struct nn_error *err)
{
    struct blocks b = blocks_of(x->shape);
    float *parts = cpu_scratch(&cpu_of(be)->partial, 2 * b.count * b.channels * sizeof *parts, err);
    if (!parts) return NN_ERR_MEMORY;
#pragma omp parallel for schedule(dynamic, 4) if (b.pixels * b.channels > SERIAL)
    for (size_t k = 0; k < b.count; k++) {
        float *sums = parts + 2 * k * b.channels, *squares = sums + b.channels;
        size_t first = k * b.rows * b.channels, rows = rows_in(&b, k);
        if (x->type == NN_BF16)
            block_moments(x->data, NN_BF16, first, rows, b.channels, sums, squares);
        else
            block_moments(x->data, NN_F32, first, rows, b.channels, sums, squares);
    }
    join_moments(&b, parts, out->data);
    return NN_OK;
}

/* y = leaky_relu(factor (x - mean) + beta) */
MAP_INLINE void block_norm(const void *x, void *y, enum nn_type type, size_t first, size_t rows,
                           size_t channels, const float *restrict mean, const float *restrict factor,
                           const float *restrict beta, float slope)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0, i = first + r * channels; c < channels; c++, i++) {
            float value = factor[c] * (map_load(x, type, i) - mean[c]) + beta[c];
            map_store(y, type, i, value > 0 ? value : slope * value);
        }
}

static float root_of(const struct nn_norm *norm, size_t channels, size_t c)
{
    return 1.0f / sqrtf(((const float *)norm->moments->data)[channels + c] + norm->epsilon);
}

nn_status cpu_batch_norm(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                         const struct nn_tensor *beta, float slope, struct nn_tensor *y, struct nn_error *err)
{
    struct blocks b = blocks_of(x->shape);
    const float *mean = norm->moments->data, *gamma = norm->gamma->data;
    float *factor = cpu_scratch(&cpu_of(be)->partial, b.channels * sizeof *factor, err);
    if (!factor) return NN_ERR_MEMORY;
    for (size_t c = 0; c < b.channels; c++) factor[c] = gamma[c] * root_of(norm, b.channels, c);
#pragma omp parallel for schedule(dynamic, 4) if (b.pixels * b.channels > SERIAL)
    for (size_t k = 0; k < b.count; k++) {
        size_t first = k * b.rows * b.channels, rows = rows_in(&b, k);
        if (x->type == NN_BF16)
            block_norm(x->data, y->data, NN_BF16, first, rows, b.channels, mean, factor, beta->data, slope);
        else
            block_norm(x->data, y->data, NN_F32, first, rows, b.channels, mean, factor, beta->data, slope);
    }
    return NN_OK;
}

/* sums[c] = sum over rows of g, products[c] = sum of g (x - mean). */
MAP_INLINE void block_sums(const void *x, const void *g, enum nn_type type, size_t first, size_t rows,
                           size_t channels, const float *restrict mean, float *restrict sums,
                           float *restrict products)
{
    for (size_t c = 0; c < channels; c++) sums[c] = products[c] = 0;
    size_t r = 0;
    for (; r + 2 <= rows; r += 2)
        for (size_t c = 0, i = first + r * channels; c < channels; c++, i++) {
            float a = map_load(g, type, i), d = map_load(g, type, i + channels);
            sums[c] += a + d;
            products[c] +=
                a * (map_load(x, type, i) - mean[c]) + d * (map_load(x, type, i + channels) - mean[c]);
        }
    for (; r < rows; r++)
        for (size_t c = 0, i = first + r * channels; c < channels; c++, i++) {
            float a = map_load(g, type, i);
            sums[c] += a;
            products[c] += a * (map_load(x, type, i) - mean[c]);
        }
}

nn_status cpu_batch_norm_sums(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                              const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err)
{
    struct blocks b = blocks_of(x->shape);
    const float *mean = norm->moments->data;
    float *parts = cpu_scratch(&cpu_of(be)->partial, 2 * b.count * b.channels * sizeof *parts, err);
    if (!parts) return NN_ERR_MEMORY;
#pragma omp parallel for schedule(dynamic, 4) if (b.pixels * b.channels > SERIAL)
    for (size_t k = 0; k < b.count; k++) {
        float *sums = parts + 2 * k * b.channels, *products = sums + b.channels;
        size_t first = k * b.rows * b.channels, rows = rows_in(&b, k);
        if (x->type == NN_BF16)
            block_sums(x->data, g->data, NN_BF16, first, rows, b.channels, mean, sums, products);
        else
            block_sums(x->data, g->data, NN_F32, first, rows, b.channels, mean, sums, products);
    }
    float *total = out->data;
    for (size_t c = 0; c < 2 * b.channels; c++) {
        double sum = 0;
        for (size_t k = 0; k < b.count; k++) sum += (double)parts[2 * k * b.channels + c];
        total[c] = (float)(c < b.channels ? sum : sum * (double)root_of(norm, b.channels, c - b.channels));
    }
    return NN_OK;
}

/* out = factor (g - shift - slope (x - mean)) */
MAP_INLINE void block_dx(const void *x, const void *g, void *out, enum nn_type type, size_t first,
                         size_t rows, size_t channels, const float *restrict mean,
                         const float *restrict factor)
{
    const float *restrict shift = factor + channels, *restrict slope = shift + channels;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0, i = first + r * channels; c < channels; c++, i++) {
            float from_mean = map_load(x, type, i) - mean[c];
            map_store(out, type, i, factor[c] * (map_load(g, type, i) - shift[c] - slope[c] * from_mean));
        }
}

nn_status cpu_batch_norm_dx(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                            const struct nn_tensor *g, const struct nn_tensor *sums, struct nn_tensor *out,
                            struct nn_error *err)
{
    struct blocks b = blocks_of(x->shape);
    const float *mean = norm->moments->data, *gamma = norm->gamma->data, *total = sums ? sums->data : NULL;
    float *factor = cpu_scratch(&cpu_of(be)->partial, 3 * b.channels * sizeof *factor, err);
    if (!factor) return NN_ERR_MEMORY;
    for (size_t c = 0; c < b.channels; c++) {
        float root = root_of(norm, b.channels, c), count = (float)b.pixels;
        factor[c] = gamma[c] * root;
        factor[b.channels + c] = total ? total[c] / count : 0;
        factor[2 * b.channels + c] = total ? root * total[b.channels + c] / count : 0;
    }
#pragma omp parallel for schedule(dynamic, 4) if (b.pixels * b.channels > SERIAL)
    for (size_t k = 0; k < b.count; k++) {
        size_t first = k * b.rows * b.channels, rows = rows_in(&b, k);
        if (x->type == NN_BF16)
            block_dx(x->data, g->data, out->data, NN_BF16, first, rows, b.channels, mean, factor);
        else
            block_dx(x->data, g->data, out->data, NN_F32, first, rows, b.channels, mean, factor);
    }
    return NN_OK;
}
