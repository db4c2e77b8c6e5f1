/* Sums and broadcasts over any choice of dimensions. Partial sums lie in memory and are added in a fixed
 * order, so that no result depends on which block came first or on how many multiprocessors there are. */
#include "engine/cuda/device.cuh"

enum { AXES_MAX = 4, ROWS_PER_THREAD = 32, PARTS_MAX = 1024, THIN = 32 };

/* Dimensions of a tensor, outermost first, and how far apart their elements lie. */
struct axes {
    int count;
    size_t size[AXES_MAX], stride[AXES_MAX];
};

__device__ inline size_t offset_of(axes a, size_t index)
{
    size_t offset = 0;
    for (int k = a.count - 1; k > 0; k--) {
        offset += index % a.size[k] * a.stride[k];
        index /= a.size[k];
    }
    return a.count > 0 ? offset + index * a.stride[0] : 0;
}

static size_t axes_total(const axes &a)
{
    size_t total = 1;
    for (int k = 0; k < a.count; k++) total *= a.size[k];
    return total;
}

/* Adds a dimension; one that continues the last one becomes part of it. */
static void axes_add(axes *a, size_t size, size_t stride)
{
    int last = a->count - 1;
    if (last >= 0 && a->stride[last] == size * stride) {
        a->size[last] *= size;
        a->stride[last] = stride;
    } else {
        a->size[a->count] = size;
        a->stride[a->count++] = stride;
    }
}

/* The dimensions of `large` by whether `small` has them, in storage order. */
static void split(struct nn_shape large, struct nn_shape small, axes *kept, axes *reduced)
{
    const size_t size[] = {(size_t)large.n, (size_t)large.h, (size_t)large.w, (size_t)large.c};
    const size_t other[] = {(size_t)small.n, (size_t)small.h, (size_t)small.w, (size_t)small.c};
    size_t stride = nn_count(large);
    kept->count = reduced->count = 0;
    for (int k = 0; k < 4; k++) {
        stride /= size[k];
        if (size[k] > 1) axes_add(other[k] > 1 ? kept : reduced, size[k], stride);
    }
}

/* ---- sums ---------------------------------------------------------------------------------------- */

/* How the sums of one call are shared out: `parts` ranges of `chunk` terms for each result. */
struct division {
    size_t terms, chunk, parts;
};

static division divide(size_t terms, size_t chunk)
{
    size_t least = (terms + PARTS_MAX - 1) / PARTS_MAX;
    if (chunk < least) chunk = least;
    return {terms, chunk, (terms + chunk - 1) / chunk};
}

/* The terms lie side by side, V at a time: block (result, part). */
template <typename T, int V>
__global__ void sum_rows(const T *x, axes kept, axes reduced, division d, float *sums)
{
    __shared__ float shared[THREADS / WARP];
    size_t results = gridDim.x / d.parts, result = blockIdx.x / d.parts, part = blockIdx.x % d.parts;
    size_t end = (part + 1) * d.chunk < d.terms ? (part + 1) * d.chunk : d.terms;
    const T *from = x + offset_of(kept, result);
    float sum = 0;
    for (size_t r = part * d.chunk + (size_t)threadIdx.x * V; r < end; r += THREADS * V) {
        float v[V];
        load<T, V>(from + offset_of(reduced, r), v);
        for (int i = 0; i < V; i++) sum += v[i];
    }
    sum = sum_lanes(sum, WARP);
    if (threadIdx.x % WARP == 0) shared[threadIdx.x / WARP] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int k = 1; k < THREADS / WARP; k++) sum += shared[k];
        sums[part * results + result] = sum;
    }
}

/* Few terms, or very many results: one thread a result. */
template <typename T>
__global__ void sum_thin(const T *x, axes kept, axes reduced, size_t results, size_t terms, float *sums)
{
    size_t result = thread_index();
    if (result >= results) return;
    const T *from = x + offset_of(kept, result);
    float sum = 0;
    for (size_t r = 0; r < terms; r++) sum += widen(from[offset_of(reduced, r)]);
    sums[result] = sum;
}

/* The results lie side by side (`columns` of them from kept's innermost dimension), the terms in rows. A
 * block is `lanes` groups of V columns wide; its other threads take other rows. Each term is multiplied by
 * factor[row] where there is a factor. */
