/* Gradient of the weights for many channels, w[o,ky,kx,i] = sum over output pixels p of g[p,o] x[p+tap,i],
 * for bf16 maps. oneDNN shares the pixels among threads and then adds up their sums behind a spinning
 * barrier, which costs it half its speed at 128x128 and more where other processes want the cores. Here a
 * task owns a slice of the output channels over all pixels, and nothing is left to add.
 *
 * x is rewritten once per batch of rows into pairs: pair q of a row holds pixels q-1 and q-1+stride, 16
 * channels to a vector. Then one vdpbf16ps adds two neighbouring output pixels: the pair of g is broadcast,
 * the pair of x is loaded as it is. */
#include "engine/cpu/narrow.h"

#ifdef __AVX512BF16__
#include "engine/cpu/lanes.h"

#include <omp.h>

enum { PAIRS_PER_BATCH = 64, ROWS_MAX = 64 };

struct problem {
    int kernel, stride, blocks; /* of 16 input channels */
    int slice;                  /* output channels of a task */
    size_t positions;           /* pairs in a row of x */
    int pairs;                  /* in a row of g; the last of an odd width has a zero for its second pixel */
    struct nn_shape x, g;
    int rows;   /* of g in a batch; a divisor of its height, or all rows of `images` images */
    int images; /* in a batch */
};

/* What one thread works on; the arrays are its own. */
struct batch {
    __m512i *x;          /* [row][block][position] */
    uint32_t *g;         /* [row][pair][slice] */
    char *padded;        /* one row of x between zeros */
    float *sums;         /* [ky][block][output channel][kx][lane] */
    int count;           /* rows of g */
    int x_row[ROWS_MAX]; /* first row of x under each row of g */
};

static size_t vectors_per_row(const struct problem *p)
{
    return (size_t)p->blocks * p->positions;
}

static size_t sum_index(const struct problem *p, int ky, int block, int o)
{
    return (((size_t)ky * p->blocks + block) * p->slice + o) * (size_t)p->kernel * LANES;
}

static int x_rows_per_image(const struct problem *p, int g_rows)
{
    return (g_rows - 1) * p->stride + p->kernel;
}

/* Row y of an image of x as pairs. */
static void make_pairs(const struct problem *p, const char *image, int y, char *padded, __m512i *to)
{
    size_t pixel = (size_t)p->x.c * 2, row = (size_t)p->x.w * pixel;
    if (y < 0 || y >= p->x.h) {
        memset(to, 0, vectors_per_row(p) * sizeof *to);
        return;
    }
    memcpy(padded + pixel, image + (size_t)y * row, row);
    uint16_t order[2 * LANES];
    for (int lane = 0; lane < LANES; lane++) {
        order[2 * lane] = (uint16_t)lane;
        order[2 * lane + 1] = (uint16_t)(lane + LANES);
    }
    __m512i index = _mm512_loadu_si512(order);
    for (int block = 0; block < p->blocks; block++) {
        const char *from = padded + 2 * LANES * block, *second = from + (size_t)p->stride * pixel;
        for (size_t q = 0; q < p->positions; q++, from += pixel, second += pixel) {
            __m512i both = _mm512_castsi256_si512(_mm256_loadu_si256((const void *)from));
            both = _mm512_inserti64x4(both, _mm256_loadu_si256((const void *)second), 1);
            _mm512_store_si512(to++, _mm512_permutexvar_epi16(index, both));
        }
    }
}

/* Row y of an image of g, output channels from `first` on, as pairs of neighbouring pixels. */
static void interleave(const struct problem *p, const char *image, int y, int first, uint32_t *to)
{
    const uint16_t *left = (const uint16_t *)image + (size_t)y * p->g.w * p->g.c + first;
    for (int pair = 0; pair < p->g.w / 2; pair++, left += 2 * p->g.c, to += p->slice)
        for (int o = 0; o < p->slice; o++) to[o] = left[o] | (uint32_t)left[p->g.c + o] << 16;
    if (p->g.w % 2)
        for (int o = 0; o < p->slice; o++) to[o] = left[o];
}

static void fill(const struct problem *p, struct batch *b, const struct nn_tensor *x,
                 const struct nn_tensor *g, int n, int y, int first)
{
    size_t x_image = nn_count(p->x) / (size_t)p->x.n * 2, g_image = nn_count(p->g) / (size_t)p->g.n * 2;
    int per_image = x_rows_per_image(p, p->rows);
    b->count = 0;
    for (int i = 0; i < p->images && n + i < p->g.n; i++) {
        const char *from = (const char *)x->data + (size_t)(n + i) * x_image;
        for (int r = 0; r < per_image; r++)
            make_pairs(p, from, y * p->stride - 1 + r, b->padded,
                       b->x + (size_t)(i * per_image + r) * vectors_per_row(p));
        for (int r = 0; r < p->rows; r++, b->count++) {
            b->x_row[b->count] = i * per_image + r * p->stride;
            interleave(p, (const char *)g->data + (size_t)(n + i) * g_image, y + r, first,
                       b->g + (size_t)b->count * (size_t)p->pairs * p->slice);
        }
    }
}

