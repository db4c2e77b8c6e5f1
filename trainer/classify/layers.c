#include "trainer/classify/layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"

enum { ENTRIES_AT_ONCE = 64, DROPOUT_STREAM = 40 };

static bool grows(struct tr_layers *l)
{
    struct tr_classifier *net = l->net;
    if (net->entry_count % ENTRIES_AT_ONCE) return true;
    size_t count = (size_t)net->entry_count + ENTRIES_AT_ONCE;
    struct tr_entry *entries = realloc(net->entries, count * sizeof *entries);
    if (!entries) l->status = NN_ERR_MEMORY;
    if (entries) net->entries = entries;
    return entries != NULL;
}

/* Lays out the layer's next entry, or gives its leaf. */
static nn_id entry(struct tr_layers *l, const char *layer, const char *part, struct nn_shape shape,
                   enum tr_entry_role role, bool head)
{
    struct tr_classifier *net = l->net;
    if (l->t) return l->pass->leaves[l->entry++];
    if (l->status != NN_OK || !grows(l)) return nn_none;
    size_t *total = role == TR_MEAN || role == TR_VARIANCE ? &net->moment_count : &net->value_count;
    struct tr_entry *e = &net->entries[net->entry_count++];
    *e = (struct tr_entry){.shape = shape, .role = role, .head = head, .offset = *total};
    snprintf(e->name, sizeof e->name, "%s.%s", layer, part);
    *total += nn_count(shape);
    return nn_none;
}

static struct nn_shape vector(int channels)
{
    return nn_shape(1, channels, 1, 1);
}

/* ---- layers with weights ------------------------------------------------------------------------------ */

static struct tr_map window_layer(struct tr_layers *l, struct tr_map x, const char *name, int outputs,
                                  struct nn_conv g, bool bias, float slope, bool dense, bool head)
{
    struct nn_shape ws = nn_shape(outputs, x.shape.c, g.kernel_h, g.kernel_w);
    g.scale = 1;
    nn_id w = entry(l, name, "weight", ws, dense ? TR_DENSE_WEIGHT : TR_CONV_WEIGHT, head), b = nn_none;
    if (bias) b = entry(l, name, "bias", vector(outputs), TR_BIAS, head);
    struct tr_map y = {.shape = nn_conv_result(&g, x.shape, ws)};
    if (l->t) y.id = nn_conv(l->t, g, x.id, w, b, slope);
    return y;
}

/* What a convolution layer gives is told who asked for it. */
static struct tr_map told(struct tr_layers *l, struct tr_map y)
{
    if (l->t && l->pass->convolutions) l->pass->convolutions[l->convolution++] = y.id;
    return y;
}

struct tr_map tr_conv(struct tr_layers *l, struct tr_map x, const char *name, int outputs, struct nn_conv g,
                      float slope)
{
    return told(l, window_layer(l, x, name, outputs, g, true, slope, false, false));
}

static struct tr_map dense(struct tr_layers *l, struct tr_map x, const char *name, int outputs, float slope,
                           bool head)
{
    struct nn_conv all = {.kernel_h = x.shape.h, .kernel_w = x.shape.w, .stride = 1};
    return window_layer(l, x, name, outputs, all, true, slope, true, head);
}

struct tr_map tr_dense(struct tr_layers *l, struct tr_map x, const char *name, int outputs, float slope)
{
    return dense(l, x, name, outputs, slope, false);
}

struct tr_map tr_head(struct tr_layers *l, struct tr_map x, const char *name)
{
    if (l->t && l->pass->features) *l->pass->features = x.id;
    return dense(l, x, name, l->net->outputs, TR_LINEAR, true);
}

/* The moments by which norm `first` of the entries is done in this pass. */
static nn_id moments_of(struct tr_layers *l, struct tr_map x, const struct tr_entry *means)
{
    if (!l->pass->uses) return nn_from_host(l->t, l->pass->moments + means->offset, vector(2 * x.shape.c));
    nn_id own = nn_moments(l->t, x.id);
    size_t count = (size_t)x.shape.n * (size_t)x.shape.h * (size_t)x.shape.w;
    l->pass->uses[l->norm] = (struct tr_norm_use){own, count};
    return own;
}

