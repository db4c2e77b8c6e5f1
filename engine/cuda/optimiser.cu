/* The optimiser's passes over flat f32 buffers. A network's parameters begin anywhere in them, so the groups
 * of 16 bytes are used where all of a call's pointers allow it. */
#include <math.h>

#include "engine/cuda/device.cuh"

/* Elements first .. first+V-1, or up to `count`: groups where they are whole, single ones at the end. */
template <int V, typename F> __device__ inline void for_group(size_t count, F f)
{
    size_t first = thread_index() * V;
    if (first + V <= count)
        f(first, std::integral_constant<int, V>());
    else
        for (size_t i = first; i < count; i++) f(i, std::integral_constant<int, 1>());
}

struct adam_step {
    float rate, beta1, beta2, rest1, rest2, epsilon; /* rest: 1 - beta */
};

template <int V> __global__ void adam(adam_step p, size_t count, float *w, const float *g, float *m, float *v)
{
    for_group<V>(count, [=](size_t i, auto width) {
        constexpr int N = decltype(width)::value;
        float gs[N], ms[N], vs[N], ws[N];
        load<float, N>(g + i, gs);
        load<float, N>(m + i, ms);
        load<float, N>(v + i, vs);
        load<float, N>(w + i, ws);
        for (int k = 0; k < N; k++) {
            ms[k] = p.beta1 * ms[k] + p.rest1 * gs[k];
            vs[k] = p.beta2 * vs[k] + p.rest2 * gs[k] * gs[k];
            ws[k] -= p.rate * ms[k] / (sqrtf(vs[k]) + p.epsilon);
        }
        store<float, N>(m + i, ms);
        store<float, N>(v + i, vs);
        store<float, N>(w + i, ws);
    });
}

nn_status cuda_adam(struct nn_backend *be, const struct nn_adam *p, size_t count, void *w, const void *g,
                    void *m, void *v, struct nn_error *err)
{
    double t = (double)p->step, b1 = (double)p->beta1, b2 = (double)p->beta2;
    adam_step step = {(float)((double)p->lr * sqrt(1 - pow(b2, t)) / (1 - pow(b1, t))),
                      p->beta1,
                      p->beta2,
                      (float)(1 - b1),
                      (float)(1 - b2),
                      p->epsilon};
    bool groups = aligned(w, g, m, v);
    return launch(cuda_of(be), "adam", err, groups ? adam<4> : adam<1>,
                  blocks_for(groups ? (count + 3) / 4 : count), THREADS, step, count, (float *)w,
                  (const float *)g, (float *)m, (float *)v);
}

template <int V> __global__ void ema(float decay, float rest, size_t count, float *average, const float *w)
{
    for_group<V>(count, [=](size_t i, auto width) {
        constexpr int N = decltype(width)::value;
        float a[N], b[N];
        load<float, N>(average + i, a);
        load<float, N>(w + i, b);
        for (int k = 0; k < N; k++) a[k] = decay * a[k] + rest * b[k];
        store<float, N>(average + i, a);
    });
}

nn_status cuda_ema(struct nn_backend *be, float decay, size_t count, void *average, const void *w,
                   struct nn_error *err)
{
    float rest = (float)(1 - (double)decay);
    bool groups = aligned(average, w);
    return launch(cuda_of(be), "ema", err, groups ? ema<4> : ema<1>,
                  blocks_for(groups ? (count + 3) / 4 : count), THREADS, decay, rest, count, (float *)average,
                  (const float *)w);
}

/* Every thread that finds one writes the same word, so it does not matter which comes first. */
template <int V> __global__ void find_infinite(size_t count, const float *values, int *found)
{
    for_group<V>(count, [=](size_t i, auto width) {
        constexpr int N = decltype(width)::value;
        float v[N];
        load<float, N>(values + i, v);
        for (int k = 0; k < N; k++)
            if ((__float_as_uint(v[k]) & 0x7f800000u) == 0x7f800000u) *found = 1;
    });
}

nn_status cuda_all_finite(struct nn_backend *be, const struct nn_span *spans, int count, bool *finite,
                          struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    int found = 0, *flag = (int *)cuda_scratch(cuda, CUDA_SCRATCH_FLAG, sizeof found, err);
    if (!flag) return NN_ERR_MEMORY;
    nn_status status =
        cuda_check(cuda, cudaMemsetAsync(flag, 0, sizeof found, cuda->stream), "cudaMemsetAsync", err);
    for (int i = 0; !status && i < count; i++) {
        const struct nn_span *s = &spans[i];
        bool groups = aligned(s->values);
        status = launch(cuda, "all_finite", err, groups ? find_infinite<4> : find_infinite<1>,
                        blocks_for(groups ? (s->count + 3) / 4 : s->count), THREADS, s->count,
                        (const float *)s->values, flag);
    }
    if (!status) status = cuda_download(be, &found, flag, sizeof found, err);
    *finite = found == 0;
    return status;
}
