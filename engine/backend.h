/* The table of functions that every device implements: plain kernels, no differentiation.
 *
 * Two element types are in play on one backend. Feature maps have `map_type` (bf16 where it is fast);
 * weights, biases, gradients of weights, reductions and everything small have `real_type` (f32; f64 in the
 * reference backend's f64 form). Unless said otherwise all tensors of one call have the same type, either
 * of the two, and outputs are overwritten, never accumulated into, and do not overlap inputs.
 *
 * Shapes are the caller's duty: engine/ops.c checks them once for all backends, so a backend may assume
 * that they fit. A kernel returns NN_OK or an error with text (allocation, library failure).
 *
 * A backend belongs to one thread; its kernels may use several. */
#ifndef NN_BACKEND_H
#define NN_BACKEND_H

#include "engine/error.h"
#include "engine/tensor.h"

/* y = scale * cross-correlation(x, w), KH x KW taps, `stride`, zero padding pad_h above and below, pad_w left
 * and right:
 *   x (N,I,H,W), w (O,I,KH,KW), y (N,O,H',W')
 *   H' = (H + 2 pad_h - KH)/stride + 1, rounded down; W' alike
 * The GAN has K 1 pad 0; K 3 pad 1; K 4 stride 2 pad 1 (down-sampling); K 4 pad 0 (4x4 <-> 1x1 dense).
 * `scale` is the equalised learning rate's gain/sqrt(fan_in), applied to the stored weight. */
struct nn_conv {
    int kernel_h, kernel_w, stride, pad_h, pad_w;
    float scale;
};

/* An initialiser of a struct nn_conv that is the same in both directions. */
#define NN_SQUARE_CONV(kernel, step, pad, factor)                                                            \
    {                                                                                                        \
        .kernel_h = kernel, .kernel_w = kernel, .stride = step, .pad_h = pad, .pad_w = pad, .scale = factor  \
    }

static inline bool nn_conv_is(const struct nn_conv *g, int kernel, int stride, int pad)
{
    return g->kernel_h == kernel && g->kernel_w == kernel && g->stride == stride && g->pad_h == pad &&
           g->pad_w == pad;
}

/* Windows of kernel x kernel pixels, `stride` apart, the first one `pad` pixels above and left of the image:
 *   x (N,C,H,W) -> (N,C,H',W') with H' = (H + 2 pad - kernel)/stride + 1, rounded down; W' alike.
 * Every window has a pixel of the image in it: 2 pad <= kernel. */
struct nn_window {
    int kernel, stride, pad;
};

enum { NN_WINDOW_KERNEL_MAX = 15 };

/* What follows a convolution in the same pass: y = leaky_relu(conv + bias). bias NULL: none.
 * slope 1: no activation. */
struct nn_epilogue {
    const struct nn_tensor *bias; /* (1,C,1,1) real_type, or NULL */
    float slope;
};

/* A batch normalisation's inputs besides the map (`moments` in the table has the formulas). batch_norm_sums
 * does not read gamma. */
struct nn_norm {
    const struct nn_tensor *moments, *gamma;
    float epsilon;
};

/* `count` real_type elements of backend memory. */
struct nn_span {
    const void *values;
    size_t count;
};

struct nn_recording; /* kernels kept to be run again */

/* One convolution of a generator and what follows it. */
struct nn_stage {
    struct nn_conv geometry;
    struct nn_tensor weight, bias; /* real_type; the weight of a fused up-sampling is folded to 4x4 taps */
    bool doubled;                  /* nearest upsampling comes before */
    bool transposed;               /* conv_dx */
    float slope;                   /* of the leaky ReLU; 1: none */
    float epsilon;                 /* of the pixel norm that follows; 0: none */
    struct nn_shape shape;         /* of the result for one sample */
};

struct nn_adam {
    float lr, beta1, beta2, epsilon;
    int64_t step; /* 1 at the first update */
};

enum { NN_WARP_WIDTH_MAX = 16 }; /* half a tent's base, in pixels, at most */

struct nn_backend {
    const char *name; /* "reference", "cpu", "cuda" */
    enum nn_type real_type, map_type;

    void (*close)(struct nn_backend *be);

    /* Memory, 64-byte aligned, uninitialised. NULL when there is none. */
    void *(*alloc)(struct nn_backend *be, size_t size_bytes);
    void (*free)(struct nn_backend *be, void *data);
    nn_status (*upload)(struct nn_backend *be, void *device, const void *host, size_t size_bytes,
                        struct nn_error *err);
    nn_status (*download)(struct nn_backend *be, void *host, const void *device, size_t size_bytes,
                          struct nn_error *err);

