#include "tests/unit/engine/op_cases.h"

/* Numbers exact in bf16, so that rounding cannot move a value across the leaky ReLU's kink. */
static const float SLOPE = 0.25f, SCALE = 0.5f, EPSILON = 0.125f;

#define CONV(k, s, p) ((struct nn_conv)NN_SQUARE_CONV(k, s, p, SCALE))
#define BUILD(name) static nn_id name(struct nn_tape *t, const nn_id *in)

BUILD(conv_1x1)
{
    return nn_conv(t, CONV(1, 1, 0), in[0], in[1], in[2], 1);
}
BUILD(conv_3x3_lrelu)
{
    return nn_conv(t, CONV(3, 1, 1), in[0], in[1], in[2], SLOPE);
}
BUILD(conv_halving)
{
    return nn_conv(t, CONV(4, 2, 1), in[0], in[1], in[2], SLOPE);
}
BUILD(conv_dense)
{
    return nn_conv(t, CONV(4, 1, 0), in[0], in[1], nn_none, SLOPE);
}
BUILD(conv_dx_1x1)
{
    return nn_conv_dx(t, CONV(1, 1, 0), in[0], in[1], in[2], 1, nn_shape(2, 3, 4, 2));
}
BUILD(conv_dx_3x3_lrelu)
{
    return nn_conv_dx(t, CONV(3, 1, 1), in[0], in[1], in[2], SLOPE, nn_shape(2, 3, 4, 4));
}
BUILD(conv_dx_doubling)
{
    return nn_conv_dx(t, CONV(4, 2, 1), in[0], in[1], in[2], SLOPE, nn_shape(2, 3, 6, 4));
}
BUILD(conv_dx_dense)
{
    return nn_conv_dx(t, CONV(4, 1, 0), in[0], in[1], nn_none, SLOPE, nn_shape(3, 2, 4, 4));
}
BUILD(conv_dw_3x3)
{
    return nn_conv_dw(t, CONV(3, 1, 1), in[0], in[1], nn_shape(5, 3, 3, 3));
}
BUILD(conv_dw_halving)
{
    return nn_conv_dw(t, CONV(4, 2, 1), in[0], in[1], nn_shape(2, 3, 4, 4));
}
BUILD(taps_spread)
{
    return nn_taps_spread(t, in[0]);
}
BUILD(taps_gather)
{
    return nn_taps_gather(t, in[0]);
}
BUILD(lrelu_mask)
{
    return nn_lrelu_mask(t, in[0], in[1], SLOPE);
}
BUILD(pixel_norm)
{
    return nn_pixel_norm(t, in[0], EPSILON);
}
BUILD(pixel_norm_grad)
{
    return nn_pixel_norm_grad(t, in[0], in[1], EPSILON);
}
BUILD(axpby)
{
    return nn_axpby(t, 0.75f, in[0], -1.5f, in[1]);
}
BUILD(axpby_of_one)
{
    return nn_axpby(t, 0.75f, in[0], -1.5f, in[0]);
}
BUILD(affine)
{
    return nn_affine(t, -0.75f, in[0], 2);
}
BUILD(mul)
{
    return nn_mul(t, in[0], in[1]);
}
BUILD(mul_of_one)
{
    return nn_mul(t, in[0], in[0]);
}
BUILD(square_root)
{
    return nn_power(t, in[0], 0.5f);
}
BUILD(reciprocal)
{
    return nn_power(t, in[0], -1);
}
BUILD(square)
{
    return nn_power(t, in[0], 2);
}
BUILD(exponential)
{
    return nn_exponential(t, in[0]);
}
BUILD(log_softmax)
{
    return nn_log_softmax(t, in[0]);
}
BUILD(cast)
{
    return nn_cast(t, in[0], nn_tape_backend(t)->map_type);
}
BUILD(sum_to_channels)
{
    return nn_sum_to(t, in[0], nn_shape(1, 5, 1, 1));
}
BUILD(sum_to_samples)
{
    return nn_sum_to(t, in[0], nn_shape(3, 1, 1, 1));
}
BUILD(sum_to_pixels)
{
    return nn_sum_to(t, in[0], nn_shape(3, 1, 2, 2));
}
BUILD(sum_to_scalar)
{
    return nn_sum_to(t, in[0], nn_shape(1, 1, 1, 1));
}
BUILD(broadcast)
{
    return nn_broadcast(t, in[0], nn_shape(3, 5, 2, 2), nn_tape_backend(t)->map_type);
}
BUILD(reshape)
{
    return nn_reshape(t, in[0], nn_shape(6, 10, 1, 1));
}
BUILD(channel_slice)
{
    return nn_channel_slice(t, in[0], 1, 3);
}
BUILD(channel_pad)
{
    return nn_channel_pad(t, in[0], 2, 9);
}
BUILD(avg_pool2)
{
    return nn_avg_pool2(t, in[0]);
}
BUILD(upsample2)
{
    return nn_upsample2(t, in[0]);
}
BUILD(warp)
{
    return nn_warp(t, in[0], in[1]);
}
BUILD(warp_adjoint)
{
    return nn_warp_adjoint(t, in[0], in[1]);
}

