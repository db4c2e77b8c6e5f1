/* Sums over dimensions, and the broadcasts that are their adjoints.
 *
 * Nearly every case is a view x[a][r][k] with out[a][k]: the bias gradient keeps the channels (a = 1), a sum
 * per sample keeps the batch (k = 1), a scalar keeps nothing. The reduced dimension is cut into blocks whose
 * size depends on the shape alone; each block is summed in f32 and the block sums in double, in order, so the
 * result does not depend on the number of threads. */
#include "engine/cpu/cpu.h"

#include "engine/cpu/bf16.h"
#include "engine/cpu/lanes.h"

#include <string.h>

enum { UNIT = 64, BLOCK = 16384, SEGMENT = 1024, SERIAL = 65536 };

struct view {
    size_t outer, reduced, inner;
};

/* Whether `small` is `large` with one run of neighbouring dimensions, in storage order N,H,W,C, summed. */
static bool view_of(struct nn_shape large, struct nn_shape small, struct view *v)
{
    const int l[4] = {large.n, large.h, large.w, large.c}, s[4] = {small.n, small.h, small.w, small.c};
    *v = (struct view){1, 1, 1};
    int part = 0; /* 0 before the run, 1 in it, 2 after it */
    for (int d = 0; d < 4; d++) {
        if (l[d] == 1) continue;
        bool summed = s[d] == 1;
        if (part == 0 && summed) part = 1;
        if (part == 1 && !summed) part = 2;
        if (part == 2 && summed) return false;
        *(part == 0 ? &v->outer : part == 1 ? &v->reduced : &v->inner) *= (size_t)l[d];
    }
    return true;
}

/* The element of `small` that element i of `large` falls on. */
static size_t index_in(struct nn_shape large, struct nn_shape small, size_t i)
{
    size_t c = i % (size_t)large.c, x = i / (size_t)large.c % (size_t)large.w;
    size_t y = i / (size_t)large.c / (size_t)large.w % (size_t)large.h;
    size_t n = i / (size_t)large.c / (size_t)large.w / (size_t)large.h;
    size_t row = (small.n > 1 ? n : 0) * (size_t)small.h + (small.h > 1 ? y : 0);
    return (row * (size_t)small.w + (small.w > 1 ? x : 0)) * (size_t)small.c + (small.c > 1 ? c : 0);
}

/* to[j] += in[j] + in[unit + j] + ...; the last unit may be in part. UNIT, the common one, in registers. */
static void add_units(const float *in, size_t count, size_t unit, float *to)
{
    size_t i = 0;
    if (unit == UNIT) {
        lanes sum[4];
        for (int k = 0; k < 4; k++) sum[k] = lanes_load(to + k * LANES);
        for (; i + UNIT <= count; i += UNIT)
            for (int k = 0; k < 4; k++) sum[k] += lanes_load(in + i + k * LANES);
        for (int k = 0; k < 4; k++) lanes_store(to + k * LANES, sum[k]);
    }
    for (; i + unit <= count; i += unit)
        for (size_t j = 0; j < unit; j++) to[j] += in[i + j];
    for (size_t j = 0; i + j < count; j++) to[j] += in[i + j];
}

/* sums[k] = sum of x[first + r*inner + k] over r < rows, for inner <= SEGMENT: several rows are added at once
 * as one vector of UNIT or more, which is what makes few channels fast. */
static void sum_rows(const struct nn_tensor *x, size_t first, size_t rows, size_t inner, float *sums)
{
    float wide[2 * SEGMENT], units[SEGMENT + UNIT];
    size_t together = inner < UNIT ? UNIT / inner : 1, unit = together * inner;
    memset(units, 0, unit * sizeof *units);
    size_t step = 2 * SEGMENT / unit * unit, end = first + rows * inner;
    for (; first < end; first += step) {
        size_t length = end - first < step ? end - first : step;
        add_units(cpu_widen(x, first, length, wide), length, unit, units);
    }
    for (size_t k = 0; k < inner; k++) sums[k] = 0;
    for (size_t j = 0; j < unit; j++) sums[j % inner] += units[j];
}

