/* Pooling by windows. A thread takes rows of the result; in a row the channels are the inner loop, in strips
 * whose sums stay in registers or near them. The adjoints gather: each pixel asks the windows that it is in.
 */
#include "engine/cpu/cpu.h"

#include "engine/cpu/map_element.h"

enum { STRIP = 64, SERIAL = 32768 };

/* The taps of a window of x, or the windows of y that a pixel is in, along one direction. */
struct reach {
    int at[NN_WINDOW_KERNEL_MAX], tap[NN_WINDOW_KERNEL_MAX], count;
};

static struct reach taps_of(const struct nn_window *w, int out, int extent)
{
    struct reach r = {.count = 0};
    for (int k = 0; k < w->kernel; k++) {
        int at = out * w->stride - w->pad + k;
        if (at < 0 || at >= extent) continue;
        r.at[r.count] = at;
        r.tap[r.count++] = k;
    }
    return r;
}

static struct reach windows_of(const struct nn_window *w, int in, int extent)
{
    struct reach r = {.count = 0};
    for (int k = 0; k < w->kernel; k++) {
        int from = in + w->pad - k, at = from / w->stride;
        if (from < 0 || from % w->stride || at >= extent) continue;
        r.at[r.count] = at;
        r.tap[r.count++] = k;
    }
    return r;
}

enum purpose { LARGEST, PLACE_OF_LARGEST, SUM, SUM_OF_PLACED };

/* One strip of one pixel of the result. `places` are the taps of the windows' largest pixels: made for one
 * window by PLACE_OF_LARGEST, looked up by SUM_OF_PLACED. */
struct strip {
    const void *from;
    void *out; /* the result's pixel, or places */
    const uint8_t *placed;
    size_t row, pixel; /* from one row of `from` to the next, and from one pixel to the next */
    size_t width;
    int kernel;
    float factor;
};

/* All but the pointers are constants where it matters: the sums of a whole strip are then registers. */
MAP_INLINE void one_strip(enum purpose purpose, enum nn_type type, const struct strip *s, size_t width,
                          const struct reach *rows, const struct reach *columns)
{
    float value[STRIP];
    uint8_t place[STRIP];
    bool largest = purpose == LARGEST || purpose == PLACE_OF_LARGEST;
    for (size_t c = 0; c < width; c++) value[c] = largest ? -__builtin_inff() : 0;
    for (size_t c = 0; c < width; c++) place[c] = 255;
    for (int y = 0; y < rows->count; y++)
        for (int x = 0; x < columns->count; x++) {
            size_t first = (size_t)rows->at[y] * s->row + (size_t)columns->at[x] * s->pixel;
            uint8_t tap = (uint8_t)(rows->tap[y] * s->kernel + columns->tap[x]);
            for (size_t c = 0; c < width; c++) {
                float v = map_load(s->from, type, first + c);
                if (purpose == LARGEST)
                    value[c] = v > value[c] ? v : value[c];
                else if (purpose == SUM)
                    value[c] += v;
                else if (purpose == SUM_OF_PLACED)
                    value[c] += s->placed[first + c] == tap ? v : 0;
                else {
                    place[c] = v > value[c] || place[c] == 255 ? tap : place[c];
                    value[c] = v > value[c] ? v : value[c];
                }
            }
        }
    for (size_t c = 0; c < width; c++)
        if (purpose == PLACE_OF_LARGEST)
            ((uint8_t *)s->out)[c] = place[c];
        else
            map_store(s->out, type, c, s->factor * value[c]);
}

MAP_INLINE void typed_strip(enum purpose purpose, enum nn_type type, const struct strip *s,
                            const struct reach *rows, const struct reach *columns)
{
    if (s->width == STRIP)
        one_strip(purpose, type, s, STRIP, rows, columns);
    else
        one_strip(purpose, type, s, s->width, rows, columns);
}

static void any_strip(enum purpose purpose, enum nn_type type, const struct strip *s,
                      const struct reach *rows, const struct reach *columns)
{
#define CASE(p)                                                                                              \
    case p:                                                                                                  \
        if (type == NN_BF16)                                                                                 \
            typed_strip(p, NN_BF16, s, rows, columns);                                                       \
        else                                                                                                 \
            typed_strip(p, NN_F32, s, rows, columns);                                                        \
        break
    switch (purpose) {
        CASE(LARGEST);
        CASE(PLACE_OF_LARGEST);
        CASE(SUM);
        CASE(SUM_OF_PLACED);
    }
#undef CASE
}

/* Every element of `out`, of `out_shape`, from what it reaches in `from`. `places`: in for SUM_OF_PLACED, in
 * place of out for PLACE_OF_LARGEST. */
static void pool(enum purpose purpose, bool adjoint, const struct nn_window *w, const struct nn_tensor *from,
                 struct nn_shape out_shape, void *out, uint8_t *places)
{
    size_t channels = (size_t)out_shape.c, size = purpose == PLACE_OF_LARGEST ? 1 : nn_type_size(from->type);
    size_t rows = (size_t)out_shape.n * (size_t)out_shape.h,
           image = nn_count(from->shape) / (size_t)out_shape.n;
    bool sum = purpose == SUM;
    float factor = sum ? 1.0f / (float)(w->kernel * w->kernel) : 1;
#pragma omp parallel for schedule(dynamic, 4) if (nn_count(out_shape) > SERIAL)
    for (size_t r = 0; r < rows; r++) {
        int y = (int)(r % (size_t)out_shape.h);
        size_t first = r / (size_t)out_shape.h * image;
        struct reach tall = adjoint ? windows_of(w, y, from->shape.h) : taps_of(w, y, from->shape.h);
        for (int x = 0; x < out_shape.w; x++) {
            struct reach wide = adjoint ? windows_of(w, x, from->shape.w) : taps_of(w, x, from->shape.w);
            size_t to = (r * (size_t)out_shape.w + (size_t)x) * channels;
            for (size_t c = 0; c < channels; c += STRIP) {
                struct strip s = {.from = (const char *)from->data + (first + c) * nn_type_size(from->type),
                                  .out = (char *)out + (to + c) * size,
                                  .placed = places ? places + first + c : NULL,
                                  .row = (size_t)from->shape.w * channels,
                                  .pixel = channels,
                                  .width = channels - c < STRIP ? channels - c : STRIP,
                                  .kernel = w->kernel,
                                  .factor = factor};
                any_strip(purpose, from->type, &s, &tall, &wide);
            }
        }
    }
}

nn_status cpu_max_pool(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                       struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    pool(LARGEST, false, window, x, out->shape, out->data, NULL);
    return NN_OK;
}

nn_status cpu_max_pool_dx(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                          const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err)
{
    uint8_t *places = cpu_scratch(&cpu_of(be)->partial, nn_count(g->shape), err);
    if (!places) return NN_ERR_MEMORY;
    pool(PLACE_OF_LARGEST, false, window, x, g->shape, places, NULL);
    pool(SUM_OF_PLACED, true, window, g, out->shape, out->data, places);
    return NN_OK;
}

nn_status cpu_avg_pool(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                       struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    pool(SUM, false, window, x, out->shape, out->data, NULL);
    return NN_OK;
}

nn_status cpu_avg_pool_dx(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *g,
                          struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    pool(SUM, true, window, g, out->shape, out->data, NULL);
    return NN_OK;
}
