/* The networks' configuration and layout; gan.c builds their graphs. */
#include "engine/gan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"

static const float GAIN = 1.41421356f; /* He's, for leaky ReLU layers; linear outputs use 1 */

/* ---- configuration ------------------------------------------------------------------------------ */

const char *const nn_label_kind_words[] = {"classes", "multi", NULL};
const char *const nn_label_norm_words[] = {"joint", "latent_only", NULL};
const char *const nn_conditioning_words[] = {"classifier", "projection", NULL};

int nn_word_index(const char *const words[], const char *word)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0) return i;
    return -1;
}

int nn_gan_channels(const struct nn_gan_config *c, int resolution_log2)
{
    int width = c->fmap_base >> (resolution_log2 - 1);
    return width < c->fmap_max ? width : c->fmap_max;
}

int nn_gan_latent_size(const struct nn_gan_config *c)
{
    return c->fmap_base < c->fmap_max ? c->fmap_base : c->fmap_max;
}

int nn_gan_logit_count(const struct nn_gan_config *c)
{
    return c->conditioning == NN_CONDITION_CLASSIFIER ? c->label_count : 0;
}

float nn_gan_pixel_norm_epsilon(const struct nn_gan_config *c)
{
    return c->pixel_norm_epsilon > 0 ? c->pixel_norm_epsilon : 1e-8f;
}

nn_status nn_gan_check(const struct nn_gan_config *c, struct nn_error *err)
{
    if (c->resolution_log2 < 2 || c->resolution_log2 > NN_RESOLUTION_LOG2_MAX)
        return nn_fail(err, NN_ERR_ARGUMENT, "resolution 2^%d is not one of 4..1024", c->resolution_log2);
    int labels_max = c->label_kind == NN_LABELS_MULTI ? NN_LABELS_MAX - 1 : NN_LABELS_MAX;
    if (c->label_count < 0 || c->label_count > labels_max)
        return nn_fail(err, NN_ERR_ARGUMENT, "label_count %d is not in 0..%d", c->label_count, labels_max);
    if (c->fmap_max < 1 || c->fmap_max > NN_FMAP_MAX)
        return nn_fail(err, NN_ERR_ARGUMENT, "fmap_max %d is not in 1..%d", c->fmap_max, NN_FMAP_MAX);
    if (c->fmap_base > 1 << 20 || c->fmap_base >> (c->resolution_log2 - 1) < 1)
        return nn_fail(err, NN_ERR_ARGUMENT, "fmap_base %d leaves no channel at %dx%d", c->fmap_base,
                       1 << c->resolution_log2, 1 << c->resolution_log2);
    if (c->mbstd_group < 0 || c->mbstd_group > 256)
        return nn_fail(err, NN_ERR_ARGUMENT, "mbstd_group %d is not in 0..256", c->mbstd_group);
    if (!(c->pixel_norm_epsilon >= 0 && c->pixel_norm_epsilon <= 1))
        return nn_fail(err, NN_ERR_ARGUMENT, "pixel_norm_epsilon %g is not in 0..1",
                       (double)c->pixel_norm_epsilon);
    return NN_OK;
}

/* ---- layout ------------------------------------------------------------------------------------- */

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
        if (c->unfused)
            add_conv(net, width, below, 3, GAIN, layer_name(name, sizeof name, res, "Conv0"));
        else
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
                 layer_name(name, sizeof name, res, c->unfused ? "Conv1" : "Conv1_down"));
    }
    int width = nn_gan_channels(c, 2), top = nn_gan_latent_size(c);
    add_conv(net, width, width + 1, 3, GAIN, "4x4/Conv");
    add_conv(net, top, width, 4, GAIN, "4x4/Dense0");
    add_conv(net, 1 + nn_gan_logit_count(c), top, 1, 1, "4x4/Dense1");
    if (c->conditioning == NN_CONDITION_PROJECTION && c->label_count)
        /* An embedding weighs as much as the score's own weights. */
        add_param(net, nn_shape(top, c->label_count, 1, 1), 1 / sqrtf((float)top), "4x4/Embedding/weight");
}

nn_status nn_network_init(struct nn_network *net, const struct nn_gan_config *config,
                          enum nn_network_kind kind, struct nn_error *err)
{
    nn_status status = nn_gan_check(config, err);
    if (status != NN_OK) return status;
    *net = (struct nn_network){.config = *config, .kind = kind};
    /* At most a weight and a bias for 2 layers a level, one grey head a level, and 4 more layers. */
    net->params = calloc((size_t)(2 * (3 * config->resolution_log2 + 4)), sizeof *net->params);
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

/* Only the names of the grey heads differ between the two: they count from the top. */
void nn_network_copy_levels(const struct nn_network *large, float *large_values,
                            const struct nn_network *small, float *small_values, bool to_large)
{
    int shift = large->config.resolution_log2 - small->config.resolution_log2;
    for (int i = 0; i < small->param_count; i++) {
        const struct nn_param *p = &small->params[i];
        char name[sizeof p->name], head[8], kind[8];
        int lod;
        snprintf(name, sizeof name, "%s", p->name);
        if (sscanf(p->name, "%7[A-Za-z]_lod%d/%7s", head, &lod, kind) == 3)
            snprintf(name, sizeof name, "%s_lod%d/%s", head, lod + shift, kind);
        float *in_large = large_values + large->params[nn_network_find(large, name)].offset;
        float *in_small = small_values + p->offset;
        memcpy(to_large ? in_large : in_small, to_large ? in_small : in_large,
               nn_count(p->shape) * sizeof(float));
    }
}
