#include "engine/cpu/winograd.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cpu/bf16.h"
#include "engine/cpu/cpu.h"
#include "engine/cpu/wide_finish.h"
#include "engine/cpu/winograd_rows.h"
#include "engine/gan.h"

enum {
    COMPONENTS = 16, /* of a tile: 4x4 */
    TILES_BEST = 48, /* of a block, so that all that it needs but the weights stays in the second cache */
    ROWS = 6,        /* tiles that the registers hold */
    WIDTH_MIN = 16 /* smaller maps have too few tiles for the weights, which are 16/9 of the direct form's */
};

struct winograd {
    int in, out, width, height;
    int block;         /* output channels of a panel of weights */
    int tiles;         /* of a block, in one row of tiles or in whole rows of them */
    uint16_t *weights; /* panel, component, pair of inputs, output, input of the pair */
    float *bias, slope, epsilon;
};

static size_t weight_count(const struct winograd *w)
{
    return (size_t)w->in * (size_t)w->out * COMPONENTS;
}

/* ---- preparing ------------------------------------------------------------------------------- */

bool winograd_fits(const struct nn_stage *s, enum nn_type type)
{
    return WINOGRAD_FAST && type == NN_BF16 && s->geometry.kernel == 3 && !s->doubled && !s->transposed &&
           s->weight.shape.c % GROUP == 0 && s->weight.shape.n % GROUP == 0 && s->shape.w >= WIDTH_MIN &&
           s->shape.w % 2 == 0 && s->shape.h % 2 == 0;
}

/* The rows G of three taps. */
static void spread(const float *g, int step, float *to, int to_step)
{
    float ends = g[0] + g[2 * step], middle = g[step];
    to[0] = g[0];
    to[to_step] = 0.5f * (ends + middle);
    to[2 * to_step] = 0.5f * (ends - middle);
    to[3 * to_step] = g[2 * step];
}

static void transform_weights(struct winograd *w, const struct nn_stage *s)
{
    size_t in = (size_t)w->in, out = (size_t)w->out, block = (size_t)w->block;
    const float *taps = s->weight.data;
#pragma omp parallel for
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++) {
            float g[9], half[12], u[COMPONENTS];
            for (size_t t = 0; t < 9; t++) g[t] = s->geometry.scale * taps[(o * 9 + t) * in + i];
            for (int x = 0; x < 3; x++) spread(g + x, 3, half + x, 3);
            for (int y = 0; y < 4; y++) spread(half + 3 * y, 1, u + 4 * y, 1);
            size_t k = halves_place(i);
            for (size_t c = 0; c < COMPONENTS; c++)
                w->weights[(((o / block * COMPONENTS + c) * in / 2 + k / 2) * block + o % block) * 2 +
                           k % 2] = bf16_from_float(u[c]);
        }
}

nn_status winograd_new(struct winograd **layer, const struct nn_stage *s, struct nn_error *err)
{
    struct winograd *w = calloc(1, sizeof *w);
    if (!w) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a convolution");
    *w = (struct winograd){.in = s->weight.shape.c,
                           .out = s->weight.shape.n,
                           .width = s->shape.w,
                           .height = s->shape.h,
                           .block = s->weight.shape.n % PANEL_WIDEST ? PANEL_WIDEST / 2 : PANEL_WIDEST,
                           .slope = s->slope,
                           .epsilon = s->epsilon};
    int across = w->width / 2;
    w->tiles = TILES_BEST;
    if (w->tiles > across) w->tiles -= w->tiles % across;
    w->weights = aligned_alloc(64, weight_count(w) * sizeof *w->weights);
    w->bias = aligned_alloc(64, ((size_t)w->out * sizeof *w->bias + 63) / 64 * 64);
    if (!w->weights || !w->bias) {
        winograd_free(w);
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for a convolution's weights");
    }
    memcpy(w->bias, s->bias.data, (size_t)w->out * sizeof *w->bias);
    transform_weights(w, s);
    *layer = w;
    return NN_OK;
}

void winograd_free(struct winograd *w)
{
    if (!w) return;
    free(w->weights);
    free(w->bias);
    free(w);
}

