#include "engine/cpu/dense.h"

#include <stdlib.h>
#include <string.h>

#include "engine/cpu/bf16.h"
#include "engine/cpu/lanes.h"

enum { SUMS = 4, CHUNK = SUMS * LANES };

/* Weights lie as they are used: a chunk of outputs, input by input. A unit is one f32, or two bf16 that
 * belong to two inputs, the second of which may be missing. */
struct dense_layer {
    bool narrow;
    size_t inputs, outputs, steps; /* steps: units of the input */
    float *weights;
    size_t bytes;
};

static float unit_of(float low, float high, bool narrow)
{
    uint32_t bits = (uint32_t)bf16_from_float(high) << 16 | bf16_from_float(low);
    float unit = low;
    if (narrow) memcpy(&unit, &bits, sizeof unit);
    return unit;
}

static void pack(struct dense_layer *d, const float *w, float scale)
{
    float *to = d->weights;
    size_t step = d->narrow ? 2 : 1;
    for (size_t chunk = 0; chunk < d->outputs; chunk += CHUNK)
        for (size_t i = 0; i < d->inputs; i += step)
            for (size_t j = chunk; j < chunk + CHUNK; j++)
                *to++ = unit_of(scale * w[i * d->outputs + j],
                                i + 1 < d->inputs ? scale * w[(i + 1) * d->outputs + j] : 0, d->narrow);
}

nn_status dense_new(struct dense_layer **layer, enum nn_type type, const struct nn_stage *stage,
                    struct nn_error *err)
{
    struct dense_layer *d = calloc(1, sizeof *d);
    if (!d) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a layer");
#ifdef __AVX512BF16__
    d->narrow = type == NN_BF16;
#else
    (void)type;
#endif
    d->inputs = (size_t)stage->weight.shape.n;
    d->outputs = 16 * (size_t)stage->shape.c;
    d->steps = d->narrow ? (d->inputs + 1) / 2 : d->inputs;
    d->bytes = d->steps * d->outputs * sizeof *d->weights;
    d->weights = aligned_alloc(64, d->bytes);
    if (!d->weights) {
        nn_fail(err, NN_ERR_MEMORY, "out of memory for %zu MiB of weights", d->bytes >> 20);
        dense_free(d);
        return NN_ERR_MEMORY;
    }
    pack(d, stage->weight.data, stage->geometry.scale);
    *layer = d;
    return NN_OK;
}

void dense_free(struct dense_layer *d)
{
    if (!d) return;
    free(d->weights);
    free(d);
}

size_t dense_inputs(const struct dense_layer *d)
{
    return d->inputs;
}

size_t dense_bytes(const struct dense_layer *d)
{
    return d->bytes;
}

LANES_INLINE lanes step(lanes sum, lanes w, float x, bool narrow)
{
#ifdef __AVX512BF16__
    if (narrow) return (lanes)_mm512_dpbf16_ps((__m512)sum, (__m512bh)w, (__m512bh)_mm512_set1_ps(x));
#endif
    (void)narrow;
    return lanes_multiply_add(w, lanes_all(x), sum);
}

LANES_INLINE void run_chunk(const float *input, const float *w, size_t steps, bool narrow, lanes sum[SUMS])
{
    for (int k = 0; k < SUMS; k++) sum[k] = (lanes){0};
    for (size_t i = 0; i < steps; i++, w += CHUNK)
        for (int k = 0; k < SUMS; k++) sum[k] = step(sum[k], lanes_load(w + k * LANES), input[i], narrow);
}

void dense_run(const struct dense_layer *d, const float *input, float *units, struct nn_tensor *map)
{
    for (size_t i = 0; i < d->steps; i++)
        units[i] =
            !d->narrow ? input[i] : unit_of(input[2 * i], 2 * i + 1 < d->inputs ? input[2 * i + 1] : 0, true);
#pragma omp parallel for if (d->bytes > 65536)
    for (size_t chunk = 0; chunk < d->outputs / CHUNK; chunk++) {
        lanes sum[SUMS];
        const float *w = d->weights + chunk * CHUNK * d->steps;
        if (d->narrow)
            run_chunk(units, w, d->steps, true, sum);
        else
            run_chunk(units, w, d->steps, false, sum);
        for (size_t k = 0; k < SUMS; k++) {
            size_t at = chunk * CHUNK + k * LANES;
            if (map->type == NN_BF16)
                lanes_to_bf16((uint16_t *)map->data + at, sum[k]);
            else
                lanes_store((float *)map->data + at, sum[k]);
        }
    }
}
