/* Winograd's form of a 3x3 convolution, F(2x2,3x3): winograd.h. */
#include "engine/cpu/winograd_form.h"
#include "engine/cpu/winograd_rows.h"
#include "engine/gan.h"

/* ---- weights --------------------------------------------------------------------------------- */

/* Three taps to four components. */
static void spread_taps(const float *g, int step, float *to, int to_step)
{
    float ends = g[0] + g[2 * step], middle = g[step];
    to[0] = g[0];
    to[to_step] = 0.5f * (ends + middle);
    to[2 * to_step] = 0.5f * (ends - middle);
    to[3 * to_step] = g[2 * step];
}

static void spread(const struct nn_stage *s, size_t o, size_t i, int phase, float *to)
{
    (void)phase;
    size_t in = (size_t)s->weight.shape.c;
    const float *taps = (const float *)s->weight.data + o * 9 * in + i;
    float g[9], half[12];
    for (size_t t = 0; t < 9; t++) g[t] = s->geometry.scale * taps[t * in];
    for (int x = 0; x < 3; x++) spread_taps(g + x, 3, half + x, 3);
    for (int y = 0; y < 4; y++) spread_taps(half + 3 * y, 1, to + 4 * y, 1);
}

/* ---- inputs ---------------------------------------------------------------------------------- */

/* Four neighbours to four components, which lie `step` apart. */
LANES_INLINE void transform_four(const struct halves *d, struct halves *t, int step)
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
    transform_four(d, to, 4);
}

/* `count` tiles of one row of tiles; `plane` elements lie between two components. Neighbouring tiles share
 * two columns. */
static void transform_row(const struct winograd *w, const struct source *s, int first, int count,
                          uint16_t *to, size_t plane)
{
    size_t in = (size_t)w->in;
    for (size_t group = 0; group < in; group += GROUP) {
        struct halves v[16]; /* component of the column, column */
        transform_column(s, 2 * first - 1, w->width, group, v);
        transform_column(s, 2 * first, w->width, group, v + 1);
        for (int t = 0; t < count; t++) {
            int x = 2 * (first + t) + 1;
            transform_column(s, x, w->width, group, v + 2);
            transform_column(s, x + 1, w->width, group, v + 3);
            uint16_t *at = to + (size_t)t * in + group;
            for (size_t y = 0; y < 4; y++) {
                struct halves c[4];
                transform_four(v + 4 * y, c, 1);
                for (size_t k = 0; k < 4; k++) halves_store(at + (4 * y + k) * plane, c[k]);
                v[4 * y] = v[4 * y + 2];
                v[4 * y + 1] = v[4 * y + 3];
            }
        }
    }
}

static void transform(const struct winograd *w, const uint16_t *from, struct winograd_block b, uint16_t *to)
{
    static const uint16_t zeros[NN_FMAP_MAX];
    size_t in = (size_t)w->in;
    for (int row = 0; row < b.rows; row++) {
        struct source s;
        for (int r = 0; r < 4; r++) {
            int y = 2 * (b.y + row) - 1 + r;
            bool inside = y >= 0 && y < w->height;
            s.row[r] = inside ? from + (size_t)y * (size_t)w->width * in : zeros;
            s.pixel[r] = inside ? in : 0;
        }
        transform_row(w, &s, b.x, b.columns, to + (size_t)(row * w->columns) * in, winograd_inputs_step(w));
    }
}

static size_t first_input(const struct winograd *w, int phase, int component)
{
    (void)phase;
    return (size_t)component * winograd_inputs_step(w);
}

static size_t step(const struct winograd *w, int x, int y)
{
    return (size_t)((y * w->columns + x) * w->in);
}

/* ---- outputs --------------------------------------------------------------------------------- */

/* One tile's four pixels of sixteen channels. */
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

static void finish(const struct winograd *w, const float *products, struct winograd_block b, int phase,
                   size_t channel, uint16_t *to)
{
    (void)phase;
    size_t panel = (size_t)w->panel, plane = winograd_products_step(w), pixel = (size_t)w->out,
           row = pixel * (size_t)w->width;
    lanes slope = lanes_all(w->slope);
    for (int y = 0; y < b.rows; y++)
        for (int x = 0; x < b.columns; x++, products += panel) {
            uint16_t *at = to + (size_t)(2 * (b.y + y)) * row + (size_t)(2 * (b.x + x)) * pixel + channel;
            for (size_t v = 0; v < panel; v += LANES)
                finish_tile(products + v, plane, lanes_load(w->bias + channel + v), slope, at + v, pixel,
                            row);
        }
}

const struct winograd_form winograd_same = {spread, transform, first_input, step, finish};
