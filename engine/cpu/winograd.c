#include "engine/cpu/winograd.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cpu/amx.h"
#include "engine/cpu/bf16.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/wide_finish.h"
#include "engine/cpu/winograd_form.h"
#include "engine/cpu/winograd_rows.h"

enum {
    COLUMNS_BEST = 16, /* tiles of a block, whole sets of either kind of register rows */
    ROWS_BEST = 3,     /* more leave the second cache, fewer read the weights too often */
    ROWS_AMX = 4,      /* pairs */
    REGISTER_ROWS = 6, /* tiles whose sums the registers hold of a wide panel, */
    NARROW_ROWS = 8,   /* and of a narrow one */
    SIDE_MIN = 16      /* smaller maps have too few tiles for so many more weights than the direct form has */
};

static const struct winograd_form *form_of(const struct winograd *w)
{
    return w->up ? &winograd_twice : &winograd_same;
}

/* ---- preparing ------------------------------------------------------------------------------- */

bool winograd_fits(const struct nn_stage *s, enum nn_type type)
{
    int in = s->weight.shape.c, out = s->weight.shape.n; /* or the other way round */
    bool same = s->geometry.kernel_h == 3 && !s->doubled && !s->transposed,
         up = s->geometry.kernel_h == 4 && s->transposed;
    return WINOGRAD_FAST && type == NN_BF16 && (same || up) && s->epsilon > 0 && in % GROUP == 0 &&
           out % GROUP == 0 && s->shape.w >= (up ? 2 * SIDE_MIN : SIDE_MIN) &&
           s->shape.w % (up ? 4 : 2) == 0 && s->shape.h % (up ? 4 : 2) == 0;
}

static size_t weight_count(const struct winograd *w)
{
    return (size_t)w->in * (size_t)w->out * (size_t)(w->phases * w->components);
}

static void transform_weights(struct winograd *w, const struct nn_stage *s)
{
    const struct winograd_form *form = form_of(w);
    size_t in = (size_t)w->in, out = (size_t)w->out, panel = (size_t)w->panel,
           components = (size_t)w->components, phases = (size_t)w->phases;
#pragma omp parallel for
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t phase = 0; phase < phases; phase++) {
                float u[WINOGRAD_COMPONENTS_MAX];
                form->spread(s, o, i, (int)phase, u);
                size_t k = halves_place(i), first = (o / panel * phases + phase) * components;
                for (size_t c = 0; c < components; c++)
                    w->weights[(((first + c) * in / 2 + k / 2) * panel + o % panel) * 2 + k % 2] =
                        bf16_from_float(u[c]);
            }
}

