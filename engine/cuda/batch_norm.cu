/* Batch normalisation. A block takes some channels, 16 bytes of them a thread, of a range of pixels, and its
 * threads keep what belongs to their channels in registers while they go through the pixels.
 *
 * Variances are sums of squares about the mean of what was summed, put together by the formula of Chan, Golub
 * and LeVeque: of four pixels first, then of a thread's, a block's and the whole map's. So one reading of the
 * map does, and nothing is lost where the mean is far from 0. How the pixels are shared out depends on the
 * shape alone, and partial results lie in memory and are put together in order. */
#include "engine/cuda/device.cuh"

/* Blocks of a sum or of a pass over a map, about: as many as an H200 runs at once, or some waves of those. */
enum { SUM_BLOCKS = 384, PASS_BLOCKS = 2048, TOGETHER = 4 };

/* Block (part, tile): `lanes` groups of V channels, and `chunk` pixels, `rows` of them at a time. */
struct portions {
    unsigned tiles, parts, lanes, rows;
    unsigned channels;
    size_t pixels, chunk;
};

static portions divide(struct nn_shape s, int group, unsigned blocks)
{
    portions d = {};
    unsigned groups = (unsigned)(s.c / group);
    d.channels = (unsigned)s.c;
    d.pixels = pixels_of(s);
    d.tiles = (groups + WARP - 1) / WARP;
    d.lanes = (groups + d.tiles - 1) / d.tiles;
    d.rows = THREADS / d.lanes;
    size_t most = d.tiles < blocks ? blocks / d.tiles : 1, least = (size_t)TOGETHER * d.rows;
    d.chunk = (d.pixels + most - 1) / most;
    d.chunk = d.chunk > least ? (d.chunk + d.rows - 1) / d.rows * d.rows : least;
    d.parts = (unsigned)((d.pixels + d.chunk - 1) / d.chunk);
    return d;
}

__device__ inline size_t pixels_in(const portions &d, unsigned part)
{
    size_t left = d.pixels - part * d.chunk;
    return left < d.chunk ? left : d.chunk;
}

/* What a thread works on: V channels from `channel` on, of the pixels first, first + rows, .. below end. A
 * thread that is left over has none. */
struct task {
    unsigned lane, row, channel;
    size_t first, end;
};

template <int V> __device__ inline task task_of(const portions &d)
{
    unsigned tile = blockIdx.x % d.tiles, part = blockIdx.x / d.tiles;
    task t = {threadIdx.x % d.lanes, threadIdx.x / d.lanes, 0, 0, 0};
    t.channel = (tile * d.lanes + t.lane) * V;
    if (t.row < d.rows && t.channel < d.channels) {
        t.first = part * d.chunk + t.row;
        t.end = part * d.chunk + pixels_in(d, part);
    }
    return t;
}

/* Calls f(pixel, G) for the thread's pixels, G of them at once, `rows` apart, as long as there are as many:
 * their loads are then under way together. */
template <typename F> __device__ inline void for_pixels(const portions &d, const task &t, F f)
{
    size_t p = t.first;
    for (; p + (TOGETHER - 1) * (size_t)d.rows < t.end; p += TOGETHER * (size_t)d.rows)
        f(p, std::integral_constant<int, TOGETHER>());
    for (; p < t.end; p += d.rows) f(p, std::integral_constant<int, 1>());
}

template <typename T, int V, int G>
__device__ inline void load_pixels(const T *x, const portions &d, const task &t, size_t p, float (&v)[G][V])
{
    for (int k = 0; k < G; k++) load<T, V>(x + (p + k * (size_t)d.rows) * d.channels + t.channel, v[k]);
}

/* K values for each channel of the block, made once, by f(channel, values); each thread gets its channels'.
 */
template <int K, int V, typename F>
__device__ inline void share_values(const portions &d, const task &t, float (&out)[K][V], F f)
{
    __shared__ float shared[K][THREADS];
    unsigned width = d.lanes * V, channel = blockIdx.x % d.tiles * width + threadIdx.x;
    if (threadIdx.x < width && channel < d.channels) {
        float values[K];
        f(channel, values);
        for (int k = 0; k < K; k++) shared[k][threadIdx.x % V * d.lanes + threadIdx.x / V] = values[k];
    }
    __syncthreads();
    for (int k = 0; k < K; k++)
        for (int i = 0; i < V; i++) out[k][i] = shared[k][i * d.lanes + t.lane];
}

