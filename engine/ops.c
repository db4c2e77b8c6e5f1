#include "engine/ops.h"

#include <string.h>

#include "engine/vjp.h"

/* An operation under way: the node to be recorded and its inputs' tensors. The life of every operation is
 *   begin (look inputs up) -> require (check shapes) -> result (space for the value) -> kernel -> finish. */
struct operation {
    struct nn_tape *t;
    struct nn_backend *be;
    struct nn_error *err;
    struct nn_node node;
    struct nn_tensor in[NN_OP_INPUTS_MAX];
    bool ok;
};

static const char *const op_names[] = {
#define X(name, inputs) #name,
    NN_OPS(X)
#undef X
};

static struct operation begin_many(struct nn_tape *t, enum nn_op op, const nn_id *in, int count)
{
    struct operation o = {.t = t, .be = nn_tape_backend(t), .err = nn_tape_error(t), .ok = true};
    o.node.op = op;
    if (o.err->status != NN_OK) o.ok = false;
    for (int k = 0; k < count; k++) {
        const struct nn_tensor *value = nn_value(t, in[k]);
        if (value) o.in[k] = *value;
        o.node.in[k] = in[k];
    }
    if (o.ok && !o.in[0].data) {
        nn_fail(o.err, NN_ERR_ARGUMENT, "%s of a value that is not on the tape", op_names[op]);
        o.ok = false;
    }
    return o;
}

static struct operation begin(struct nn_tape *t, enum nn_op op, nn_id a, nn_id b, nn_id c)
{
    return begin_many(t, op, (const nn_id[]){a, b, c}, 3);
}

/* Fails the operation unless `fits`; the text shows what it was given. */
static bool require(struct operation *o, bool fits)
{
    if (o->ok && !fits) {
        struct nn_shape a = o->in[0].shape, b = o->in[1].shape, want = o->node.attr.shape;
        nn_fail(o->err, NN_ERR_ARGUMENT,
                "%s does not take (%d,%d,%d,%d) type %d with (%d,%d,%d,%d) type %d, result (%d,%d,%d,%d)",
                op_names[o->node.op], a.n, a.c, a.h, a.w, o->in[0].type, b.n, b.c, b.h, b.w, o->in[1].type,
                want.n, want.c, want.h, want.w);
        o->ok = false;
    }
    return o->ok;
}

static bool result(struct operation *o, struct nn_shape shape, enum nn_type type)
{
    if (!o->ok) return false;
    struct nn_tensor *value = &o->node.value;
    *value = (struct nn_tensor){.shape = shape, .type = type};
    value->data = nn_tape_alloc(o->t, nn_tensor_bytes(value));
    return o->ok = value->data != NULL;
}

static nn_id finish(struct operation *o, nn_status status)
{
    if (!o->ok || status != NN_OK) return nn_none;
    return nn_tape_record(o->t, &o->node);
}

/* ---- convolutions ------------------------------------------------------------------------------- */

static int extent_of(int extent, int kernel, int stride, int pad)
{
    return stride < 1 || extent + 2 * pad < kernel ? 0 : (extent + 2 * pad - kernel) / stride + 1;
}

struct nn_shape nn_conv_result(const struct nn_conv *g, struct nn_shape x, struct nn_shape w)
{
    return nn_shape(x.n, w.n, extent_of(x.h, g->kernel_h, g->stride, g->pad_h),
                    extent_of(x.w, g->kernel_w, g->stride, g->pad_w));
}

/* x (N,I,H,W), w (O,I,KH,KW) and y (N,O,H',W') belong together. */
static bool conv_fits(const struct nn_conv *g, struct nn_shape x, struct nn_shape w, struct nn_shape y)
{
    return w.h == g->kernel_h && w.w == g->kernel_w && x.c == w.c &&
           nn_same_shape(nn_conv_result(g, x, w), y) && y.h > 0 && y.w > 0;
}

static bool epilogue_fits(const struct operation *o, struct nn_shape y, float slope)
{
    const struct nn_tensor *bias = &o->in[2];
    bool bias_fits =
        !bias->data || (nn_same_shape(bias->shape, nn_shape(1, y.c, 1, 1)) && bias->type == o->be->real_type);
    return bias_fits && slope >= 0 && slope <= 1;
}