/* Adds the batch for one vertical tap, 16 input channels and `group` output channels from `o` on. */
LANES_INLINE void add_group(const struct problem *p, const struct batch *b, int ky, int block, int o,
                            int kernel, int stride, int group)
{
    __m512 sum[8][4];
    float *to = b->sums + sum_index(p, ky, block, o);
    for (int c = 0; c < group; c++)
        for (int k = 0; k < kernel; k++) sum[c][k] = _mm512_load_ps(to + (c * kernel + k) * LANES);
    for (int r = 0; r < b->count; r++) {
        const __m512i *x =
            b->x + (size_t)(b->x_row[r] + ky) * vectors_per_row(p) + (size_t)block * p->positions;
        const uint32_t *g = b->g + (size_t)r * (size_t)p->pairs * p->slice + o;
        for (int pair = 0; pair < p->pairs; pair++, x += 2 * stride, g += p->slice)
#pragma GCC unroll 8
            for (int c = 0; c < group; c++) {
                __m512bh gs = (__m512bh)_mm512_set1_epi32((int)g[c]);
#pragma GCC unroll 4
                for (int k = 0; k < kernel; k++) sum[c][k] = _mm512_dpbf16_ps(sum[c][k], gs, (__m512bh)x[k]);
            }
    }
    for (int c = 0; c < group; c++)
        for (int k = 0; k < kernel; k++) _mm512_store_ps(to + (c * kernel + k) * LANES, sum[c][k]);
}

static void add_batch(const struct problem *p, const struct batch *b)
{
    for (int ky = 0; ky < p->kernel; ky++)
        for (int block = 0; block < p->blocks; block++)
            if (p->stride == 1)
                for (int o = 0; o < p->slice; o += 8) add_group(p, b, ky, block, o, 3, 1, 8);
            else if (p->kernel == 3)
                for (int o = 0; o < p->slice; o += 8) add_group(p, b, ky, block, o, 3, 2, 8);
            else
                for (int o = 0; o < p->slice; o += 4) add_group(p, b, ky, block, o, 4, 2, 4);
}

static void store_slice(const struct problem *p, const struct batch *b, float scale, float *w)
{
    for (int o = 0; o < p->slice; o++)
        for (int ky = 0; ky < p->kernel; ky++)
            for (int kx = 0; kx < p->kernel; kx++, w += p->x.c)
                for (int block = 0; block < p->blocks; block++) {
                    const float *from = b->sums + sum_index(p, ky, block, o) + (size_t)kx * LANES;
                    for (int lane = 0; lane < LANES; lane++) w[block * LANES + lane] = scale * from[lane];
                }
}

static struct problem make_problem(const struct nn_conv *geometry, struct nn_shape x, struct nn_shape g)
{
    struct problem p = {geometry->kernel_h, geometry->stride, x.c / LANES, 16, 0, (g.w + 1) / 2, x, g, 1, 1};
    p.positions = (size_t)(2 * p.pairs - 2) * (size_t)p.stride + (size_t)p.kernel;
    if (g.c % 32 == 0 && g.c >= 128) p.slice = 32;
    for (int rows = 2; rows <= g.h && rows * p.pairs <= PAIRS_PER_BATCH; rows++)
        if (g.h % rows == 0) p.rows = rows;
    if (p.rows == g.h)
        while (p.images * 2 * p.rows * p.pairs <= PAIRS_PER_BATCH && p.images * 2 <= g.n) p.images *= 2;
    return p;
}

bool wide_conv_dw_fits(const struct nn_conv *geometry, const struct nn_tensor *x, const struct nn_tensor *g)
{
    bool same = nn_conv_is(geometry, 3, 1, 1), half = nn_conv_is(geometry, 3, 2, 1);
    bool down = nn_conv_is(geometry, 4, 2, 1);
    return x->type == NN_BF16 && (same || half || down) && x->shape.c % LANES == 0 && x->shape.c >= 32 &&
           g->shape.c % 16 == 0 && g->shape.c >= 64;
}

nn_status wide_conv_dw(struct cpu_backend *cpu, const struct nn_conv *geometry, const struct nn_tensor *x,
                       const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err)
{
    struct problem p = make_problem(geometry, x->shape, g->shape);
    size_t x_size = (size_t)(p.images * x_rows_per_image(&p, p.rows)) * vectors_per_row(&p) * sizeof(__m512i);
    size_t g_size = ((size_t)(p.images * p.rows) * (size_t)p.pairs * p.slice * 4 + 63) / 64 * 64;
    size_t sums_size = sum_index(&p, p.kernel, 0, 0) * sizeof(float);
    size_t padded_size = ((size_t)(p.x.w + 4) * p.x.c * 2 + 127) / 64 * 64;
    size_t own = x_size + g_size + sums_size + padded_size, threads = (size_t)omp_get_max_threads();
    char *memory = cpu_scratch(&cpu->partial, threads * own, err);
    if (!memory) return NN_ERR_MEMORY;
#pragma omp parallel for schedule(dynamic)
    for (int first = 0; first < p.g.c; first += p.slice) {
        char *mine = memory + (size_t)omp_get_thread_num() * own;
        struct batch b = {.x = (__m512i *)mine,
                          .g = (uint32_t *)(mine + x_size),
                          .sums = (float *)(mine + x_size + g_size),
                          .padded = mine + x_size + g_size + sums_size};
        memset(b.sums, 0, sums_size + padded_size);
        for (int n = 0; n < p.g.n; n += p.images)
            for (int y = 0; y < p.g.h; y += p.rows) {
                fill(&p, &b, x, g, n, y, first);
                add_batch(&p, &b);
            }
        store_slice(&p, &b, geometry->scale,
                    (float *)w->data + (size_t)first * p.kernel * p.kernel * (size_t)p.x.c);
    }
    return NN_OK;
}

#else

bool wide_conv_dw_fits(const struct nn_conv *geometry, const struct nn_tensor *x, const struct nn_tensor *g)
{
    (void)geometry, (void)x, (void)g;
    return false;
}

nn_status wide_conv_dw(struct cpu_backend *cpu, const struct nn_conv *geometry, const struct nn_tensor *x,
                       const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err)
{
    (void)cpu, (void)geometry, (void)x, (void)g, (void)w;
    return nn_fail(err, NN_ERR_DEVICE, "this build has no avx512_bf16 kernels");
}
#endif
