/* Inside the reference backend: element access and the kernels that reference.c puts into the table.
 *
 * Every kernel computes in double and rounds once, when it stores: the f32 form is then as close to the
 * truth as f32 can be, and one source serves both types. The contracts are engine/backend.h's. */
#ifndef NN_REFERENCE_H
#define NN_REFERENCE_H

#include "engine/backend.h"

/* Element i, in storage order (channels last). */
static inline double ref_get(const struct nn_tensor *t, size_t i)
{
    return t->type == NN_F64 ? ((const double *)t->data)[i] : (double)((const float *)t->data)[i];
}

static inline void ref_set(struct nn_tensor *t, size_t i, double value)
{
    if (t->type == NN_F64)
        ((double *)t->data)[i] = value;
    else
        ((float *)t->data)[i] = (float)value;
}

static inline size_t ref_pixels(struct nn_shape s)
{
    return (size_t)s.n * s.h * s.w;
}

nn_status ref_conv(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                   const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *y,
                   struct nn_error *err);
nn_status ref_conv_dx(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *g,
                      const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *x,
                      struct nn_error *err);
nn_status ref_conv_dw(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                      const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err);
nn_status ref_taps_spread(struct nn_backend *be, const struct nn_tensor *w3, struct nn_tensor *w4,
                          struct nn_error *err);
nn_status ref_taps_gather(struct nn_backend *be, const struct nn_tensor *w4, struct nn_tensor *w3,
                          struct nn_error *err);

nn_status ref_lrelu_mask(struct nn_backend *be, const struct nn_tensor *y, const struct nn_tensor *g,
                         float slope, struct nn_tensor *out, struct nn_error *err);
nn_status ref_pixel_norm(struct nn_backend *be, const struct nn_tensor *x, float epsilon, struct nn_tensor *y,
                         struct nn_error *err);
nn_status ref_pixel_norm_grad(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *g,
                              float epsilon, struct nn_tensor *out, struct nn_error *err);
nn_status ref_axpby(struct nn_backend *be, float alpha, const struct nn_tensor *a, float beta,
                    const struct nn_tensor *b, struct nn_tensor *out, struct nn_error *err);
nn_status ref_affine(struct nn_backend *be, float alpha, const struct nn_tensor *x, float beta,
                     struct nn_tensor *out, struct nn_error *err);
nn_status ref_mul(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                  struct nn_tensor *out, struct nn_error *err);
nn_status ref_power(struct nn_backend *be, const struct nn_tensor *x, float exponent, struct nn_tensor *out,
                    struct nn_error *err);
nn_status ref_exponential(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                          struct nn_error *err);
nn_status ref_log_softmax(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                          struct nn_error *err);
nn_status ref_cast(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                   struct nn_error *err);

nn_status ref_sum_to(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                     struct nn_error *err);
nn_status ref_broadcast(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err);
nn_status ref_channel_slice(struct nn_backend *be, const struct nn_tensor *x, int first,
                            struct nn_tensor *out, struct nn_error *err);
nn_status ref_channel_pad(struct nn_backend *be, const struct nn_tensor *x, int first, struct nn_tensor *out,
                          struct nn_error *err);
nn_status ref_avg_pool2(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err);
nn_status ref_upsample2(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err);

nn_status ref_concatenate(struct nn_backend *be, const struct nn_tensor *const *parts, int count,
                          struct nn_tensor *out, struct nn_error *err);
nn_status ref_max_pool(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                       struct nn_tensor *out, struct nn_error *err);
nn_status ref_max_pool_dx(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                          const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err);
nn_status ref_avg_pool(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                       struct nn_tensor *out, struct nn_error *err);
nn_status ref_avg_pool_dx(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *g,
                          struct nn_tensor *out, struct nn_error *err);

nn_status ref_moments(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                      struct nn_error *err);
nn_status ref_batch_norm(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                         const struct nn_tensor *beta, float slope, struct nn_tensor *y,
                         struct nn_error *err);
nn_status ref_batch_norm_sums(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                              const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err);
nn_status ref_batch_norm_dx(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                            const struct nn_tensor *g, const struct nn_tensor *sums, struct nn_tensor *out,
                            struct nn_error *err);

nn_status ref_warp(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *maps,
                   struct nn_tensor *out, struct nn_error *err);
nn_status ref_warp_adjoint(struct nn_backend *be, const struct nn_tensor *g, const struct nn_tensor *maps,
                           struct nn_tensor *out, struct nn_error *err);

nn_status ref_adam(struct nn_backend *be, const struct nn_adam *p, size_t count, void *w, const void *g,
                   void *m, void *v, struct nn_error *err);
nn_status ref_ema(struct nn_backend *be, float decay, size_t count, void *average, const void *w,
                  struct nn_error *err);
nn_status ref_all_finite(struct nn_backend *be, const struct nn_span *spans, int count, bool *finite,
                         struct nn_error *err);

#endif
