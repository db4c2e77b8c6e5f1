#include "engine/cpu/planar.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cpu/bf16.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/planar_rows.h"
#include "engine/sampler.h"

enum {
    STAGES = 2 * NN_RESOLUTION_LOG2_MAX,
    RING = 4 /* rows that a stage keeps for the next */,
    BANDS_PER_THREAD = 2,
    BAND_ROWS_MIN = 32
};

/* ---- preparing ------------------------------------------------------------------------------- */

bool planar_fits(const struct nn_stage *s)
{
    bool same = s->geometry.kernel_h == 3 && !s->doubled, up = s->geometry.kernel_h == 4 && s->transposed;
    int in = up ? s->weight.shape.n : s->weight.shape.c, out = s->shape.c,
        width = up ? s->shape.w / 2 : s->shape.w;
    return (same || up) && (out == 4 || out == 8 || out == 16 || out == 32) && in % 2 == 0 &&
           width % PLANAR_MARGIN == 0 && s->epsilon > 0;
}

/* The tap of output channel `o` and input channel `i` that meets the input row ty and column tx of a phase.
 */
static float tap(const struct nn_stage *s, int o, int i, int phase, int ty, int tx)
{
    const struct nn_tensor *w = &s->weight;
    bool up = s->transposed;
    int k = w->shape.h, ky = up ? 3 - phase / 2 - 2 * ty : ty, kx = up ? 3 - phase % 2 - 2 * tx : tx;
    size_t outer = (size_t)(up ? i : o), inner = (size_t)(up ? o : i);
    return s->geometry.scale *
           ((const float *)
                w->data)[((outer * (size_t)k + (size_t)ky) * (size_t)k + (size_t)kx) * (size_t)w->shape.c +
                         inner];
}

