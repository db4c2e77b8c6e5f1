/* Forward convolution and its adjoint in x, for few channels.
 *
 * A vector of 16 f32 accumulators holds P neighbouring output pixels of L channels, P*L = 16, so no lane is
 * padding. For each tap and each pair of input channels one vdpbf16ps multiplies it up: a permutation brings
 * to every lane the input pair of that lane's pixel. With 16 output channels or more a lane's pixel is the
 * same for the whole vector and the permutation is a broadcast.
 *
 * All passes become one: K=3 forward is T=3 taps a side; its adjoint the same with turned taps; K=4 stride 2
 * forward T=4 taps with input steps of 2. The adjoint of that, the up-sampling of the generator, splits by
 * the output pixel's parity p along each axis into T=2 taps,
 *   out[2m+p] = sum over t = 0, 1 of w[3 - p - 2t] in[m - 1 + p + t],
 * and neighbouring lanes with even and odd pixels simply take different input pixels and weights.
 *
 * Input rows are copied into a ring of rows with a zero margin, so that no tap needs a bound check. */
#include "engine/cpu/narrow.h"
#include "engine/cpu/narrow_rows.h"

#ifdef __AVX512BF16__
#include <immintrin.h>
#include <omp.h>
#include <string.h>

enum { LANES = 16, BAND = 32, INDICES = 8 };

enum form { PLAIN, TURNED, PARITY };

struct pass {
    enum form form;
    int taps;    /* a side */
    int stride;  /* input pixels per output pixel; 1 for PARITY */
    int in, out; /* channels */
    int pairs;   /* of input channels */
    int pixels;  /* per vector, P */
    int blocks;  /* of output channels */
    int phases;  /* kinds of output rows: 2 for PARITY */
    int columns; /* kinds of output vectors in a row: 2 for PARITY with P = 1 */
    struct nn_shape from, to;
};

static struct pass make_pass(const struct nn_conv *geometry, bool adjoint, struct nn_shape from,
                             struct nn_shape to)
{
    struct pass p = {.from = from, .to = to, .in = from.c, .out = to.c, .phases = 1, .columns = 1};
    bool down = geometry->kernel_h == 4;
    p.form = !adjoint ? PLAIN : down ? PARITY : TURNED;
    p.taps = p.form == PARITY ? 2 : geometry->kernel_h;
    p.stride = down && !adjoint ? 2 : 1;
    p.pairs = p.in / 2;
    p.pixels = p.out < LANES ? LANES / p.out : 1;
    p.blocks = p.out < LANES ? 1 : p.out / LANES;
    if (p.form == PARITY) p.phases = 2;
    if (p.form == PARITY && p.pixels == 1) p.columns = 2;
    return p;
}

/* ---- weights: [phase][column][ty][tx][pair][block][lane][2] bf16 --------------------------------------- */

static float tap(const struct pass *p, const struct nn_tensor *w, int o, int i, int ky, int kx)
{
    const float *values = w->data;
    int k = w->shape.h;
    bool adjoint = p->form != PLAIN; /* then the stored O is this pass's input */
    size_t outer = (size_t)(adjoint ? i : o), inner = (size_t)(adjoint ? o : i);
    return values[((outer * k + ky) * k + kx) * (size_t)w->shape.c + inner];
}

static int tap_index(const struct pass *p, int t, int parity)
{
    return p->form == PLAIN ? t : p->form == TURNED ? p->taps - 1 - t : 3 - parity - 2 * t;
}

static uint16_t bf16_of(float value)
{
    return (uint16_t)_mm_extract_epi16((__m128i)_mm_cvtneps_pbh(_mm_set1_ps(value)), 0);
}

static void pack_vector(const struct pass *p, const struct nn_tensor *w, float scale, int phase, int column,
                        int ty, int tx, int pair, int block, uint16_t *to)
{
    for (int lane = 0; lane < LANES; lane++) {
        int pixel = p->out < LANES ? lane / p->out : 0,
            o = p->out < LANES ? lane % p->out : block * LANES + lane;
        int parity = p->columns == 2 ? column : pixel & 1;
        for (int e = 0; e < 2; e++)
            to[2 * lane + e] = bf16_of(
                scale * tap(p, w, o, 2 * pair + e, tap_index(p, ty, phase), tap_index(p, tx, parity)));
    }
}

static size_t vectors_per_column(const struct pass *p)
{
    return (size_t)p->taps * p->taps * p->pairs * p->blocks;
}

