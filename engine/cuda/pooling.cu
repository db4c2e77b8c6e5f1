/* Pooling by windows, and maps joined along their channels. One thread a pixel and 16 bytes of its channels.
 * The adjoints gather: each pixel asks the windows that it is in, so there is no sum whose order is open. */
#include <math.h>

#include "engine/cuda/device.cuh"

/* A pooling between the larger map, x, and the smaller one, y, of the same images and channels. */
struct pooling {
    int kernel, stride, pad, channels;
    int x_h, x_w, y_h, y_w;
};

static pooling pooling_of(const struct nn_window *w, struct nn_shape x, struct nn_shape y)
{
    return {w->kernel, w->stride, w->pad, x.c, x.h, x.w, y.h, y.w};
}

/* The thread's pixel and first channel, in a map of h x w pixels; false beyond the last. */
struct spot {
    size_t image;
    int y, x, channel;
};

template <int V> __device__ inline bool find_place(const pooling &p, int h, int w, unsigned tiles, spot *at)
{
    unsigned per_pixel = p.channels / V, group = group_of(tiles), pixel = group / per_pixel;
    if (pixel >= (unsigned)h * w) return false;
    *at = {row_of(tiles), (int)(pixel / w), (int)(pixel % w), (int)(group % per_pixel * V)};
    return true;
}

/* Of the element at (y, x) of the spot's image and channel. */
__device__ inline size_t offset_of(const pooling &p, const spot &at, int h, int w, int y, int x)
{
    return ((at.image * h + y) * w + x) * p.channels + at.channel;
}

struct range {
    int first, end;
};

/* The pixels of x, `extent` of them, that window `at` covers along one direction. */
__device__ inline range taps_of(const pooling &p, int at, int extent)
{
    int first = at * p.stride - p.pad, end = first + p.kernel;
    return {first > 0 ? first : 0, end < extent ? end : extent};
}

/* The windows, `extent` of them, that pixel `at` of x is in. */
__device__ inline range windows_of(const pooling &p, int at, int extent)
{
    int from = at + p.pad, below = from - p.kernel, last = from / p.stride;
    return {below >= 0 ? below / p.stride + 1 : 0, last < extent ? last + 1 : extent};
}

/* ---- the largest ------------------------------------------------------------------------------------ */

/* Where there are `places`, which tap it is, the first of equals, instead of the value. */
template <typename T, int V>
__global__ void largest(const T *x, pooling p, unsigned tiles, T *out, unsigned char *places)
{
    spot at;
    if (!find_place<V>(p, p.y_h, p.y_w, tiles, &at)) return;
    range rows = taps_of(p, at.y, p.x_h), columns = taps_of(p, at.x, p.x_w);
    int top = at.y * p.stride - p.pad, left = at.x * p.stride - p.pad;
    float most[V];
    int tap[V];
    for (int i = 0; i < V; i++) {
        most[i] = -INFINITY;
        tap[i] = (rows.first - top) * p.kernel + columns.first - left;
    }
    for (int y = rows.first; y < rows.end; y++)
        for (int x_at = columns.first; x_at < columns.end; x_at++) {
            float v[V];
            load<T, V>(x + offset_of(p, at, p.x_h, p.x_w, y, x_at), v);
            for (int i = 0; i < V; i++) {
                if (v[i] > most[i]) tap[i] = (y - top) * p.kernel + x_at - left;
                most[i] = v[i] > most[i] ? v[i] : most[i];
            }
        }
    size_t to = offset_of(p, at, p.y_h, p.y_w, at.y, at.x);
    if (!places) return store<T, V>(out + to, most);
    pack<unsigned char, V> bytes;
    for (int i = 0; i < V; i++) bytes.v[i] = (unsigned char)tap[i];
    *reinterpret_cast<pack<unsigned char, V> *>(places + to) = bytes;
}

template <typename T, int V>
__global__ void sum_of_placed(const T *g, const unsigned char *places, pooling p, unsigned tiles, T *out)
{
    spot at;
    if (!find_place<V>(p, p.x_h, p.x_w, tiles, &at)) return;
    range rows = windows_of(p, at.y, p.y_h), columns = windows_of(p, at.x, p.y_w);
    float sum[V] = {0};
    for (int y = rows.first; y < rows.end; y++)
        for (int x = columns.first; x < columns.end; x++) {
            size_t from = offset_of(p, at, p.y_h, p.y_w, y, x);
            int tap = (at.y + p.pad - y * p.stride) * p.kernel + at.x + p.pad - x * p.stride;
            auto placed = *reinterpret_cast<const pack<unsigned char, V> *>(places + from);
            float v[V];
            load<T, V>(g + from, v);
            for (int i = 0; i < V; i++) sum[i] += placed.v[i] == tap ? v[i] : 0;
        }
    store<T, V>(out + offset_of(p, at, p.x_h, p.x_w, at.y, at.x), sum);
}

/* As by_width, and with the grid over a map of `over`. */
template <typename F>
static nn_status by_place(const struct nn_tensor *like, struct nn_shape over, bool vectors, F f)
{
    return by_width(like, vectors, [&](auto zero, auto width) {
        return f(zero, width, grid_over(over.n, (size_t)over.h * over.w * over.c / decltype(width)::value));
    });
}

