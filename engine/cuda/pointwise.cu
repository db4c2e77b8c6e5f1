/* Kernels that treat each element on its own: one group of 16 bytes a thread. */
#include "engine/cuda/device.cuh"

/* out[i] = f(a[i], b[i]); `b` may be `a` again. */
template <typename T, typename U, int V, typename F>
__global__ void map_elements(const T *a, const T *b, U *out, size_t count, F f)
{
    size_t first = thread_index() * V;
    if (first + V <= count) {
        float x[V], y[V];
        load<T, V>(a + first, x);
        load<T, V>(b + first, y);
        for (int i = 0; i < V; i++) x[i] = f(x[i], y[i]);
        store<U, V>(out + first, x);
    } else {
        for (size_t i = first; i < count; i++) narrow(f(widen(a[i]), widen(b[i])), &out[i]);
    }
}

template <typename T, typename U, typename F>
static nn_status map(struct nn_backend *be, const char *name, const struct nn_tensor *a,
                     const struct nn_tensor *b, struct nn_tensor *out, F f, struct nn_error *err)
{
    constexpr int V = wide<T> < wide<U> ? wide<T> : wide<U>;
    size_t count = nn_count(out->shape);
    bool vectors = aligned(a->data, b->data, out->data);
    return launch(cuda_of(be), name, err, vectors ? map_elements<T, U, V, F> : map_elements<T, U, 1, F>,
                  blocks_for(vectors ? (count + V - 1) / V : count), THREADS, data_of<T>(a), data_of<T>(b),
                  data_of<U>(out), count, f);
}

template <typename F>
static nn_status map_same(struct nn_backend *be, const char *name, const struct nn_tensor *a,
                          const struct nn_tensor *b, struct nn_tensor *out, F f, struct nn_error *err)
{
    return by_type(out->type, [&](auto zero) {
        using T = decltype(zero);
        return map<T, T>(be, name, a, b, out, f, err);
    });
}

struct masked {
    float slope;
    __device__ float operator()(float y, float g) const { return y > 0 ? g : slope * g; }
};

nn_status cuda_lrelu_mask(struct nn_backend *be, const struct nn_tensor *y, const struct nn_tensor *g,
                          float slope, struct nn_tensor *out, struct nn_error *err)
{
    return map_same(be, "lrelu_mask", y, g, out, masked{slope}, err);
}

struct linear {
    float alpha, beta;
    __device__ float operator()(float a, float b) const { return alpha * a + beta * b; }
};

nn_status cuda_axpby(struct nn_backend *be, float alpha, const struct nn_tensor *a, float beta,
                     const struct nn_tensor *b, struct nn_tensor *out, struct nn_error *err)
{
    return map_same(be, "axpby", a, b, out, linear{alpha, beta}, err);
}

struct shifted {
    float alpha, beta;
    __device__ float operator()(float x, float) const { return alpha * x + beta; }
};

nn_status cuda_affine(struct nn_backend *be, float alpha, const struct nn_tensor *x, float beta,
                      struct nn_tensor *out, struct nn_error *err)
{
    return map_same(be, "affine", x, x, out, shifted{alpha, beta}, err);
}

struct product {
    __device__ float operator()(float a, float b) const { return a * b; }
};

nn_status cuda_mul(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                   struct nn_tensor *out, struct nn_error *err)
{
    return map_same(be, "mul", a, b, out, product{}, err);
}

struct raised {
    float exponent;
    __device__ float operator()(float x, float) const
    {
        if (exponent == 2) return x * x;
        if (exponent == 0.5f) return sqrtf(x);
        if (exponent == -0.5f) return 1 / sqrtf(x);
        return powf(x, exponent);
    }
};

nn_status cuda_power(struct nn_backend *be, const struct nn_tensor *x, float exponent, struct nn_tensor *out,
                     struct nn_error *err)
{
    return map_same(be, "power", x, x, out, raised{exponent}, err);
}

struct exponential {
    __device__ float operator()(float x, float) const { return expf(x); }
};

nn_status cuda_exponential(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                           struct nn_error *err)
{
    return map_same(be, "exponential", x, x, out, exponential{}, err);
}

/* Any type to any type. */
template <typename F>
static nn_status convert(struct nn_backend *be, const char *name, const struct nn_tensor *x,
                         struct nn_tensor *out, F f, struct nn_error *err)
{
    return by_type(x->type, [&](auto from) {
        using T = decltype(from);
        return by_type(out->type, [&](auto to) {
            using U = decltype(to);
            return map<T, U>(be, name, x, x, out, f, err);
        });
    });
}

nn_status cuda_cast(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                    struct nn_error *err)
{
    return convert(be, "cast", x, out, shifted{1, 0}, err);
}

nn_status cuda_pack(struct cuda_backend *cuda, float scale, const struct nn_tensor *x, struct nn_tensor *out,
                    struct nn_error *err)
{
    return convert(&cuda->table, "pack", x, out, shifted{scale, 0}, err);
}

/* 127.5 v + 127.5 rounded and clipped; a NaN becomes 0. */
struct to_grey {
    __device__ unsigned char operator()(float v) const
    {
        float value = v * 127.5f + 128.0f;
        return value >= 255 ? 255 : value > 0 ? (unsigned char)value : 0;
    }
};

template <typename T>
__global__ void quantise(const T *image, unsigned char *grey, size_t count, to_grey convert_one)
{
    constexpr int V = wide<T>;
    size_t first = thread_index() * V;
    if (first + V <= count) {
        float x[V];
        pack<unsigned char, V> bytes;
        load<T, V>(image + first, x);
        for (int i = 0; i < V; i++) bytes.v[i] = convert_one(x[i]);
        *reinterpret_cast<pack<unsigned char, V> *>(grey + first) = bytes;
    } else {
        for (size_t i = first; i < count; i++) grey[i] = convert_one(widen(image[i]));
    }
}

nn_status cuda_grey(struct nn_backend *be, const struct nn_tensor *image, uint8_t *grey, struct nn_error *err)
{
    size_t count = nn_count(image->shape);
    return by_type(image->type, [&](auto zero) {
        using T = decltype(zero);
        return launch(cuda_of(be), "grey", err, quantise<T>, blocks_for((count + wide<T> - 1) / wide<T>),
                      THREADS, data_of<T>(image), grey, count, to_grey{});
    });
}