/* Tiles whose sums of a panel the registers hold; of AMX, of a vector of outputs. */
static int register_rows(const struct winograd *w)
{
    return w->amx ? w->columns : w->panel == PANEL_WIDEST ? REGISTER_ROWS : NARROW_ROWS;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

nn_status winograd_new(struct winograd **layer, const struct nn_stage *s, struct nn_error *err)
{
    struct winograd *w = calloc(1, sizeof *w);
    if (!w) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a convolution");
    bool up = s->transposed;
    *w = (struct winograd){.up = up,
                           .in = up ? s->weight.shape.n : s->weight.shape.c,
                           .out = s->shape.c,
                           .width = s->shape.w / (up ? 2 : 1),
                           .height = s->shape.h / (up ? 2 : 1),
                           .phases = up ? 4 : 1,
                           .components = up ? 9 : 16,
                           .panel = s->shape.c % PANEL_WIDEST ? PANEL_WIDEST / 2 : PANEL_WIDEST,
                           .amx = onednn_has_amx(),
                           .slope = s->slope,
                           .epsilon = s->epsilon};
    w->columns = least(w->width / 2, COLUMNS_BEST);
    w->rows = least(w->height / 2, w->amx ? ROWS_AMX : ROWS_BEST);
    w->inputs = up ? (size_t)(4 * (2 * w->columns + 1) * (2 * w->rows + 1) * w->in)
                   : (size_t)w->components * winograd_inputs_step(w);
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

static size_t rows_held(const struct winograd *w)
{
    int held = register_rows(w);
    return (size_t)((w->columns * w->rows + held - 1) / held * held);
}

/* A cache line more than the component takes: all would begin in the same set of the cache. */
size_t winograd_inputs_step(const struct winograd *w)
{
    return rows_held(w) * (size_t)w->in + GROUP;
}

size_t winograd_products_step(const struct winograd *w)
{
    return rows_held(w) * (size_t)w->panel + LANES;
}

static size_t inputs_bytes(const struct winograd *w)
{
    return (w->inputs * sizeof(uint16_t) + 63) / 64 * 64;
}

/* Of the products a page more, lest all threads use the same sets of the cache. */
size_t winograd_scratch_bytes(const struct winograd *w)
{
    return inputs_bytes(w) + (size_t)w->components * winograd_products_step(w) * sizeof(float) + 4096;
}

/* ---- running --------------------------------------------------------------------------------- */

/* Where the tiles of a block lie beyond its first; what fills up the registers is the last one again. */
static int place_tiles(const struct winograd *w, struct winograd_block b, size_t *at)
{
    const struct winograd_form *form = form_of(w);
    int count = 0;
    for (int y = 0; y < b.rows; y++)
        for (int x = 0; x < b.columns; x++) at[count++] = form->step(w, x, y);
    for (; count % register_rows(w); count++) at[count] = at[count - 1];
    return count;
}

static void multiply(const struct winograd *w, const uint16_t *inputs, const size_t *at, int count, int phase,
                     const uint16_t *weights, float *products)
{
    size_t in = (size_t)w->in, panel = (size_t)w->panel;
    for (int c = 0; c < w->components; c++, weights += in * panel) {
        const uint16_t *from = inputs + form_of(w)->first_input(w, phase, c);
        float *to = products + (size_t)c * winograd_products_step(w);
        for (int t = 0; t < count; t += register_rows(w), to += (size_t)register_rows(w) * panel)
            if (panel == PANEL_WIDEST)
                panel_multiply(from, at + t, in, weights, REGISTER_ROWS, PANEL_WIDEST / LANES, to);
            else
                panel_multiply(from, at + t, in, weights, NARROW_ROWS, PANEL_WIDEST / 2 / LANES, to);
    }
}

/* Two rows of tiles times 32 outputs of a panel. */
static void multiply_pair(const struct winograd *w, const uint16_t *upper, const uint16_t *lower,
                          const uint16_t *weights, float *to_upper, float *to_lower)
{
    size_t from = form_of(w)->step(w, 1, 0) * sizeof *upper, panel = (size_t)w->panel * sizeof *to_upper;
    AMX_ZERO(0);
    AMX_ZERO(1);
    AMX_ZERO(2);
    AMX_ZERO(3);
    for (int k = 0; k < w->in; k += 2 * AMX_PAIRS, weights += 2 * AMX_PAIRS * w->panel) {
        AMX_LOAD(4, upper + k, from);
        AMX_LOAD(6, weights, panel);
        AMX_LOAD(7, weights + 2 * LANES, panel);
        AMX_MULTIPLY_ADD(0, 4, 6);
        AMX_MULTIPLY_ADD(1, 4, 7);
        AMX_LOAD(5, lower + k, from);
        AMX_MULTIPLY_ADD(2, 5, 6);
        AMX_MULTIPLY_ADD(3, 5, 7);
    }
    AMX_STORE(0, to_upper, panel);
    AMX_STORE(1, to_upper + LANES, panel);
    AMX_STORE(2, to_lower, panel);
    AMX_STORE(3, to_lower + LANES, panel);
}

/* In a block at the map's end rows are longer than it is wide: what is made beyond is overwritten by the next
 * row. */
static void multiply_amx(const struct winograd *w, const uint16_t *inputs, struct winograd_block b, int phase,
                         const uint16_t *weights, float *products)
{
    const struct winograd_form *form = form_of(w);
    size_t row = (size_t)(b.columns * w->panel);
    for (int c = 0; c < w->components; c++, weights += w->in * w->panel) {
        const uint16_t *from = inputs + form->first_input(w, phase, c);
        float *to = products + (size_t)c * winograd_products_step(w);
        for (int y = 0; y < b.rows; y += 2) {
            int below = least(y + 1, b.rows - 1);
            for (size_t v = 0; v < (size_t)w->panel; v += 2 * LANES)
                multiply_pair(w, from + form->step(w, 0, y), from + form->step(w, 0, below), weights + 2 * v,
                              to + (size_t)y * row + v, to + (size_t)below * row + v);
        }
    }
}

static void normalise(const struct winograd *w, struct winograd_block b, uint16_t *to)
{
    size_t side = w->up ? 4 : 2, out = (size_t)w->out, row = side / 2 * (size_t)w->width * out;
    to += side * (size_t)b.y * row + side * (size_t)b.x * out;
    for (size_t y = 0; y < side * (size_t)b.rows; y++)
        wide_normalise(to + y * row, side * (size_t)b.columns, w->out, w->epsilon);
}

static void run_block(const struct winograd *w, struct winograd_block b, const uint16_t *from, uint16_t *to,
                      void *scratch)
{
    const struct winograd_form *form = form_of(w);
    uint16_t *inputs = scratch;
    float *products = (float *)((char *)scratch + inputs_bytes(w));
    size_t at[COLUMNS_BEST * ROWS_BEST], part = (size_t)(w->components * w->in * w->panel);
    int count = w->amx ? 0 : place_tiles(w, b, at);
    const uint16_t *weights = w->weights;
    form->transform(w, from, b, inputs);
    if (w->amx) amx_begin(w->columns, AMX_PAIRS);
    for (int channel = 0; channel < w->out; channel += w->panel)
        for (int phase = 0; phase < w->phases; phase++, weights += part) {
            if (w->amx)
                multiply_amx(w, inputs, b, phase, weights, products);
            else
                multiply(w, inputs, at, count, phase, weights, products);
            form->finish(w, products, b, phase, (size_t)channel, to);
        }
    if (w->amx) amx_end();
    normalise(w, b, to);
}

void winograd_run(const struct winograd *w, const uint16_t *from, uint16_t *to, void *scratch, int threads)
{
    int across = w->width / 2, down = w->height / 2;
    int columns = (across + w->columns - 1) / w->columns, rows = (down + w->rows - 1) / w->rows;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int k = 0; k < columns * rows; k++) {
        int x = k % columns * w->columns, y = k / columns * w->rows;
        struct winograd_block b = {x, y, least(across - x, w->columns), least(down - y, w->rows)};
        run_block(w, b, from, to, (char *)scratch + (size_t)omp_get_thread_num() * winograd_scratch_bytes(w));
    }
}