static nn_status sum_blocks(struct cpu_backend *cpu, const struct nn_tensor *x, struct view v, float *out,
                            struct nn_error *err)
{
    size_t rows = BLOCK / v.inner, blocks = (v.reduced + rows - 1) / rows, tasks = v.outer * blocks;
    float *sums = blocks == 1 ? out : cpu_scratch(&cpu->partial, tasks * v.inner * sizeof *sums, err);
    if (!sums) return NN_ERR_MEMORY;
    size_t grain = tasks / 64 + 1;
#pragma omp parallel for schedule(dynamic, grain) if (v.outer * v.reduced * v.inner > SERIAL)
    for (size_t t = 0; t < tasks; t++) {
        size_t a = t / blocks, from = t % blocks * rows, left = v.reduced - from;
        sum_rows(x, (a * v.reduced + from) * v.inner, left < rows ? left : rows, v.inner, sums + t * v.inner);
    }
    if (blocks == 1) return NN_OK;
    for (size_t a = 0; a < v.outer; a++)
        for (size_t k = 0; k < v.inner; k++) {
            double sum = 0;
            for (size_t b = 0; b < blocks; b++) sum += (double)sums[(a * blocks + b) * v.inner + k];
            out[a * v.inner + k] = (float)sum;
        }
    return NN_OK;
}

/* Long inner dimension, as in a sum over the batch: threads share the columns. */
static void sum_columns(const struct nn_tensor *x, struct view v, float *out)
{
    size_t segments = (v.inner + SEGMENT - 1) / SEGMENT;
#pragma omp parallel for collapse(2) schedule(dynamic, 4) if (v.outer * v.reduced * v.inner > SERIAL)
    for (size_t a = 0; a < v.outer; a++)
        for (size_t s = 0; s < segments; s++) {
            size_t from = s * SEGMENT, length = v.inner - from < SEGMENT ? v.inner - from : SEGMENT;
            float wide[SEGMENT], *to = out + a * v.inner + from;
            for (size_t i = 0; i < length; i++) to[i] = 0;
            for (size_t r = 0; r < v.reduced; r++) {
                const float *in = cpu_widen(x, (a * v.reduced + r) * v.inner + from, length, wide);
                for (size_t i = 0; i < length; i++) to[i] += in[i];
            }
        }
}

nn_status cpu_sum_to(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                     struct nn_error *err)
{
    struct view v;
    float *sums = out->data;
    if (!view_of(x->shape, out->shape, &v)) {
        memset(sums, 0, nn_count(out->shape) * sizeof *sums);
        for (size_t i = 0; i < nn_count(x->shape); i++) {
            float wide;
            sums[index_in(x->shape, out->shape, i)] += *cpu_widen(x, i, 1, &wide);
        }
        return NN_OK;
    }
    if (v.inner <= SEGMENT) return sum_blocks(cpu_of(be), x, v, sums, err);
    sum_columns(x, v, sums);
    return NN_OK;
}

/* Writes count elements, repeating the `inner` values of `from`; starts at its first. */
static void repeat(const float *from, size_t inner, struct nn_tensor *out, size_t first, size_t count)
{
    float *f32 = (float *)out->data + first;
    uint16_t *bf16 = (uint16_t *)out->data + first;
    if (out->type == NN_F32)
        for (size_t i = 0; i < inner; i++) f32[i] = from[i];
    else
        for (size_t i = 0; i < inner; i++) bf16[i] = bf16_from_float(from[i]);
    size_t size = nn_type_size(out->type);
    char *start = (char *)out->data + first * size;
    for (size_t done = inner; done < count; done *= 2)
        memcpy(start + done * size, start, (count - done < done ? count - done : done) * size);
}

nn_status cpu_broadcast(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err)
{
    (void)be, (void)err;
    struct view v;
    const float *from = x->data;
    size_t count = nn_count(out->shape);
    if (!view_of(out->shape, x->shape, &v)) {
        for (size_t i = 0; i < count; i++) {
            float value = from[index_in(out->shape, x->shape, i)], *to = cpu_target(out, i, &value);
            *to = value;
            cpu_narrow(out, i, 1, &value);
        }
        return NN_OK;
    }
    size_t rows = v.inner < BLOCK ? BLOCK / v.inner : 1, blocks = (v.reduced + rows - 1) / rows;
    size_t grain = v.outer * blocks / 64 + 1;
#pragma omp parallel for collapse(2) schedule(dynamic, grain) if (count > SERIAL)
    for (size_t a = 0; a < v.outer; a++)
        for (size_t b = 0; b < blocks; b++) {
            size_t left = v.reduced - b * rows, length = (left < rows ? left : rows) * v.inner;
            repeat(from + a * v.inner, v.inner, out, (a * v.reduced + b * rows) * v.inner, length);
        }
    return NN_OK;
}