static struct nn_epilogue epilogue_of(const struct operation *o)
{
    return (struct nn_epilogue){.bias = o->in[2].data ? &o->in[2] : NULL, .slope = o->node.attr.alpha};
}

nn_id nn_conv(struct nn_tape *t, struct nn_conv g, nn_id x, nn_id w, nn_id bias, float slope)
{
    struct operation o = begin(t, NN_OP_CONV, x, w, bias);
    struct nn_shape xs = o.in[0].shape, ws = o.in[1].shape, ys = nn_conv_result(&g, xs, ws);
    o.node.attr = (struct nn_attributes){.conv = g, .alpha = slope, .shape = ys};
    require(&o, conv_fits(&g, xs, ws, ys) && o.in[1].type == o.be->real_type && epilogue_fits(&o, ys, slope));
    if (!result(&o, ys, o.in[0].type)) return nn_none;
    return finish(&o, o.be->conv(o.be, &g, &o.in[0], &o.in[1], epilogue_of(&o), &o.node.value, o.err));
}

nn_id nn_conv_dx(struct nn_tape *t, struct nn_conv g, nn_id y, nn_id w, nn_id bias, float slope,
                 struct nn_shape x_shape)
{
    struct operation o = begin(t, NN_OP_CONV_DX, y, w, bias);
    o.node.attr = (struct nn_attributes){.conv = g, .alpha = slope, .shape = x_shape};
    require(&o, conv_fits(&g, x_shape, o.in[1].shape, o.in[0].shape) && o.in[1].type == o.be->real_type &&
                    epilogue_fits(&o, x_shape, slope));
    if (!result(&o, x_shape, o.in[0].type)) return nn_none;
    return finish(&o, o.be->conv_dx(o.be, &g, &o.in[0], &o.in[1], epilogue_of(&o), &o.node.value, o.err));
}

nn_id nn_conv_dw(struct nn_tape *t, struct nn_conv g, nn_id x, nn_id y, struct nn_shape w_shape)
{
    struct operation o = begin(t, NN_OP_CONV_DW, x, y, nn_none);
    o.node.attr = (struct nn_attributes){.conv = g, .shape = w_shape};
    require(&o, conv_fits(&g, o.in[0].shape, w_shape, o.in[1].shape) && o.in[0].type == o.in[1].type);
    if (!result(&o, w_shape, o.be->real_type)) return nn_none;
    return finish(&o, o.be->conv_dw(o.be, &g, &o.in[0], &o.in[1], &o.node.value, o.err));
}

static nn_id taps(struct nn_tape *t, enum nn_op op, nn_id w, int from, int to)
{
    struct operation o = begin(t, op, w, nn_none, nn_none);
    struct nn_shape s = o.in[0].shape;
    require(&o, s.h == from && s.w == from && o.in[0].type == o.be->real_type);
    if (!result(&o, nn_shape(s.n, s.c, to, to), o.in[0].type)) return nn_none;
    return finish(&o, op == NN_OP_TAPS_SPREAD ? o.be->taps_spread(o.be, &o.in[0], &o.node.value, o.err)
                                              : o.be->taps_gather(o.be, &o.in[0], &o.node.value, o.err));
}

/* A discriminator is applied three times in a step, to the same weights: their taps are spread once, and the
 * gradient comes together before it is gathered. */
nn_id nn_taps_spread(struct nn_tape *t, nn_id w3)
{
    nn_id made = nn_tape_find(t, NN_OP_TAPS_SPREAD, w3);
    return made.index ? made : taps(t, NN_OP_TAPS_SPREAD, w3, 3, 4);
}
nn_id nn_taps_gather(struct nn_tape *t, nn_id w4)
{
    return taps(t, NN_OP_TAPS_GATHER, w4, 4, 3);
}

/* ---- activations -------------------------------------------------------------------------------- */

static bool twins(const struct operation *o)
{
    return nn_same_shape(o->in[0].shape, o->in[1].shape) && o->in[0].type == o->in[1].type;
}

nn_id nn_lrelu_mask(struct nn_tape *t, nn_id y, nn_id g, float slope)
{
    struct operation o = begin(t, NN_OP_LRELU_MASK, y, g, nn_none);
    o.node.attr.alpha = slope;
    require(&o, twins(&o) && slope >= 0);
    if (!result(&o, o.in[0].shape, o.in[0].type)) return nn_none;
    return finish(&o, o.be->lrelu_mask(o.be, &o.in[0], &o.in[1], slope, &o.node.value, o.err));
}

