/* Pooling by windows. A thread takes rows of the result; in a row the channels are the inner loop, in strips
 * whose sums stay in registers. The adjoints gather: each pixel asks the windows that it is in. */
#include "engine/cpu/cpu.h"

#include "engine/cpu/lanes.h"

enum { VECTORS = 4, SERIAL = 32768 };

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
    int kernel;
    float factor;
};

/* `width` values from element i on, up to a vector of them; the other lanes are 0. */
LANES_INLINE lanes load(const void *data, enum nn_type type, size_t i, size_t width)
{
    uint16_t half[LANES] = {0};
    lanes whole = {0};
    if (type == NN_BF16) {
        memcpy(half, (const uint16_t *)data + i, width * sizeof *half);
        return lanes_from_bf16(half);
    }
    memcpy(&whole, (const float *)data + i, width * sizeof(float));
    return whole;
}

LANES_INLINE void store(void *data, enum nn_type type, size_t i, size_t width, lanes v)
{
    uint16_t half[LANES];
    if (type == NN_BF16) {
        lanes_to_bf16(half, v);
        memcpy((uint16_t *)data + i, half, width * sizeof *half);
    } else
        memcpy((float *)data + i, &v, width * sizeof(float));
}

typedef uint8_t lane_bytes __attribute__((vector_size(LANES)));

LANES_INLINE lane_index load_places(const uint8_t *places, size_t width)
{
    lane_bytes bytes = {0};
    memcpy(&bytes, places, width);
    return __builtin_convertvector(bytes, lane_index);
}

LANES_INLINE void store_places(uint8_t *places, size_t width, lane_index v)
{
    lane_bytes bytes = __builtin_convertvector(v, lane_bytes);
    memcpy(places, &bytes, width);
}

/* All but the pointers are constants where it matters: the sums of a whole strip are then registers. `width`
 * is that of the strip's vectors. */
LANES_INLINE void one_strip(enum purpose purpose, enum nn_type type, const struct strip *s, int vectors,
                            size_t width, const struct reach *rows, const struct reach *columns)
{
    lanes value[VECTORS];
    lane_index place[VECTORS];
    bool largest = purpose == LARGEST || purpose == PLACE_OF_LARGEST;
    for (int v = 0; v < vectors; v++) {
        value[v] = lanes_all(largest ? -__builtin_inff() : 0);
        place[v] = (lane_index){0} + (rows->tap[0] * s->kernel + columns->tap[0]);
    }
    for (int y = 0; y < rows->count; y++)
        for (int x = 0; x < columns->count; x++) {
            size_t first = (size_t)rows->at[y] * s->row + (size_t)columns->at[x] * s->pixel;
            lane_index tap = (lane_index){0} + (rows->tap[y] * s->kernel + columns->tap[x]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                size_t i = first + (size_t)v * LANES;
                lanes from = load(s->from, type, i, width);
                lane_index larger = from > value[v];
                if (purpose == PLACE_OF_LARGEST) place[v] = (larger & tap) | (~larger & place[v]);
                if (largest)
                    value[v] = (lanes)((larger & (lane_index)from) | (~larger & (lane_index)value[v]));
                else if (purpose == SUM_OF_PLACED)
                    value[v] += (lanes)((load_places(s->placed + i, width) == tap) & (lane_index)from);
                else
                    value[v] += from;
            }
        }
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
        if (purpose == PLACE_OF_LARGEST)
            store_places((uint8_t *)s->out + v * LANES, width, place[v]);
        else
            store(s->out, type, (size_t)v * LANES, width, s->factor * value[v]);
}

LANES_INLINE void typed_strip(enum purpose purpose, enum nn_type type, const struct strip *s, size_t width,
                              const struct reach *rows, const struct reach *columns)
{
    if (width == VECTORS * LANES)
        one_strip(purpose, type, s, VECTORS, LANES, rows, columns);
    else if (width == LANES)
        one_strip(purpose, type, s, 1, LANES, rows, columns);
    else
        one_strip(purpose, type, s, 1, width, rows, columns);
}

static void any_strip(enum purpose purpose, enum nn_type type, const struct strip *s, size_t width,
                      const struct reach *rows, const struct reach *columns)
{
#define CASE(p)                                                                                              \
    case p:                                                                                                  \
        if (type == NN_BF16)                                                                                 \
            typed_strip(p, NN_BF16, s, width, rows, columns);                                                \
        else                                                                                                 \
            typed_strip(p, NN_F32, s, width, rows, columns);                                                 \
        break
    switch (purpose) {
        CASE(LARGEST);
        CASE(PLACE_OF_LARGEST);
        CASE(SUM);
        CASE(SUM_OF_PLACED);
    }
#undef CASE
}

/* Strips are whole, then single vectors, then what is left. */
static size_t strip_width(size_t channels_left)
{
    size_t whole = (size_t)VECTORS * LANES;
    return channels_left >= whole ? whole : channels_left >= LANES ? LANES : channels_left;
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
            for (size_t c = 0, width; c < channels; c += width) {
                struct strip s = {.from = (const char *)from->data + (first + c) * nn_type_size(from->type),
                                  .out = (char *)out + (to + c) * size,
                                  .placed = places ? places + first + c : NULL,
                                  .row = (size_t)from->shape.w * channels,
                                  .pixel = channels,
                                  .kernel = w->kernel,
                                  .factor = factor};
                width = strip_width(channels - c);
                any_strip(purpose, from->type, &s, width, &tall, &wide);
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
