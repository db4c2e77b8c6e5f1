/* Inside the CUDA backend: its state, and the kernels that cuda_backend.c puts into the table. The contracts
 * are engine/backend.h's. Tensors are f32 or bf16; arithmetic is f32.
 *
 * Everything runs on one stream, so work is ordered as it was called: memory that is freed may be handed out
 * again at once, and only a copy to the host waits. The kernels (.cu) stand beside their launchers, which
 * have C linkage. Nothing here depends on what else the device does, so the same calls give the same bits. */
#ifndef NN_CUDA_H
#define NN_CUDA_H

#include <cuda_runtime_api.h>

#include "engine/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cublasContext;
struct cuda_plans;
struct cuda_memory;
struct cuda_staging;

enum cuda_scratch_use {
    CUDA_SCRATCH_WEIGHT,    /* a packed weight, or its gradient before it is scaled */
    CUDA_SCRATCH_PARTIAL,   /* partial sums */
    CUDA_SCRATCH_WORKSPACE, /* cuDNN's */
    CUDA_SCRATCH_GEMM,      /* cuBLAS's; allocated at the start, so that its choices never change */
    CUDA_SCRATCH_FLAG,      /* all_finite's */
    CUDA_SCRATCH_COUNT
};

struct cuda_backend {
    struct nn_backend table; /* first: a struct nn_backend * of this backend points here too */
    cudaStream_t stream;
    struct cuda_memory *memory;   /* owned; cuda_memory.c */
    struct cuda_staging *staging; /* owned; cuda_staging.c */
    struct cuda_plans *plans;     /* owned; cuda_plans.c */
    struct cublasContext *gemm;   /* owned; cuda_gemm.c */
    struct {
        void *data;
        size_t size_bytes;
    } scratch[CUDA_SCRATCH_COUNT];
    cudaEvent_t arrived[2]; /* downloads of cuda_inference.c */
    int generation;         /* rises when scratch moves: a recording made before is stale */
    bool lost;              /* an earlier call failed in a way that the device does not recover from */
};

static inline struct cuda_backend *cuda_of(struct nn_backend *be)
{
    return (struct cuda_backend *)be;
}

/* NN_OK, or `code` as a status with a text that names `call`. */
nn_status cuda_check(struct cuda_backend *cuda, cudaError_t code, const char *call, struct nn_error *err);

/* ---- cuda_memory.c ---- */

/* A caching allocator over cudaMalloc: freed blocks are kept and handed out again, so that a loop that
 * repeats its sizes allocates nothing. Blocks go back to the device when it has no memory left otherwise. */
nn_status cuda_memory_open(struct cuda_backend *cuda, struct nn_error *err) NN_MUST_CHECK;
void cuda_memory_close(struct cuda_backend *cuda);
void *cuda_alloc(struct nn_backend *be, size_t size_bytes);
void cuda_free(struct nn_backend *be, void *data);
size_t cuda_memory_bytes(struct nn_backend *be);

/* At least `size_bytes`, kept for the next call for the same use; NULL with the error filled. */
void *cuda_scratch(struct cuda_backend *cuda, enum cuda_scratch_use use, size_t size_bytes,
                   struct nn_error *err);

/* ---- cuda_staging.c ---- */

/* Copies through pinned memory: an upload returns when the host's buffer may be changed, not when the device
 * has the data. A download waits for all work before it. */
nn_status cuda_staging_open(struct cuda_backend *cuda, struct nn_error *err) NN_MUST_CHECK;
void cuda_staging_close(struct cuda_backend *cuda);
nn_status cuda_upload(struct nn_backend *be, void *device, const void *host, size_t size_bytes,
                      struct nn_error *err);
nn_status cuda_download(struct nn_backend *be, void *host, const void *device, size_t size_bytes,
                        struct nn_error *err);

/* ---- cuda_inference.c ---- */

extern const struct nn_inference cuda_inference;

/* ---- convolutions: cuda_convolution.c, on top of the files below ---- */

