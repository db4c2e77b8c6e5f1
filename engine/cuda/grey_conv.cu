/* 1x1 convolutions between one grey channel and many. Each element of the larger map is touched once, so the
 * time is that of reading or writing it; bias and activation cost nothing. */
#include "engine/cuda/device.cuh"

bool cuda_grey_fits(const struct nn_conv *geometry, const struct nn_tensor *many, const struct nn_tensor *one)
{
    return nn_conv_is(geometry, 1, 1, 0) && one->shape.c == 1 && many->shape.c <= 4096;
}

template <typename T, int V, typename W>
__global__ void expand(const T *one, const W *w, const float *bias, float scale, float slope, T *many,
                       size_t groups, int channels)
{
    size_t index = thread_index();
    if (index >= groups) return;
    int per_pixel = channels / V, c = (int)(index % per_pixel) * V;
    float v[V], grey = scale * widen(one[index / per_pixel]);
    for (int i = 0; i < V; i++) {
        v[i] = widen(w[c + i]) * grey + (bias ? bias[c + i] : 0);
        v[i] = v[i] > 0 ? v[i] : slope * v[i];
    }
    store<T, V>(many + index * V, v);
}

/* `lanes` neighbours share a pixel. */
template <typename T, int V, typename W>
__global__ void contract(const T *many, const W *w, const float *bias, float scale, float slope, T *one,
                         size_t pixels, int channels, int lanes)
{
    size_t pixel = thread_index() / lanes;
    int lane = threadIdx.x % lanes;
    float sum = 0;
    if (pixel < pixels)
        for (int c = lane * V; c < channels; c += lanes * V) {
            float v[V];
            load<T, V>(many + pixel * channels + c, v);
            for (int i = 0; i < V; i++) sum += v[i] * widen(w[c + i]);
        }
    sum = scale * sum_lanes(sum, lanes) + (bias ? bias[0] : 0);
    if (pixel < pixels && lane == 0) narrow(sum > 0 ? sum : slope * sum, &one[pixel]);
}

/* Calls f with the maps' type, the weight's, and the channels a thread takes at once. */
template <typename F> static nn_status by_maps(const struct nn_tensor *many, enum nn_type weight, F f)
{
    return by_type(many->type, [&](auto map_zero) {
        constexpr int V = wide<decltype(map_zero)>;
        bool vectors = aligned(many->data) && many->shape.c % V == 0;
        return by_type(weight, [&](auto weight_zero) {
            return vectors ? f(map_zero, weight_zero, std::integral_constant<int, V>())
                           : f(map_zero, weight_zero, std::integral_constant<int, 1>());
        });
    });
}

static const float *bias_of(struct nn_epilogue epilogue)
{
    return epilogue.bias ? data_of<const float>(epilogue.bias) : NULL;
}

nn_status cuda_grey_expand(struct cuda_backend *cuda, float scale, const struct nn_tensor *one,
                           const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *many,
                           struct nn_error *err)
{
    return by_maps(many, w->type, [&](auto map_zero, auto weight_zero, auto width) {
        using T = decltype(map_zero);
        using W = decltype(weight_zero);
        constexpr int V = decltype(width)::value;
        size_t groups = nn_count(many->shape) / V;
        return launch(cuda, "grey_expand", err, expand<T, V, W>, blocks_for(groups), THREADS,
                      data_of<const T>(one), data_of<const W>(w), bias_of(epilogue), scale, epilogue.slope,
                      data_of<T>(many), groups, many->shape.c);
    });
}

nn_status cuda_grey_contract(struct cuda_backend *cuda, float scale, const struct nn_tensor *many,
                             const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *one,
                             struct nn_error *err)
{
    size_t pixels = pixels_of(many->shape);
    return by_maps(many, w->type, [&](auto map_zero, auto weight_zero, auto width) {
        using T = decltype(map_zero);
        using W = decltype(weight_zero);
        constexpr int V = decltype(width)::value;
        int lanes = 1;
        while (lanes < WARP && lanes * V < many->shape.c) lanes *= 2;
        return launch(cuda, "grey_contract", err, contract<T, V, W>, blocks_for(pixels * lanes), THREADS,
                      data_of<const T>(many), data_of<const W>(w), bias_of(epilogue), scale, epilogue.slope,
                      data_of<T>(one), pixels, many->shape.c, lanes);
    });
}