BUILD(conv_2x3)
{
    struct nn_conv g = {.kernel_h = 2, .kernel_w = 3, .stride = 2, .pad_h = 0, .pad_w = 1, .scale = SCALE};
    return nn_conv(t, g, in[0], in[1], in[2], SLOPE);
}
BUILD(conv_relu)
{
    return nn_conv(t, CONV(1, 2, 0), in[0], in[1], in[2], 0);
}
BUILD(conv_dx_1x3)
{
    struct nn_conv g = {.kernel_h = 1, .kernel_w = 3, .stride = 2, .pad_h = 1, .pad_w = 0, .scale = SCALE};
    return nn_conv_dx(t, g, in[0], in[1], in[2], SLOPE, nn_shape(2, 3, 4, 6));
}
BUILD(conv_dw_3x1)
{
    struct nn_conv g = {.kernel_h = 3, .kernel_w = 1, .stride = 2, .pad_h = 1, .pad_w = 1, .scale = SCALE};
    return nn_conv_dw(t, g, in[0], in[1], nn_shape(2, 3, 3, 1));
}
BUILD(relu)
{
    return nn_lrelu_mask(t, in[0], in[0], 0);
}
BUILD(concatenate)
{
    return nn_concatenate(t, in, 4);
}
BUILD(concatenate_one_twice)
{
    return nn_concatenate(t, (const nn_id[]){in[0], in[0]}, 2);
}

static const struct nn_window OVERLAPPING = {3, 2, 1}, APART = {2, 3, 0}, SAME = {3, 1, 1};

BUILD(max_pool)
{
    return nn_max_pool(t, OVERLAPPING, in[0]);
}
BUILD(max_pool_apart)
{
    return nn_max_pool(t, APART, in[0]);
}
BUILD(max_pool_dx)
{
    return nn_max_pool_dx(t, OVERLAPPING, in[0], in[1]);
}
BUILD(avg_pool)
{
    return nn_avg_pool(t, OVERLAPPING, in[0]);
}
BUILD(avg_pool_same)
{
    return nn_avg_pool(t, SAME, in[0]);
}
BUILD(avg_pool_dx)
{
    return nn_avg_pool_dx(t, APART, in[0], nn_shape(2, 3, 6, 5));
}
BUILD(moments)
{
    return nn_moments(t, in[0]);
}
BUILD(batch_norm_of_own_moments)
{
    return nn_batch_norm(t, in[0], nn_moments(t, in[0]), in[1], in[2], EPSILON, SLOPE);
}
BUILD(batch_norm_of_fixed_moments)
{
    return nn_batch_norm(t, in[0], in[1], in[2], in[3], EPSILON, 1);
}
BUILD(batch_norm_sums)
{
    return nn_batch_norm_sums(t, in[0], in[1], in[2], EPSILON);
}
BUILD(batch_norm_dx)
{
    return nn_batch_norm_dx(t, in[0], in[1], in[2], in[3], in[4], EPSILON);
}