/* ---- moments ---------------------------------------------------------------------------------------- */

/* Puts `more` pixels' mean and squares about it to those of `count` others, channel by channel. */
__device__ inline void join(float count, float more, float &mean, float &squares, float other_mean,
                            float other_squares)
{
    float share = more / (count + more), from_mean = other_mean - mean;
    mean += share * from_mean;
    squares += other_squares + count * share * from_mean * from_mean;
}

/* parts[c][part] and, after those of all channels, the squares. */
template <typename T, int V> __global__ void partial_moments(const T *x, portions d, float *parts)
{
    __shared__ float means[V][THREADS], all_squares[V][THREADS], counts[THREADS];
    task t = task_of<V>(d);
    float count = 0, mean[V] = {0}, squares[V] = {0};
    for_pixels(d, t, [&](size_t p, auto together) {
        constexpr int G = decltype(together)::value;
        float v[G][V];
        load_pixels<T, V>(x, d, t, p, v);
        for (int i = 0; i < V; i++) {
            float sum = 0, own_squares = 0;
            for (int k = 0; k < G; k++) sum += v[k][i];
            sum *= 1.0f / G;
            for (int k = 0; k < G; k++) own_squares += (v[k][i] - sum) * (v[k][i] - sum);
            join(count, G, mean[i], squares[i], sum, own_squares);
        }
        count += G;
    });
    for (int i = 0; i < V; i++) {
        means[i][threadIdx.x] = mean[i];
        all_squares[i][threadIdx.x] = squares[i];
    }
    counts[threadIdx.x] = count;
    for (unsigned rows = d.rows; rows > 1; rows = (rows + 1) / 2) {
        unsigned other = threadIdx.x + (rows + 1) / 2 * d.lanes;
        __syncthreads();
        if (t.row >= rows / 2 || counts[other] == 0) continue;
        for (int i = 0; i < V; i++)
            join(counts[threadIdx.x], counts[other], means[i][threadIdx.x], all_squares[i][threadIdx.x],
                 means[i][other], all_squares[i][other]);
        counts[threadIdx.x] += counts[other];
    }
    if (t.row > 0 || t.first == t.end) return;
    for (int i = 0; i < V; i++) {
        float *to = parts + (size_t)(t.channel + i) * d.parts + blockIdx.x / d.tiles;
        to[0] = means[i][threadIdx.x];
        to[(size_t)d.channels * d.parts] = all_squares[i][threadIdx.x];
    }
}

/* One warp a channel. Means are summed from the first part's on, so that f32 is enough. */
__global__ void join_moments(const float *parts, portions d, float *out)
{
    unsigned channel = (unsigned)(thread_index() / WARP), lane = threadIdx.x % WARP;
    unsigned count = channel < d.channels ? d.parts : 0;
    const float *means = parts + (size_t)channel * d.parts, *squares = means + (size_t)d.channels * d.parts;
    float base = count ? means[0] : 0, sum = 0, all_squares = 0;
    for (unsigned p = lane; p < count; p += WARP) sum += (float)pixels_in(d, p) * (means[p] - base);
    float from_base = sum_lanes(sum, WARP) / (float)d.pixels;
    for (unsigned p = lane; p < count; p += WARP) {
        float from_mean = means[p] - base - from_base;
        all_squares += squares[p] + (float)pixels_in(d, p) * from_mean * from_mean;
    }
    all_squares = sum_lanes(all_squares, WARP);
    if (count == 0 || lane > 0) return;
    out[channel] = base + from_base;
    out[d.channels + channel] = all_squares / (float)d.pixels;
}

/* Two numbers of each channel and part. */
static float *parts_for(struct cuda_backend *cuda, const portions &d, struct nn_error *err)
{
    return (float *)cuda_scratch(cuda, CUDA_SCRATCH_PARTIAL, 2 * sizeof(float) * d.channels * (size_t)d.parts,
                                 err);
}

