/* Winograd's form of fused up-sampling, F(2x2,2x2) of each output phase: winograd.h. */
#include "engine/cpu/winograd_form.h"
#include "engine/cpu/winograd_rows.h"

/* Of two taps g0, g1 on three neighbours e0, e1, e2 the products are (e0 - e1) g0, e1 (g0 + g1) and
 * (e1 - e2) g1; the first two together are one output, the second less the third the next. An axis of the
 * inputs is thus either the pixels themselves or each less the one that follows, for all phases and tiles:
 * four planes. Index 0 of a plane's axis is the pixel before the block. */

/* ---- weights --------------------------------------------------------------------------------- */

static void spread(const struct nn_stage *s, size_t o, size_t i, int phase, float *to)
{
    size_t out = (size_t)s->weight.shape.c;
    const float *taps = (const float *)s->weight.data + i * 16 * out + o;
    float half[3][2];
    for (int tx = 0; tx < 2; tx++) {
        float g[2];
        for (int ty = 0; ty < 2; ty++) {
            int ky = 3 - phase / 2 - 2 * ty, kx = 3 - phase % 2 - 2 * tx;
            g[ty] = s->geometry.scale * taps[(size_t)(4 * ky + kx) * out];
        }
        half[0][tx] = g[0];
        half[1][tx] = g[0] + g[1];
        half[2][tx] = g[1];
    }
    for (int y = 0; y < 3; y++) {
        to[3 * y] = half[y][0];
        to[3 * y + 1] = half[y][0] + half[y][1];
        to[3 * y + 2] = half[y][1];
    }
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static size_t pitch(const struct winograd *w)
{
    return (size_t)(2 * w->columns + 1);
}

static size_t plane(const struct winograd *w)
{
    return pitch(w) * (size_t)(2 * w->rows + 1);
}

LANES_INLINE struct halves pixel_or_zero(const uint16_t *row, int x, int width, size_t in)
{
    return row && x >= 0 && x < width ? halves_load(row + (size_t)x * in) : (struct halves){0};
}

/* `count` pixels of the four planes, from column x of the map on, of a group of channels of two rows, either
 * of which is NULL outside of the image. */
static void transform_row(const struct winograd *w, const uint16_t *upper, const uint16_t *lower, int x,
                          int count, uint16_t *to)
{
    size_t in = (size_t)w->in, step = plane(w) * in;
    struct halves here = pixel_or_zero(upper, x, w->width, in),
                  slope = halves_difference(here, pixel_or_zero(lower, x, w->width, in));
    for (int k = 0; k < count; k++, to += in) {
        struct halves next = pixel_or_zero(upper, x + k + 1, w->width, in),
                      next_slope = halves_difference(next, pixel_or_zero(lower, x + k + 1, w->width, in));
        halves_store(to, here);
        halves_store(to + step, halves_difference(here, next));
        halves_store(to + 2 * step, slope);
        halves_store(to + 3 * step, halves_difference(slope, next_slope));
        here = next;
        slope = next_slope;
    }
}

static void transform(const struct winograd *w, const uint16_t *from, struct winograd_block b, uint16_t *to)
{
    size_t in = (size_t)w->in, row = (size_t)w->width * in;
    for (int k = 0; k <= 2 * b.rows; k++) {
        int y = 2 * b.y - 1 + k;
        for (size_t group = 0; group < in; group += GROUP) {
            const uint16_t *upper = y >= 0 ? from + (size_t)y * row + group : NULL,
                           *lower = y + 1 < w->height ? from + (size_t)(y + 1) * row + group : NULL;
            transform_row(w, upper, lower, 2 * b.x - 1, 2 * b.columns + 1,
                          to + (size_t)k * pitch(w) * in + group);
        }
    }
}

static size_t first_input(const struct winograd *w, int phase, int component)
{
    int cy = component / 3, cx = component % 3;
    size_t y = (size_t)(phase / 2 + (cy > 0)), x = (size_t)(phase % 2 + (cx > 0));
    return ((size_t)(2 * (cy != 1) + (cx != 1)) * plane(w) + y * pitch(w) + x) * (size_t)w->in;
}

static size_t step(const struct winograd *w, int x, int y)
{
    return ((size_t)(2 * y) * pitch(w) + (size_t)(2 * x)) * (size_t)w->in;
}

/* ---- outputs --------------------------------------------------------------------------------- */

/* One tile's four pixels of one phase and sixteen channels. */
LANES_INLINE void finish_tile(const float *products, size_t plane, lanes bias, lanes slope, uint16_t *to,
                              size_t pixel, size_t row)
{
    lanes upper[3], lower[3];
#pragma GCC unroll 3
    for (size_t x = 0; x < 3; x++) {
        lanes m0 = lanes_load(products + x * plane), m1 = lanes_load(products + (3 + x) * plane),
              m2 = lanes_load(products + (6 + x) * plane);
        upper[x] = m0 + m1;
        lower[x] = m1 - m2;
    }
    lanes_to_bf16(to, lanes_leaky(upper[0] + upper[1] + bias, slope));
    lanes_to_bf16(to + pixel, lanes_leaky(upper[1] - upper[2] + bias, slope));
    lanes_to_bf16(to + row, lanes_leaky(lower[0] + lower[1] + bias, slope));
    lanes_to_bf16(to + row + pixel, lanes_leaky(lower[1] - lower[2] + bias, slope));
}

static void finish(const struct winograd *w, const float *products, struct winograd_block b, int phase,
                   size_t channel, uint16_t *to)
{
    size_t panel = (size_t)w->panel, component = winograd_products_step(w), pixel = (size_t)w->out,
           row = 2 * pixel * (size_t)w->width;
    lanes slope = lanes_all(w->slope);
    for (int y = 0; y < b.rows; y++)
        for (int x = 0; x < b.columns; x++, products += panel) {
            uint16_t *at = to + (size_t)(4 * (b.y + y) + phase / 2) * row +
                           (size_t)(4 * (b.x + x) + phase % 2) * pixel + channel;
            for (size_t v = 0; v < panel; v += LANES)
                finish_tile(products + v, component, lanes_load(w->bias + channel + v), slope, at + v,
                            2 * pixel, 2 * row);
        }
}

const struct winograd_form winograd_twice = {spread, transform, first_input, step, finish};
