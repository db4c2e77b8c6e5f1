#include "engine/gan.h"

#include <math.h>
#include <stdio.h>

#include "engine/vjp.h"

static const float MBSTD_EPSILON = 1e-8f;

static const struct nn_conv SAME_3X3 = NN_SQUARE_CONV(3, 1, 1, 0);
static const struct nn_conv POINT_1X1 = NN_SQUARE_CONV(1, 1, 0, 0);
static const struct nn_conv DENSE_4X4 = NN_SQUARE_CONV(4, 1, 0, 0); /* 4x4 map <-> 1x1 */
static const struct nn_conv HALVE_4X4 = NN_SQUARE_CONV(4, 2, 1, 0);

/* A network being built: what every layer needs to know. */
struct builder {
    struct nn_tape *t;
    const struct nn_network *net;
    const nn_id *params;
};

struct layer {
    nn_id weight, bias;
    struct nn_shape weight_shape;
    float scale;
};

static struct layer find_layer(const struct builder *b, const char *layer)
{
    char name[40];
    snprintf(name, sizeof name, "%s/weight", layer);
    int i = nn_network_find(b->net, name); /* the bias follows its weight in the layout */
    return (struct layer){b->params[i], b->params[i + 1], b->net->params[i].shape, b->net->params[i].scale};
}

static struct layer find_layer_at(const struct builder *b, int res, const char *layer)
{
    char name[32];
    snprintf(name, sizeof name, "%dx%d/%s", 1 << res, 1 << res, layer);
    return find_layer(b, name);
}

static nn_id conv_layer(const struct builder *b, struct layer l, struct nn_conv geometry, nn_id x,
                        float slope)
{
    geometry.scale = l.scale;
    return nn_conv(b->t, geometry, x, l.weight, l.bias, slope);
}

static nn_id transposed_layer(const struct builder *b, struct layer l, struct nn_conv geometry, nn_id weight,
                              nn_id x, int side)
{
    const struct nn_tensor *value = nn_value(b->t, x);
    if (!value) return nn_none;
    geometry.scale = l.scale;
    struct nn_shape shape = nn_shape(value->shape.n, l.weight_shape.c, side, side);
    return nn_conv_dx(b->t, geometry, x, weight, l.bias, NN_LRELU_SLOPE, shape);
}

static enum nn_type map_type(const struct builder *b)
{
    return nn_tape_backend(b->t)->map_type;
}
static enum nn_type real_type(const struct builder *b)
{
    return nn_tape_backend(b->t)->real_type;
}

static nn_id with_channels(struct nn_tape *t, nn_id x, nn_id more)
{
    return nn_concatenate(t, (const nn_id[]){x, more}, 2);
}

static nn_id normalise(const struct builder *b, nn_id x)
{
    return nn_pixel_norm(b->t, x, nn_gan_pixel_norm_epsilon(&b->net->config));
}

static nn_id upsampling_layer(const struct builder *b, nn_id x, int res)
{
    if (b->net->config.unfused)
        return conv_layer(b, find_layer_at(b, res, "Conv0"), SAME_3X3, nn_upsample2(b->t, x), NN_LRELU_SLOPE);
    struct layer up = find_layer_at(b, res, "Conv0_up");
    return transposed_layer(b, up, HALVE_4X4, nn_taps_spread(b->t, up.weight), x, 1 << res);
}

static nn_id generator_block(const struct builder *b, nn_id x, int res)
{
    nn_id h = normalise(b, upsampling_layer(b, x, res));
    return normalise(b, conv_layer(b, find_layer_at(b, res, "Conv1"), SAME_3X3, h, NN_LRELU_SLOPE));
}

static nn_id to_grey(const struct builder *b, nn_id x, int res)
{
    char name[32];
    snprintf(name, sizeof name, "ToRGB_lod%d", b->net->config.resolution_log2 - res);
    nn_id image = conv_layer(b, find_layer(b, name), POINT_1X1, x, 1);
    return nn_cast(b->t, image, real_type(b));
}

/* The level whose images `lod` names, as log2 of their side; 0, with the tape's error set, when there is
 * none. */
