/* The closed set of differentiable operations. Each one is defined by its kernel in backend.h and by its
 * rule in vjp.c, which is written with operations of this same set. So the gradients of a GAN can be
 * differentiated again, and no kernel exists for the second order alone. (Max pooling and batch
 * normalisation, which only classifiers use, have a first order only.)
 *
 * All take values of one tape and return a new value. Shapes and types are checked here, once for all
 * backends; a mismatch is a sticky NN_ERR_ARGUMENT that names the operation and the shapes. */
#ifndef NN_OPS_H
#define NN_OPS_H

#include "engine/tape.h"

/* name, number of tensor inputs at most */
#define NN_OPS(X)                                                                                            \
    X(LEAF, 0)                                                                                               \
    X(CONV, 3)                                                                                               \
    X(CONV_DX, 3)                                                                                            \
    X(CONV_DW, 2)                                                                                            \
    X(TAPS_SPREAD, 1)                                                                                        \
    X(TAPS_GATHER, 1)                                                                                        \
    X(LRELU_MASK, 2)                                                                                         \
    X(PIXEL_NORM, 1)                                                                                         \
    X(PIXEL_NORM_GRAD, 2)                                                                                    \
    X(AXPBY, 2)                                                                                              \
    X(AFFINE, 1)                                                                                             \
    X(MUL, 2)                                                                                                \
    X(POWER, 1)                                                                                              \
    X(EXPONENTIAL, 1)                                                                                        \
    X(LOG_SOFTMAX, 1)                                                                                        \
    X(CAST, 1)                                                                                               \
    X(SUM_TO, 1)                                                                                             \
    X(BROADCAST, 1)                                                                                          \
    X(RESHAPE, 1)                                                                                            \
    X(CHANNEL_SLICE, 1)                                                                                      \
    X(CHANNEL_PAD, 1)                                                                                        \
    X(AVG_POOL2, 1)                                                                                          \
    X(UPSAMPLE2, 1)                                                                                          \
    X(WARP, 2)                                                                                               \
    X(WARP_ADJOINT, 2)                                                                                       \
    X(CONCATENATE, 4)                                                                                        \
    X(MAX_POOL, 1)                                                                                           \
    X(MAX_POOL_DX, 2)                                                                                        \
    X(AVG_POOL, 1)                                                                                           \
    X(AVG_POOL_DX, 1)                                                                                        \
    X(MOMENTS, 1)                                                                                            \
    X(BATCH_NORM, 4)                                                                                         \
    X(BATCH_NORM_SUMS, 3)                                                                                    \
    X(BATCH_NORM_DX, 5)

enum nn_op {
#define X(name, inputs) NN_OP_##name,
    NN_OPS(X)
#undef X
        NN_OP_COUNT
};

enum { NN_OP_INPUTS_MAX = 5 };

/* An operation's parameters besides its inputs. Which are used depends on the op. */
struct nn_attributes {
    struct nn_conv conv;     /* CONV, CONV_DX, CONV_DW */
    struct nn_window window; /* MAX_POOL, AVG_POOL and their adjoints */
    float alpha, beta;       /* AXPBY, AFFINE; alpha: slope of CONV, CONV_DX, LRELU_MASK; exponent of POWER;
                                epsilon of PIXEL_NORM and PIXEL_NORM_GRAD; alpha is the slope and beta the
                                epsilon of BATCH_NORM, and of its like */
    int first;               /* CHANNEL_SLICE, CHANNEL_PAD */
    struct nn_shape shape;   /* of the result, where the inputs do not fix it */
    enum nn_type type;       /* of the result: CAST, BROADCAST */
};

static const nn_id nn_none = {0}; /* for an absent bias */

/* Convolutions (backend.h has the formulas). Slope 1 and bias nn_none mean no epilogue; a slope in (0,1) is a
 * leaky ReLU, 0 a ReLU. x_shape and w_shape are the result's, which the inputs alone do not fix. */
struct nn_shape nn_conv_result(const struct nn_conv *geometry, struct nn_shape x, struct nn_shape w);
nn_id nn_conv(struct nn_tape *t, struct nn_conv geometry, nn_id x, nn_id w, nn_id bias, float slope);
nn_id nn_conv_dx(struct nn_tape *t, struct nn_conv geometry, nn_id g, nn_id w, nn_id bias, float slope,
                 struct nn_shape x_shape);
