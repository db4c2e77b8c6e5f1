/* Every differentiable operation, alone in a small graph y = op(inputs): its gradient and the gradient of
 * its gradient against central differences in f64, and then all of it on the other backends against f64.
 *
 * With p and q random, the first order is d<y,p>/d input, and the second order d<d<y,p>/d input, q>
 * in every input and in p. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops.h"
#include "engine/vjp.h"
#include "tests/unit/host_values.h"
#include "tests/unit/tested_backend.h"

enum { INPUTS = NN_OP_INPUTS_MAX, ELEMENTS = 1024 };

/* What an input must be: its element type, and where the operation is smooth. No gradient reaches a constant.
 */
enum kind { ABSENT, REAL, MAP, POSITIVE_REAL, POSITIVE_MAP, CONSTANT };

struct op_case {
    enum nn_op op;
    const char *name;
    nn_id (*build)(struct nn_tape *t, const nn_id *in);
    struct {
        enum kind kind;
        struct nn_shape shape;
    } in[INPUTS];
};

/* ---- the cases ---------------------------------------------------------------------------------- */

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

static const struct op_case cases[] = {
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

/* The order from which on its gradients are refused; 0: none. */
static int refused(const struct op_case *c)
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

#define FOR_EACH_CASE(c) for (const struct op_case *c = cases; c < cases + sizeof cases / sizeof *cases; c++)

/* ---- evaluating one case ------------------------------------------------------------------------ */

/* The variables are the inputs and, after them, p. */
enum { P = INPUTS, VARIABLES };

struct values {
    double x[VARIABLES][ELEMENTS], q[INPUTS][ELEMENTS];
};

struct results {
    size_t count[VARIABLES]; /* of elements; 0: absent */
    double y[ELEMENTS];
    double first[INPUTS][ELEMENTS];             /* d<y,p>/d input */
    double second[INPUTS][VARIABLES][ELEMENTS]; /* d<first[i],q[i]>/d variable */
};

static void draw_values(const struct op_case *c, uint64_t seed, struct values *v)
{
    for (uint64_t k = 0; k < VARIABLES; k++) test_normals(seed, k, ELEMENTS, v->x[k]);
    for (uint64_t k = 0; k < INPUTS; k++) {
        test_normals(seed, 100 + k, ELEMENTS, v->q[k]);
        if (c->in[k].kind == POSITIVE_MAP || c->in[k].kind == POSITIVE_REAL)
            for (size_t i = 0; i < ELEMENTS; i++) v->x[k][i] = fmax(0.5, fabs(v->x[k][i]));
    }
}

static nn_id seed_like(struct nn_tape *t, nn_id y, nn_id real_leaf)
{
    return nn_cast(t, real_leaf, nn_value(t, y)->type);
}

/* Builds the case on an empty tape. Fills `leaves` (inputs, then p) and returns y. */
static nn_id build(struct nn_tape *t, const struct op_case *c, const struct values *v,
                   nn_id leaves[VARIABLES])
{
    nn_id in[INPUTS] = {{0}};
    for (int k = 0; k < INPUTS; k++) {
        leaves[k] = nn_none;
        if (c->in[k].kind == ABSENT) continue;
        assert_true(nn_count(c->in[k].shape) <= ELEMENTS);
        if (c->in[k].kind == CONSTANT) {
            in[k] = test_leaf(t, v->x[k], c->in[k].shape);
            continue;
        }
        leaves[k] = test_leaf(t, v->x[k], c->in[k].shape);
        bool real = c->in[k].kind == REAL || c->in[k].kind == POSITIVE_REAL;
        in[k] = real ? leaves[k] : nn_cast(t, leaves[k], nn_tape_backend(t)->map_type);
    }
    nn_id y = c->build(t, in);
    test_require_ok(t);
    assert_true(nn_count(nn_value(t, y)->shape) <= ELEMENTS);
    leaves[P] = test_leaf(t, v->x[P], nn_value(t, y)->shape);
    return y;
}

/* A gradient of `count` elements; the invalid id stands for zeros. */
static void read_gradient(const struct nn_tape *t, nn_id id, size_t count, double *out)
{
    test_require_ok(t);
    memset(out, 0, count * sizeof *out);
    if (id.index) test_read(t, id, out);
}

static void evaluate(struct nn_tape *t, const struct op_case *c, const struct values *v, bool second_order,
                     struct results *r)
{
    nn_id leaves[VARIABLES], first[VARIABLES], second[VARIABLES];
    nn_tape_reset(t);
    nn_id y = build(t, c, v, leaves);
    for (int k = 0; k < VARIABLES; k++)
        r->count[k] = leaves[k].index ? nn_count(nn_value(t, leaves[k])->shape) : 0;
    test_read(t, y, r->y);
    memset(r->first, 0, sizeof r->first);
    memset(r->second, 0, sizeof r->second);
    if (refused(c) == 1) return;
    nn_gradient(t, y, seed_like(t, y, leaves[P]), leaves, INPUTS, first);
    for (int k = 0; k < INPUTS; k++) {
        if (!r->count[k]) continue;
        read_gradient(t, first[k], r->count[k], r->first[k]);
        if (!second_order || refused(c)) continue;
        if (!first[k].index) continue;
        nn_id q = test_leaf(t, v->q[k], c->in[k].shape);
        nn_gradient(t, first[k], q, leaves, VARIABLES, second);
        for (int j = 0; j < VARIABLES; j++)
            if (r->count[j]) read_gradient(t, second[j], r->count[j], r->second[k][j]);
    }
}

/* Draws values where the operation is smooth: no result of a leaky ReLU so near its kink that a difference
 * step or bf16 rounding would move it across. `t` is on f64. */
static void draw_smooth_values(struct nn_tape *t, const struct op_case *c, struct values *v)
{
    static double y[ELEMENTS];
    bool kinked = c->op == NN_OP_CONV || c->op == NN_OP_CONV_DX || c->op == NN_OP_BATCH_NORM;
    for (uint64_t seed = 1; seed < 1000; seed++) {
        nn_id leaves[VARIABLES];
        double nearest = INFINITY;
        draw_values(c, seed, v);
        if (!kinked) return;
        nn_tape_reset(t);
        nn_id id = build(t, c, v, leaves);
        test_read(t, id, y);
        for (size_t i = 0; i < nn_count(nn_value(t, id)->shape); i++) nearest = fmin(nearest, fabs(y[i]));
        if (nearest > 0.02) return;
    }
    fail_msg("%s: no smooth point found", c->name);
}

/* Central differences of the first order in each of its values, and of the second likewise. */
static void differences(struct nn_tape *t, const struct op_case *c, struct values *v, struct results *r)
{
    static struct results low, high;
    const double h = 1e-5;
    memset(r->first, 0, sizeof r->first);
    memset(r->second, 0, sizeof r->second);
    for (int j = 0; j < VARIABLES; j++)
        for (size_t i = 0; i < r->count[j]; i++) {
            double at = v->x[j][i];
            v->x[j][i] = at - h;
            evaluate(t, c, v, false, &low);
            v->x[j][i] = at + h;
            evaluate(t, c, v, false, &high);
            v->x[j][i] = at;
            double rise = test_dot(high.y, v->x[P], r->count[P]) - test_dot(low.y, v->x[P], r->count[P]);
            if (j < INPUTS && refused(c) != 1) r->first[j][i] = rise / (2 * h);
            for (int k = 0; k < INPUTS && !refused(c); k++)
                r->second[k][j][i] = (test_dot(high.first[k], v->q[k], r->count[k]) -
                                      test_dot(low.first[k], v->q[k], r->count[k])) /
                                     (2 * h);
        }
}

/* Prints each disagreement of `got` with `want` and returns how many there are. */
static int disagreements(const struct op_case *c, const struct results *got, const struct results *want,
                         double tolerance)
{
    int count = 0;
    for (int k = 0; k < INPUTS; k++) {
        if (!want->count[k]) continue;
        double error = test_difference(got->first[k], want->first[k], want->count[k]);
        if (!(error <= tolerance)) {
            print_error("%s: gradient of input %d is off by %.2g\n", c->name, k, error);
            count++;
        }
        for (int j = 0; j < VARIABLES; j++) {
            if (!want->count[j]) continue;
            error = test_difference(got->second[k][j], want->second[k][j], want->count[j]);
            if (error <= tolerance) continue;
            print_error("%s: gradient in %s %d of the gradient of input %d is off by %.2g\n", c->name,
                        j == P ? "seed" : "input", j == P ? 0 : j, k, error);
            count++;
        }
    }
    return count;
}

/* ---- the tests ---------------------------------------------------------------------------------- */

static struct nn_backend *open_reference(enum nn_type type)
{
    struct nn_backend *be;
    assert_int_equal(nn_backend_open_reference(&be, type, NULL), NN_OK);
    return be;
}

static struct nn_tape *new_tape(struct nn_backend *be)
{
    struct nn_tape *t;
    assert_int_equal(nn_tape_new(&t, be, NULL), NN_OK);
    return t;
}

static const struct {
    const char *name;
    int inputs;
} operations[] = {
#define X(name, inputs) {#name, inputs},
    NN_OPS(X)
#undef X
};

/* True if the case's tape holds its operation with all the inputs that it can have. */
static bool exercises(struct nn_tape *t, const struct op_case *c)
{
    static struct values v;
    nn_id leaves[VARIABLES];
    draw_values(c, 1, &v);
    nn_tape_reset(t);
    nn_id y = build(t, c, &v, leaves);
    const struct nn_node *node = nn_tape_node(t, y);
    if (node->op != c->op) return false;
    for (int k = 0; k < operations[c->op].inputs; k++)
        if (!node->in[k].index) return false;
    return true;
}

/* Real values in f64 and maps in f32: the types part ways as they do with bf16, on any machine. */
static struct nn_backend *open_two_types(void)
{
    struct nn_backend *be = open_reference(NN_F64);
    be->map_type = NN_F32;
    return be;
}

static void every_operation_has_a_case_with_all_its_inputs(void **state)
{
    (void)state;
    struct nn_backend *be = open_two_types();
    struct nn_tape *t = new_tape(be);
    int missing = 0;
    for (int op = NN_OP_LEAF + 1; op < NN_OP_COUNT; op++) {
        bool found = false;
        FOR_EACH_CASE(c) found |= (int)c->op == op && exercises(t, c);
        if (!found) print_error("%s has no case\n", operations[op].name);
        missing += !found;
    }
    assert_int_equal(missing, 0);
    nn_tape_free(t);
    be->close(be);
}

static void gradients_of_both_orders_match_central_differences(void **state)
{
    (void)state;
    static struct values v;
    static struct results exact, difference;
    struct nn_backend *be = open_reference(NN_F64);
    struct nn_tape *t = new_tape(be);
    int wrong = 0;
    FOR_EACH_CASE(c)
    {
        draw_smooth_values(t, c, &v);
        evaluate(t, c, &v, true, &exact);
        memcpy(difference.count, exact.count, sizeof exact.count);
        differences(t, c, &v, &difference);
        wrong += disagreements(c, &exact, &difference, 1e-7);
    }
    assert_int_equal(wrong, 0);
    nn_tape_free(t);
    be->close(be);
}

/* Whether the backend does without the operation, as backend.h lets it. */
static bool is_lacking(const struct nn_backend *be, enum nn_op op)
{
    return (op == NN_OP_CONCATENATE && !be->concatenate) || (op == NN_OP_MAX_POOL && !be->max_pool) ||
           (op == NN_OP_MAX_POOL_DX && !be->max_pool_dx) || (op == NN_OP_AVG_POOL && !be->avg_pool) ||
           (op == NN_OP_AVG_POOL_DX && !be->avg_pool_dx) || (op == NN_OP_MOMENTS && !be->moments) ||
           (op == NN_OP_BATCH_NORM && !be->batch_norm) ||
           (op == NN_OP_BATCH_NORM_SUMS && !be->batch_norm_sums) ||
           (op == NN_OP_BATCH_NORM_DX && !be->batch_norm_dx);
}

/* Takes `be`. */
static void compare_with_f64(struct nn_backend *be, double tolerance)
{
    static struct values v;
    static struct results got, want;
    struct nn_backend *truth = open_reference(NN_F64);
    struct nn_tape *t = new_tape(be), *truth_tape = new_tape(truth);
    int wrong = 0;
    FOR_EACH_CASE(c)
    {
        if (is_lacking(be, c->op)) continue;
        draw_smooth_values(truth_tape, c, &v);
        evaluate(truth_tape, c, &v, true, &want);
        evaluate(t, c, &v, true, &got);
        double error = test_difference(got.y, want.y, want.count[P]);
        if (!(error <= tolerance)) print_error("%s: value is off by %.2g\n", c->name, error);
        wrong += !(error <= tolerance) + disagreements(c, &got, &want, tolerance);
    }
    assert_int_equal(wrong, 0);
    nn_tape_free(t);
    nn_tape_free(truth_tape);
    be->close(be);
    truth->close(truth);
}

static void reference_f32_agrees_with_f64(void **state)
{
    (void)state;
    compare_with_f64(open_reference(NN_F32), 1e-6);
}

static void maps_of_another_type_than_reals_agree_with_f64(void **state)
{
    (void)state;
    compare_with_f64(open_two_types(), 1e-6);
}

static void cpu_f32_agrees_with_f64(void **state)
{
    (void)state;
    struct nn_backend *be;
    assert_int_equal(test_backend_open(&be, NN_F32, NULL), NN_OK);
    compare_with_f64(be, 2e-6);
}

static void cpu_bf16_agrees_with_f64(void **state)
{
    (void)state;
    if (!test_backend_has_bf16()) skip();
    struct nn_backend *be;
    assert_int_equal(test_backend_open(&be, NN_BF16, NULL), NN_OK);
    compare_with_f64(be, 2e-2);
}

static void orders_without_a_rule_are_refused_by_name(void **state)
{
    (void)state;
    static struct values v;
    struct nn_backend *be = open_reference(NN_F64);
    struct nn_tape *t = new_tape(be);
    FOR_EACH_CASE(c)
    {
        if (!refused(c)) continue;
        nn_id leaves[VARIABLES], first[VARIABLES], second[VARIABLES];
        struct nn_error err;
        draw_values(c, 1, &v);
        nn_tape_reset(t);
        nn_id y = build(t, c, &v, leaves);
        nn_gradient(t, y, leaves[P], leaves, INPUTS, first);
        if (refused(c) == 2) {
            test_require_ok(t);
            nn_gradient(t, first[0], leaves[0], leaves, VARIABLES, second);
        }
        assert_int_equal(nn_tape_status(t, &err), NN_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, operations[c->op].name));
        assert_non_null(strstr(err.text, "has a first order only"));
    }
    nn_tape_free(t);
    be->close(be);
}