static int level_of(struct nn_tape *t, const struct nn_network *net, float lod)
{
    int lod_max = net->config.resolution_log2 - 2;
    if (nn_tape_status(t, NULL) != NN_OK) return 0;
    if (lod >= 0 && lod <= (float)lod_max) return net->config.resolution_log2 - (int)lod;
    nn_fail(nn_tape_error(t), NN_ERR_ARGUMENT, "lod %g is not in 0..%d", (double)lod, lod_max);
    return 0;
}

/* Latents and labels as they enter the first layer, about 1 each. */
static nn_id generator_input(const struct builder *b, nn_id latents, nn_id labels)
{
    const struct nn_gan_config *c = &b->net->config;
    if (!c->label_count) return normalise(b, latents);
    if (c->label_norm == NN_NORM_LATENT_ONLY) return with_channels(b->t, normalise(b, latents), labels);
    return normalise(b, with_channels(b->t, latents, labels));
}

/* What the grey head of level `res` sees. */
static nn_id generator_features(const struct builder *b, nn_id latents, nn_id labels, int res)
{
    nn_id x = nn_cast(b->t, generator_input(b, latents, labels), map_type(b));
    struct layer dense = find_layer(b, "4x4/Dense");
    x = transposed_layer(b, dense, DENSE_4X4, dense.weight, x, 4);
    x = conv_layer(b, find_layer(b, "4x4/Conv"), SAME_3X3, normalise(b, x), NN_LRELU_SLOPE);
    x = normalise(b, x);
    for (int level = 3; level <= res; level++) x = generator_block(b, x, level);
    return x;
}

nn_id nn_generator_features(struct nn_tape *t, const struct nn_network *net, const nn_id *params,
                            nn_id latents, nn_id labels, float lod)
{
    struct builder b = {t, net, params};
    int top = level_of(t, net, lod);
    return top ? generator_features(&b, latents, labels, top) : nn_none;
}

nn_id nn_generator(struct nn_tape *t, const struct nn_network *net, const nn_id *params, nn_id latents,
                   nn_id labels, float lod)
{
    struct builder b = {t, net, params};
    int top = level_of(t, net, lod);
    if (!top) return nn_none;
    float fade = lod - floorf(lod); /* share of the level below, 0 when fully grown */

    if (fade == 0) return to_grey(&b, generator_features(&b, latents, labels, top), top);
    nn_id below = generator_features(&b, latents, labels, top - 1);
    nn_id image = to_grey(&b, generator_block(&b, below, top), top);
    return nn_axpby(t, 1 - fade, image, fade, nn_upsample2(t, to_grey(&b, below, top - 1)));
}

static nn_id from_grey(const struct builder *b, nn_id image, int res)
{
    char name[32];
    snprintf(name, sizeof name, "FromRGB_lod%d", b->net->config.resolution_log2 - res);
    return conv_layer(b, find_layer(b, name), POINT_1X1, nn_cast(b->t, image, map_type(b)), NN_LRELU_SLOPE);
}

static nn_id discriminator_block(const struct builder *b, nn_id x, int res)
{
    x = conv_layer(b, find_layer_at(b, res, "Conv0"), SAME_3X3, x, NN_LRELU_SLOPE);
    if (b->net->config.unfused) /* the leaky ReLU comes before the mean */
        return nn_avg_pool2(b->t, conv_layer(b, find_layer_at(b, res, "Conv1"), SAME_3X3, x, NN_LRELU_SLOPE));
    struct layer down = find_layer_at(b, res, "Conv1_down");
    struct nn_conv geometry = HALVE_4X4;
    geometry.scale = down.scale * 0.25f; /* the mean over 2x2 that the four shifted taps sum */
    return nn_conv(b->t, geometry, x, nn_taps_spread(b->t, down.weight), down.bias, NN_LRELU_SLOPE);
}

/* One channel more: the standard deviation of each group of samples, averaged over channels and pixels.
 * Groups are strided: with N 8 and groups of 4, samples 0,2,4,6 and 1,3,5,7. */
