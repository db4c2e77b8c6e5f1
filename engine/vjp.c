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

static void concatenate_rule(const struct rule_arguments *r)
{
    int first = 0;
    for (int k = 0; k < NN_OP_INPUTS_MAX; first += r->shape[k++].c)
        if (r->needed[k]) r->out[k] = nn_channel_slice(r->t, r->g, first, r->shape[k].c);
}

/* x -> means and variances over m values, of which the variances are means of (x - mean)^2:
 *   (g_mean + 2 (x - mean) g_variance) / m. Composed: batch_norm_rule leads past it. */
static nn_id moments_rule(const struct rule_arguments *r)
{
    struct nn_tape *t = r->t;
    struct nn_shape s = r->shape[0];
    int c = s.c;
    float count = (float)s.n * (float)s.h * (float)s.w;
    nn_id mean = nn_broadcast(t, nn_channel_slice(t, r->y, 0, c), s, r->type[0]);
    nn_id by_mean = nn_broadcast(t, nn_channel_slice(t, r->g, 0, c), s, r->type[0]);
    nn_id by_variance = nn_broadcast(t, nn_channel_slice(t, r->g, c, c), s, r->type[0]);
    nn_id from_mean = nn_axpby(t, 1, r->in[0], -1, mean);
    return nn_axpby(t, 1 / count, by_mean, 2 / count, nn_mul(t, from_mean, by_variance));
}

/* The moments' cotangents where they are not x's own: -gamma r sum g, and -gamma r^2/2 sum g z. */
static nn_id fixed_moments_rule(const struct rule_arguments *r, nn_id sums)
{
    struct nn_tape *t = r->t;
    int c = r->shape[0].c;
    nn_id root = nn_power(t, nn_affine(t, 1, nn_channel_slice(t, r->in[1], c, c), r->attr.beta), -0.5f);
    nn_id factor = nn_mul(t, r->in[2], root);
    nn_id mean = nn_affine(t, -1, nn_mul(t, factor, nn_channel_slice(t, sums, 0, c)), 0);
    nn_id variance =
        nn_affine(t, -0.5f, nn_mul(t, nn_mul(t, factor, root), nn_channel_slice(t, sums, c, c)), 0);
    return nn_axpby(t, 1, nn_channel_pad(t, mean, 0, 2 * c), 1, nn_channel_pad(t, variance, c, 2 * c));
}

/* One pass over maps for all the sums, and one for x's gradient with what comes through x's own moments. */
static void batch_norm_rule(const struct rule_arguments *r)
{
    struct nn_tape *t = r->t;
    int c = r->shape[0].c;
    const struct nn_node *moments = nn_tape_node(t, r->in[1]);
    bool own = moments->op == NN_OP_MOMENTS && moments->in[0].index == r->in[0].index;
    nn_id g = r->attr.alpha == 1 ? r->g : nn_lrelu_mask(t, r->y, r->g, r->attr.alpha);
    bool by_moments = r->needed[1] && !own;
    nn_id sums = nn_none;
    if (own || by_moments || r->needed[2] || r->needed[3])
        sums = nn_batch_norm_sums(t, r->in[0], r->in[1], g, r->attr.beta);
    if (r->needed[0])
        r->out[0] = nn_batch_norm_dx(t, r->in[0], r->in[1], r->in[2], g, own ? sums : nn_none, r->attr.beta);
    if (by_moments) r->out[1] = fixed_moments_rule(r, sums);
    if (r->needed[2]) r->out[2] = nn_channel_slice(t, sums, c, c);
    if (r->needed[3]) r->out[3] = nn_channel_slice(t, sums, 0, c);
}

static void refuse_second_order(const struct rule_arguments *r, const char *name)
{
    nn_fail(nn_tape_error(r->t), NN_ERR_ARGUMENT, "%s is not differentiable: it has a first order only",
            name);
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
    case NN_OP_MAX_POOL:
        return nn_max_pool_dx(t, r->attr.window, r->in[0], r->g);
    case NN_OP_AVG_POOL:
        return nn_avg_pool_dx(t, r->attr.window, r->g, r->shape[0]);
    case NN_OP_AVG_POOL_DX:
        return nn_avg_pool(t, r->attr.window, r->g);
    case NN_OP_MOMENTS:
        return moments_rule(r);
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
    case NN_OP_CONCATENATE:
        concatenate_rule(&r);
        break;
    case NN_OP_BATCH_NORM:
        batch_norm_rule(&r);
        break;
    case NN_OP_MAX_POOL_DX:
        refuse_second_order(&r, "MAX_POOL_DX");
        break;
    case NN_OP_BATCH_NORM_SUMS:
        refuse_second_order(&r, "BATCH_NORM_SUMS");
        break;
    case NN_OP_BATCH_NORM_DX:
        refuse_second_order(&r, "BATCH_NORM_DX");
        break;
    default:
        if (needed[0]) out[0] = single_input_rule(node.op, &r);
    }
}
