/* Gradient of the weights for few channels: w[o,ky,kx,i] = sum over output pixels p of g[p,o] x[p+tap,i].
 *
 * One vdpbf16ps adds two neighbouring output pixels for 16 (o,i) pairs: lane a*I + i holds output channel
 * b*A + a, A = 16/I, of group b; a permutation of 16-bit words brings (g[p,o], g[p+1,o]) and
 * (x[p,i], x[p+1,i]) to the lanes. With 16 input channels or more a vector belongs to one output channel,
 * whose pair is broadcast from an interleaved copy of g's row.
 *
 * The image is cut into bands of rows, each with its own sums, added in order: the result does not depend on
 * the number of threads. */
#include "engine/cpu/narrow.h"
#include "engine/cpu/narrow_rows.h"

#ifdef __AVX512BF16__
#include <immintrin.h>
#include <omp.h>

enum { LANES = 16, BAND = 32, GROUPS_MAX = 8 };

struct problem {
    int kernel, stride;
    int in, out;    /* channels of x and of g */
    int per_vector; /* output channels in a vector, A */
    int groups;     /* of output channels: out / A */
    int in_blocks;  /* of 16 input channels */
    struct nn_shape x, g;
};

/* Sums are kept as [ky][in block][group][kx][lane]. */
static size_t sum_index(const struct problem *p, int ky, int block, int group, int kx)
{
    return ((((size_t)ky * p->in_blocks + block) * p->groups + group) * p->kernel + kx) * LANES;
}

static size_t sum_count(const struct problem *p)
{
    return sum_index(p, p->kernel, 0, 0, 0);
}

static struct problem make_problem(const struct nn_conv *geometry, struct nn_shape x, struct nn_shape g)
{
    int per_vector = x.c < LANES ? LANES / x.c : 1;
    return (struct problem){geometry->kernel_h,
                            geometry->stride,
                            x.c,
                            g.c,
                            per_vector,
                            g.c / per_vector,
                            x.c < LANES ? 1 : x.c / LANES,
                            x,
                            g};
}

/* Word e of lane l: channel `first` + l / spread % count of pixel e * pixel_step, for pixels of `channels`.
 */
static __m512i make_index(int channels, int pixel_step, int first, int spread, int count)
{
    uint16_t words[2 * LANES];
    for (int lane = 0; lane < LANES; lane++)
        for (int e = 0; e < 2; e++)
            words[2 * lane + e] = (uint16_t)(e * pixel_step * channels + first + lane / spread % count);
    return _mm512_loadu_si512(words);
}

static inline __attribute__((always_inline)) __m512i load_span(const char *at, size_t span)
{
    if (span <= 16) return _mm512_castsi128_si512(_mm_loadu_si128((const void *)at));
    if (span <= 32) return _mm512_castsi256_si512(_mm256_loadu_si256((const void *)at));
    return _mm512_loadu_si512(at);
}

/* Fewer than 16 input channels: adds one row for `rows` vertical taps and `groups` groups of output channels.
 * `sums` are those of the first tap and group. With stride 1 tap 2 of a pair is tap 0 of the next. */
static inline __attribute__((always_inline)) void packed_row(const struct problem *p, const char *const x[],
                                                             const char *g, const __m512i *g_indices,
                                                             __m512i x_index, float *const sums[], int in,
                                                             int out, int kernel, int stride, int rows,
                                                             int groups)
{
    __m512 sum[3][4][4];
    __m512i g_index[4], carried[3];
    size_t x_span = (size_t)(stride + 1) * (size_t)in * 2, g_span = (size_t)out * 4, x_pixel = (size_t)in * 2;
    for (int b = 0; b < groups; b++) g_index[b] = g_indices[b];
    for (int r = 0; r < rows; r++)
        for (int b = 0; b < groups; b++)
            for (int k = 0; k < kernel; k++)
                sum[r][b][k] = _mm512_loadu_ps(sums[r] + (b * kernel + k) * LANES);
    for (int r = 0; r < rows; r++) carried[r] = _mm512_permutexvar_epi16(x_index, load_span(x[r], x_span));
    for (size_t pair = 0; pair < (size_t)p->g.w / 2; pair++) {
        __m512i loaded = load_span(g + pair * g_span, g_span), gs[4];
#pragma GCC unroll 4
        for (int b = 0; b < groups; b++) gs[b] = _mm512_permutexvar_epi16(g_index[b], loaded);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            const char *at = x[r] + pair * 2 * (size_t)stride * x_pixel;
#pragma GCC unroll 4
            for (int k = 0; k < kernel; k++) {
                __m512i xs =
                    stride == 1 && k == 0
                        ? carried[r]
                        : _mm512_permutexvar_epi16(x_index, load_span(at + (size_t)k * x_pixel, x_span));
                if (stride == 1 && k == 2) carried[r] = xs;
#pragma GCC unroll 4
                for (int b = 0; b < groups; b++)
                    sum[r][b][k] = _mm512_dpbf16_ps(sum[r][b][k], (__m512bh)gs[b], (__m512bh)xs);
            }
        }
    }
    for (int r = 0; r < rows; r++)
        for (int b = 0; b < groups; b++)
            for (int k = 0; k < kernel; k++)
                _mm512_storeu_ps(sums[r] + (b * kernel + k) * LANES, sum[r][b][k]);
}

