/* Adam, the moving average and the finiteness check, over flat f32 buffers. */
#include "engine/cpu/cpu.h"

#include <math.h>

nn_status cpu_adam(struct nn_backend *be, const struct nn_adam *p, size_t count, void *w, const void *g,
                   void *m, void *v, struct nn_error *err)
{
    (void)be, (void)err;
    float *weight = w, *first = m, *second = v;
    const float *slope = g;
    double t = (double)p->step;
    float rate = (float)((double)p->lr * sqrt(1 - pow((double)p->beta2, t)) / (1 - pow((double)p->beta1, t)));
    float b1 = p->beta1, b2 = p->beta2, epsilon = p->epsilon;
#pragma omp parallel for simd schedule(static) if (count > 65536)
    for (size_t i = 0; i < count; i++) {
        first[i] = b1 * first[i] + (1 - b1) * slope[i];
        second[i] = b2 * second[i] + (1 - b2) * slope[i] * slope[i];
        weight[i] -= rate * first[i] / (sqrtf(second[i]) + epsilon);
    }
    return NN_OK;
}

nn_status cpu_ema(struct nn_backend *be, float decay, size_t count, void *average, const void *w,
                  struct nn_error *err)
{
    (void)be, (void)err;
    float *to = average;
    const float *from = w;
#pragma omp parallel for simd schedule(static) if (count > 65536)
    for (size_t i = 0; i < count; i++) to[i] = decay * to[i] + (1 - decay) * from[i];
    return NN_OK;
}

/* An exponent of all ones is infinity or NaN. */
static bool finite_span(const struct nn_span *s)
{
    const uint32_t *bits = s->values;
    uint32_t bad = 0;
    size_t count = s->count;
#pragma omp parallel for simd reduction(| : bad) schedule(static) if (count > 65536)
    for (size_t i = 0; i < count; i++) bad |= (bits[i] & 0x7f800000u) == 0x7f800000u;
    return !bad;
}

nn_status cpu_all_finite(struct nn_backend *be, const struct nn_span *spans, int count, bool *finite,
                         struct nn_error *err)
{
    (void)be, (void)err;
    *finite = true;
    for (int i = 0; i < count && *finite; i++) *finite = finite_span(&spans[i]);
    return NN_OK;
}