nn_status cuda_moments(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                       struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    return by_width(x, aligned(x->data), [&](auto zero, auto width) {
        using T = decltype(zero);
        constexpr int V = decltype(width)::value;
        portions d = divide(x->shape, V, SUM_BLOCKS);
        float *parts = parts_for(cuda, d, err);
        if (!parts) return NN_ERR_MEMORY;
        nn_status status = launch(cuda, "moments", err, partial_moments<T, V>, d.parts * d.tiles, THREADS,
                                  data_of<const T>(x), d, parts);
        return status ? status
                      : launch(cuda, "moments", err, join_moments, blocks_for((size_t)d.channels * WARP),
                               THREADS, (const float *)parts, d, data_of<float>(out));
    });
}

/* ---- the norm --------------------------------------------------------------------------------------- */

struct norm_values {
    const float *moments, *gamma;
    float epsilon;
    unsigned channels;

    __device__ float mean(unsigned c) const { return moments[c]; }
    __device__ float root(unsigned c) const { return 1 / sqrtf(moments[channels + c] + epsilon); }
};

static norm_values values_of(const struct nn_norm *n, int channels)
{
    return {data_of<const float>(n->moments), n->gamma ? data_of<const float>(n->gamma) : NULL, n->epsilon,
            (unsigned)channels};
}

template <typename T, int V>
__global__ void normalise(const T *x, norm_values norm, const float *beta, float slope, portions d, T *y)
{
    task t = task_of<V>(d);
    float own[3][V];
    share_values<3, V>(d, t, own, [=](unsigned c, float(&values)[3]) {
        values[0] = norm.mean(c);
        values[1] = norm.gamma[c] * norm.root(c);
        values[2] = beta[c];
    });
    for_pixels(d, t, [&](size_t p, auto together) {
        constexpr int G = decltype(together)::value;
        float v[G][V];
        load_pixels<T, V>(x, d, t, p, v);
        for (int k = 0; k < G; k++) {
            for (int i = 0; i < V; i++) {
                float value = own[1][i] * (v[k][i] - own[0][i]) + own[2][i];
                v[k][i] = value > 0 ? value : slope * value;
            }
            store<T, V>(y + (p + k * (size_t)d.rows) * d.channels + t.channel, v[k]);
        }
    });
}

nn_status cuda_batch_norm(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                          const struct nn_tensor *beta, float slope, struct nn_tensor *y,
                          struct nn_error *err)
{
    return by_width(x, aligned(x->data, y->data), [&](auto zero, auto width) {
        using T = decltype(zero);
        constexpr int V = decltype(width)::value;
        portions d = divide(x->shape, V, PASS_BLOCKS);
        return launch(cuda_of(be), "batch_norm", err, normalise<T, V>, d.parts * d.tiles, THREADS,
                      data_of<const T>(x), values_of(norm, x->shape.c), data_of<const float>(beta), slope, d,
                      data_of<T>(y));
    });
}

/* ---- its gradient ----------------------------------------------------------------------------------- */

/* As in partial_moments: sums of g, then of g (x - mean). */
template <typename T, int V>
__global__ void partial_sums(const T *x, const T *g, norm_values norm, portions d, float *parts)
{
    __shared__ float shared[2][V][THREADS];
    task t = task_of<V>(d);
    float mean[1][V], sum[2][V] = {{0}};
    share_values<1, V>(d, t, mean, [=](unsigned c, float(&values)[1]) { values[0] = norm.mean(c); });
    for_pixels(d, t, [&](size_t p, auto together) {
        constexpr int G = decltype(together)::value;
        float v[G][V], w[G][V];
        load_pixels<T, V>(x, d, t, p, v);
        load_pixels<T, V>(g, d, t, p, w);
        for (int k = 0; k < G; k++)
            for (int i = 0; i < V; i++) {
                sum[0][i] += w[k][i];
                sum[1][i] += w[k][i] * (v[k][i] - mean[0][i]);
            }
    });
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < V; i++) shared[k][i][threadIdx.x] = sum[k][i];
    for (unsigned rows = d.rows; rows > 1; rows = (rows + 1) / 2) {
        unsigned other = threadIdx.x + (rows + 1) / 2 * d.lanes;
        __syncthreads();
        if (t.row >= rows / 2) continue;
        for (int k = 0; k < 2; k++)
            for (int i = 0; i < V; i++) shared[k][i][threadIdx.x] += shared[k][i][other];
    }
    if (t.row > 0 || t.first == t.end) return;
    for (int i = 0; i < V; i++) {
        float *to = parts + (size_t)(t.channel + i) * d.parts + blockIdx.x / d.tiles;
        to[0] = shared[0][i][threadIdx.x];
        to[(size_t)d.channels * d.parts] = shared[1][i][threadIdx.x];
    }
}

