#include "tests/unit/engine/pair_kernels.h"

nn_status pair_pool(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                    struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->avg_pool2(be, a, out, err);
}

nn_status pair_upsample(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                        struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->upsample2(be, a, out, err);
}

nn_status pair_sum_to(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                      struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->sum_to(be, a, out, err);
}

nn_status pair_broadcast(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                         struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->broadcast(be, a, out, err);
}

nn_status pair_mask(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                    struct nn_tensor *out, struct nn_error *err)
{
    return be->lrelu_mask(be, a, b, 0.2f, out, err);
}

nn_status pair_pixel_norm(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                          struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->pixel_norm(be, a, 1e-8f, out, err);
}

nn_status pair_pixel_norm_grad(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                               struct nn_tensor *out, struct nn_error *err)
{
    return be->pixel_norm_grad(be, a, b, 1e-8f, out, err);
}

nn_status pair_log_softmax(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                           struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->log_softmax(be, a, out, err);
}

const struct nn_window *pair_window;

nn_status pair_avg_pool(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                        struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->avg_pool(be, pair_window, a, out, err);
}

nn_status pair_avg_pool_dx(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                           struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->avg_pool_dx(be, pair_window, a, out, err);
}

nn_status pair_max_pool(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                        struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->max_pool(be, pair_window, a, out, err);
}

nn_status pair_max_pool_dx(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                           struct nn_tensor *out, struct nn_error *err)
{
    return be->max_pool_dx(be, pair_window, a, b, out, err);
}