nn_id nn_pixel_norm(struct nn_tape *t, nn_id x, float epsilon)
{
    struct operation o = begin(t, NN_OP_PIXEL_NORM, x, nn_none, nn_none);
    o.node.attr.alpha = epsilon;
    if (!result(&o, o.in[0].shape, o.in[0].type)) return nn_none;
    return finish(&o, o.be->pixel_norm(o.be, &o.in[0], epsilon, &o.node.value, o.err));
}

nn_id nn_pixel_norm_grad(struct nn_tape *t, nn_id x, nn_id g, float epsilon)
{
    struct operation o = begin(t, NN_OP_PIXEL_NORM_GRAD, x, g, nn_none);
    o.node.attr.alpha = epsilon;
    require(&o, twins(&o));
    if (!result(&o, o.in[0].shape, o.in[0].type)) return nn_none;
    return finish(&o, o.be->pixel_norm_grad(o.be, &o.in[0], &o.in[1], epsilon, &o.node.value, o.err));
}

/* ---- elementwise -------------------------------------------------------------------------------- */

nn_id nn_axpby(struct nn_tape *t, float alpha, nn_id a, float beta, nn_id b)
{
    struct operation o = begin(t, NN_OP_AXPBY, a, b, nn_none);
    o.node.attr.alpha = alpha;
    o.node.attr.beta = beta;
    require(&o, twins(&o));
    if (!result(&o, o.in[0].shape, o.in[0].type)) return nn_none;
    return finish(&o, o.be->axpby(o.be, alpha, &o.in[0], beta, &o.in[1], &o.node.value, o.err));
}

nn_id nn_affine(struct nn_tape *t, float alpha, nn_id x, float beta)
{
    struct operation o = begin(t, NN_OP_AFFINE, x, nn_none, nn_none);
    o.node.attr.alpha = alpha;
    o.node.attr.beta = beta;
    if (!result(&o, o.in[0].shape, o.in[0].type)) return nn_none;
    return finish(&o, o.be->affine(o.be, alpha, &o.in[0], beta, &o.node.value, o.err));
}

nn_id nn_mul(struct nn_tape *t, nn_id a, nn_id b)
{
    struct operation o = begin(t, NN_OP_MUL, a, b, nn_none);
    require(&o, twins(&o));
    if (!result(&o, o.in[0].shape, o.in[0].type)) return nn_none;
    return finish(&o, o.be->mul(o.be, &o.in[0], &o.in[1], &o.node.value, o.err));
}

nn_id nn_power(struct nn_tape *t, nn_id x, float exponent)
{
    struct operation o = begin(t, NN_OP_POWER, x, nn_none, nn_none);
    o.node.attr.alpha = exponent;
    if (!result(&o, o.in[0].shape, o.in[0].type)) return nn_none;
    return finish(&o, o.be->power(o.be, &o.in[0], exponent, &o.node.value, o.err));
}

nn_id nn_exponential(struct nn_tape *t, nn_id x)
{
    struct operation o = begin(t, NN_OP_EXPONENTIAL, x, nn_none, nn_none);
    if (!result(&o, o.in[0].shape, o.in[0].type)) return nn_none;
    return finish(&o, o.be->exponential(o.be, &o.in[0], &o.node.value, o.err));
}

nn_id nn_log_softmax(struct nn_tape *t, nn_id x)
{
    struct operation o = begin(t, NN_OP_LOG_SOFTMAX, x, nn_none, nn_none);
    if (!result(&o, o.in[0].shape, o.in[0].type)) return nn_none;
    return finish(&o, o.be->log_softmax(o.be, &o.in[0], &o.node.value, o.err));
}

nn_id nn_cast(struct nn_tape *t, nn_id x, enum nn_type type)
{
    struct operation o = begin(t, NN_OP_CAST, x, nn_none, nn_none);
    if (o.ok && o.in[0].type == type) return x;
    o.node.attr.type = type;
    require(&o, type == o.be->real_type || type == o.be->map_type);
    if (!result(&o, o.in[0].shape, type)) return nn_none;
    return finish(&o, o.be->cast(o.be, &o.in[0], &o.node.value, o.err));
}