template <typename T, int V>
__global__ void sum_columns(const T *x, axes kept, axes reduced, division d, size_t columns, int lanes,
                            const T *factor, float scale, float *sums)
{
    __shared__ float shared[THREADS * V];
    size_t tiles = (columns / V + lanes - 1) / lanes, outer = gridDim.x / (d.parts * tiles);
    size_t tile = blockIdx.x % tiles, group = blockIdx.x / tiles % outer, part = blockIdx.x / tiles / outer;
    int lane = threadIdx.x % lanes, row = threadIdx.x / lanes, rows = THREADS / lanes;
    size_t column = (tile * lanes + lane) * V;
    size_t end = (part + 1) * d.chunk < d.terms ? (part + 1) * d.chunk : d.terms;
    float sum[V] = {0};
    if (column < columns) {
        const T *from = x + offset_of(kept, group * columns) + column;
        for (size_t r = part * d.chunk + row; r < end; r += rows) {
            float v[V], times = factor ? widen(factor[r]) : 1;
            load<T, V>(from + offset_of(reduced, r), v);
            for (int i = 0; i < V; i++) sum[i] += times * v[i];
        }
    }
    for (int i = 0; i < V; i++) shared[threadIdx.x * V + i] = sum[i];
    for (int half = rows / 2; half > 0; half /= 2) {
        __syncthreads();
        if (row < half)
            for (int i = 0; i < V; i++)
                shared[threadIdx.x * V + i] += shared[(threadIdx.x + half * lanes) * V + i];
    }
    if (row == 0 && column < columns)
        for (int i = 0; i < V; i++)
            sums[(part * outer + group) * columns + column + i] = scale * shared[threadIdx.x * V + i];
}

/* One warp a result. */
__global__ void add_parts(const float *sums, size_t parts, size_t results, float *out)
{
    size_t result = thread_index() / WARP;
    float sum = 0;
    if (result < results)
        for (size_t p = threadIdx.x % WARP; p < parts; p += WARP) sum += sums[p * results + result];
    sum = sum_lanes(sum, WARP);
    if (result < results && threadIdx.x % WARP == 0) out[result] = sum;
}

/* Where the first kernel writes: into the result when there is nothing to add up after it. */
static float *partial_sums(struct cuda_backend *cuda, const division &d, size_t results,
                           struct nn_tensor *out, struct nn_error *err)
{
    if (d.parts == 1) return data_of<float>(out);
    size_t size_bytes = d.parts * results * sizeof(float);
    return (float *)cuda_scratch(cuda, CUDA_SCRATCH_PARTIAL, size_bytes, err);
}

static nn_status finish_sums(struct cuda_backend *cuda, const division &d, size_t results, const float *sums,
                             struct nn_tensor *out, struct nn_error *err)
{
    if (d.parts == 1) return NN_OK;
    return launch(cuda, "add_parts", err, add_parts, blocks_for(results * WARP), THREADS, sums, d.parts,
                  results, data_of<float>(out));
}

template <typename T, int V>
static nn_status rows(struct cuda_backend *cuda, const struct nn_tensor *x, const axes &kept,
                      const axes &reduced, struct nn_tensor *out, struct nn_error *err)
{
    size_t results = axes_total(kept);
    division d = divide(axes_total(reduced), (size_t)THREADS * V * 8);
    d.chunk = (d.chunk + V - 1) / V * V;
    float *sums = partial_sums(cuda, d, results, out, err);
    if (!sums) return NN_ERR_MEMORY;
    nn_status status = launch(cuda, "sum_rows", err, sum_rows<T, V>, (unsigned)(results * d.parts), THREADS,
                              data_of<const T>(x), kept, reduced, d, sums);
    return status ? status : finish_sums(cuda, d, results, sums, out, err);
}

template <typename T, int V>
static nn_status columns(struct cuda_backend *cuda, const struct nn_tensor *x, const axes &kept,
                         const axes &reduced, const struct nn_tensor *factor, float scale,
                         struct nn_tensor *out, struct nn_error *err)
{
    size_t results = axes_total(kept), width = kept.size[kept.count - 1], groups = width / V;
    int lanes = 1;
    while (lanes < THREADS && (size_t)lanes < groups) lanes *= 2;
    size_t tiles = (groups + lanes - 1) / lanes;
    division d = divide(axes_total(reduced), (size_t)(THREADS / lanes) * ROWS_PER_THREAD);
    float *sums = partial_sums(cuda, d, results, out, err);
    if (!sums) return NN_ERR_MEMORY;
    nn_status status =
        launch(cuda, "sum_columns", err, sum_columns<T, V>, (unsigned)(results / width * d.parts * tiles),
               THREADS, data_of<const T>(x), kept, reduced, d, width, lanes,
               factor ? data_of<const T>(factor) : NULL, scale, sums);
    return status ? status : finish_sums(cuda, d, results, sums, out, err);
}