static nn_id minibatch_stddev(const struct builder *b, nn_id x)
{
    struct nn_tape *t = b->t;
    const struct nn_tensor *value = nn_value(t, x);
    if (!value) return nn_none;
    struct nn_shape s = value->shape;
    int group = b->net->config.mbstd_group;
    if (group == 0 || group > s.n) group = s.n;
    int groups = s.n / group, features = s.c * s.h * s.w;
    struct nn_shape by_member = nn_shape(group, groups * features, 1, 1);
    struct nn_shape one_member = nn_shape(1, groups * features, 1, 1);
    nn_id members = nn_reshape(t, x, by_member);
    nn_id mean = nn_affine(t, 1.0f / (float)group, nn_sum_to(t, members, one_member), 0);
    nn_id centred = nn_axpby(t, 1, members, -1, nn_broadcast(t, mean, by_member, real_type(b)));
    nn_id square = nn_sum_to(t, nn_mul(t, centred, centred), one_member);
    nn_id deviation = nn_power(t, nn_affine(t, 1.0f / (float)group, square, MBSTD_EPSILON), 0.5f);
    nn_id sum =
        nn_sum_to(t, nn_reshape(t, deviation, nn_shape(groups, features, 1, 1)), nn_shape(groups, 1, 1, 1));
    nn_id statistic = nn_reshape(t, nn_affine(t, 1.0f / (float)features, sum, 0), nn_shape(1, groups, 1, 1));
    nn_id every = nn_broadcast(t, statistic, nn_shape(group, groups, 1, 1), real_type(b));
    nn_id plane = nn_broadcast(t, nn_reshape(t, every, nn_shape(s.n, 1, 1, 1)), nn_shape(s.n, 1, s.h, s.w),
                               real_type(b));
    return with_channels(t, x, plane);
}

/* (N,F,1,1) features -> (N,1,1,1): their product with the sum of the labels' embeddings. */
static nn_id projection(const struct builder *b, nn_id features, nn_id labels)
{
    struct nn_tape *t = b->t;
    const struct nn_tensor *f = nn_value(t, features), *y = nn_value(t, labels);
    int i = nn_network_find(b->net, "4x4/Embedding/weight"), label_count = b->net->config.label_count;
    if (!f) return nn_none;
    if (!y || !nn_same_shape(y->shape, nn_shape(f->shape.n, label_count, 1, 1))) {
        nn_fail(nn_tape_error(t), NN_ERR_ARGUMENT, "a projection needs %d labels for each of %d images",
                label_count, f->shape.n);
        return nn_none;
    }
    struct nn_conv geometry = POINT_1X1;
    geometry.scale = b->net->params[i].scale;
    nn_id embedding = nn_conv(t, geometry, labels, b->params[i], nn_none, 1);
    return nn_sum_to(t, nn_mul(t, features, embedding), nn_shape(f->shape.n, 1, 1, 1));
}

nn_id nn_discriminator(struct nn_tape *t, const struct nn_network *net, const nn_id *params, nn_id images,
                       nn_id labels, float lod)
{
    struct builder b = {t, net, params};
    int top = level_of(t, net, lod);
    const struct nn_tensor *value = nn_value(t, images);
    if (!top || !value) return nn_none;
    struct nn_shape s = value->shape;
    if (!nn_same_shape(s, nn_shape(s.n, 1, 1 << top, 1 << top))) {
        nn_fail(nn_tape_error(t), NN_ERR_ARGUMENT, "images (%d,%d,%d,%d) are not grey and %dx%d", s.n, s.c,
                s.h, s.w, 1 << top, 1 << top);
        return nn_none;
    }
    float fade = lod - floorf(lod);

    nn_id x = from_grey(&b, images, top);
    for (int res = top; res >= 3; res--) {
        x = discriminator_block(&b, x, res);
        if (res == top && fade > 0)
            x = nn_axpby(t, 1 - fade, x, fade, from_grey(&b, nn_avg_pool2(t, images), top - 1));
    }
    x = minibatch_stddev(&b, nn_cast(t, x, real_type(&b)));
    x = conv_layer(&b, find_layer(&b, "4x4/Conv"), SAME_3X3, x, NN_LRELU_SLOPE);
    x = conv_layer(&b, find_layer(&b, "4x4/Dense0"), DENSE_4X4, x, NN_LRELU_SLOPE);
    nn_id output = conv_layer(&b, find_layer(&b, "4x4/Dense1"), POINT_1X1, x, 1);
    if (net->config.conditioning == NN_CONDITION_CLASSIFIER || !net->config.label_count) return output;
    return nn_axpby(t, 1, output, 1, projection(&b, x, labels));
}
