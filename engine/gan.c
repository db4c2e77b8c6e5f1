#include "engine/gan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"
#include "engine/vjp.h"

static const float MBSTD_EPSILON = 1e-8f;
static const float GAIN = 1.41421356f; /* He's, for leaky ReLU layers; linear outputs use 1 */

static const struct nn_conv SAME_3X3 = {.kernel = 3, .stride = 1, .pad = 1};
static const struct nn_conv POINT_1X1 = {.kernel = 1, .stride = 1, .pad = 0};
static const struct nn_conv DENSE_4X4 = {.kernel = 4, .stride = 1, .pad = 0}; /* 4x4 map <-> 1x1 */
static const struct nn_conv HALVE_4X4 = {.kernel = 4, .stride = 2, .pad = 1};

/* ---- layout ------------------------------------------------------------------------------------- */

int nn_gan_channels(const struct nn_gan_config *c, int resolution_log2)
{
    int width = c->fmap_base >> (resolution_log2 - 1);
    return width < c->fmap_max ? width : c->fmap_max;
}

int nn_gan_latent_size(const struct nn_gan_config *c)
{
    return c->fmap_base < c->fmap_max ? c->fmap_base : c->fmap_max;
}

nn_status nn_gan_check(const struct nn_gan_config *c, struct nn_error *err)
{
    if (c->resolution_log2 < 2 || c->resolution_log2 > NN_RESOLUTION_LOG2_MAX)
        return nn_fail(err, NN_ERR_ARGUMENT, "resolution 2^%d is not one of 4..1024", c->resolution_log2);
    if (c->label_count < 0 || c->label_count > NN_LABELS_MAX)
        return nn_fail(err, NN_ERR_ARGUMENT, "label_count %d is not in 0..%d", c->label_count, NN_LABELS_MAX);
    if (c->fmap_max < 1 || c->fmap_max > 4096)
        return nn_fail(err, NN_ERR_ARGUMENT, "fmap_max %d is not in 1..4096", c->fmap_max);
    if (c->fmap_base > 1 << 20 || c->fmap_base >> (c->resolution_log2 - 1) < 1)
        return nn_fail(err, NN_ERR_ARGUMENT, "fmap_base %d leaves no channel at %dx%d", c->fmap_base,
                       1 << c->resolution_log2, 1 << c->resolution_log2);
    if (c->mbstd_group < 1 || c->mbstd_group > 256)
        return nn_fail(err, NN_ERR_ARGUMENT, "mbstd_group %d is not in 1..256", c->mbstd_group);
    return NN_OK;
}