template <typename T>
static nn_status thin(struct cuda_backend *cuda, const struct nn_tensor *x, const axes &kept,
                      const axes &reduced, struct nn_tensor *out, struct nn_error *err)
{
    size_t results = axes_total(kept);
    return launch(cuda, "sum_thin", err, sum_thin<T>, blocks_for(results), THREADS, data_of<const T>(x), kept,
                  reduced, results, axes_total(reduced), data_of<float>(out));
}

nn_status cuda_sum_to(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                      struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    axes kept, reduced;
    split(x->shape, out->shape, &kept, &reduced);
    bool vectors = aligned(x->data);
    return by_type(x->type, [&](auto zero) {
        using T = decltype(zero);
        constexpr int V = wide<T>;
        if (kept.count > 0 && kept.stride[kept.count - 1] == 1)
            return vectors && kept.size[kept.count - 1] % V == 0
                       ? columns<T, V>(cuda, x, kept, reduced, NULL, 1, out, err)
                       : columns<T, 1>(cuda, x, kept, reduced, NULL, 1, out, err);
        if (axes_total(reduced) <= THIN || axes_total(kept) >= 65536)
            return thin<T>(cuda, x, kept, reduced, out, err);
        bool together = reduced.count == 1 && reduced.size[0] % V == 0;
        return vectors && together ? rows<T, V>(cuda, x, kept, reduced, out, err)
                                   : rows<T, 1>(cuda, x, kept, reduced, out, err);
    });
}

nn_status cuda_grey_weights(struct cuda_backend *cuda, float scale, const struct nn_tensor *many,
                            const struct nn_tensor *one, struct nn_tensor *out, struct nn_error *err)
{
    size_t channels = (size_t)many->shape.c, pixels = pixels_of(many->shape);
    axes kept = {1, {channels}, {1}}, reduced = {1, {pixels}, {channels}};
    return by_type(many->type, [&](auto zero) {
        using T = decltype(zero);
        constexpr int V = wide<T>;
        return aligned(many->data) && channels % V == 0
                   ? columns<T, V>(cuda, many, kept, reduced, one, scale, out, err)
                   : columns<T, 1>(cuda, many, kept, reduced, one, scale, out, err);
    });
}

/* ---- broadcast ----------------------------------------------------------------------------------- */

/* `from`: the large shape's dimensions with the small one's strides, 0 where it is shared. A thread writes V
 * elements of the innermost one. */
template <typename U, int V> __global__ void spread(const float *x, axes from, U *out, size_t count)
{
    size_t first = thread_index() * V;
    if (first >= count) return;
    const float *source = x + offset_of(from, first);
    size_t step = from.count > 0 ? from.stride[from.count - 1] : 0;
    float v[V];
    for (int i = 0; i < V; i++) v[i] = source[i * step];
    store<U, V>(out + first, v);
}

/* Dimensions that are both kept or both shared go together as one. */
static axes small_strides(struct nn_shape large, struct nn_shape small)
{
    const size_t size[] = {(size_t)large.n, (size_t)large.h, (size_t)large.w, (size_t)large.c};
    const size_t other[] = {(size_t)small.n, (size_t)small.h, (size_t)small.w, (size_t)small.c};
    axes a = {};
    size_t stride = nn_count(small);
    for (int k = 0; k < 4; k++) {
        stride /= other[k];
        if (size[k] > 1) axes_add(&a, size[k], other[k] > 1 ? stride : 0);
    }
    return a;
}

nn_status cuda_broadcast(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                         struct nn_error *err)
{
    axes from = small_strides(out->shape, x->shape);
    size_t count = nn_count(out->shape);
    return by_type(out->type, [&](auto zero) {
        using U = decltype(zero);
        constexpr int V = wide<U>;
        bool vectors = aligned(out->data) && from.count > 0 && from.size[from.count - 1] % V == 0;
        return launch(cuda_of(be), "broadcast", err, vectors ? spread<U, V> : spread<U, 1>,
                      blocks_for(vectors ? count / V : count), THREADS, data_of<const float>(x), from,
                      data_of<U>(out), count);
    });
}