static struct tr_map batch_norm(struct tr_layers *l, struct tr_map x, const char *name, float slope)
{
    struct nn_shape each = vector(x.shape.c);
    nn_id gamma = entry(l, name, "weight", each, TR_GAMMA, false);
    nn_id beta = entry(l, name, "bias", each, TR_BETA, false);
    int means = l->entry;
    entry(l, name, "running_mean", each, TR_MEAN, false);
    entry(l, name, "running_var", each, TR_VARIANCE, false);
    if (l->t)
        x.id = nn_batch_norm(l->t, x.id, moments_of(l, x, &l->net->entries[means]), gamma, beta, l->epsilon,
                             slope);
    else
        l->net->norm_count++;
    l->norm++;
    return x;
}

struct tr_map tr_conv_norm(struct tr_layers *l, struct tr_map x, const char *conv, const char *norm,
                           int outputs, struct nn_conv g, float slope)
{
    struct tr_map y = window_layer(l, x, conv, outputs, g, false, TR_LINEAR, false, false);
    return told(l, batch_norm(l, y, norm, slope));
}

/* ---- layers without ----------------------------------------------------------------------------------- */

struct tr_map tr_max_pool(struct tr_layers *l, struct tr_map x, struct nn_window window)
{
    x.shape = nn_window_result(&window, x.shape);
    if (l->t) x.id = nn_max_pool(l->t, window, x.id);
    return x;
}

struct tr_map tr_avg_pool(struct tr_layers *l, struct tr_map x, struct nn_window window)
{
    x.shape = nn_window_result(&window, x.shape);
    if (l->t) x.id = nn_avg_pool(l->t, window, x.id);
    return x;
}

struct tr_map tr_global_pool(struct tr_layers *l, struct tr_map x)
{
    struct nn_shape s = x.shape;
    x.shape = nn_shape(s.n, s.c, 1, 1);
    if (!l->t) return x;
    nn_id mean = nn_affine(l->t, 1 / ((float)s.h * (float)s.w), nn_sum_to(l->t, x.id, x.shape), 0);
    x.id = nn_cast(l->t, mean, nn_tape_backend(l->t)->map_type);
    return x;
}

struct tr_map tr_join(struct tr_layers *l, const struct tr_map *parts, int count)
{
    struct tr_map joined = parts[0];
    nn_id ids[NN_CONCATENATE_MAX];
    joined.shape.c = 0;
    for (int k = 0; k < count; k++) {
        joined.shape.c += parts[k].shape.c;
        ids[k] = parts[k].id;
    }
    if (l->t) joined.id = nn_concatenate(l->t, ids, count);
    return joined;
}

struct tr_map tr_add_relu(struct tr_layers *l, struct tr_map a, struct tr_map b)
{
    if (!l->t) return a;
    nn_id sum = nn_axpby(l->t, 1, a.id, 1, b.id);
    a.id = nn_lrelu_mask(l->t, sum, sum, TR_RELU);
    return a;
}

/* Values of x (N,C,1,1) or larger are kept with probability 1/2, and doubled. */
struct tr_map tr_dropout(struct tr_layers *l, struct tr_map x)
{
    uint64_t stream = DROPOUT_STREAM + (uint64_t)l->drop++;
    if (!l->t || !l->pass->uses || !l->pass->dropout) return x;
    size_t count = nn_count(x.shape);
    float *mask = malloc(count * sizeof *mask);
    if (!mask) return (struct tr_map){nn_none, x.shape}; /* which the next layer refuses */
    for (size_t i = 0; i < count; i++) mask[i] = nn_random_uniform(l->pass->seed, stream, i) < 0.5f ? 0 : 2;
    nn_id kept = nn_cast(l->t, nn_from_host(l->t, mask, x.shape), nn_tape_backend(l->t)->map_type);
    free(mask);
    x.id = nn_mul(l->t, x.id, kept);
    return x;
}
