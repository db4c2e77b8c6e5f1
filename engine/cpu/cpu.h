/* Inside the cpu backend: its state and the kernels that cpu.c puts into the table. The contracts are
 * engine/backend.h's. Tensors are f32 or bf16; arithmetic is f32. */
#ifndef NN_CPU_H
#define NN_CPU_H

#include "engine/backend.h"

struct onednn;

/* A grow-only block of memory whose contents live until the next cpu_scratch call on it. */
struct cpu_scratch {
    void *data;
    size_t size_bytes;
};

enum { CPU_ALONE_MAX = 64 };

struct cpu_backend {
    struct nn_backend table;             /* first: a struct nn_backend * of this backend points here too */
    struct onednn *onednn;               /* owned */
    struct onednn *alone[CPU_ALONE_MAX]; /* owned, NULL until split_dw.c wants them: each for one thread */
    struct cpu_scratch packed, partial;
};

static inline struct cpu_backend *cpu_of(struct nn_backend *be)
{
    return (struct cpu_backend *)be;
}

/* At least `size_bytes`, 64-byte aligned, or NULL with the error filled. The block is kept for the next
 * call and belongs to the backend. */
void *cpu_scratch(struct cpu_scratch *s, size_t size_bytes, struct nn_error *err);

static inline size_t cpu_pixels(struct nn_shape s)
{
    return (size_t)s.n * s.h * s.w;
}

/* `count` elements of `t` from element `first` on as f32: a pointer into an f32 tensor, or `buffer` filled
 * from a bf16 one. */
const float *cpu_widen(const struct nn_tensor *t, size_t first, size_t count, float *buffer);
/* Where to write `count` f32 results for element `first` on: into an f32 tensor, or `buffer`, which
 * cpu_narrow then stores to a bf16 one. */
float *cpu_target(struct nn_tensor *t, size_t first, float *buffer);
void cpu_narrow(struct nn_tensor *t, size_t first, size_t count, const float *values);

nn_status cpu_conv(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                   const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *y,
                   struct nn_error *err);
nn_status cpu_conv_dx(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *g,
                      const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *x,
                      struct nn_error *err);
nn_status cpu_conv_dw(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                      const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err);
nn_status cpu_taps_spread(struct nn_backend *be, const struct nn_tensor *w3, struct nn_tensor *w4,
                          struct nn_error *err);
nn_status cpu_taps_gather(struct nn_backend *be, const struct nn_tensor *w4, struct nn_tensor *w3,
                          struct nn_error *err);

nn_status cpu_lrelu_mask(struct nn_backend *be, const struct nn_tensor *y, const struct nn_tensor *g,
                         float slope, struct nn_tensor *out, struct nn_error *err);
nn_status cpu_axpby(struct nn_backend *be, float alpha, const struct nn_tensor *a, float beta,
                    const struct nn_tensor *b, struct nn_tensor *out, struct nn_error *err);
nn_status cpu_affine(struct nn_backend *be, float alpha, const struct nn_tensor *x, float beta,
                     struct nn_tensor *out, struct nn_error *err);
nn_status cpu_mul(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                  struct nn_tensor *out, struct nn_error *err);
nn_status cpu_power(struct nn_backend *be, const struct nn_tensor *x, float exponent, struct nn_tensor *out,
                    struct nn_error *err);
nn_status cpu_exponential(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                          struct nn_error *err);
nn_status cpu_cast(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                   struct nn_error *err);
/* Adds the bias (1,C,1,1) and applies the leaky ReLU to `t` in place. */
void cpu_apply_epilogue(struct nn_epilogue epilogue, struct nn_tensor *t);

nn_status cpu_pixel_norm(struct nn_backend *be, const struct nn_tensor *x, float epsilon, struct nn_tensor *y,
                         struct nn_error *err);
nn_status cpu_pixel_norm_grad(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *g,
                              float epsilon, struct nn_tensor *out, struct nn_error *err);
nn_status cpu_log_softmax(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                          struct nn_error *err);

nn_status cpu_sum_to(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                     struct nn_error *err);
nn_status cpu_broadcast(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err);
nn_status cpu_channel_slice(struct nn_backend *be, const struct nn_tensor *x, int first,
                            struct nn_tensor *out, struct nn_error *err);
nn_status cpu_channel_pad(struct nn_backend *be, const struct nn_tensor *x, int first, struct nn_tensor *out,
                          struct nn_error *err);
nn_status cpu_avg_pool2(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err);
nn_status cpu_upsample2(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err);

nn_status cpu_concatenate(struct nn_backend *be, const struct nn_tensor *const *parts, int count,
                          struct nn_tensor *out, struct nn_error *err);
nn_status cpu_max_pool(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                       struct nn_tensor *out, struct nn_error *err);
nn_status cpu_max_pool_dx(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                          const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err);
nn_status cpu_avg_pool(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                       struct nn_tensor *out, struct nn_error *err);
nn_status cpu_avg_pool_dx(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *g,
                          struct nn_tensor *out, struct nn_error *err);

nn_status cpu_moments(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                      struct nn_error *err);
nn_status cpu_batch_norm(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                         const struct nn_tensor *beta, float slope, struct nn_tensor *y,
                         struct nn_error *err);
nn_status cpu_batch_norm_sums(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                              const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err);
nn_status cpu_batch_norm_dx(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                            const struct nn_tensor *g, const struct nn_tensor *sums, struct nn_tensor *out,
                            struct nn_error *err);

nn_status cpu_warp(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *maps,
                   struct nn_tensor *out, struct nn_error *err);
nn_status cpu_warp_adjoint(struct nn_backend *be, const struct nn_tensor *g, const struct nn_tensor *maps,
                           struct nn_tensor *out, struct nn_error *err);

nn_status cpu_adam(struct nn_backend *be, const struct nn_adam *p, size_t count, void *w, const void *g,
                   void *m, void *v, struct nn_error *err);
nn_status cpu_ema(struct nn_backend *be, float decay, size_t count, void *average, const void *w,
                  struct nn_error *err);
nn_status cpu_all_finite(struct nn_backend *be, const struct nn_span *spans, int count, bool *finite,
                         struct nn_error *err);

#endif