/* ---- shape -------------------------------------------------------------------------------------- */

static bool shrinks_to(struct nn_shape from, struct nn_shape to)
{
    return (to.n == from.n || to.n == 1) && (to.c == from.c || to.c == 1) && (to.h == from.h || to.h == 1) &&
           (to.w == from.w || to.w == 1);
}

nn_id nn_sum_to(struct nn_tape *t, nn_id x, struct nn_shape shape)
{
    struct operation o = begin(t, NN_OP_SUM_TO, x, nn_none, nn_none);
    o.node.attr.shape = shape;
    require(&o, shrinks_to(o.in[0].shape, shape));
    if (!result(&o, shape, o.be->real_type)) return nn_none;
    return finish(&o, o.be->sum_to(o.be, &o.in[0], &o.node.value, o.err));
}

nn_id nn_broadcast(struct nn_tape *t, nn_id x, struct nn_shape shape, enum nn_type type)
{
    struct operation o = begin(t, NN_OP_BROADCAST, x, nn_none, nn_none);
    o.node.attr.shape = shape;
    o.node.attr.type = type;
    require(&o, shrinks_to(shape, o.in[0].shape) && o.in[0].type == o.be->real_type);
    if (!result(&o, shape, type)) return nn_none;
    return finish(&o, o.be->broadcast(o.be, &o.in[0], &o.node.value, o.err));
}

nn_id nn_reshape(struct nn_tape *t, nn_id x, struct nn_shape shape)
{
    struct operation o = begin(t, NN_OP_RESHAPE, x, nn_none, nn_none);
    o.node.attr.shape = shape;
    if (!require(&o, nn_count(shape) == nn_count(o.in[0].shape))) return nn_none;
    o.node.value = o.in[0]; /* a view: no kernel, no space */
    o.node.value.shape = shape;
    return finish(&o, NN_OK);
}

nn_id nn_channel_slice(struct nn_tape *t, nn_id x, int first, int count)
{
    struct operation o = begin(t, NN_OP_CHANNEL_SLICE, x, nn_none, nn_none);
    struct nn_shape s = o.in[0].shape;
    o.node.attr.first = first;
    require(&o, first >= 0 && count > 0 && first + count <= s.c);
    if (!result(&o, nn_shape(s.n, count, s.h, s.w), o.in[0].type)) return nn_none;
    return finish(&o, o.be->channel_slice(o.be, &o.in[0], first, &o.node.value, o.err));
}

nn_id nn_channel_pad(struct nn_tape *t, nn_id x, int first, int total)
{
    struct operation o = begin(t, NN_OP_CHANNEL_PAD, x, nn_none, nn_none);
    struct nn_shape s = o.in[0].shape;
    o.node.attr.first = first;
    require(&o, first >= 0 && first + s.c <= total);
    if (!result(&o, nn_shape(s.n, total, s.h, s.w), o.in[0].type)) return nn_none;
    return finish(&o, o.be->channel_pad(o.be, &o.in[0], first, &o.node.value, o.err));
}

nn_id nn_concatenate(struct nn_tape *t, const nn_id *parts, int count)
{
    int given = count < 1 ? 1 : count > NN_CONCATENATE_MAX ? NN_CONCATENATE_MAX : count;
    struct operation o = begin_many(t, NN_OP_CONCATENATE, parts, given);
    const struct nn_tensor *in[NN_CONCATENATE_MAX];
    struct nn_shape total = o.in[0].shape;
    total.c = 0;
    for (int k = 0; k < given; k++) {
        struct nn_shape s = o.in[k].shape;
        in[k] = &o.in[k];
        require(&o, o.in[k].data && s.n == total.n && s.h == total.h && s.w == total.w &&
                        o.in[k].type == o.in[0].type);
        total.c += s.c;
    }
    o.node.attr.shape = total;
    require(&o, count == given);
    if (!result(&o, total, o.in[0].type)) return nn_none;
    return finish(&o, o.be->concatenate(o.be, in, count, &o.node.value, o.err));
}

nn_id nn_avg_pool2(struct nn_tape *t, nn_id x)
{
    struct operation o = begin(t, NN_OP_AVG_POOL2, x, nn_none, nn_none);
    struct nn_shape s = o.in[0].shape;
    require(&o, s.h % 2 == 0 && s.w % 2 == 0);
    if (!result(&o, nn_shape(s.n, s.c, s.h / 2, s.w / 2), o.in[0].type)) return nn_none;
    return finish(&o, o.be->avg_pool2(o.be, &o.in[0], &o.node.value, o.err));
}