nn_status cuda_conv(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                    const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *y,
                    struct nn_error *err);
nn_status cuda_conv_dx(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *g,
                       const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *x,
                       struct nn_error *err);
nn_status cuda_conv_dw(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                       const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err);
nn_status cuda_conv_normalised(struct nn_backend *be, const struct nn_conv *geometry, bool transposed,
                               const struct nn_tensor *x, const struct nn_tensor *w,
                               struct nn_epilogue epilogue, float epsilon, struct nn_tensor *y,
                               struct nn_error *err);

/* Which of the three factors of one bilinear form is computed from the other two. */
enum cuda_conv_role { CUDA_MAKE_Y, CUDA_MAKE_X, CUDA_MAKE_W };

/* x (N,I,H,W), w (O,I,K,K), y (N,O,H',W'): one of them is the result. The scale is not applied. */
struct cuda_conv_call {
    enum cuda_conv_role role;
    struct nn_conv geometry;
    struct nn_tensor x, w, y;
};

/* cuda_plans.c: cuDNN. *done is false, and nothing has happened, when cuDNN has no kernel for the call. */
nn_status cuda_plans_open(struct cuda_backend *cuda, struct nn_error *err) NN_MUST_CHECK;
void cuda_plans_close(struct cuda_backend *cuda);
nn_status cuda_plans_run(struct cuda_backend *cuda, const struct cuda_conv_call *call, bool *done,
                         struct nn_error *err);

/* cuda_gemm.c: cuBLAS, for convolutions that are one matrix product: 1x1, and those whose kernel covers the
 * whole input. Applies `scale`. */
nn_status cuda_gemm_open(struct cuda_backend *cuda, struct nn_error *err) NN_MUST_CHECK;
void cuda_gemm_close(struct cuda_backend *cuda);
bool cuda_gemm_fits(const struct cuda_conv_call *call);
nn_status cuda_gemm_run(struct cuda_backend *cuda, const struct cuda_conv_call *call, float scale,
                        struct nn_error *err);

/* direct_conv.cu: plain loops for what the libraries have no kernel for. */
nn_status cuda_direct_conv(struct cuda_backend *cuda, const struct cuda_conv_call *call,
                           struct nn_error *err);

/* grey_conv.cu: 1x1 between one grey channel and many, which is bound by memory. The f32 weight is read as
 * it is, times `scale`; bias and activation ride along. */
bool cuda_grey_fits(const struct nn_conv *geometry, const struct nn_tensor *many,
                    const struct nn_tensor *one);
nn_status cuda_grey_expand(struct cuda_backend *cuda, float scale, const struct nn_tensor *one,
                           const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *many,
                           struct nn_error *err);
nn_status cuda_grey_contract(struct cuda_backend *cuda, float scale, const struct nn_tensor *many,
                             const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *one,
                             struct nn_error *err);

/* epilogue.cu. pack: out = scale * x for any two types of the same count. finish: bias, leaky ReLU and, with
 * epsilon > 0, pixel norm, in place and in one pass. */
nn_status cuda_pack(struct cuda_backend *cuda, float scale, const struct nn_tensor *x, struct nn_tensor *out,
                    struct nn_error *err);
nn_status cuda_finish(struct cuda_backend *cuda, struct nn_epilogue epilogue, float epsilon,
                      struct nn_tensor *t, struct nn_error *err);
/* Images of about -1..1 to 8-bit grey, as nn_sampler_grey does on the host. */
nn_status cuda_grey(struct nn_backend *be, const struct nn_tensor *image, uint8_t *grey,
                    struct nn_error *err);

/* ---- kernels of the table ---- */

nn_status cuda_taps_spread(struct nn_backend *be, const struct nn_tensor *w3, struct nn_tensor *w4,
                           struct nn_error *err);
nn_status cuda_taps_gather(struct nn_backend *be, const struct nn_tensor *w4, struct nn_tensor *w3,
                           struct nn_error *err);

