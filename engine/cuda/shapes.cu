/* Kernels that move elements: channel slices, halving and doubling, and the arithmetic of the fused sampling
 * kernels. A block works on a piece of one row of the output, so that few divisions find a thread's place. */
#include "engine/cuda/device.cuh"

/* ---- channels ------------------------------------------------------------------------------------- */

/* out[p, to + c] = x[p, from + c] for `count` channels; what lies outside them in out is 0. */
template <typename T, int V>
__global__ void move_channels(const T *x, int x_channels, int from, T *out, int out_channels, int to,
                              int count, size_t groups)
{
    size_t index = thread_index();
    if (index >= groups) return;
    int per_pixel = out_channels / V, c = (int)(index % per_pixel) * V;
    float v[V] = {0};
    if (c >= to && c < to + count) load<T, V>(x + index / per_pixel * x_channels + from + c - to, v);
    store<T, V>(out + index * V, v);
}

static nn_status move(struct nn_backend *be, const char *name, const struct nn_tensor *x, int from,
                      struct nn_tensor *out, int to, int count, struct nn_error *err)
{
    return by_type(x->type, [&](auto zero) {
        using T = decltype(zero);
        constexpr int V = wide<T>;
        bool vectors =
            aligned(x->data, out->data) && (x->shape.c | from | out->shape.c | to | count) % V == 0;
        size_t groups = nn_count(out->shape) / (vectors ? V : 1);
        return launch(cuda_of(be), name, err, vectors ? move_channels<T, V> : move_channels<T, 1>,
                      blocks_for(groups), THREADS, data_of<const T>(x), x->shape.c, from, data_of<T>(out),
                      out->shape.c, to, count, groups);
    });
}

nn_status cuda_channel_slice(struct nn_backend *be, const struct nn_tensor *x, int first,
                             struct nn_tensor *out, struct nn_error *err)
{
    return move(be, "channel_slice", x, first, out, 0, out->shape.c, err);
}

nn_status cuda_channel_pad(struct nn_backend *be, const struct nn_tensor *x, int first, struct nn_tensor *out,
                           struct nn_error *err)
{
    return move(be, "channel_pad", x, 0, out, first, x->shape.c, err);
}

/* ---- halving and doubling ------------------------------------------------------------------------- */

template <typename T, int V>
__global__ void halve(const T *x, T *out, int width, int channels, unsigned tiles)
{
    size_t row = row_of(tiles);
    unsigned group = group_of(tiles), per_pixel = channels / V;
    if (group >= width * per_pixel) return;
    size_t row_size = 2 * (size_t)width * channels; /* of x */
    const T *top =
        x + 2 * row * row_size + (size_t)(group / per_pixel) * 2 * channels + group % per_pixel * V;
    float a[V], b[V], c[V], d[V];
    load<T, V>(top, a);
    load<T, V>(top + channels, b);
    load<T, V>(top + row_size, c);
    load<T, V>(top + row_size + channels, d);
    for (int i = 0; i < V; i++) a[i] = 0.25f * ((a[i] + b[i]) + (c[i] + d[i]));
    store<T, V>(out + row * (row_size / 2) + (size_t)group * V, a);
}

/* A thread reads one pixel's channels and writes them to four. */
template <typename T, int V>
__global__ void twice(const T *x, T *out, int width, int channels, unsigned tiles)
{
    size_t row = row_of(tiles);
    unsigned group = group_of(tiles), per_pixel = channels / V;
    if (group >= width * per_pixel) return;
    size_t row_size = 2 * (size_t)width * channels; /* of out */
    T *top = out + 2 * row * row_size + (size_t)(group / per_pixel) * 2 * channels + group % per_pixel * V;
    float v[V];
    load<T, V>(x + row * (row_size / 2) + (size_t)group * V, v);
    store<T, V>(top, v);
    store<T, V>(top + channels, v);
    store<T, V>(top + row_size, v);
    store<T, V>(top + row_size + channels, v);
}

/* Both walk over the smaller of the two maps. */
nn_status cuda_avg_pool2(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                         struct nn_error *err)
{
    struct nn_shape s = out->shape;
    return by_type(x->type, [&](auto zero) {
        using T = decltype(zero);
        constexpr int V = wide<T>;
        bool vectors = s.c % V == 0 && aligned(x->data, out->data);
        row_grid g = grid_over((size_t)s.n * s.h, (size_t)s.w * s.c / (vectors ? V : 1));
        return launch(cuda_of(be), "avg_pool2", err, vectors ? halve<T, V> : halve<T, 1>, g.blocks, THREADS,
                      data_of<const T>(x), data_of<T>(out), s.w, s.c, g.tiles);
    });
}

nn_status cuda_upsample2(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                         struct nn_error *err)
{
    struct nn_shape s = x->shape;
    return by_type(x->type, [&](auto zero) {
        using T = decltype(zero);
        constexpr int V = wide<T>;
        bool vectors = s.c % V == 0 && aligned(x->data, out->data);
        row_grid g = grid_over((size_t)s.n * s.h, (size_t)s.w * s.c / (vectors ? V : 1));
        return launch(cuda_of(be), "upsample2", err, vectors ? twice<T, V> : twice<T, 1>, g.blocks, THREADS,
                      data_of<const T>(x), data_of<T>(out), s.w, s.c, g.tiles);
    });
}

/* ---- taps ----------------------------------------------------------------------------------------- */

/* One thread an element of the result, (o, y, x, i) in storage order. */
__global__ void spread_taps(const float *w3, float *w4, int inputs, size_t count)
{
    size_t index = thread_index();
    if (index >= count) return;
    int i = (int)(index % inputs), tap = (int)(index / inputs % 16), y = tap / 4, x = tap % 4;
    const float *from = w3 + index / inputs / 16 * 9 * inputs + i;
    float sum = 0;
    for (int sy = y > 0 ? y - 1 : 0; sy <= y && sy < 3; sy++)
        for (int sx = x > 0 ? x - 1 : 0; sx <= x && sx < 3; sx++) sum += from[(sy * 3 + sx) * inputs];
    w4[index] = sum;
}

__global__ void gather_taps(const float *w4, float *w3, int inputs, size_t count)
{
    size_t index = thread_index();
    if (index >= count) return;
    int i = (int)(index % inputs), tap = (int)(index / inputs % 9);
    const float *a = w4 + (index / inputs / 9 * 16 + tap / 3 * 4 + tap % 3) * inputs + i;
    const float *b = a + 4 * (size_t)inputs;
    w3[index] = (a[0] + a[inputs]) + (b[0] + b[inputs]);
}

nn_status cuda_taps_spread(struct nn_backend *be, const struct nn_tensor *w3, struct nn_tensor *w4,
                           struct nn_error *err)
{
    size_t count = nn_count(w4->shape);
    return launch(cuda_of(be), "taps_spread", err, spread_taps, blocks_for(count), THREADS,
                  data_of<const float>(w3), data_of<float>(w4), w3->shape.c, count);
}

nn_status cuda_taps_gather(struct nn_backend *be, const struct nn_tensor *w4, struct nn_tensor *w3,
                           struct nn_error *err)
{
    size_t count = nn_count(w3->shape);
    return launch(cuda_of(be), "taps_gather", err, gather_taps, blocks_for(count), THREADS,
                  data_of<const float>(w4), data_of<float>(w3), w4->shape.c, count);
}