size_t winograd_bytes(const struct winograd *w)
{
    return weight_count(w) * sizeof *w->weights;
}

/* Tiles with those that fill up the last rows of registers. */
static size_t rows_held(const struct winograd *w)
{
    return (size_t)((w->tiles + ROWS - 1) / ROWS * ROWS);
}

static size_t inputs_bytes(const struct winograd *w)
{
    return COMPONENTS * rows_held(w) * (size_t)w->in * sizeof(uint16_t);
}

size_t winograd_scratch_bytes(const struct winograd *w)
{
    return inputs_bytes(w) + COMPONENTS * rows_held(w) * (size_t)w->block * sizeof(float) + 4096;
}

/* ---- running --------------------------------------------------------------------------------- */

/* Four neighbours to four components, which lie `step` apart. */
LANES_INLINE void transform(const struct halves *d, struct halves *t, int step)
{
    t[0] = halves_difference(d[0], d[2]);
    t[step] = halves_sum(d[1], d[2]);
    t[2 * step] = halves_difference(d[2], d[1]);
    t[3 * step] = halves_difference(d[1], d[3]);
}

/* Where the four rows of a row of tiles lie; outside of the image a row is one pixel of zeros. */
struct source {
    const uint16_t *row[4];
    size_t pixel[4]; /* elements from one pixel to the next */
};

LANES_INLINE void transform_column(const struct source *s, int x, int width, size_t channel,
                                   struct halves *to)
{
    struct halves d[4];
    if (x < 0 || x >= width) {
        for (int y = 0; y < 4; y++) to[4 * y] = (struct halves){0};
        return;
    }
    for (int y = 0; y < 4; y++) d[y] = halves_load(s->row[y] + (size_t)x * s->pixel[y] + channel);
    transform(d, to, 4);
}

/* `count` tiles of one row of tiles from tile x on, to the rows of `to`; `plane` elements lie between two
 * components. */
static void transform_inputs(const struct winograd *w, const uint16_t *from, int tile_y, int tile_x,
                             int count, uint16_t *to, size_t plane)
{
    static const uint16_t zeros[NN_FMAP_MAX];
    size_t in = (size_t)w->in;
    struct source s;
    for (int r = 0; r < 4; r++) {
        int y = 2 * tile_y - 1 + r;
        bool inside = y >= 0 && y < w->height;
        s.row[r] = inside ? from + (size_t)y * (size_t)w->width * in : zeros;
        s.pixel[r] = inside ? in : 0;
    }
    for (size_t group = 0; group < in; group += GROUP) {
        struct halves v[16]; /* component of the column, column */
        transform_column(&s, 2 * tile_x - 1, w->width, group, v);
        transform_column(&s, 2 * tile_x, w->width, group, v + 1);
        for (int t = 0; t < count; t++) {
            int x = 2 * (tile_x + t) + 1;
            transform_column(&s, x, w->width, group, v + 2);
            transform_column(&s, x + 1, w->width, group, v + 3);
            uint16_t *at = to + (size_t)t * in + group;
            for (size_t y = 0; y < 4; y++) {
                struct halves c[4];
                transform(v + 4 * y, c, 1);
                for (size_t k = 0; k < 4; k++) halves_store(at + (4 * y + k) * plane, c[k]);
                v[4 * y] = v[4 * y + 2];
                v[4 * y + 1] = v[4 * y + 3];
            }
        }
    }
}

static void multiply_all(const struct winograd *w, const uint16_t *inputs, const uint16_t *panels, int tiles,
                         float *products)
{
    size_t in = (size_t)w->in, block = (size_t)w->block, rows = rows_held(w);
    for (size_t c = 0; c < COMPONENTS; c++)
        for (size_t t = 0; t < (size_t)tiles; t += ROWS) {
            const uint16_t *from = inputs + (c * rows + t) * in, *panel = panels + c * in * block;
            float *to = products + (c * rows + t) * block;
            if (block == PANEL_WIDEST)
                panel_multiply(from, in, in, panel, ROWS, 4, to);
            else
                panel_multiply(from, in, in, panel, ROWS, 2, to);
        }
}