const struct op_case op_cases[] = {
    {NN_OP_CONV, "conv 1x1", conv_1x1, {{MAP, {2, 3, 4, 2}}, {REAL, {5, 3, 1, 1}}, {REAL, {1, 5, 1, 1}}}},
    {NN_OP_CONV,
     "conv 3x3",
     conv_3x3_lrelu,
     {{MAP, {2, 3, 4, 4}}, {REAL, {4, 3, 3, 3}}, {REAL, {1, 4, 1, 1}}}},
    {NN_OP_CONV,
     "conv halving",
     conv_halving,
     {{MAP, {2, 3, 6, 4}}, {REAL, {2, 3, 4, 4}}, {REAL, {1, 2, 1, 1}}}},
    {NN_OP_CONV, "conv dense", conv_dense, {{MAP, {3, 2, 4, 4}}, {REAL, {5, 2, 4, 4}}}},
    {NN_OP_CONV_DX,
     "conv_dx 1x1",
     conv_dx_1x1,
     {{MAP, {2, 5, 4, 2}}, {REAL, {5, 3, 1, 1}}, {REAL, {1, 3, 1, 1}}}},
    {NN_OP_CONV_DX,
     "conv_dx 3x3",
     conv_dx_3x3_lrelu,
     {{MAP, {2, 4, 4, 4}}, {REAL, {4, 3, 3, 3}}, {REAL, {1, 3, 1, 1}}}},
    {NN_OP_CONV_DX,
     "conv_dx doubling",
     conv_dx_doubling,
     {{MAP, {2, 2, 3, 2}}, {REAL, {2, 3, 4, 4}}, {REAL, {1, 3, 1, 1}}}},
    {NN_OP_CONV_DX, "conv_dx dense", conv_dx_dense, {{MAP, {3, 5, 1, 1}}, {REAL, {5, 2, 4, 4}}}},
    {NN_OP_CONV_DW, "conv_dw 3x3", conv_dw_3x3, {{MAP, {2, 3, 4, 4}}, {MAP, {2, 5, 4, 4}}}},
    {NN_OP_CONV_DW, "conv_dw halving", conv_dw_halving, {{MAP, {2, 3, 6, 4}}, {MAP, {2, 2, 3, 2}}}},
    {NN_OP_TAPS_SPREAD, "taps_spread", taps_spread, {{REAL, {3, 2, 3, 3}}}},
    {NN_OP_TAPS_GATHER, "taps_gather", taps_gather, {{REAL, {3, 2, 4, 4}}}},
    {NN_OP_LRELU_MASK, "lrelu_mask", lrelu_mask, {{MAP, {2, 3, 2, 4}}, {MAP, {2, 3, 2, 4}}}},
    {NN_OP_PIXEL_NORM, "pixel_norm", pixel_norm, {{MAP, {2, 5, 2, 3}}}},
    {NN_OP_PIXEL_NORM_GRAD, "pixel_norm_grad", pixel_norm_grad, {{MAP, {2, 5, 2, 3}}, {MAP, {2, 5, 2, 3}}}},
    {NN_OP_AXPBY, "axpby", axpby, {{MAP, {2, 5, 2, 3}}, {MAP, {2, 5, 2, 3}}}},
    {NN_OP_AXPBY, "axpby of one value", axpby_of_one, {{MAP, {2, 5, 2, 3}}}},
    {NN_OP_AFFINE, "affine", affine, {{MAP, {2, 5, 2, 3}}}},
    {NN_OP_MUL, "mul", mul, {{MAP, {2, 5, 2, 3}}, {MAP, {2, 5, 2, 3}}}},
    {NN_OP_MUL, "mul of one value", mul_of_one, {{MAP, {2, 5, 2, 3}}}},
    {NN_OP_POWER, "power 1/2", square_root, {{POSITIVE_MAP, {2, 5, 2, 3}}}},
    {NN_OP_POWER, "power -1", reciprocal, {{POSITIVE_MAP, {2, 5, 2, 3}}}},
    {NN_OP_POWER, "power 2", square, {{MAP, {2, 5, 2, 3}}}},
    {NN_OP_EXPONENTIAL, "exponential", exponential, {{MAP, {2, 5, 2, 3}}}},
    {NN_OP_LOG_SOFTMAX, "log_softmax", log_softmax, {{MAP, {3, 5, 2, 1}}}},
    {NN_OP_CAST, "cast", cast, {{REAL, {2, 5, 2, 3}}}},
    {NN_OP_SUM_TO, "sum_to channels", sum_to_channels, {{MAP, {3, 5, 2, 2}}}},
    {NN_OP_SUM_TO, "sum_to samples", sum_to_samples, {{MAP, {3, 5, 2, 2}}}},
    {NN_OP_SUM_TO, "sum_to pixels", sum_to_pixels, {{MAP, {3, 5, 2, 2}}}},
    {NN_OP_SUM_TO, "sum_to scalar", sum_to_scalar, {{MAP, {3, 5, 2, 2}}}},
    {NN_OP_BROADCAST, "broadcast channels", broadcast, {{REAL, {1, 5, 1, 1}}}},
    {NN_OP_BROADCAST, "broadcast samples", broadcast, {{REAL, {3, 1, 1, 1}}}},
    {NN_OP_BROADCAST, "broadcast pixels", broadcast, {{REAL, {3, 1, 2, 2}}}},
    {NN_OP_RESHAPE, "reshape", reshape, {{MAP, {3, 5, 2, 2}}}},
    {NN_OP_CHANNEL_SLICE, "channel_slice", channel_slice, {{MAP, {2, 5, 2, 3}}}},
    {NN_OP_CHANNEL_PAD, "channel_pad", channel_pad, {{MAP, {2, 5, 2, 3}}}},
    {NN_OP_AVG_POOL2, "avg_pool2", avg_pool2, {{MAP, {2, 3, 4, 6}}}},
    {NN_OP_UPSAMPLE2, "upsample2", upsample2, {{MAP, {2, 3, 2, 3}}}},
    {NN_OP_WARP, "warp", warp, {{REAL, {3, 1, 5, 7}}, {CONSTANT, {3, 6, 1, 1}}}},
    {NN_OP_WARP, "warp of one column", warp, {{REAL, {2, 1, 6, 1}}, {CONSTANT, {2, 6, 1, 1}}}},
    {NN_OP_WARP_ADJOINT, "warp_adjoint", warp_adjoint, {{REAL, {3, 1, 5, 7}}, {CONSTANT, {3, 6, 1, 1}}}},
    {NN_OP_CONV, "conv 2x3", conv_2x3, {{MAP, {2, 3, 5, 4}}, {REAL, {4, 3, 2, 3}}, {REAL, {1, 4, 1, 1}}}},
    {NN_OP_CONV, "conv ReLU", conv_relu, {{MAP, {2, 3, 4, 4}}, {REAL, {4, 3, 1, 1}}, {REAL, {1, 4, 1, 1}}}},
    {NN_OP_CONV_DX,
     "conv_dx 1x3",
     conv_dx_1x3,
     {{MAP, {2, 2, 3, 2}}, {REAL, {2, 3, 1, 3}}, {REAL, {1, 3, 1, 1}}}},
    {NN_OP_CONV_DW, "conv_dw 3x1", conv_dw_3x1, {{MAP, {2, 3, 6, 4}}, {MAP, {2, 2, 3, 3}}}},
    {NN_OP_LRELU_MASK, "ReLU", relu, {{MAP, {2, 3, 2, 4}}}},
    {NN_OP_CONCATENATE,
     "concatenate",
     concatenate,
     {{MAP, {2, 3, 2, 4}}, {MAP, {2, 1, 2, 4}}, {MAP, {2, 5, 2, 4}}, {MAP, {2, 2, 2, 4}}}},
    {NN_OP_CONCATENATE, "concatenate one value twice", concatenate_one_twice, {{MAP, {2, 3, 2, 4}}}},
    {NN_OP_MAX_POOL, "max_pool", max_pool, {{MAP, {2, 3, 5, 6}}}},
    {NN_OP_MAX_POOL, "max_pool apart", max_pool_apart, {{MAP, {2, 3, 6, 5}}}},
    {NN_OP_MAX_POOL_DX, "max_pool_dx", max_pool_dx, {{MAP, {2, 3, 5, 6}}, {MAP, {2, 3, 3, 3}}}},
    {NN_OP_AVG_POOL, "avg_pool", avg_pool, {{MAP, {2, 3, 5, 6}}}},
    {NN_OP_AVG_POOL, "avg_pool same", avg_pool_same, {{MAP, {2, 3, 2, 5}}}},
    {NN_OP_AVG_POOL_DX, "avg_pool_dx", avg_pool_dx, {{MAP, {2, 3, 2, 2}}}},
    {NN_OP_MOMENTS, "moments", moments, {{MAP, {3, 5, 2, 3}}}},
    {NN_OP_BATCH_NORM,
     "batch_norm of its own moments",
     batch_norm_of_own_moments,
     {{MAP, {3, 5, 2, 3}}, {REAL, {1, 5, 1, 1}}, {REAL, {1, 5, 1, 1}}}},
    {NN_OP_BATCH_NORM,
     "batch_norm of fixed moments",
     batch_norm_of_fixed_moments,
     {{MAP, {3, 5, 2, 3}}, {POSITIVE_REAL, {1, 10, 1, 1}}, {REAL, {1, 5, 1, 1}}, {REAL, {1, 5, 1, 1}}}},
    {NN_OP_BATCH_NORM_SUMS,
     "batch_norm_sums",
     batch_norm_sums,
     {{MAP, {3, 5, 2, 3}}, {POSITIVE_REAL, {1, 10, 1, 1}}, {MAP, {3, 5, 2, 3}}}},
    {NN_OP_BATCH_NORM_DX,
     "batch_norm_dx",
     batch_norm_dx,
     {{MAP, {3, 5, 2, 3}},
      {POSITIVE_REAL, {1, 10, 1, 1}},
      {REAL, {1, 5, 1, 1}},
      {MAP, {3, 5, 2, 3}},
      {REAL, {1, 10, 1, 1}}}},
};

const int op_case_count = sizeof op_cases / sizeof *op_cases;

int op_case_refused(const struct op_case *c)
{
    switch (c->op) {
    case NN_OP_MAX_POOL:
    case NN_OP_BATCH_NORM:
        return 2;
    case NN_OP_MAX_POOL_DX:
    case NN_OP_BATCH_NORM_SUMS:
    case NN_OP_BATCH_NORM_DX:
        return 1;
    default:
        return 0;
    }
}