static void operations_that_a_backend_lacks_are_refused_by_name(void **state)
{
    (void)state;
    struct nn_backend *be = open_reference(NN_F32);
    struct nn_tape *t = new_tape(be);
    struct nn_error err;
    float zeros[64] = {0};
    be->max_pool = NULL;
    nn_id x = nn_from_host(t, zeros, nn_shape(1, 2, 4, 4));
    assert_int_equal(nn_max_pool(t, APART, x).index, 0);
    assert_int_equal(nn_tape_status(t, &err), NN_ERR_DEVICE);
    assert_non_null(strstr(err.text, "MAX_POOL is not available on the device \"reference\""));
    nn_tape_free(t);
    be->close(be);
}

static void misfits_are_refused_by_name_and_stick(void **state)
{
    (void)state;
    struct nn_backend *be = open_reference(NN_F32);
    struct nn_tape *t = new_tape(be);
    struct nn_error err;
    float zeros[64] = {0};
    nn_id a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3)), b = nn_from_host(t, zeros, nn_shape(1, 3, 3, 3));
    assert_int_equal(nn_mul(t, a, b).index, 0);
    assert_int_equal(nn_tape_status(t, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "MUL"));
    assert_non_null(strstr(err.text, "(1,2,3,3)"));
    assert_int_equal(nn_affine(t, 1, a, 0).index, 0); /* all is refused from then on */
    assert_int_equal(nn_tape_status(t, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "MUL"));

    nn_tape_reset(t);
    assert_int_equal(nn_tape_status(t, NULL), NN_OK);
    a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3));
    assert_int_equal(nn_avg_pool2(t, a).index, 0);
    nn_tape_reset(t);
    a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3));
    assert_int_equal(nn_conv(t, CONV(4, 1, 1), a, a, nn_none, 1).index, 0);
    nn_tape_reset(t);
    a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3));
    assert_int_equal(nn_max_pool(t, (struct nn_window){4, 1, 0}, a).index, 0); /* larger than the map */
    nn_tape_reset(t);
    a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3));
    assert_int_equal(nn_avg_pool(t, (struct nn_window){3, 1, 2}, a).index, 0); /* windows outside of it */
    nn_tape_reset(t);
    a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3));
    assert_int_equal(nn_batch_norm(t, a, a, a, a, 1, 1).index, 0);
    nn_tape_reset(t);
    a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3));
    b = nn_from_host(t, zeros, nn_shape(1, 2, 3, 2));
    assert_int_equal(nn_concatenate(t, (const nn_id[]){a, b}, 2).index, 0);
    nn_tape_reset(t);
    assert_int_equal(nn_exponential(t, nn_none).index, 0);
    assert_int_equal(nn_tape_status(t, NULL), NN_ERR_ARGUMENT);
    nn_tape_free(t);
    be->close(be);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_a_case_with_all_its_inputs),
        cmocka_unit_test(gradients_of_both_orders_match_central_differences),
        cmocka_unit_test(reference_f32_agrees_with_f64),
        cmocka_unit_test(maps_of_another_type_than_reals_agree_with_f64),
        cmocka_unit_test(cpu_f32_agrees_with_f64),
        cmocka_unit_test(cpu_bf16_agrees_with_f64),
        cmocka_unit_test(orders_without_a_rule_are_refused_by_name),
        cmocka_unit_test(operations_that_a_backend_lacks_are_refused_by_name),
        cmocka_unit_test(misfits_are_refused_by_name_and_stick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