static void add_param(struct nn_network *net, struct nn_shape shape, float scale, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void add_param(struct nn_network *net, struct nn_shape shape, float scale, const char *format, ...)
{
    struct nn_param *p = &net->params[net->param_count++];
    va_list args;
    va_start(args, format);
    vsnprintf(p->name, sizeof p->name, format, args);
    va_end(args);
    p->shape = shape;
    p->scale = scale;
    p->offset = net->value_count;
    net->value_count += nn_count(shape);
}

/* A convolution (outputs, inputs, K, K) with its bias. */
static void add_conv(struct nn_network *net, int outputs, int inputs, int kernel, float gain,
                     const char *layer)
{
    float scale = gain / sqrtf((float)(inputs * kernel * kernel));
    add_param(net, nn_shape(outputs, inputs, kernel, kernel), scale, "%s/weight", layer);
    add_param(net, nn_shape(1, outputs, 1, 1), 1, "%s/bias", layer);
}

/* A transposed convolution: the stored weight is that of the convolution from outputs to inputs. */
static void add_transposed(struct nn_network *net, int outputs, int inputs, int kernel, float scale,
                           const char *layer)
{
    add_param(net, nn_shape(inputs, outputs, kernel, kernel), scale, "%s/weight", layer);
    add_param(net, nn_shape(1, outputs, 1, 1), 1, "%s/bias", layer);
}

static const char *layer_name(char *buffer, size_t size, int res, const char *layer)
{
    snprintf(buffer, size, "%dx%d/%s", 1 << res, 1 << res, layer);
    return buffer;
}

static void generator_layout(struct nn_network *net)
{
    const struct nn_gan_config *c = &net->config;
    char name[32];
    int inputs = nn_gan_latent_size(c) + c->label_count, width = nn_gan_channels(c, 2);
    add_transposed(net, width, inputs, 4, GAIN / 4 / sqrtf((float)inputs), "4x4/Dense");
    add_conv(net, width, width, 3, GAIN, "4x4/Conv");
    for (int res = 3; res <= c->resolution_log2; res++) {
        int below = width;
        width = nn_gan_channels(c, res);
        add_transposed(net, width, below, 3, GAIN / sqrtf(9.0f * (float)below),
                       layer_name(name, sizeof name, res, "Conv0_up"));
        add_conv(net, width, width, 3, GAIN, layer_name(name, sizeof name, res, "Conv1"));
    }
    for (int res = 2; res <= c->resolution_log2; res++) {
        snprintf(name, sizeof name, "ToRGB_lod%d", c->resolution_log2 - res);
        add_conv(net, 1, nn_gan_channels(c, res), 1, 1, name);
    }
}

static void discriminator_layout(struct nn_network *net)
{
    const struct nn_gan_config *c = &net->config;
    char name[32];
    for (int res = c->resolution_log2; res >= 2; res--) {
        snprintf(name, sizeof name, "FromRGB_lod%d", c->resolution_log2 - res);
        add_conv(net, nn_gan_channels(c, res), 1, 1, GAIN, name);
    }
    for (int res = c->resolution_log2; res >= 3; res--) {
        int width = nn_gan_channels(c, res);
        add_conv(net, width, width, 3, GAIN, layer_name(name, sizeof name, res, "Conv0"));
        add_conv(net, nn_gan_channels(c, res - 1), width, 3, GAIN,
                 layer_name(name, sizeof name, res, "Conv1_down"));
    }
    int width = nn_gan_channels(c, 2), top = nn_gan_latent_size(c);
    add_conv(net, width, width + 1, 3, GAIN, "4x4/Conv");
    add_conv(net, top, width, 4, GAIN, "4x4/Dense0");
    add_conv(net, 1 + c->label_count, top, 1, 1, "4x4/Dense1");
}

nn_status nn_network_init(struct nn_network *net, const struct nn_gan_config *config,
                          enum nn_network_kind kind, struct nn_error *err)
{
    nn_status status = nn_gan_check(config, err);
    if (status != NN_OK) return status;
    *net = (struct nn_network){.config = *config, .kind = kind};
    /* At most a weight and a bias for 2 layers a level, one grey head a level, and 3 more layers. */
    net->params = calloc((size_t)(2 * (3 * config->resolution_log2 + 3)), sizeof *net->params);
    if (!net->params) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a network layout");
    if (kind == NN_GENERATOR)
        generator_layout(net);
    else
        discriminator_layout(net);
    return NN_OK;
}

void nn_network_release(struct nn_network *net)
{
    free(net->params);
    *net = (struct nn_network){0};
}

int nn_network_find(const struct nn_network *net, const char *name)
{
    for (int i = 0; i < net->param_count; i++)
        if (strcmp(net->params[i].name, name) == 0) return i;
    return -1;
}

void nn_network_init_values(const struct nn_network *net, uint64_t seed, float *values)
{
    for (int i = 0; i < net->param_count; i++) {
        const struct nn_param *p = &net->params[i];
        size_t count = nn_count(p->shape);
        bool is_bias = strstr(p->name, "/bias") != NULL;
        if (is_bias)
            memset(values + p->offset, 0, count * sizeof *values);
        else
            nn_random_normals(seed, (uint64_t)net->kind, p->offset, count, values + p->offset);
    }
}

void nn_network_leaves(struct nn_tape *t, const struct nn_network *net, void *values, nn_id *ids)
{
    enum nn_type type = nn_tape_backend(t)->real_type;
    for (int i = 0; i < net->param_count; i++) {
        const struct nn_param *p = &net->params[i];
        char *data = (char *)values + p->offset * nn_type_size(type);
        ids[i] = nn_leaf(t, &(struct nn_tensor){.shape = p->shape, .type = type, .data = data});
    }
}

/* ---- graph -------------------------------------------------------------------------------------- */

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
    return find_layer(b, layer_name(name, sizeof name, res, layer));
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

static nn_id concat_channels(struct nn_tape *t, nn_id a, nn_id b)
{
    const struct nn_tensor *va = nn_value(t, a), *vb = nn_value(t, b);
    if (!va || !vb) return nn_none;
    int first = va->shape.c, total = first + vb->shape.c;
    nn_id left = nn_channel_pad(t, a, 0, total);
    return nn_axpby(t, 1, left, 1, nn_channel_pad(t, b, first, total));
}

static nn_id generator_block(const struct builder *b, nn_id x, int res)
{
    struct layer up = find_layer_at(b, res, "Conv0_up");
    nn_id h = transposed_layer(b, up, HALVE_4X4, nn_taps_spread(b->t, up.weight), x, 1 << res);
    h = nn_pixel_norm(b->t, h, NN_PIXEL_NORM_EPSILON);
    h = conv_layer(b, find_layer_at(b, res, "Conv1"), SAME_3X3, h, NN_LRELU_SLOPE);
    return nn_pixel_norm(b->t, h, NN_PIXEL_NORM_EPSILON);
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

nn_id nn_generator(struct nn_tape *t, const struct nn_network *net, const nn_id *params, nn_id latents,
                   nn_id labels, float lod)
{
    struct builder b = {t, net, params};
    int top = level_of(t, net, lod);
    if (!top) return nn_none;
    float fade = lod - floorf(lod); /* share of the level below, 0 when fully grown */

    nn_id x = net->config.label_count ? concat_channels(t, latents, labels) : latents;
    x = nn_cast(t, nn_pixel_norm(t, x, NN_PIXEL_NORM_EPSILON), map_type(&b));
    struct layer dense = find_layer(&b, "4x4/Dense");
    x = transposed_layer(&b, dense, DENSE_4X4, dense.weight, x, 4);
    x = nn_pixel_norm(t, x, NN_PIXEL_NORM_EPSILON);
    x = conv_layer(&b, find_layer(&b, "4x4/Conv"), SAME_3X3, x, NN_LRELU_SLOPE);
    x = nn_pixel_norm(t, x, NN_PIXEL_NORM_EPSILON);
    for (int res = 3; res < top; res++) x = generator_block(&b, x, res);
    if (top == 2) return to_grey(&b, x, 2);
    nn_id image = to_grey(&b, generator_block(&b, x, top), top);
    if (fade > 0) image = nn_axpby(t, 1 - fade, image, fade, nn_upsample2(t, to_grey(&b, x, top - 1)));
    return image;
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
    int group = b->net->config.mbstd_group < s.n ? b->net->config.mbstd_group : s.n;
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
    return concat_channels(t, x, plane);
}

nn_id nn_discriminator(struct nn_tape *t, const struct nn_network *net, const nn_id *params, nn_id images,
                       float lod)
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
    return conv_layer(&b, find_layer(&b, "4x4/Dense1"), POINT_1X1, x, 1);
}