nn_id nn_upsample2(struct nn_tape *t, nn_id x)
{
    struct operation o = begin(t, NN_OP_UPSAMPLE2, x, nn_none, nn_none);
    struct nn_shape s = o.in[0].shape;
    if (!result(&o, nn_shape(s.n, s.c, 2 * s.h, 2 * s.w), o.in[0].type)) return nn_none;
    return finish(&o, o.be->upsample2(o.be, &o.in[0], &o.node.value, o.err));
}

static nn_id resample(struct nn_tape *t, enum nn_op op, nn_id x, nn_id maps)
{
    struct operation o = begin(t, op, x, maps, nn_none);
    struct nn_shape s = o.in[0].shape;
    enum nn_type real = o.be->real_type;
    require(&o, s.c == 1 && o.in[0].type == real && o.in[1].type == real &&
                    nn_same_shape(o.in[1].shape, nn_shape(s.n, 6, 1, 1)));
    if (!result(&o, s, real)) return nn_none;
    return finish(&o, op == NN_OP_WARP ? o.be->warp(o.be, &o.in[0], &o.in[1], &o.node.value, o.err)
                                       : o.be->warp_adjoint(o.be, &o.in[0], &o.in[1], &o.node.value, o.err));
}

nn_id nn_warp(struct nn_tape *t, nn_id x, nn_id maps)
{
    return resample(t, NN_OP_WARP, x, maps);
}
nn_id nn_warp_adjoint(struct nn_tape *t, nn_id g, nn_id maps)
{
    return resample(t, NN_OP_WARP_ADJOINT, g, maps);
}

/* ---- beyond the GAN: what classifiers need ------------------------------------------------------ */

static bool window_fits(const struct nn_window *w)
{
    return w->kernel > 0 && w->kernel <= NN_WINDOW_KERNEL_MAX && w->stride > 0 && w->pad >= 0 &&
           2 * w->pad <= w->kernel;
}

struct nn_shape nn_window_result(const struct nn_window *w, struct nn_shape x)
{
    return nn_shape(x.n, x.c, extent_of(x.h, w->kernel, w->stride, w->pad),
                    extent_of(x.w, w->kernel, w->stride, w->pad));
}

/* Begins a pooling or, with the shape of its x, an adjoint; y is the smaller shape. */
static struct operation begin_pool(struct nn_tape *t, enum nn_op op, struct nn_window window, nn_id a,
                                   nn_id b)
{
    struct operation o = begin(t, op, a, b, nn_none);
    o.node.attr.window = window;
    require(&o, window_fits(&window));
    return o;
}

nn_id nn_max_pool(struct nn_tape *t, struct nn_window window, nn_id x)
{
    struct operation o = begin_pool(t, NN_OP_MAX_POOL, window, x, nn_none);
    struct nn_shape y = o.ok ? nn_window_result(&window, o.in[0].shape) : o.in[0].shape;
    require(&o, y.h > 0 && y.w > 0);
    if (!result(&o, y, o.in[0].type)) return nn_none;
    return finish(&o, o.be->max_pool(o.be, &window, &o.in[0], &o.node.value, o.err));
}

nn_id nn_max_pool_dx(struct nn_tape *t, struct nn_window window, nn_id x, nn_id g)
{
    struct operation o = begin_pool(t, NN_OP_MAX_POOL_DX, window, x, g);
    require(&o, o.ok && nn_same_shape(nn_window_result(&window, o.in[0].shape), o.in[1].shape) &&
                    o.in[0].type == o.in[1].type);
    if (!result(&o, o.in[0].shape, o.in[0].type)) return nn_none;
    return finish(&o, o.be->max_pool_dx(o.be, &window, &o.in[0], &o.in[1], &o.node.value, o.err));
}

nn_id nn_avg_pool(struct nn_tape *t, struct nn_window window, nn_id x)
{
    struct operation o = begin_pool(t, NN_OP_AVG_POOL, window, x, nn_none);
    struct nn_shape y = o.ok ? nn_window_result(&window, o.in[0].shape) : o.in[0].shape;
    require(&o, y.h > 0 && y.w > 0);
    if (!result(&o, y, o.in[0].type)) return nn_none;
    return finish(&o, o.be->avg_pool(o.be, &window, &o.in[0], &o.node.value, o.err));
}