    /* Convolutions. x, y, g are maps (map_type or real_type, the same within a call); w is real_type.
     * conv_dx is the adjoint of conv in x: takes g (N,O,H',W'), gives x (N,I,H,W). It is also the
     * transposed convolution of the generator. conv_dw is the adjoint in w: x (N,I,H,W),
     * g (N,O,H',W') -> w (O,I,K,K) in real_type, accumulated in at least f32; a backend may round the
     * finished sum to the maps' type. All three include scale. */
    nn_status (*conv)(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                      const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *y,
                      struct nn_error *err);
    nn_status (*conv_dx)(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *g,
                         const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *x,
                         struct nn_error *err);
    nn_status (*conv_dw)(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                         const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err);

    /* Kernel arithmetic of the fused up- and down-sampling: taps_spread pads (O,I,3,3) by one
     * and sums the four one-pixel shifts into (O,I,4,4); taps_gather is its adjoint. real_type. */
    nn_status (*taps_spread)(struct nn_backend *be, const struct nn_tensor *w3, struct nn_tensor *w4,
                             struct nn_error *err);
    nn_status (*taps_gather)(struct nn_backend *be, const struct nn_tensor *w4, struct nn_tensor *w3,
                             struct nn_error *err);

    /* out = g where y > 0, else slope * g. y is the output of a leaky ReLU, or of a
     * ReLU where slope is 0. */
    nn_status (*lrelu_mask)(struct nn_backend *be, const struct nn_tensor *y, const struct nn_tensor *g,
                            float slope, struct nn_tensor *out, struct nn_error *err);

    /* y = x * r, r = 1/sqrt(mean over C of x^2 + epsilon), per pixel, computed in f32 (f64 for f64).
     * pixel_norm_grad: out = r*g - r^3 * x * mean over C of (x*g), the same r: the Jacobian, which is
     * symmetric, times g. */
    nn_status (*pixel_norm)(struct nn_backend *be, const struct nn_tensor *x, float epsilon,
                            struct nn_tensor *y, struct nn_error *err);
    nn_status (*pixel_norm_grad)(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *g,
                                 float epsilon, struct nn_tensor *out, struct nn_error *err);

    /* Elementwise. */
    nn_status (*axpby)(struct nn_backend *be, float alpha, const struct nn_tensor *a, float beta,
                       const struct nn_tensor *b, struct nn_tensor *out, struct nn_error *err); /* αa + βb */
    nn_status (*affine)(struct nn_backend *be, float alpha, const struct nn_tensor *x, float beta,
                        struct nn_tensor *out, struct nn_error *err); /* αx + β */
    nn_status (*mul)(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                     struct nn_tensor *out, struct nn_error *err);
    nn_status (*power)(struct nn_backend *be, const struct nn_tensor *x, float exponent,
                       struct nn_tensor *out, struct nn_error *err); /* x^p, x > 0 unless p is 0, 1 or 2 */
    nn_status (*exponential)(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                             struct nn_error *err);
    nn_status (*log_softmax)(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                             struct nn_error *err); /* over C, per (n,y,x), stable */
    nn_status (*cast)(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                      struct nn_error *err); /* between real_type and map_type, round to nearest even */

    /* Shape. In sum_to and broadcast every dimension of the smaller shape equals the larger's or is 1.
     * sum_to: x any type -> out real_type, accumulated in at least f32 in an order that does not depend on
     * the thread count. broadcast: x real_type -> out any type. */
    nn_status (*sum_to)(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                        struct nn_error *err);
    nn_status (*broadcast)(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                           struct nn_error *err);
    nn_status (*channel_slice)(struct nn_backend *be, const struct nn_tensor *x, int first,
                               struct nn_tensor *out, struct nn_error *err); /* out.c channels from `first` */
    nn_status (*channel_pad)(struct nn_backend *be, const struct nn_tensor *x, int first,
                             struct nn_tensor *out, struct nn_error *err); /* its adjoint: zeros elsewhere */
    nn_status (*concatenate)(struct nn_backend *be, const struct nn_tensor *const *parts, int count,
                             struct nn_tensor *out, struct nn_error *err); /* along C, in order */
    nn_status (*avg_pool2)(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                           struct nn_error *err); /* (N,C,H,W) -> (N,C,H/2,W/2), mean of 2x2 */
    nn_status (*upsample2)(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                           struct nn_error *err); /* nearest, (N,C,H,W) -> (N,C,2H,2W) */

    /* ---- beyond the GAN: what classifiers need ---- */