/* 16 input channels: adds one row for one vertical tap and `groups` output channels, whose pairs lie
 * interleaved in `g`, `out` of them per pair of pixels. `x` points at the block's first channel. */
static inline __attribute__((always_inline)) void broad_row(const struct problem *p, const char *x,
                                                            const uint32_t *g, __m512i x_index, float *sums,
                                                            int kernel, int stride, int groups)
{
    __m512 sum[8][4];
    size_t x_pixel = (size_t)p->in * 2, second = (size_t)stride * x_pixel;
    for (int b = 0; b < groups; b++)
        for (int k = 0; k < kernel; k++) sum[b][k] = _mm512_loadu_ps(sums + (b * kernel + k) * LANES);
    for (size_t pair = 0; pair < (size_t)p->g.w / 2; pair++, g += p->out) {
        const char *at = x + pair * 2 * second;
        __m512i xs[4];
#pragma GCC unroll 4
        for (int k = 0; k < kernel; k++) {
            const char *from = at + (size_t)k * x_pixel;
            __m512i both = _mm512_castsi256_si512(_mm256_loadu_si256((const void *)from));
            both = _mm512_inserti64x4(both, _mm256_loadu_si256((const void *)(from + second)), 1);
            xs[k] = _mm512_permutexvar_epi16(x_index, both);
        }
#pragma GCC unroll 8
        for (int b = 0; b < groups; b++) {
            __m512i gs = _mm512_set1_epi32((int)g[b]);
#pragma GCC unroll 4
            for (int k = 0; k < kernel; k++)
                sum[b][k] = _mm512_dpbf16_ps(sum[b][k], (__m512bh)gs, (__m512bh)xs[k]);
        }
    }
    for (int b = 0; b < groups; b++)
        for (int k = 0; k < kernel; k++) _mm512_storeu_ps(sums + (b * kernel + k) * LANES, sum[b][k]);
}

struct worker {
    const struct problem *problem;
    struct row_ring ring;
    uint32_t *pairs; /* one row of g, interleaved */
    __m512i x_index, g_index[GROUPS_MAX];
};

/* Pairs of horizontally neighbouring pixels of g, channel by channel. */
static void interleave(const struct problem *p, const char *g, uint32_t *pairs)
{
    const uint16_t *left = (const uint16_t *)g;
    for (int pair = 0; pair < p->g.w / 2; pair++, left += 2 * p->out, pairs += p->out)
        for (int o = 0; o < p->out; o++) pairs[o] = left[o] | (uint32_t)left[p->out + o] << 16;
}

static inline __attribute__((always_inline)) void packed_taps(struct worker *w, const char *const x[],
                                                              const char *g, float *sums, int in, int out,
                                                              int kernel, int stride, int rows, int groups)
{
    const struct problem *p = w->problem;
    for (int ky = 0; ky < kernel; ky += rows)
        for (int group = 0; group < p->groups; group += groups) {
            float *to[4];
            for (int r = 0; r < rows; r++) to[r] = sums + sum_index(p, ky + r, 0, group, 0);
            packed_row(p, x + ky, g, w->g_index + group, w->x_index, to, in, out, kernel, stride, rows,
                       groups);
        }
}

static inline __attribute__((always_inline)) void broad_taps(struct worker *w, const char *const x[],
                                                             const char *g, float *sums, int kernel,
                                                             int stride, int groups)
{
    const struct problem *p = w->problem;
    interleave(p, g, w->pairs);
    for (int ky = 0; ky < kernel; ky++)
        for (int block = 0; block < p->in_blocks; block++)
            for (int group = 0; group < p->groups; group += groups)
                broad_row(p, x[ky] + 2 * LANES * block, w->pairs + group, w->x_index,
                          sums + sum_index(p, ky, block, group, 0), kernel, stride, groups);
}

/* Adds one row of g into `sums`; x holds the padded rows under its taps. */
static void add_row(struct worker *w, const char *const x[], const char *g, float *sums)
{
    const struct problem *p = w->problem;
    if (p->in == 4 && p->stride == 1)
        packed_taps(w, x, g, sums, 4, 4, 3, 1, 3, 1);
    else if (p->in == 4)
        packed_taps(w, x, g, sums, 4, 8, 4, 2, 2, 2);
    else if (p->in == 8 && p->stride == 1)
        packed_taps(w, x, g, sums, 8, 8, 3, 1, 1, 4);
    else if (p->in == 8)
        packed_taps(w, x, g, sums, 8, 16, 4, 2, 1, 4);
    else if (p->stride == 1)
        broad_taps(w, x, g, sums, 3, 1, 8);
    else
        broad_taps(w, x, g, sums, 4, 2, 4);
}