static nn_status find_largest(struct nn_backend *be, const struct nn_window *window,
                              const struct nn_tensor *x, struct nn_shape y, struct nn_tensor *out,
                              unsigned char *places, struct nn_error *err)
{
    bool vectors = out ? aligned(x->data, out->data) : aligned(x->data);
    return by_place(x, y, vectors, [&](auto zero, auto width, row_grid g) {
        using T = decltype(zero);
        return launch(cuda_of(be), "max_pool", err, largest<T, decltype(width)::value>, g.blocks, THREADS,
                      data_of<const T>(x), pooling_of(window, x->shape, y), g.tiles,
                      out ? data_of<T>(out) : (T *)NULL, places);
    });
}

nn_status cuda_max_pool(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                        struct nn_tensor *out, struct nn_error *err)
{
    return find_largest(be, window, x, out->shape, out, NULL, err);
}

nn_status cuda_max_pool_dx(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                           const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    auto *places = (unsigned char *)cuda_scratch(cuda, CUDA_SCRATCH_PARTIAL, nn_count(g->shape), err);
    if (!places) return NN_ERR_MEMORY;
    nn_status status = find_largest(be, window, x, g->shape, NULL, places, err);
    if (status) return status;
    bool vectors = aligned(g->data, out->data);
    return by_place(g, out->shape, vectors, [&](auto zero, auto width, row_grid grid) {
        using T = decltype(zero);
        return launch(cuda, "max_pool_dx", err, sum_of_placed<T, decltype(width)::value>, grid.blocks,
                      THREADS, data_of<const T>(g), (const unsigned char *)places,
                      pooling_of(window, out->shape, g->shape), grid.tiles, data_of<T>(out));
    });
}

/* ---- the mean --------------------------------------------------------------------------------------- */

/* The sum over a window or, at x, over the windows that a pixel is in, times `factor`. */
template <typename T, int V, bool adjoint>
__global__ void sum_windows(const T *from, pooling p, float factor, unsigned tiles, T *out)
{
    int h = adjoint ? p.x_h : p.y_h, w = adjoint ? p.x_w : p.y_w;
    int from_h = adjoint ? p.y_h : p.x_h, from_w = adjoint ? p.y_w : p.x_w;
    spot at;
    if (!find_place<V>(p, h, w, tiles, &at)) return;
    range rows = adjoint ? windows_of(p, at.y, from_h) : taps_of(p, at.y, from_h);
    range columns = adjoint ? windows_of(p, at.x, from_w) : taps_of(p, at.x, from_w);
    float sum[V] = {0};
    for (int y = rows.first; y < rows.end; y++)
        for (int x = columns.first; x < columns.end; x++) {
            float v[V];
            load<T, V>(from + offset_of(p, at, from_h, from_w, y, x), v);
            for (int i = 0; i < V; i++) sum[i] += v[i];
        }
    for (int i = 0; i < V; i++) sum[i] *= factor;
    store<T, V>(out + offset_of(p, at, h, w, at.y, at.x), sum);
}

template <bool adjoint>
static nn_status average(struct nn_backend *be, const char *name, const struct nn_window *window,
                         const struct nn_tensor *from, struct nn_tensor *out, struct nn_error *err)
{
    pooling p =
        adjoint ? pooling_of(window, out->shape, from->shape) : pooling_of(window, from->shape, out->shape);
    float factor = 1.0f / (float)(window->kernel * window->kernel);
    bool vectors = aligned(from->data, out->data);
    return by_place(from, out->shape, vectors, [&](auto zero, auto width, row_grid g) {
        using T = decltype(zero);
        return launch(cuda_of(be), name, err, sum_windows<T, decltype(width)::value, adjoint>, g.blocks,
                      THREADS, data_of<const T>(from), p, factor, g.tiles, data_of<T>(out));
    });
}

nn_status cuda_avg_pool(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                        struct nn_tensor *out, struct nn_error *err)
{
    return average<false>(be, "avg_pool", window, x, out, err);
}

nn_status cuda_avg_pool_dx(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *g,
                           struct nn_tensor *out, struct nn_error *err)
{
    return average<true>(be, "avg_pool_dx", window, g, out, err);
}

/* ---- joined ----------------------------------------------------------------------------------------- */

/* One image a row: out[p, first + c] = part[p, c]. */
template <typename T, int V>
__global__ void put_channels(const T *part, unsigned channels, unsigned pixels, T *out, unsigned out_channels,
                             unsigned first, unsigned tiles)
{
    unsigned group = group_of(tiles), per_pixel = channels / V, pixel = group / per_pixel;
    if (pixel >= pixels) return;
    size_t at = row_of(tiles) * pixels + pixel;
    unsigned channel = group % per_pixel * V;
    float v[V];
    load<T, V>(part + at * channels + channel, v);
    store<T, V>(out + at * out_channels + first + channel, v);
}

nn_status cuda_concatenate(struct nn_backend *be, const struct nn_tensor *const *parts, int count,
                           struct nn_tensor *out, struct nn_error *err)
{
    nn_status status = NN_OK;
    int first = 0;
    for (int k = 0; k < count && !status; k++) {
        struct nn_shape s = parts[k]->shape;
        status = by_type(out->type, [&](auto zero) {
            using T = decltype(zero);
            constexpr int V = wide<T>;
            bool vectors = (first | s.c | out->shape.c) % V == 0 && aligned(parts[k]->data, out->data);
            row_grid g = grid_over(s.n, (size_t)s.h * s.w * s.c / (vectors ? V : 1));
            return launch(cuda_of(be), "concatenate", err, vectors ? put_channels<T, V> : put_channels<T, 1>,
                          g.blocks, THREADS, data_of<const T>(parts[k]), (unsigned)s.c, (unsigned)(s.h * s.w),
                          data_of<T>(out), (unsigned)out->shape.c, (unsigned)first, g.tiles);
        });
        first += s.c;
    }
    return status;
}