nn_status cuda_lrelu_mask(struct nn_backend *be, const struct nn_tensor *y, const struct nn_tensor *g,
                          float slope, struct nn_tensor *out, struct nn_error *err);
nn_status cuda_axpby(struct nn_backend *be, float alpha, const struct nn_tensor *a, float beta,
                     const struct nn_tensor *b, struct nn_tensor *out, struct nn_error *err);
nn_status cuda_affine(struct nn_backend *be, float alpha, const struct nn_tensor *x, float beta,
                      struct nn_tensor *out, struct nn_error *err);
nn_status cuda_mul(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                   struct nn_tensor *out, struct nn_error *err);
nn_status cuda_power(struct nn_backend *be, const struct nn_tensor *x, float exponent, struct nn_tensor *out,
                     struct nn_error *err);
nn_status cuda_exponential(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                           struct nn_error *err);
nn_status cuda_cast(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                    struct nn_error *err);

nn_status cuda_pixel_norm(struct nn_backend *be, const struct nn_tensor *x, float epsilon,
                          struct nn_tensor *y, struct nn_error *err);
nn_status cuda_pixel_norm_grad(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *g,
                               float epsilon, struct nn_tensor *out, struct nn_error *err);
nn_status cuda_log_softmax(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                           struct nn_error *err);

nn_status cuda_sum_to(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                      struct nn_error *err);
nn_status cuda_broadcast(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                         struct nn_error *err);
/* out[c] = scale * sum over pixels of many[p,c] * one[p]: the weight gradient of a grey 1x1 convolution. */
nn_status cuda_grey_weights(struct cuda_backend *cuda, float scale, const struct nn_tensor *many,
                            const struct nn_tensor *one, struct nn_tensor *out, struct nn_error *err);

nn_status cuda_channel_slice(struct nn_backend *be, const struct nn_tensor *x, int first,
                             struct nn_tensor *out, struct nn_error *err);
nn_status cuda_channel_pad(struct nn_backend *be, const struct nn_tensor *x, int first, struct nn_tensor *out,
                           struct nn_error *err);
nn_status cuda_avg_pool2(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                         struct nn_error *err);
nn_status cuda_upsample2(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                         struct nn_error *err);

nn_status cuda_concatenate(struct nn_backend *be, const struct nn_tensor *const *parts, int count,
                           struct nn_tensor *out, struct nn_error *err);
nn_status cuda_max_pool(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                        struct nn_tensor *out, struct nn_error *err);
nn_status cuda_max_pool_dx(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                           const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err);
nn_status cuda_avg_pool(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                        struct nn_tensor *out, struct nn_error *err);
nn_status cuda_avg_pool_dx(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *g,
                           struct nn_tensor *out, struct nn_error *err);

nn_status cuda_moments(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                       struct nn_error *err);
nn_status cuda_batch_norm(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                          const struct nn_tensor *beta, float slope, struct nn_tensor *y,
                          struct nn_error *err);
nn_status cuda_batch_norm_sums(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                               const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err);
nn_status cuda_batch_norm_dx(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                             const struct nn_tensor *g, const struct nn_tensor *sums, struct nn_tensor *out,
                             struct nn_error *err);

nn_status cuda_warp(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *maps,
                    struct nn_tensor *out, struct nn_error *err);
nn_status cuda_warp_adjoint(struct nn_backend *be, const struct nn_tensor *g, const struct nn_tensor *maps,
                            struct nn_tensor *out, struct nn_error *err);

nn_status cuda_adam(struct nn_backend *be, const struct nn_adam *p, size_t count, void *w, const void *g,
                    void *m, void *v, struct nn_error *err);
nn_status cuda_ema(struct nn_backend *be, float decay, size_t count, void *average, const void *w,
                   struct nn_error *err);
nn_status cuda_all_finite(struct nn_backend *be, const struct nn_span *spans, int count, bool *finite,
                          struct nn_error *err);

#ifdef __cplusplus
}
#endif

#endif