/* One tile's four pixels of sixteen channels: the map's at `to`, `row` elements from one row to the next. */
LANES_INLINE void finish_tile(const float *products, size_t plane, lanes bias, lanes slope, uint16_t *to,
                              size_t pixel, size_t row)
{
    lanes upper[4], lower[4];
#pragma GCC unroll 4
    for (size_t x = 0; x < 4; x++) {
        lanes m0 = lanes_load(products + x * plane), m1 = lanes_load(products + (4 + x) * plane),
              m2 = lanes_load(products + (8 + x) * plane), m3 = lanes_load(products + (12 + x) * plane);
        upper[x] = m0 + m1 + m2;
        lower[x] = m1 - m2 - m3;
    }
    lanes_to_bf16(to, lanes_leaky(upper[0] + upper[1] + upper[2] + bias, slope));
    lanes_to_bf16(to + pixel, lanes_leaky(upper[1] - upper[2] - upper[3] + bias, slope));
    lanes_to_bf16(to + row, lanes_leaky(lower[0] + lower[1] + lower[2] + bias, slope));
    lanes_to_bf16(to + row + pixel, lanes_leaky(lower[1] - lower[2] - lower[3] + bias, slope));
}

/* Tiles of the block whose tile 0 is at (tile_y, tile_x), of the channels from `first` on. */
static void finish_tiles(const struct winograd *w, const float *products, int tile_y, int tile_x, int tiles,
                         size_t first, uint16_t *to)
{
    size_t block = (size_t)w->block, plane = rows_held(w) * block, pixel = (size_t)w->out,
           row = pixel * (size_t)w->width;
    int across = w->width / 2;
    lanes slope = lanes_all(w->slope);
    for (int t = 0; t < tiles; t++) {
        int x = (tile_x + t) % across, y = tile_y + (tile_x + t) / across;
        uint16_t *at = to + (size_t)(2 * y) * row + (size_t)(2 * x) * pixel + first;
        for (size_t v = 0; v < block; v += LANES)
            finish_tile(products + (size_t)t * block + v, plane, lanes_load(w->bias + first + v), slope,
                        at + v, pixel, row);
    }
}

/* The tiles from `tile_x` on of the row of tiles `tile_y` and what follows it. */
static void run_block(const struct winograd *w, const uint16_t *from, uint16_t *to, void *scratch, int tile_y,
                      int tile_x, int tiles)
{
    uint16_t *inputs = scratch;
    float *products = (float *)((char *)scratch + inputs_bytes(w));
    size_t in = (size_t)w->in, rows = rows_held(w);
    int across = w->width / 2;
    for (int t = 0; t < tiles; t += across) {
        int count = tiles - t < across ? tiles - t : across;
        transform_inputs(w, from, tile_y + t / across, tile_x, count, inputs + (size_t)t * in, rows * in);
    }
    for (size_t first = 0; first < (size_t)w->out; first += (size_t)w->block) {
        multiply_all(w, inputs, w->weights + first * COMPONENTS * in, tiles, products);
        finish_tiles(w, products, tile_y, tile_x, tiles, first, to);
    }
    bool whole = tiles >= across;
    size_t row = (size_t)w->width * (size_t)w->out;
    for (int r = 0; r < (whole ? 1 : 2); r++)
        wide_normalise(to + (size_t)(2 * tile_y + r) * row + (size_t)(2 * tile_x) * (size_t)w->out,
                       (size_t)(whole ? 4 : 2) * (size_t)tiles, w->out, w->epsilon);
}

void winograd_run(const struct winograd *w, const uint16_t *from, uint16_t *to, void *scratch, int threads)
{
    int across = w->width / 2, down = w->height / 2;
    int columns = (across + w->tiles - 1) / w->tiles, lines = w->tiles > across ? w->tiles / across : 1;
    int blocks = columns * ((down + lines - 1) / lines);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int b = 0; b < blocks; b++) {
        int y = b / columns * lines, x = across * (b % columns) / columns,
            end = across * (b % columns + 1) / columns;
        int rows = down - y < lines ? down - y : lines;
        run_block(w, from, to, (char *)scratch + (size_t)omp_get_thread_num() * winograd_scratch_bytes(w), y,
                  x, rows > 1 ? rows * across : end - x);
    }
}