/* One warp a number. */
__global__ void join_sums(const float *parts, norm_values norm, portions d, float *out)
{
    unsigned number = (unsigned)(thread_index() / WARP), lane = threadIdx.x % WARP;
    unsigned count = number < 2 * d.channels ? d.parts : 0;
    float sum = 0;
    for (unsigned p = lane; p < count; p += WARP) sum += parts[(size_t)number * d.parts + p];
    sum = sum_lanes(sum, WARP);
    if (count == 0 || lane > 0) return;
    out[number] = number < d.channels ? sum : sum * norm.root(number - d.channels);
}

nn_status cuda_batch_norm_sums(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                               const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    norm_values values = values_of(norm, x->shape.c);
    return by_width(x, aligned(x->data, g->data), [&](auto zero, auto width) {
        using T = decltype(zero);
        constexpr int V = decltype(width)::value;
        portions d = divide(x->shape, V, SUM_BLOCKS);
        float *parts = parts_for(cuda, d, err);
        if (!parts) return NN_ERR_MEMORY;
        nn_status status = launch(cuda, "batch_norm_sums", err, partial_sums<T, V>, d.parts * d.tiles,
                                  THREADS, data_of<const T>(x), data_of<const T>(g), values, d, parts);
        return status ? status
                      : launch(cuda, "batch_norm_sums", err, join_sums,
                               blocks_for((size_t)2 * d.channels * WARP), THREADS, (const float *)parts,
                               values, d, data_of<float>(out));
    });
}

/* out = factor (g - shift - tilt (x - mean)); sums may be NULL. */
template <typename T, int V>
__global__ void gradient(const T *x, const T *g, norm_values norm, const float *sums, portions d, T *out)
{
    task t = task_of<V>(d);
    float own[4][V];
    share_values<4, V>(d, t, own, [=](unsigned c, float(&values)[4]) {
        float root = norm.root(c), count = (float)d.pixels;
        values[0] = norm.mean(c);
        values[1] = norm.gamma[c] * root;
        values[2] = sums ? sums[c] / count : 0;
        values[3] = sums ? root * sums[d.channels + c] / count : 0;
    });
    for_pixels(d, t, [&](size_t p, auto together) {
        constexpr int G = decltype(together)::value;
        float v[G][V], w[G][V];
        load_pixels<T, V>(x, d, t, p, v);
        load_pixels<T, V>(g, d, t, p, w);
        for (int k = 0; k < G; k++) {
            for (int i = 0; i < V; i++)
                w[k][i] = own[1][i] * (w[k][i] - own[2][i] - own[3][i] * (v[k][i] - own[0][i]));
            store<T, V>(out + (p + k * (size_t)d.rows) * d.channels + t.channel, w[k]);
        }
    });
}

nn_status cuda_batch_norm_dx(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                             const struct nn_tensor *g, const struct nn_tensor *sums, struct nn_tensor *out,
                             struct nn_error *err)
{
    return by_width(x, aligned(x->data, g->data, out->data), [&](auto zero, auto width) {
        using T = decltype(zero);
        constexpr int V = decltype(width)::value;
        portions d = divide(x->shape, V, PASS_BLOCKS);
        return launch(cuda_of(be), "batch_norm_dx", err, gradient<T, V>, d.parts * d.tiles, THREADS,
                      data_of<const T>(x), data_of<const T>(g), values_of(norm, x->shape.c),
                      sums ? data_of<const float>(sums) : NULL, d, data_of<T>(out));
    });
}