nn_id nn_avg_pool_dx(struct nn_tape *t, struct nn_window window, nn_id g, struct nn_shape x_shape)
{
    struct operation o = begin_pool(t, NN_OP_AVG_POOL_DX, window, g, nn_none);
    o.node.attr.shape = x_shape;
    require(&o, o.ok && nn_same_shape(nn_window_result(&window, x_shape), o.in[0].shape));
    if (!result(&o, x_shape, o.in[0].type)) return nn_none;
    return finish(&o, o.be->avg_pool_dx(o.be, &window, &o.in[0], &o.node.value, o.err));
}

nn_id nn_moments(struct nn_tape *t, nn_id x)
{
    struct operation o = begin(t, NN_OP_MOMENTS, x, nn_none, nn_none);
    if (!result(&o, nn_shape(1, 2 * o.in[0].shape.c, 1, 1), o.be->real_type)) return nn_none;
    return finish(&o, o.be->moments(o.be, &o.in[0], &o.node.value, o.err));
}

/* A real_type vector with `per_channel` values for each channel of x. */
static bool describes_channels(const struct operation *o, const struct nn_tensor *v, int per_channel)
{
    return v->data && v->type == o->be->real_type &&
           nn_same_shape(v->shape, nn_shape(1, per_channel * o->in[0].shape.c, 1, 1));
}

nn_id nn_batch_norm(struct nn_tape *t, nn_id x, nn_id moments, nn_id gamma, nn_id beta, float epsilon,
                    float slope)
{
    struct operation o = begin_many(t, NN_OP_BATCH_NORM, (const nn_id[]){x, moments, gamma, beta}, 4);
    o.node.attr.alpha = slope;
    o.node.attr.beta = epsilon;
    require(&o, describes_channels(&o, &o.in[1], 2) && describes_channels(&o, &o.in[2], 1) &&
                    describes_channels(&o, &o.in[3], 1) && slope >= 0 && slope <= 1);
    if (!result(&o, o.in[0].shape, o.in[0].type)) return nn_none;
    struct nn_norm norm = {&o.in[1], &o.in[2], epsilon};
    return finish(&o, o.be->batch_norm(o.be, &norm, &o.in[0], &o.in[3], slope, &o.node.value, o.err));
}

nn_id nn_batch_norm_sums(struct nn_tape *t, nn_id x, nn_id moments, nn_id g, float epsilon)
{
    struct operation o = begin(t, NN_OP_BATCH_NORM_SUMS, x, moments, g);
    o.node.attr.beta = epsilon;
    require(&o, describes_channels(&o, &o.in[1], 2) && nn_same_shape(o.in[0].shape, o.in[2].shape) &&
                    o.in[0].type == o.in[2].type);
    if (!result(&o, o.in[1].shape, o.be->real_type)) return nn_none;
    struct nn_norm norm = {&o.in[1], NULL, epsilon};
    return finish(&o, o.be->batch_norm_sums(o.be, &norm, &o.in[0], &o.in[2], &o.node.value, o.err));
}

nn_id nn_batch_norm_dx(struct nn_tape *t, nn_id x, nn_id moments, nn_id gamma, nn_id g, nn_id sums,
                       float epsilon)
{
    struct operation o = begin_many(t, NN_OP_BATCH_NORM_DX, (const nn_id[]){x, moments, gamma, g, sums}, 5);
    const struct nn_tensor *total = o.in[4].data ? &o.in[4] : NULL;
    o.node.attr.beta = epsilon;
    require(&o, describes_channels(&o, &o.in[1], 2) && describes_channels(&o, &o.in[2], 1) &&
                    nn_same_shape(o.in[0].shape, o.in[3].shape) && o.in[0].type == o.in[3].type &&
                    (!total || describes_channels(&o, total, 2)));
    if (!result(&o, o.in[0].shape, o.in[0].type)) return nn_none;
    struct nn_norm norm = {&o.in[1], &o.in[2], epsilon};
    return finish(&o, o.be->batch_norm_dx(o.be, &norm, &o.in[0], &o.in[3], total, &o.node.value, o.err));
}
