/* One rule per operation, in terms of operations: convolution is bilinear, and conv, conv_dx, conv_dw
 * differentiate into each other; most of the rest come in adjoint pairs. */
#include "engine/vjp.h"

struct rule_arguments {
    struct nn_tape *t;
    const nn_id *in;
    struct nn_attributes attr;
    struct nn_shape shape[NN_OP_INPUTS_MAX]; /* of the inputs */
    enum nn_type type[NN_OP_INPUTS_MAX];
    nn_id y, g; /* the operation's result and its cotangent */
    const bool *needed;
    nn_id *out;
};

static nn_id scaled(struct nn_tape *t, float alpha, nn_id x)
{
    return alpha == 1 ? x : nn_affine(t, alpha, x, 0);
}

/* The cotangent before the epilogue, and the bias's. */
static nn_id through_epilogue(const struct rule_arguments *r)
{
    nn_id g = r->attr.alpha == 1 ? r->g : nn_lrelu_mask(r->t, r->y, r->g, r->attr.alpha);
    if (r->needed[2]) r->out[2] = nn_sum_to(r->t, g, r->shape[2]);
    return g;
}

static void conv_rule(const struct rule_arguments *r)
{
    nn_id g = through_epilogue(r);
    if (r->needed[0]) r->out[0] = nn_conv_dx(r->t, r->attr.conv, g, r->in[1], nn_none, 1, r->shape[0]);
    if (r->needed[1]) r->out[1] = nn_conv_dw(r->t, r->attr.conv, r->in[0], g, r->shape[1]);
}

static void conv_dx_rule(const struct rule_arguments *r)
{
    nn_id g = through_epilogue(r);
    if (r->needed[0]) r->out[0] = nn_conv(r->t, r->attr.conv, g, r->in[1], nn_none, 1);
    if (r->needed[1]) r->out[1] = nn_conv_dw(r->t, r->attr.conv, g, r->in[0], r->shape[1]);
}

static void conv_dw_rule(const struct rule_arguments *r)
{
    if (r->needed[0]) r->out[0] = nn_conv_dx(r->t, r->attr.conv, r->in[1], r->g, nn_none, 1, r->shape[0]);
    if (r->needed[1]) r->out[1] = nn_conv(r->t, r->attr.conv, r->in[0], r->g, nn_none, 1);
}

/* Sum over C of a*b, spread over C again, in a's type. */
static nn_id channel_dot(struct nn_tape *t, nn_id a, nn_id b, struct nn_shape s, enum nn_type type)
{
    nn_id dot = nn_sum_to(t, nn_mul(t, a, b), nn_shape(s.n, 1, s.h, s.w));
    return nn_broadcast(t, dot, s, type);
}

/* y = r g - r^3 x m with r = (mean x^2 + eps)^(-1/2), m = mean(x g), means over the C channels. Linear and
 * symmetric in g; in x, with cotangent c:
 *   -r^3/C * [ (c.g) x - 3 r^2 (c.x) m x + C m c + (c.x) g ].
 * Only tests of the generator's second order come here, so it is composed, not a kernel. */
static void pixel_norm_grad_rule(const struct rule_arguments *r)
{
    struct nn_tape *t = r->t;
    nn_id x = r->in[0], g = r->in[1], c = r->g;
    struct nn_shape s = r->shape[0];
    enum nn_type type = r->type[0];
    float channels = (float)s.c;
    if (r->needed[1]) r->out[1] = nn_pixel_norm_grad(t, x, c, r->attr.alpha);
    if (!r->needed[0]) return;
    nn_id mean_square = nn_affine(t, 1 / channels, channel_dot(t, x, x, s, type), r->attr.alpha);
    nn_id r2 = nn_power(t, mean_square, -1), r3 = nn_power(t, mean_square, -1.5f);
    nn_id cg = channel_dot(t, c, g, s, type), cx = channel_dot(t, c, x, s, type);
    nn_id xg = channel_dot(t, x, g, s, type); /* C m */
    nn_id x_factor = nn_axpby(t, 1, cg, -3 / channels, nn_mul(t, r2, nn_mul(t, cx, xg)));
    nn_id sum = nn_axpby(t, 1, nn_mul(t, x_factor, x), 1, nn_mul(t, xg, c));
    sum = nn_axpby(t, 1, sum, 1, nn_mul(t, cx, g));
    r->out[0] = nn_affine(t, -1 / channels, nn_mul(t, r3, sum), 0);
}

static void mul_rule(const struct rule_arguments *r)
{
    if (r->needed[0]) r->out[0] = nn_mul(r->t, r->g, r->in[1]);
    if (r->needed[1]) r->out[1] = nn_mul(r->t, r->g, r->in[0]);
}