static void pack(const struct pass *p, const struct nn_tensor *w, float scale, uint16_t *to)
{
    for (int phase = 0; phase < p->phases; phase++)
        for (int column = 0; column < p->columns; column++)
            for (int ty = 0; ty < p->taps; ty++)
                for (int tx = 0; tx < p->taps; tx++)
                    for (int pair = 0; pair < p->pairs; pair++)
                        for (int block = 0; block < p->blocks; block++, to += 2 * LANES)
                            pack_vector(p, w, scale, phase, column, ty, tx, pair, block, to);
}

/* ---- one output row ------------------------------------------------------------------------------------ */

struct row {
    const char *in[RING_ROWS]; /* padded rows by vertical tap */
    const __m512i *w;          /* of this row's phase */
    const float *bias;         /* `out` values, zeros where there is none, repeated to a vector */
    float slope;
    char *to;
};

static inline __attribute__((always_inline)) __m512 leaky(__m512 v, __m512 slope)
{
    return _mm512_mask_mul_ps(v, _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_LE_OQ), v, slope);
}

static inline __attribute__((always_inline)) void store(__m512 v, __m512 slope, char *to)
{
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh(leaky(v, slope)));
}

/* One tap for V vectors of P > 1 pixels; `in` is the tap's first input pixel. */
static inline __attribute__((always_inline)) void packed_tap(__m512 *sum, const char *in, const __m512i *w,
                                                             const __m512i *index, size_t step, int pairs,
                                                             size_t span, int V)
{
    __m512i x[8];
#pragma GCC unroll 8
    for (int v = 0; v < V; v++)
        x[v] = span <= 32 ? _mm512_castsi256_si512(_mm256_loadu_si256((const void *)(in + v * step)))
                          : _mm512_loadu_si512(in + v * step);
#pragma GCC unroll 8
    for (int q = 0; q < pairs; q++)
#pragma GCC unroll 8
        for (int v = 0; v < V; v++)
            sum[v] =
                _mm512_dpbf16_ps(sum[v], (__m512bh)_mm512_permutexvar_epi32(index[q], x[v]), (__m512bh)w[q]);
}

/* V vectors of P > 1 pixels from byte offset `at` of the padded rows on. The constants become loops without
 * control flow; `span` is the number of bytes in which all pixels of a vector lie. */
static inline __attribute__((always_inline)) void packed_vectors(const struct row *r, const __m512i *index,
                                                                 size_t at, size_t step, int taps, int pairs,
                                                                 size_t pixel_bytes, size_t span, int V,
                                                                 char *to)
{
    __m512 sum[8], slope = _mm512_set1_ps(r->slope);
    for (int v = 0; v < V; v++) sum[v] = _mm512_loadu_ps(r->bias);
    const __m512i *w = r->w;
    if (taps == 2) {
        for (int t = 0; t < 4; t++, w += pairs)
            packed_tap(sum, r->in[t / 2] + at + (size_t)(t % 2) * pixel_bytes, w, index, step, pairs, span,
                       V);
    } else {
#pragma GCC unroll 1 /* left alone, the compiler unrolls all taps and runs out of registers */
        for (int ty = 0; ty < taps; ty++)
#pragma GCC unroll 1
            for (int tx = 0; tx < taps; tx++, w += pairs)
                packed_tap(sum, r->in[ty] + at + (size_t)tx * pixel_bytes, w, index, step, pairs, span, V);
    }
#pragma GCC unroll 8
    for (int v = 0; v < V; v++) store(sum[v], slope, to + 32 * v);
}

/* A row of P > 1: the last vector may stick out of the row and goes through a buffer. */
static inline __attribute__((always_inline)) void packed_row(const struct pass *p, const struct row *r,
                                                             const __m512i *indices, int taps, int pairs,
                                                             size_t step, size_t span)
{
    enum { V = 8 };
    __m512i index[INDICES];
    for (int q = 0; q < pairs; q++) index[q] = indices[q];
    size_t pixel_bytes = (size_t)pairs * 4, row_bytes = (size_t)p->to.w * (size_t)p->out * 2;
    size_t vectors = row_bytes / 32, v = 0;
    for (; v + V <= vectors; v += V)
        packed_vectors(r, index, v * step, step, taps, pairs, pixel_bytes, span, V, r->to + 32 * v);
    for (; v < vectors; v++)
        packed_vectors(r, index, v * step, step, taps, pairs, pixel_bytes, span, 1, r->to + 32 * v);
    if (row_bytes % 32) {
        char last[32];
        packed_vectors(r, index, v * step, step, taps, pairs, pixel_bytes, span, 1, last);
        memcpy(r->to + 32 * v, last, row_bytes % 32);
    }
}