static planar_unit unit_of(float low, float high, bool narrow)
{
    uint32_t bits = (uint32_t)bf16_from_float(high) << 16 | bf16_from_float(low);
    planar_unit unit = low;
    if (narrow) memcpy(&unit, &bits, sizeof unit);
    return unit;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* In the order of use: phase, block of channels, tap, plane, channel; for AMX sixteen planes of a channel
 * come together. */
static void pack(const struct nn_stage *s, const struct planar_stage *p, bool narrow)
{
    planar_unit *to = p->weights;
    int taps = p->up ? 2 : 3, block = least(p->out, p->amx ? AMX_ROWS : BLOCK), step = narrow ? 2 : 1,
        planes = p->amx ? planar_amx_pairs(p->planes_in) : 1;
    for (int phase = 0; phase < (p->up ? 4 : 1); phase++)
        for (int first = 0; first < p->out; first += block)
            for (int t = 0; t < taps * taps; t++)
                for (int plane = 0; plane < p->planes_in; plane += planes)
                    for (int o = first; o < first + block; o++)
                        for (int i = plane; i < plane + planes; i++)
                            *to++ =
                                unit_of(tap(s, o, step * i, phase, t / taps, t % taps),
                                        narrow ? tap(s, o, 2 * i + 1, phase, t / taps, t % taps) : 0, narrow);
}

static size_t row_bytes(int planes, int width)
{
    return (size_t)planes * planar_pitch(width) * sizeof(planar_unit);
}

static void *take(struct planar_chain *c, size_t size_bytes)
{
    size_bytes = (size_bytes + 63) / 64 * 64;
    void *data = aligned_alloc(64, size_bytes);
    if (!data) return NULL;
    c->bytes += size_bytes;
    return memset(data, 0, size_bytes);
}

static int out_width(const struct planar_stage *p)
{
    return p->up ? 2 * p->width : p->width;
}

static bool prepare_stage(struct planar_chain *c, const struct nn_stage *s, struct planar_stage *p)
{
    bool up = s->transposed;
    int channels = up ? s->weight.shape.n : s->weight.shape.c;
    *p = (struct planar_stage){.up = up,
                               .planes_in = planar_planes(channels, c->narrow),
                               .out = s->shape.c,
                               .width = up ? s->shape.w / 2 : s->shape.w,
                               .height = up ? s->shape.h / 2 : s->shape.h,
                               .slope = s->slope,
                               .epsilon = s->epsilon};
    p->amx = c->narrow && p->planes_in % planar_amx_pairs(p->planes_in) == 0 && onednn_has_amx();
    size_t taps = (size_t)(up ? 16 : 9);
    p->weights = take(c, taps * (size_t)p->planes_in * (size_t)p->out * sizeof *p->weights);
    p->bias = take(c, (size_t)p->out * sizeof *p->bias);
    if (!p->weights || !p->bias) return false;
    pack(s, p, c->narrow);
    memcpy(p->bias, s->bias.data, (size_t)p->out * sizeof *p->bias);
    return true;
}

static bool prepare_rest(struct planar_chain *c, const struct nn_stage *grey)
{
    size_t widest = 0;
    for (int i = 0; i < c->count; i++) {
        const struct planar_stage *p = &c->stages[i];
        size_t in = row_bytes(p->planes_in, p->width),
               out = row_bytes(planar_planes(p->out, c->narrow), out_width(p));
        if (in > widest) widest = in;
        c->ring_bytes += RING * out;
    }
    const struct planar_stage *last = &c->stages[c->count - 1];
    c->ring_bytes += (size_t)out_width(last) * sizeof(float);
    c->ring_bytes = (c->ring_bytes + 4095) / 4096 * 4096 + 64; /* not the same cache sets for all threads */
    c->threads = omp_get_max_threads();
    c->zeros = take(c, widest);
    c->rings = take(c, (size_t)c->threads * c->ring_bytes);
    c->grey_weights = take(c, (size_t)(last->out + 1) * sizeof *c->grey_weights);
    if (!c->zeros || !c->rings || !c->grey_weights) return false;
    for (int i = 0; i < last->out; i++)
        c->grey_weights[i] = grey->geometry.scale * ((const float *)grey->weight.data)[i];
    c->grey_weights[last->out] = ((const float *)grey->bias.data)[0];
    return true;
}

nn_status planar_new(struct planar_chain **chain, enum nn_type type, const struct nn_stage *stages, int count,
                     const struct nn_stage *grey, struct nn_error *err)
{
    struct planar_chain *c = calloc(1, sizeof *c);
    bool good = c && (c->stages = calloc((size_t)count, sizeof *c->stages));
    if (good) c->narrow = type == NN_BF16;
    for (int i = 0; good && i < count; i++) good = prepare_stage(c, &stages[i], &c->stages[c->count++]);
    if (good) good = prepare_rest(c, grey);
    if (!good) {
        planar_free(c);
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for the last layers of a sampler");
    }
    *chain = c;
    return NN_OK;
}

void planar_free(struct planar_chain *c)
{
    if (!c) return;
    for (int i = 0; i < c->count; i++) {
        free(c->stages[i].weights);
        free(c->stages[i].bias);
    }
    free(c->stages);
    free(c->zeros);
    free(c->rings);
    free(c->grey_weights);
    free(c);
}

/* ---- one row of a stage ---------------------------------------------------------------------- */

/* As many strips of pixels at once as there are registers for, or where they do not fill the row, one. */
#define FOR_WIDTH(OUT, BLOCK, CALL)                                                                          \
    if (r.width % (SUMS / (BLOCK)*STRIP) == 0)                                                               \
        CALL(OUT, BLOCK, SUMS / (BLOCK));                                                                    \
    else                                                                                                     \
        CALL(OUT, BLOCK, 1);                                                                                 \
    break;
#define BY_CHANNELS(BLOCK, CALL)                                                                             \
    switch (r.out) {                                                                                         \
    case 4:                                                                                                  \
        FOR_WIDTH(4, 4, CALL)                                                                                \
    case 8:                                                                                                  \
        FOR_WIDTH(8, BLOCK, CALL)                                                                            \
    case 16:                                                                                                 \
        FOR_WIDTH(16, BLOCK, CALL)                                                                           \
    case 32:                                                                                                 \
        FOR_WIDTH(32, BLOCK, CALL)                                                                           \
    }

static void same_row_f32(const struct planar_row r, planar_unit *to, const float *grey, float *image)
{
#define CALL(OUT, BLOCK, VECTORS) planar_same(&r, OUT, BLOCK, VECTORS, PLANAR_F32, to, grey, image)
    BY_CHANNELS(BLOCK, CALL)
#undef CALL
}

static void twice_row_f32(const struct planar_row r, int phase_y, planar_unit *to, size_t to_pitch)
{
#define CALL(OUT, BLOCK, VECTORS) planar_twice(r, OUT, BLOCK, VECTORS, PLANAR_F32, phase_y, to, to_pitch)
    BY_CHANNELS(BLOCK, CALL)
#undef CALL
}

#ifdef __AVX512BF16__
static void same_row_pairs(const struct planar_row r, planar_unit *to, const float *grey, float *image)
{
#define CALL(OUT, BLOCK, VECTORS) planar_same(&r, OUT, BLOCK, VECTORS, PLANAR_PAIRS, to, grey, image)
    BY_CHANNELS(BLOCK, CALL)
#undef CALL
}

static void twice_row_pairs(const struct planar_row r, int phase_y, planar_unit *to, size_t to_pitch)
{
#define CALL(OUT, BLOCK, VECTORS) planar_twice(r, OUT, BLOCK, VECTORS, PLANAR_PAIRS, phase_y, to, to_pitch)
    BY_CHANNELS(BLOCK, CALL)
#undef CALL
}
#else /* a build for a CPU without it never makes such a chain */
#define same_row_pairs same_row_f32
#define twice_row_pairs twice_row_f32
#endif

#ifdef __AMX_BF16__
static void same_row_amx(const struct planar_row r, planar_unit *to, const float *grey, float *image)
{
#define CALL(OUT, BLOCK, VECTORS) planar_same(&r, OUT, BLOCK, VECTORS, PLANAR_AMX, to, grey, image)
    amx_begin(least(r.out, AMX_ROWS), planar_amx_pairs(r.planes));
    BY_CHANNELS(4, CALL)
    amx_end();
#undef CALL
}

static void twice_row_amx(const struct planar_row r, int phase_y, planar_unit *to, size_t to_pitch)
{
#define CALL(OUT, BLOCK, VECTORS) planar_twice(r, OUT, BLOCK, VECTORS, PLANAR_AMX, phase_y, to, to_pitch)
    amx_begin(least(r.out, AMX_ROWS), planar_amx_pairs(r.planes));
    BY_CHANNELS(4, CALL)
    amx_end();
#undef CALL
}
#else
#define same_row_amx same_row_f32
#define twice_row_amx twice_row_f32
#endif

/* ---- bands ----------------------------------------------------------------------------------- */

/* One band's way through the chain: each stage makes the rows that the next one asks for. */
struct band {
    const struct planar_chain *chain;
    const planar_unit *source;
    planar_unit *ring[STAGES]; /* of each stage */
    int made[STAGES];          /* rows from the band's first on are made up to here */
    float *line;               /* one row of the image */
    float *image;
    uint8_t *grey;
};

static size_t out_row_units(const struct planar_chain *c, const struct planar_stage *p)
{
    return row_bytes(planar_planes(p->out, c->narrow), out_width(p)) / sizeof(planar_unit);
}

/* Row y of what stage `i` takes, from its pixel 0 on. */
static const planar_unit *input_row(const struct band *b, int i, int y)
{
    const struct planar_stage *p = &b->chain->stages[i];
    if (y < 0 || y >= p->height) return b->chain->zeros + PLANAR_MARGIN;
    size_t units = row_bytes(p->planes_in, p->width) / sizeof(planar_unit);
    const planar_unit *rows = i ? b->ring[i - 1] + (size_t)(y % RING) * units : b->source + (size_t)y * units;
    return rows + PLANAR_MARGIN;
}

static void finish_line(struct band *b, int y, int width)
{
    if (b->grey) nn_sampler_grey(b->line, (size_t)width, b->grey + (size_t)y * (size_t)width);
}

/* The next row of stage `i`, or the next two of an up-sampling. What comes before has them. */
static void make_rows(struct band *b, int i)
{
    const struct planar_chain *c = b->chain;
    const struct planar_stage *p = &c->stages[i];
    int y = b->made[i], middle = p->up ? y / 2 : y;
    bool last = i == c->count - 1;
    size_t pitch = planar_pitch(out_width(p)), units = out_row_units(c, p);
    struct planar_row r = {.pitch = planar_pitch(p->width),
                           .planes = p->planes_in,
                           .out = p->out,
                           .width = p->width,
                           .shift = -1,
                           .weights = p->weights,
                           .bias = p->bias,
                           .slope = p->slope,
                           .epsilon = p->epsilon};
    for (int t = 0; t < 3; t++) r.in[t] = input_row(b, i, middle - 1 + t);
    if (!p->up) {
        planar_unit *to = b->ring[i] + (size_t)(y % RING) * units + PLANAR_MARGIN;
        float *line = !last ? NULL : b->image ? b->image + (size_t)y * (size_t)p->width : b->line;
        (p->amx ? same_row_amx : c->narrow ? same_row_pairs : same_row_f32)(r, to, c->grey_weights, line);
        if (last) finish_line(b, y, p->width);
        b->made[i] += 1;
        return;
    }
    for (int phase = 0; phase < 2; phase++, r.in[0] = r.in[1], r.in[1] = r.in[2]) {
        planar_unit *to = b->ring[i] + (size_t)((y + phase) % RING) * units + PLANAR_MARGIN;
        (p->amx ? twice_row_amx : c->narrow ? twice_row_pairs : twice_row_f32)(r, phase, to, pitch);
    }
    b->made[i] += 2;
}

/* Makes rows of stage `i` up to y. The depth is that of the chain. */
static void reach(struct band *b, int i, int y)
{
    const struct planar_stage *p = &b->chain->stages[i];
    int rows = p->up ? 2 * p->height : p->height;
    if (y >= rows) y = rows - 1;
    while (b->made[i] <= y) {
        int middle = p->up ? b->made[i] / 2 : b->made[i];
        if (i) reach(b, i - 1, middle + 1);
        make_rows(b, i);
    }
}

static void run_band(const struct planar_chain *c, struct band b, char *memory, int first, int end)
{
    for (int i = 0; i < c->count; i++) {
        b.ring[i] = (planar_unit *)memory;
        memory += RING * out_row_units(c, &c->stages[i]) * sizeof(planar_unit);
    }
    b.line = (float *)memory;
    for (int i = c->count - 1, y = first; i >= 0; i--) { /* where each stage begins */
        const struct planar_stage *p = &c->stages[i];
        b.made[i] = p->up ? y / 2 * 2 : y;
        y = (p->up ? y / 2 : y) - 1;
        if (y < 0) y = 0;
    }
    reach(&b, c->count - 1, end - 1);
}

void planar_run(const struct planar_chain *c, const planar_unit *source, float *image, uint8_t *grey)
{
    int rows = c->stages[c->count - 1].height, bands = BANDS_PER_THREAD * c->threads;
    if (bands > rows / BAND_ROWS_MIN) bands = rows / BAND_ROWS_MIN;
    if (bands < 1) bands = 1;
#pragma omp parallel for schedule(dynamic) num_threads(c->threads)
    for (int k = 0; k < bands; k++) {
        struct band b = {.chain = c, .source = source, .image = image, .grey = grey};
        run_band(c, b, c->rings + (size_t)omp_get_thread_num() * c->ring_bytes, rows * k / bands,
                 rows * (k + 1) / bands);
    }
}

void planar_run_alone(const struct planar_chain *c, int worker, const planar_unit *source, float *image,
                      uint8_t *grey)
{
    struct band b = {.chain = c, .source = source, .image = image, .grey = grey};
    run_band(c, b, c->rings + (size_t)worker * c->ring_bytes, 0, c->stages[c->count - 1].height);
}
