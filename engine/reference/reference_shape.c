/* Kernels that change the shape: sums and broadcasts, channel slices, halving and doubling. */
#include "engine/reference/reference.h"

#include <stdlib.h>

/* The element of `small` that (n,c,y,x) of a larger shape falls on: dimensions of size 1 are shared. */
static size_t index_in(struct nn_shape s, int n, int c, int y, int x)
{
    size_t row = (size_t)(s.n > 1 ? n : 0) * s.h + (s.h > 1 ? y : 0);
    return (row * s.w + (s.w > 1 ? x : 0)) * s.c + (s.c > 1 ? c : 0);
}

/* For every element i of the larger shape, in storage order, the element j of the smaller it falls on. */
#define FOR_EACH_PAIR(large, small, i, j)                                                                    \
    for (int n_ = 0; n_ < (large).n; n_++)                                                                   \
        for (int y_ = 0; y_ < (large).h; y_++)                                                               \
            for (int x_ = 0; x_ < (large).w; x_++)                                                           \
                for (int c_ = 0; c_ < (large).c; c_++)                                                       \
                    for (size_t i = index_in(large, n_, c_, y_, x_), j = index_in(small, n_, c_, y_, x_),    \
                                once_ = 1;                                                                   \
                         once_; once_ = 0)

nn_status ref_sum_to(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                     struct nn_error *err)
{
    (void)be;
    size_t count = nn_count(out->shape);
    double *sums = calloc(count ? count : 1, sizeof *sums);
    if (!sums) return nn_fail(err, NN_ERR_MEMORY, "no memory for a reference sum");
    FOR_EACH_PAIR(x->shape, out->shape, i, j) sums[j] += ref_get(x, i);
    for (size_t j = 0; j < count; j++) ref_set(out, j, sums[j]);
    free(sums);
    return NN_OK;
}

nn_status ref_broadcast(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err)
{
    (void)be, (void)err;
    FOR_EACH_PAIR(out->shape, x->shape, i, j) ref_set(out, i, ref_get(x, j));
    return NN_OK;
}

nn_status ref_channel_slice(struct nn_backend *be, const struct nn_tensor *x, int first,
                            struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    size_t from = (size_t)x->shape.c, to = (size_t)out->shape.c;
    for (size_t p = 0; p < ref_pixels(x->shape); p++)
        for (size_t c = 0; c < to; c++) ref_set(out, p * to + c, ref_get(x, p * from + (size_t)first + c));
    return NN_OK;
}

nn_status ref_channel_pad(struct nn_backend *be, const struct nn_tensor *x, int first, struct nn_tensor *out,
                          struct nn_error *err)
{
    (void)be, (void)err;
    size_t from = (size_t)x->shape.c, to = (size_t)out->shape.c, at = (size_t)first;
    for (size_t p = 0; p < ref_pixels(x->shape); p++)
        for (size_t c = 0; c < to; c++)
            ref_set(out, p * to + c, c >= at && c < at + from ? ref_get(x, p * from + c - at) : 0.0);
    return NN_OK;
}

nn_status ref_avg_pool2(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err)
{
    (void)be, (void)err;
    struct nn_shape s = out->shape;
    for (int n = 0; n < s.n; n++)
        for (int y = 0; y < s.h; y++)
            for (int col = 0; col < s.w; col++)
                for (int c = 0; c < s.c; c++) {
                    double sum = 0;
                    for (int k = 0; k < 4; k++)
                        sum += ref_get(x, index_in(x->shape, n, c, 2 * y + k / 2, 2 * col + k % 2));
                    ref_set(out, index_in(s, n, c, y, col), sum / 4);
                }
    return NN_OK;
}

nn_status ref_upsample2(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err)
{
    (void)be, (void)err;
    struct nn_shape s = out->shape;
    for (int n = 0; n < s.n; n++)
        for (int y = 0; y < s.h; y++)
            for (int col = 0; col < s.w; col++)
                for (int c = 0; c < s.c; c++)
                    ref_set(out, index_in(s, n, c, y, col),
                            ref_get(x, index_in(x->shape, n, c, y / 2, col / 2)));
    return NN_OK;
}