nn_id nn_conv_dw(struct nn_tape *t, struct nn_conv geometry, nn_id x, nn_id g, struct nn_shape w_shape);

nn_id nn_taps_spread(struct nn_tape *t, nn_id w3); /* (O,I,3,3) -> (O,I,4,4) */
nn_id nn_taps_gather(struct nn_tape *t, nn_id w4);

nn_id nn_lrelu_mask(struct nn_tape *t, nn_id y, nn_id g, float slope);
nn_id nn_pixel_norm(struct nn_tape *t, nn_id x, float epsilon);
nn_id nn_pixel_norm_grad(struct nn_tape *t, nn_id x, nn_id g, float epsilon);

nn_id nn_axpby(struct nn_tape *t, float alpha, nn_id a, float beta, nn_id b); /* alpha a + beta b */
nn_id nn_affine(struct nn_tape *t, float alpha, nn_id x, float beta);         /* alpha x + beta */
nn_id nn_mul(struct nn_tape *t, nn_id a, nn_id b);
nn_id nn_power(struct nn_tape *t, nn_id x, float exponent);
nn_id nn_exponential(struct nn_tape *t, nn_id x);
nn_id nn_log_softmax(struct nn_tape *t, nn_id x);             /* over C */
nn_id nn_cast(struct nn_tape *t, nn_id x, enum nn_type type); /* x itself when it has the type already */

nn_id nn_sum_to(struct nn_tape *t, nn_id x, struct nn_shape shape);
nn_id nn_broadcast(struct nn_tape *t, nn_id x, struct nn_shape shape, enum nn_type type);
nn_id nn_reshape(struct nn_tape *t, nn_id x, struct nn_shape shape); /* same memory, same order */
nn_id nn_channel_slice(struct nn_tape *t, nn_id x, int first, int count);
nn_id nn_channel_pad(struct nn_tape *t, nn_id x, int first, int total);
/* One to NN_CONCATENATE_MAX maps, one after the other along C. */
enum { NN_CONCATENATE_MAX = 4 };
nn_id nn_concatenate(struct nn_tape *t, const nn_id *parts, int count);
nn_id nn_avg_pool2(struct nn_tape *t, nn_id x);
nn_id nn_upsample2(struct nn_tape *t, nn_id x);

/* Beyond the GAN: what classifiers need. A ReLU of a value is nn_lrelu_mask(t, x, x, 0), a dropout nn_mul
 * with a mask. MAX_POOL_DX, BATCH_NORM_SUMS and BATCH_NORM_DX, which gradients are made of, are not
 * differentiable again: a second order through nn_max_pool or nn_batch_norm is NN_ERR_ARGUMENT, with the
 * operation's name. */
struct nn_shape nn_window_result(const struct nn_window *window, struct nn_shape x);
nn_id nn_max_pool(struct nn_tape *t, struct nn_window window, nn_id x);
nn_id nn_max_pool_dx(struct nn_tape *t, struct nn_window window, nn_id x, nn_id g);
nn_id nn_avg_pool(struct nn_tape *t, struct nn_window window, nn_id x);
nn_id nn_avg_pool_dx(struct nn_tape *t, struct nn_window window, nn_id g, struct nn_shape x_shape);

/* Means and variances (1,2C,1,1) of the channels. */
nn_id nn_moments(struct nn_tape *t, nn_id x);
/* `slope` as a convolution's. In training `moments` is nn_moments(t, x), through which x's gradient then goes
 * (the moments themselves get none); elsewhere a value of any origin. */
nn_id nn_batch_norm(struct nn_tape *t, nn_id x, nn_id moments, nn_id gamma, nn_id beta, float epsilon,
                    float slope);
nn_id nn_batch_norm_sums(struct nn_tape *t, nn_id x, nn_id moments, nn_id g, float epsilon);
nn_id nn_batch_norm_dx(struct nn_tape *t, nn_id x, nn_id moments, nn_id gamma, nn_id g, nn_id sums,
                       float epsilon); /* sums nn_none where the moments are not x's */

/* Grey images (N,1,H,W) resampled, each by its row of maps (N,6,1,1), all real_type; backend.h has the
 * formula. Linear in the images, and each the other's rule. The maps are constants without a gradient. */
nn_id nn_warp(struct nn_tape *t, nn_id x, nn_id maps);
nn_id nn_warp_adjoint(struct nn_tape *t, nn_id g, nn_id maps);

#endif