    /* The largest value of each window, and its adjoint at x: each g goes to the first largest value of its
     * window, row by row. Values are not NaN. */
    nn_status (*max_pool)(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                          struct nn_tensor *out, struct nn_error *err);
    nn_status (*max_pool_dx)(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                             const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err);
    /* The sum of each window over kernel^2, zeros beyond the image, and its adjoint. */
    nn_status (*avg_pool)(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                          struct nn_tensor *out, struct nn_error *err);
    nn_status (*avg_pool_dx)(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *g,
                             struct nn_tensor *out, struct nn_error *err);

    /* Batch normalisation (Ioffe and Szegedy, ICML 2015). `moments` are (1,2C,1,1): the C channels' means and
     * then their variances, sums over N,H,W divided by NHW. x, g, y and out are maps of one type, the rest is
     * real_type, gamma and beta (1,C,1,1). Sums do not depend on the number of threads.
     *   z = (x - mean)/sqrt(variance + epsilon)      y = leaky_relu(gamma z + beta)
     *   batch_norm_sums: (1,2C,1,1), sums over N,H,W of g, then of g z
     *   batch_norm_dx: gamma/sqrt(variance + epsilon) (g - (sums[0] + z sums[1])/NHW), which is the gradient
     *   in x where the moments are x's own; sums NULL: without that bracket's second term, for fixed ones. */
    nn_status (*moments)(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                         struct nn_error *err);
    nn_status (*batch_norm)(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                            const struct nn_tensor *beta, float slope, struct nn_tensor *y,
                            struct nn_error *err);
    nn_status (*batch_norm_sums)(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                                 const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err);
    nn_status (*batch_norm_dx)(struct nn_backend *be, const struct nn_norm *norm, const struct nn_tensor *x,
                               const struct nn_tensor *g, const struct nn_tensor *sums, struct nn_tensor *out,
                               struct nn_error *err);

    /* Resampling of grey images, each by an affine map of its own. x, g and out (N,1,H,W), maps (N,6,1,1),
     * all real_type. Pixel centres lie at whole numbers, the top left one at (0,0). The pixel in column j and
     * row i of out[n] is read at column u and row v of x[n]. With m = maps[n]:
     *   u = m0 j + m1 i + m2
     *   v = m3 j + m4 i + m5
     *   out[i,j] = sum over all integers r, s of T(r - v, wv) T(s - u, wu) x[mirror(r, H), mirror(s, W)]
     *   T(d, w) = max(0, 1 - |d|/w), divided by the sum of the same over all integers s (or r)
     *   wu = min(NN_WARP_WIDTH_MAX, max(1, sqrt(m0^2 + m1^2))), wv likewise of m3 and m4
     *   mirror(k, L): q = k mod 2L in 0..2L-1; q where q < L, else 2L - 1 - q
     * So it is bilinear interpolation as long as the map does not shrink the image. Where it does, the tent
     * is as wide as the step in x, which keeps out what the output cannot show (anti-aliasing). Beyond its
     * edge the image goes on as its mirror image, border pixels twice. Maps to whole pixels copy exactly. |u|
     * and |v| beyond 2^20 are taken for 2^20; elements of maps are finite.
     *
     * warp_adjoint is the transposed linear map from g to out: <warp(x), g> = <x, warp_adjoint(g)>. Neither
     * depends on the number of threads. */
    nn_status (*warp)(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *maps,
                      struct nn_tensor *out, struct nn_error *err);
    nn_status (*warp_adjoint)(struct nn_backend *be, const struct nn_tensor *g, const struct nn_tensor *maps,
                              struct nn_tensor *out, struct nn_error *err);

    /* Optimiser, over flat real_type buffers of `count` elements; in place.
     * Adam in TensorFlow's epsilon-hat form: lr_t = lr sqrt(1-b2^t)/(1-b1^t); w -= lr_t m/(sqrt(v)+eps). */
    nn_status (*adam)(struct nn_backend *be, const struct nn_adam *p, size_t count, void *w, const void *g,
                      void *m, void *v, struct nn_error *err);
    nn_status (*ema)(struct nn_backend *be, float decay, size_t count, void *average, const void *w,
                     struct nn_error *err); /* average = decay*average + (1-decay)*w */
    /* Whether every element of `count` buffers is finite: one question, and one wait for a device. */
    nn_status (*all_finite)(struct nn_backend *be, const struct nn_span *spans, int count, bool *finite,
                            struct nn_error *err);

    const struct nn_inference *inference; /* NULL where the host itself computes */
    const struct nn_generator *generator; /* NULL where the table is all there is */
};

struct nn_prepared;

/* What a backend that computes on the host offers the sampler: a whole generator prepared at once, with its
 * weights packed and its layers fused. */