/* V output pixels of B blocks of 16 channels. */
static inline __attribute__((always_inline)) void broad_pixels(const struct row *r, const __m512i *w,
                                                               size_t at, size_t step, int taps, int pairs,
                                                               int B, int V, char *to, size_t to_step)
{
    __m512 sum[16][2], slope = _mm512_set1_ps(r->slope);
    for (int v = 0; v < V; v++)
        for (int b = 0; b < B; b++) sum[v][b] = _mm512_loadu_ps(r->bias + b * LANES);
    for (int ty = 0; ty < taps; ty++)
        for (int tx = 0; tx < taps; tx++) {
            const char *in = r->in[ty] + at + (size_t)tx * (size_t)pairs * 4;
            for (int q = 0; q < pairs; q++, w += B)
#pragma GCC unroll 16
                for (int v = 0; v < V; v++) {
                    int32_t pair;
                    memcpy(&pair, in + v * step + 4 * q, 4);
                    __m512i x = _mm512_set1_epi32(pair);
#pragma GCC unroll 2
                    for (int b = 0; b < B; b++)
                        sum[v][b] = _mm512_dpbf16_ps(sum[v][b], (__m512bh)w[b], (__m512bh)x);
                }
        }
#pragma GCC unroll 16
    for (int v = 0; v < V; v++)
#pragma GCC unroll 2
        for (int b = 0; b < B; b++) store(sum[v][b], slope, to + v * to_step + 32 * b);
}

static inline __attribute__((always_inline)) void
broad_row(const struct pass *p, const struct row *r, int taps, int pairs, int stride, int columns, int B)
{
    const int V = B == 1 ? 16 : 8; /* as many sums as registers allow */
    size_t pixel_bytes = (size_t)pairs * 4, step = pixel_bytes * (size_t)stride;
    size_t to_pixel = 32 * (size_t)B, to_step = to_pixel * (size_t)columns,
           width = (size_t)p->to.w / (size_t)columns;
    for (int column = 0; column < columns; column++) {
        const __m512i *w = r->w + (size_t)column * vectors_per_column(p);
        char *to = r->to + (size_t)column * to_pixel;
        size_t x = 0, shift = (size_t)column * pixel_bytes;
        for (; x + (size_t)V <= width; x += (size_t)V)
            broad_pixels(r, w, shift + x * step, step, taps, pairs, B, V, to + x * to_step, to_step);
        for (; x < width; x++)
            broad_pixels(r, w, shift + x * step, step, taps, pairs, B, 1, to + x * to_step, to_step);
    }
}

/* The shapes that have a kernel of their own: constants for the compiler. */
static bool run_row(const struct pass *p, const struct row *r, const __m512i *index)
{
    bool run = r != NULL; /* NULL only asks whether there is a kernel */
    if (p->in > 99 || p->out > 99) return false; /* a key has two digits for each */
    switch (p->form * 10000 + p->stride * 100000 + p->in * 100 + p->out) {
#define PACKED(key, taps, pairs, step, span)                                                                 \
    case key:                                                                                                \
        if (run) packed_row(p, r, index, taps, pairs, step, span);                                           \
        return true;
#define BROAD(key, taps, pairs, stride, columns, blocks)                                                     \
    case key:                                                                                                \
        if (run) broad_row(p, r, taps, pairs, stride, columns, blocks);                                      \
        return true;
        PACKED(100404, 3, 2, 32, 32) /* 3x3 4 -> 4 */
        PACKED(110404, 3, 2, 32, 32) /* its adjoint */
        PACKED(100808, 3, 4, 32, 32) /* 3x3 8 -> 8 */
        PACKED(110808, 3, 4, 32, 32)
        PACKED(200408, 4, 2, 32, 32) /* down 4 -> 8 */
        PACKED(120804, 2, 4, 32, 64) /* up 8 -> 4 */
        PACKED(121608, 2, 8, 32, 64) /* up 16 -> 8 */
        BROAD(101616, 3, 8, 1, 1, 1) /* 3x3 16 -> 16 */
        BROAD(111616, 3, 8, 1, 1, 1)
        BROAD(200816, 4, 4, 2, 1, 1)  /* down 8 -> 16 */
        BROAD(201632, 4, 8, 2, 1, 2)  /* down 16 -> 32 */
        BROAD(123216, 2, 16, 1, 2, 1) /* up 32 -> 16 */
#undef PACKED
#undef BROAD
    default:
        return false;
    }
}

/* ---- the whole map ------------------------------------------------------------------------------------- */

/* Which 32-bit pair of the loaded bytes each lane takes, for every pair of channels. */
static void make_indices(const struct pass *p, __m512i index[INDICES])
{
    for (int q = 0; q < p->pairs && q < INDICES; q++) {
        int32_t lanes[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            int pixel = p->out < LANES ? lane / p->out : 0;
            int from = p->form == PARITY ? pixel / 2 + (pixel & 1) : pixel * p->stride;
            lanes[lane] = from * p->pairs + q;
        }
        index[q] = _mm512_loadu_si512(lanes);
    }
}