static void add_band(struct worker *w, const char *x, const char *g, int first, int end, float *sums)
{
    const struct problem *p = w->problem;
    size_t g_row = (size_t)p->g.w * p->out * 2;
    memset(sums, 0, sum_count(p) * sizeof *sums);
    for (int y = first; y < end; y++) {
        const char *rows[4];
        for (int ky = 0; ky < p->kernel; ky++) rows[ky] = ring_row(&w->ring, x, y * p->stride - 1 + ky);
        add_row(w, rows, g + (size_t)y * g_row, sums);
    }
}

/* Adds the bands' sums in order and puts them where w stores them. */
static void finish(const struct problem *p, const float *sums, size_t bands, float scale, float *w)
{
    size_t count = sum_count(p);
    for (int ky = 0; ky < p->kernel; ky++)
        for (int o = 0; o < p->out; o++)
            for (int kx = 0; kx < p->kernel; kx++)
                for (int i = 0; i < p->in; i++) {
                    int lane = p->in < LANES ? o % p->per_vector * p->in + i : i % LANES;
                    size_t at = sum_index(p, ky, i / LANES, o / p->per_vector, kx) + (size_t)lane;
                    double sum = 0;
                    for (size_t b = 0; b < bands; b++) sum += (double)sums[b * count + at];
                    w[(((size_t)o * p->kernel + ky) * p->kernel + kx) * p->in + i] = scale * (float)sum;
                }
}

bool narrow_conv_dw_fits(const struct nn_conv *geometry, const struct nn_tensor *x, const struct nn_tensor *g)
{
    int in = x->shape.c, out = g->shape.c;
    bool same = nn_conv_is(geometry, 3, 1, 1) && out == in;
    bool down = nn_conv_is(geometry, 4, 2, 1) && out == 2 * in;
    return x->type == NN_BF16 && (same || down) && (in == 4 || in == 8 || in == 16 || in == 32) &&
           g->shape.w % 2 == 0;
}

nn_status narrow_conv_dw(struct cpu_backend *cpu, const struct nn_conv *geometry, const struct nn_tensor *x,
                         const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err)
{
    struct problem p = make_problem(geometry, x->shape, g->shape);
    int bands = (p.g.h + BAND - 1) / BAND;
    size_t tasks = (size_t)p.g.n * bands, count = sum_count(&p), threads = (size_t)omp_get_max_threads();
    size_t pixel_bytes = (size_t)p.in * 2, ring_size = ring_bytes(p.x.w, pixel_bytes);
    size_t pairs_size = (size_t)p.g.w * p.out * 2, own_size = (ring_size + pairs_size + 63) / 64 * 64;
    float *sums = cpu_scratch(&cpu->packed, tasks * count * sizeof *sums, err);
    char *own = cpu_scratch(&cpu->partial, threads * own_size, err);
    if (!sums || !own) return NN_ERR_MEMORY;
    memset(own, 0, threads * own_size);
    size_t x_image = nn_count(p.x) / (size_t)p.x.n * 2, g_image = nn_count(p.g) / (size_t)p.g.n * 2;
#pragma omp parallel for schedule(dynamic)
    for (size_t task = 0; task < tasks; task++) {
        char *memory = own + (size_t)omp_get_thread_num() * own_size;
        struct worker worker = {.problem = &p,
                                .ring = ring_make(memory, p.x.h, p.x.w, pixel_bytes),
                                .pairs = (uint32_t *)(memory + ring_size)};
        int in_vector = p.in < LANES ? p.in : LANES;
        worker.x_index =
            make_index(p.in < LANES ? p.in : LANES, p.in < LANES ? p.stride : 1, 0, 1, in_vector);
        for (int b = 0; b < p.groups && p.in < LANES; b++)
            worker.g_index[b] = make_index(p.out, 1, b * p.per_vector, p.in, p.per_vector);
        size_t n = task / (size_t)bands;
        int first = (int)(task % (size_t)bands) * BAND, end = first + BAND < p.g.h ? first + BAND : p.g.h;
        add_band(&worker, (const char *)x->data + n * x_image, (const char *)g->data + n * g_image, first,
                 end, sums + task * count);
    }
    finish(&p, sums, tasks, geometry->scale, w->data);
    return NN_OK;
}

#else

bool narrow_conv_dw_fits(const struct nn_conv *geometry, const struct nn_tensor *x, const struct nn_tensor *g)
{
    (void)geometry, (void)x, (void)g;
    return false;
}

nn_status narrow_conv_dw(struct cpu_backend *cpu, const struct nn_conv *geometry, const struct nn_tensor *x,
                         const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err)
{
    (void)cpu, (void)geometry, (void)x, (void)g, (void)w;
    return nn_fail(err, NN_ERR_DEVICE, "this build has no avx512_bf16 kernels");
}
#endif
