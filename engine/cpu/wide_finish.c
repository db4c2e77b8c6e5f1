#include "engine/cpu/wide_finish.h"

#include <math.h>

#include "engine/cpu/bf16.h"
#include "engine/cpu/cpu.h"
#include "engine/cpu/lanes.h"
#include "engine/gan.h"

enum { SERIAL_ELEMENTS = 32768, RUN = 64 /* pixels */, PIXELS = 4, VECTORS_HELD = NN_FMAP_MAX / LANES };

LANES_INLINE lanes load(const void *from, int i, bool narrow)
{
    return narrow ? lanes_from_bf16((const uint16_t *)from + i) : lanes_load((const float *)from + i);
}

LANES_INLINE void store(void *to, int i, lanes v, bool narrow)
{
    if (narrow)
        lanes_to_bf16((uint16_t *)to + i, v);
    else
        lanes_store((float *)to + i, v);
}

/* `pixels` pixels of `vectors` vectors of channels, whose sums of squares overlap in time. */
LANES_INLINE void finish_pixels(void *map, int pixels, int vectors, const float *bias, lanes slope,
                                float epsilon, bool narrow)
{
    lanes values[PIXELS][VECTORS_HELD], squares[PIXELS];
    const int channels = vectors * LANES;
    for (int i = 0; i < pixels; i++) squares[i] = (lanes){0};
    for (int v = 0; v < vectors; v++) {
        lanes offset = bias ? lanes_load(bias + v * LANES) : (lanes){0};
#pragma GCC unroll 4
        for (int i = 0; i < pixels; i++) {
            lanes x = load(map, i * channels + v * LANES, narrow);
            if (bias) x = lanes_leaky(x + offset, slope);
            squares[i] = lanes_multiply_add(x, x, squares[i]);
            values[i][v] = x;
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < pixels; i++) {
        lanes mean = lanes_group_sum(squares[i], LANES) * (1.0f / (float)channels);
        squares[i] = lanes_inverse_root(mean + epsilon);
    }
    for (int v = 0; v < vectors; v++)
#pragma GCC unroll 4
        for (int i = 0; i < pixels; i++)
            store(map, i * channels + v * LANES, values[i][v] * squares[i], narrow);
}

/* A run of pixels of a multiple of sixteen channels. */
LANES_INLINE void finish_run(void *map, size_t pixels, int channels, const float *bias, lanes slope,
                             float epsilon, bool narrow)
{
    size_t pixel_bytes = (size_t)channels * (narrow ? sizeof(uint16_t) : sizeof(float)), i = 0;
    int vectors = channels / LANES;
    if (vectors == 2)
        for (; i + PIXELS <= pixels; i += PIXELS)
            finish_pixels((char *)map + i * pixel_bytes, PIXELS, 2, bias, slope, epsilon, narrow);
    else if (vectors == 4)
        for (; i + PIXELS <= pixels; i += PIXELS)
            finish_pixels((char *)map + i * pixel_bytes, PIXELS, 4, bias, slope, epsilon, narrow);
    for (; i < pixels; i++)
        finish_pixels((char *)map + i * pixel_bytes, 1, vectors, bias, slope, epsilon, narrow);
}

static float element(const struct nn_tensor *map, size_t i)
{
    return map->type == NN_BF16 ? bf16_to_float(((const uint16_t *)map->data)[i]) : ((float *)map->data)[i];
}

static void set_element(struct nn_tensor *map, size_t i, float value)
{
    if (map->type == NN_BF16)
        ((uint16_t *)map->data)[i] = bf16_from_float(value);
    else
        ((float *)map->data)[i] = value;
}

static void finish_odd_pixel(struct nn_tensor *map, size_t first, const float *bias, float slope,
                             float epsilon)
{
    float sum = 0;
    size_t channels = (size_t)map->shape.c;
    for (size_t c = 0; c < channels; c++) {
        float v = element(map, first + c) + (bias ? bias[c] : 0);
        if (bias) set_element(map, first + c, v > 0 ? v : slope * v);
        v = element(map, first + c);
        sum += v * v;
    }
    float factor = 1.0f / sqrtf(sum / (float)channels + epsilon);
    for (size_t c = 0; c < channels; c++) set_element(map, first + c, element(map, first + c) * factor);
}

void wide_finish(struct nn_tensor *map, const float *bias, float slope, float epsilon)
{
    size_t pixels = cpu_pixels(map->shape), channels = (size_t)map->shape.c,
           pixel_bytes = channels * nn_type_size(map->type);
    lanes slopes = lanes_all(slope);
#pragma omp parallel for if (pixels * channels > SERIAL_ELEMENTS)
    for (size_t first = 0; first < pixels; first += RUN) {
        size_t count = pixels - first < RUN ? pixels - first : RUN;
        void *at = (char *)map->data + first * pixel_bytes;
        if (channels % LANES)
            for (size_t i = 0; i < count; i++)
                finish_odd_pixel(map, (first + i) * channels, bias, slope, epsilon);
        else if (map->type == NN_BF16)
            finish_run(at, count, (int)channels, bias, slopes, epsilon, true);
        else
            finish_run(at, count, (int)channels, bias, slopes, epsilon, false);
    }
}

void wide_normalise(uint16_t *pixels, size_t count, int channels, float epsilon)
{
    finish_run(pixels, count, channels, NULL, lanes_all(1), epsilon, true);
}

static void to_planes_row(const struct nn_tensor *map, bool narrow, size_t y, planar_unit *to)
{
    size_t width = (size_t)map->shape.w, channels = (size_t)map->shape.c, pitch = planar_pitch(map->shape.w),
           planes = (size_t)planar_planes(map->shape.c, narrow);
    if (narrow == (map->type == NN_BF16)) { /* the units are as they lie */
        const planar_unit *from = (const planar_unit *)map->data + y * width * planes;
        for (size_t x = 0; x < width; x++)
            for (size_t p = 0; p < planes; p++) to[p * pitch + x] = from[x * planes + p];
    } else { /* f32 planes of a bf16 map */
        const uint16_t *from = (const uint16_t *)map->data + y * width * channels;
        for (size_t x = 0; x < width; x++)
            for (size_t p = 0; p < planes; p++) to[p * pitch + x] = bf16_to_float(from[x * channels + p]);
    }
}

void wide_to_planes(const struct nn_tensor *map, bool narrow, planar_unit *planes)
{
    size_t row = (size_t)planar_planes(map->shape.c, narrow) * planar_pitch(map->shape.w);
#pragma omp parallel for if (nn_count(map->shape) > SERIAL_ELEMENTS)
    for (int y = 0; y < map->shape.h; y++)
        to_planes_row(map, narrow, (size_t)y, planes + (size_t)y * row + PLANAR_MARGIN);
}