/* The input row under vertical tap t of output row y. */
static int input_row(const struct pass *p, int y, int t)
{
    return p->form == PARITY ? y / 2 - 1 + (y & 1) + t : y * p->stride - 1 + t;
}

static void run_band(const struct pass *p, struct row_ring *ring, const char *image, struct row row,
                     const __m512i *w, const __m512i *index, char *to, int first, int end)
{
    size_t to_bytes = (size_t)p->to.w * (size_t)p->out * 2;
    for (int y = first; y < end; y++) {
        for (int t = 0; t < p->taps; t++) row.in[t] = ring_row(ring, image, input_row(p, y, t));
        row.w = w + (size_t)(p->phases == 2 ? y & 1 : 0) * (size_t)p->columns * vectors_per_column(p);
        row.to = to + (size_t)y * to_bytes;
        run_row(p, &row, index);
    }
}

bool narrow_conv_fits(const struct nn_conv *geometry, bool adjoint, const struct nn_tensor *x,
                      const struct nn_tensor *y)
{
    bool same = nn_conv_is(geometry, 3, 1, 1);
    bool down = nn_conv_is(geometry, 4, 2, 1) && x->shape.h % 2 == 0 && x->shape.w % 2 == 0;
    if (x->type != NN_BF16 || !(same || down)) return false;
    struct pass p = adjoint ? make_pass(geometry, true, y->shape, x->shape)
                            : make_pass(geometry, false, x->shape, y->shape);
    return run_row(&p, NULL, NULL);
}

nn_status narrow_conv(struct cpu_backend *cpu, const struct nn_conv *geometry, bool adjoint,
                      const struct nn_tensor *from, const struct nn_tensor *w, struct nn_epilogue epilogue,
                      struct nn_tensor *to, struct nn_error *err)
{
    struct pass p = make_pass(geometry, adjoint, from->shape, to->shape);
    size_t vectors = (size_t)(p.phases * p.columns) * vectors_per_column(&p);
    size_t pixel_bytes = (size_t)p.in * 2, one_ring = ring_bytes(p.from.w, pixel_bytes),
           threads = (size_t)omp_get_max_threads();
    uint16_t *packed = cpu_scratch(&cpu->packed, vectors * sizeof(__m512i), err);
    char *rings = cpu_scratch(&cpu->partial, threads * one_ring, err);
    if (!packed || !rings) return NN_ERR_MEMORY;
    memset(rings, 0, threads * one_ring);
    pack(&p, w, geometry->scale, packed);
    __m512i index[INDICES];
    make_indices(&p, index);
    float bias[2 * LANES] = {0};
    for (int i = 0; epilogue.bias && i < LANES * p.blocks; i++)
        bias[i] = ((const float *)epilogue.bias->data)[i % p.out];

    int bands = (p.to.h + BAND - 1) / BAND;
    size_t from_image = (size_t)p.from.h * p.from.w * p.in * 2,
           to_image = (size_t)p.to.h * p.to.w * p.out * 2;
#pragma omp parallel for collapse(2) schedule(dynamic)
    for (int n = 0; n < p.to.n; n++)
        for (int band = 0; band < bands; band++) {
            struct row_ring ring =
                ring_make(rings + (size_t)omp_get_thread_num() * one_ring, p.from.h, p.from.w, pixel_bytes);
            struct row row = {.bias = bias, .slope = epilogue.slope};
            int first = band * BAND, end = first + BAND < p.to.h ? first + BAND : p.to.h;
            run_band(&p, &ring, (const char *)from->data + n * from_image, row, (const __m512i *)packed,
                     index, (char *)to->data + n * to_image, first, end);
        }
    return NN_OK;
}

#else

bool narrow_conv_fits(const struct nn_conv *geometry, bool adjoint, const struct nn_tensor *x,
                      const struct nn_tensor *y)
{
    (void)geometry, (void)adjoint, (void)x, (void)y;
    return false;
}

nn_status narrow_conv(struct cpu_backend *cpu, const struct nn_conv *geometry, bool adjoint,
                      const struct nn_tensor *from, const struct nn_tensor *w, struct nn_epilogue epilogue,
                      struct nn_tensor *to, struct nn_error *err)
{
    (void)cpu, (void)geometry, (void)adjoint, (void)from, (void)w, (void)epilogue, (void)to;
    return nn_fail(err, NN_ERR_DEVICE, "this build has no avx512_bf16 kernels");
}
#endif
