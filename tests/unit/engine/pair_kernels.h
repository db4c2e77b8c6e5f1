/* Kernels of the table as pair_kernel takes them, for the tests that share them. The slope is 0.2, the norm's
 * epsilon 1e-8; those of one input leave b alone. */
#ifndef PAIR_KERNELS_H
#define PAIR_KERNELS_H

#include "tests/unit/engine/backend_pairs.h"

nn_status pair_pool(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                    struct nn_tensor *out, struct nn_error *err);
nn_status pair_upsample(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                        struct nn_tensor *out, struct nn_error *err);
nn_status pair_sum_to(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                      struct nn_tensor *out, struct nn_error *err);
nn_status pair_broadcast(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                         struct nn_tensor *out, struct nn_error *err);
nn_status pair_mask(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                    struct nn_tensor *out, struct nn_error *err);
nn_status pair_pixel_norm(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                          struct nn_tensor *out, struct nn_error *err);
nn_status pair_pixel_norm_grad(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                               struct nn_tensor *out, struct nn_error *err);
nn_status pair_log_softmax(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                           struct nn_tensor *out, struct nn_error *err);

/* Of the kernels below. */
extern const struct nn_window *pair_window;

nn_status pair_avg_pool(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                        struct nn_tensor *out, struct nn_error *err);
nn_status pair_avg_pool_dx(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                           struct nn_tensor *out, struct nn_error *err);
nn_status pair_max_pool(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                        struct nn_tensor *out, struct nn_error *err);
nn_status pair_max_pool_dx(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                           struct nn_tensor *out, struct nn_error *err);

#endif
