/* Batch normalisation, channel by channel. */
#include "engine/reference/reference.h"

#include <math.h>

/* Of one channel; `stride` is from one of its values to the next. */
struct channel {
    size_t first, stride, end;
    double mean, root; /* 1/sqrt(variance + epsilon) */
};

static struct channel channel_of(struct nn_shape s, size_t c)
{
    return (struct channel){.first = c, .stride = (size_t)s.c, .end = nn_count(s)};
}

static struct channel normalised(const struct nn_norm *norm, struct nn_shape s, size_t c)
{
    struct channel k = channel_of(s, c);
    k.mean = ref_get(norm->moments, c);
    k.root = 1 / sqrt(ref_get(norm->moments, (size_t)s.c + c) + (double)norm->epsilon);
    return k;
}

nn_status ref_moments(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                      struct nn_error *err)
{
    (void)be, (void)err;
    double count = (double)ref_pixels(x->shape);
    for (size_t c = 0; c < (size_t)x->shape.c; c++) {
        struct channel k = channel_of(x->shape, c);
        double sum = 0, squares = 0;
        for (size_t i = k.first; i < k.end; i += k.stride) sum += ref_get(x, i);
        for (size_t i = k.first; i < k.end; i += k.stride) squares += pow(ref_get(x, i) - sum / count, 2);
        ref_set(out, c, sum / count);
        ref_set(out, (size_t)x->shape.c + c, squares / count);
    }
    return NN_OK;
}

nn_status ref_batch_norm(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                         const struct nn_tensor *beta, float slope, struct nn_tensor *y, struct nn_error *err)
{
    (void)be, (void)err;
    for (size_t c = 0; c < (size_t)x->shape.c; c++) {
        struct channel k = normalised(norm, x->shape, c);
        for (size_t i = k.first; i < k.end; i += k.stride) {
            double z = (ref_get(x, i) - k.mean) * k.root;
            double value = ref_get(norm->gamma, c) * z + ref_get(beta, c);
            ref_set(y, i, value > 0 ? value : (double)slope * value);
        }
    }
    return NN_OK;
}

nn_status ref_batch_norm_sums(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                              const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    for (size_t c = 0; c < (size_t)x->shape.c; c++) {
        struct channel k = normalised(norm, x->shape, c);
        double sum = 0, with_z = 0;
        for (size_t i = k.first; i < k.end; i += k.stride) {
            sum += ref_get(g, i);
            with_z += ref_get(g, i) * (ref_get(x, i) - k.mean) * k.root;
        }
        ref_set(out, c, sum);
        ref_set(out, (size_t)x->shape.c + c, with_z);
    }
    return NN_OK;
}

nn_status ref_batch_norm_dx(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                            const struct nn_tensor *g, const struct nn_tensor *sums, struct nn_tensor *out,
                            struct nn_error *err)
{
    (void)be, (void)err;
    double count = (double)ref_pixels(x->shape);
    for (size_t c = 0; c < (size_t)x->shape.c; c++) {
        struct channel k = normalised(norm, x->shape, c);
        double mean_g = sums ? ref_get(sums, c) / count : 0;
        double mean_gz = sums ? ref_get(sums, (size_t)x->shape.c + c) / count : 0;
        for (size_t i = k.first; i < k.end; i += k.stride) {
            double z = (ref_get(x, i) - k.mean) * k.root;
            ref_set(out, i, ref_get(norm->gamma, c) * k.root * (ref_get(g, i) - mean_g - z * mean_gz));
        }
    }
    return NN_OK;
}