static void axpby_rule(const struct rule_arguments *r)
{
    if (r->needed[0]) r->out[0] = scaled(r->t, r->attr.alpha, r->g);
    if (r->needed[1]) r->out[1] = scaled(r->t, r->attr.beta, r->g);
}

static nn_id power_rule(const struct rule_arguments *r)
{
    float p = r->attr.alpha;
    if (p == 0) return nn_none;
    if (p == 1) return r->g;
    return nn_mul(r->t, r->g, scaled(r->t, p, nn_power(r->t, r->in[0], p - 1)));
}

/* d/dx: g - softmax(x) * (sum over C of g). */
static nn_id log_softmax_rule(const struct rule_arguments *r)
{
    struct nn_shape s = r->shape[0];
    nn_id sum = nn_sum_to(r->t, r->g, nn_shape(s.n, 1, s.h, s.w));
    nn_id spread = nn_broadcast(r->t, sum, s, r->type[0]);
    return nn_axpby(r->t, 1, r->g, -1, nn_mul(r->t, nn_exponential(r->t, r->y), spread));
}

/* Operations with one differentiable input. */
static nn_id single_input_rule(enum nn_op op, const struct rule_arguments *r)
{
    struct nn_tape *t = r->t;
    switch (op) {
    case NN_OP_TAPS_SPREAD:
        return nn_taps_gather(t, r->g);
    case NN_OP_TAPS_GATHER:
        return nn_taps_spread(t, r->g);
    case NN_OP_PIXEL_NORM:
        return nn_pixel_norm_grad(t, r->in[0], r->g, r->attr.alpha);
    case NN_OP_AFFINE:
        return scaled(t, r->attr.alpha, r->g);
    case NN_OP_POWER:
        return power_rule(r);
    case NN_OP_EXPONENTIAL:
        return nn_mul(t, r->g, r->y);
    case NN_OP_LOG_SOFTMAX:
        return log_softmax_rule(r);
    case NN_OP_CAST:
        return nn_cast(t, r->g, r->type[0]);
    case NN_OP_SUM_TO:
        return nn_broadcast(t, r->g, r->shape[0], r->type[0]);
    case NN_OP_BROADCAST:
        return nn_sum_to(t, r->g, r->shape[0]);
    case NN_OP_RESHAPE:
        return nn_reshape(t, r->g, r->shape[0]);
    case NN_OP_CHANNEL_SLICE:
        return nn_channel_pad(t, r->g, r->attr.first, r->shape[0].c);
    case NN_OP_CHANNEL_PAD:
        return nn_channel_slice(t, r->g, r->attr.first, r->shape[0].c);
    case NN_OP_AVG_POOL2:
        return nn_affine(t, 0.25f, nn_upsample2(t, r->g), 0);
    case NN_OP_UPSAMPLE2:
        return nn_affine(t, 4, nn_avg_pool2(t, r->g), 0);
    case NN_OP_WARP:
        return nn_warp_adjoint(t, r->g, r->in[1]);
    case NN_OP_WARP_ADJOINT:
        return nn_warp(t, r->g, r->in[1]);
    default:
        return nn_none;
    }
}

void nn_vjp(struct nn_tape *t, nn_id id, nn_id g, const bool needed[NN_OP_INPUTS_MAX],
            nn_id out[NN_OP_INPUTS_MAX])
{
    struct nn_node node = *nn_tape_node(t, id); /* a copy: recording moves the nodes */
    struct rule_arguments r = {
        .t = t, .in = node.in, .attr = node.attr, .y = id, .g = g, .needed = needed, .out = out};
    for (int k = 0; k < NN_OP_INPUTS_MAX; k++) {
        const struct nn_tensor *input = nn_value(t, node.in[k]);
        if (!input) continue;
        r.shape[k] = input->shape;
        r.type[k] = input->type;
    }
    switch (node.op) {
    case NN_OP_CONV:
        conv_rule(&r);
        break;
    case NN_OP_CONV_DX:
        conv_dx_rule(&r);
        break;
    case NN_OP_CONV_DW:
        conv_dw_rule(&r);
        break;
    case NN_OP_LRELU_MASK:
        /* The mask itself has derivative zero almost everywhere. */
        if (needed[1]) out[1] = nn_lrelu_mask(t, node.in[0], g, node.attr.alpha);
        break;
    case NN_OP_PIXEL_NORM_GRAD:
        pixel_norm_grad_rule(&r);
        break;
    case NN_OP_AXPBY:
        axpby_rule(&r);
        break;
    case NN_OP_MUL:
        mul_rule(&r);
        break;
    default:
        if (needed[0]) out[0] = single_input_rule(node.op, &r);
    }
}