struct nn_generator {
    /* Whether `prepare` takes such a plan. */
    bool (*fits)(const struct nn_stage *stages, int count);
    /* Copies what it needs of the weights, which are host memory. The backend must outlive *prepared. */
    nn_status (*prepare)(struct nn_backend *be, const struct nn_stage *stages, int count,
                         struct nn_prepared **prepared, struct nn_error *err);
    void (*release)(struct nn_prepared *prepared); /* NULL is harmless */
    size_t (*memory_bytes)(const struct nn_prepared *prepared);
    /* `count` samples: inputs of the first layer to whichever of `images`, about -1..1, and `grey`, 8 bits,
     * is not NULL. Allocates no buffer. The same bytes whatever the count, the place and the number of
     * threads. */
    nn_status (*run)(struct nn_backend *be, struct nn_prepared *prepared, const float *inputs, int count,
                     float *images, uint8_t *grey, struct nn_error *err);
};

/* What a device that works while the host goes on offers the sampler beyond the table. */
struct nn_inference {
    /* Host memory that the device copies to and from while the host goes on. NULL when there is none. */
    void *(*host_alloc)(struct nn_backend *be, size_t size_bytes);
    void (*host_free)(struct nn_backend *be, void *data);

    /* Copies that are queued among the kernels and return at once; `host` is from host_alloc. A download has
     * arrived once `wait` for its slot, 0 or 1, has returned. */
    nn_status (*upload_later)(struct nn_backend *be, void *device, const void *host, size_t size_bytes,
                              struct nn_error *err);
    nn_status (*download_later)(struct nn_backend *be, void *host, const void *device, size_t size_bytes,
                                int slot, struct nn_error *err);
    nn_status (*wait)(struct nn_backend *be, int slot, struct nn_error *err);

    size_t (*memory_bytes)(struct nn_backend *be); /* of the device's memory, held now */

    /* Kernels called between record and record_end are kept, not run; replay runs them on the same tensors.
     * All of them must have run once before, so that plans and workspaces are there. A recording is stale,
     * and must be made again, when the backend has moved its workspaces since. */
    nn_status (*record)(struct nn_backend *be, struct nn_error *err);
    nn_status (*record_end)(struct nn_backend *be, struct nn_recording **recording, struct nn_error *err);
    nn_status (*replay)(struct nn_backend *be, const struct nn_recording *recording, struct nn_error *err);
    bool (*stale)(struct nn_backend *be, const struct nn_recording *recording);
    void (*recording_free)(struct nn_recording *recording); /* NULL is harmless */

    /* packed = scale * w in map_type. The convolutions below take it with a geometry of scale 1. */
    nn_status (*pack)(struct nn_backend *be, float scale, const struct nn_tensor *w, struct nn_tensor *packed,
                      struct nn_error *err);
    /* conv, or conv_dx where `transposed`, then pixel norm where epsilon is over 0, in one pass. */
    nn_status (*conv)(struct nn_backend *be, const struct nn_conv *geometry, bool transposed,
                      const struct nn_tensor *x, const struct nn_tensor *packed, struct nn_epilogue epilogue,
                      float epsilon, struct nn_tensor *y, struct nn_error *err);
    /* Images of about -1..1 to 8-bit grey, as nn_sampler_grey; `grey` is backend memory. */
    nn_status (*grey)(struct nn_backend *be, const struct nn_tensor *images, uint8_t *grey,
                      struct nn_error *err);
};

/* The truth: plain single-threaded loops. `type` is NN_F32 or NN_F64, both for maps and reals. */
nn_status nn_backend_open_reference(struct nn_backend **be, enum nn_type type,
                                    struct nn_error *err) NN_MUST_CHECK;

/* oneDNN and OpenMP. real_type f32; map_type NN_F32, or NN_BF16 where nn_cpu_has_bf16 says so (elsewhere
 * bf16 is refused with NN_ERR_DEVICE). */
nn_status nn_backend_open_cpu(struct nn_backend **be, enum nn_type map_type,
                              struct nn_error *err) NN_MUST_CHECK;
bool nn_cpu_has_bf16(void);

/* The first NVIDIA GPU, through build/libroentgym_cuda.so, which is loaded at the first call. real_type f32;
 * map_type NN_F32 or NN_BF16. `name` receives the GPU's. NN_ERR_ARGUMENT: no such library was built, or none
 * is wanted. NN_ERR_DEVICE says in one line what is missing: cuDNN, driver, GPU, or a new enough one of them.
 */
nn_status nn_backend_open_cuda(struct nn_backend **be, enum nn_type map_type, char name[256],
                               struct nn_error *err) NN_MUST_CHECK;

#endif
