/* Channel slices, halving and doubling of maps. */
#include "engine/cpu/cpu.h"

#include "engine/cpu/map_element.h"

#include <string.h>

nn_status cpu_channel_slice(struct nn_backend *be, const struct nn_tensor *x, int first,
                            struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    size_t size = nn_type_size(x->type), from = (size_t)x->shape.c * size, to = (size_t)out->shape.c * size;
    const char *source = (const char *)x->data + (size_t)first * size;
    size_t pixels = cpu_pixels(x->shape);
#pragma omp parallel for schedule(static) if (pixels > 16384)
    for (size_t p = 0; p < pixels; p++) memcpy((char *)out->data + p * to, source + p * from, to);
    return NN_OK;
}

nn_status cpu_concatenate(struct nn_backend *be, const struct nn_tensor *const *parts, int count,
                          struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    size_t size = nn_type_size(out->type), pixels = cpu_pixels(out->shape),
           whole = (size_t)out->shape.c * size;
#pragma omp parallel for schedule(static) if (pixels > 4096)
    for (size_t p = 0; p < pixels; p++) {
        char *to = (char *)out->data + p * whole;
        for (int k = 0; k < count; k++) {
            size_t bytes = (size_t)parts[k]->shape.c * size;
            memcpy(to, (const char *)parts[k]->data + p * bytes, bytes);
            to += bytes;
        }
    }
    return NN_OK;
}

nn_status cpu_channel_pad(struct nn_backend *be, const struct nn_tensor *x, int first, struct nn_tensor *out,
                          struct nn_error *err)
{
    (void)be, (void)err;
    size_t size = nn_type_size(x->type), from = (size_t)x->shape.c * size, to = (size_t)out->shape.c * size;
    size_t before = (size_t)first * size, pixels = cpu_pixels(x->shape);
#pragma omp parallel for schedule(static) if (pixels > 16384)
    for (size_t p = 0; p < pixels; p++) {
        char *pixel = (char *)out->data + p * to;
        memset(pixel, 0, before);
        memcpy(pixel + before, (const char *)x->data + p * from, from);
        memset(pixel + before + from, 0, to - before - from);
    }
    return NN_OK;
}

/* `type` and, where the caller knows it, `channels` are constants, for which the compiler makes a loop each.
 */
MAP_INLINE void pool_row(const void *top, const void *bottom, void *out, enum nn_type type, size_t width,
                         size_t channels)
{
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < channels; c++) {
            size_t i = 2 * x * channels + c, j = i + channels, k = x * channels + c;
            float mean = 0.25f * ((map_load(top, type, i) + map_load(top, type, j)) +
                                  (map_load(bottom, type, i) + map_load(bottom, type, j)));
            map_store(out, type, k, mean);
        }
}

nn_status cpu_avg_pool2(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err)
{
    (void)be, (void)err;
    size_t channels = (size_t)x->shape.c, width = (size_t)out->shape.w, size = nn_type_size(x->type);
    size_t row_bytes = (size_t)x->shape.w * channels * size, rows = (size_t)out->shape.n * out->shape.h;
#pragma omp parallel for schedule(dynamic, 16) if (rows * width * channels > 65536)
    for (size_t r = 0; r < rows; r++) {
        const char *top = (const char *)x->data + 2 * r * row_bytes, *bottom = top + row_bytes;
        char *to = (char *)out->data + r * width * channels * size;
        if (x->type == NN_F32 && channels == 1)
            pool_row(top, bottom, to, NN_F32, width, 1);
        else if (x->type == NN_F32)
            pool_row(top, bottom, to, NN_F32, width, channels);
        else if (channels == 1)
            pool_row(top, bottom, to, NN_BF16, width, 1);
        else
            pool_row(top, bottom, to, NN_BF16, width, channels);
    }
    return NN_OK;
}

static void double_pixels(const char *from, char *to, size_t pixels, size_t pixel_bytes)
{
    if (pixel_bytes == 2)
        for (size_t p = 0; p < pixels; p++)
            ((uint16_t *)to)[2 * p] = ((uint16_t *)to)[2 * p + 1] = ((const uint16_t *)from)[p];
    else if (pixel_bytes == 4)
        for (size_t p = 0; p < pixels; p++)
            ((uint32_t *)to)[2 * p] = ((uint32_t *)to)[2 * p + 1] = ((const uint32_t *)from)[p];
    else
        for (size_t p = 0; p < pixels; p++, from += pixel_bytes, to += 2 * pixel_bytes) {
            memcpy(to, from, pixel_bytes);
            memcpy(to + pixel_bytes, from, pixel_bytes);
        }
}

nn_status cpu_upsample2(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err)
{
    (void)be, (void)err;
    size_t pixel_bytes = (size_t)x->shape.c * nn_type_size(x->type), width = (size_t)x->shape.w;
    size_t rows = (size_t)x->shape.n * x->shape.h;
#pragma omp parallel for schedule(dynamic, 16) if (rows * width * pixel_bytes > 65536)
    for (size_t r = 0; r < rows; r++) {
        char *to = (char *)out->data + r * 4 * width * pixel_bytes;
        double_pixels((const char *)x->data + r * width * pixel_bytes, to, width, pixel_bytes);
        memcpy(to + 2 * width * pixel_bytes, to, 2 * width * pixel_bytes);
    }
    return NN_OK;
}
