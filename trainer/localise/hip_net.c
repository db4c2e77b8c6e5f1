#include "trainer/localise/hip_net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"

enum { WEIGHT_STREAM = 60, WINDOW = 2, SIZES = 2 * TR_HIPS, MAPS = TR_HIPS + SIZES };

static const float SLOPE = 0.1f;

/* Strides halve the picture to `cells` after three layers, once more for a view of the whole; that goes back
 * up beside the third layer's maps. */
static const struct layer {
    const char *weight, *bias;
    int inputs, outputs, kernel, stride;
} layers[TR_HIP_NET_PARAMS / 2] = {
    {"down1.weight", "down1.bias", 1, 16, 3, 2},           {"down2.weight", "down2.bias", 16, 32, 3, 2},
    {"down3.weight", "down3.bias", 32, 48, 3, 2},          {"down4.weight", "down4.bias", 48, 64, 3, 2},
    {"whole1.weight", "whole1.bias", 64, 64, 3, 1},        {"whole2.weight", "whole2.bias", 64, 64, 3, 1},
    {"joined.weight", "joined.bias", 64 + 48, 64, 3, 1},   {"maps.weight", "maps.bias", 64, MAPS, 1, 1},
    {"nowhere.weight", "nowhere.bias", 64, TR_HIPS, 1, 1},
};
enum { DOWN1, DOWN2, DOWN3, DOWN4, WHOLE1, WHOLE2, JOINED, MAPS_LAYER, NOWHERE, LAYERS };

static void lay_out(struct tr_hip_net *net, int side)
{
    *net = (struct tr_hip_net){.side = side, .cells = side / TR_HIP_NET_STEP};
    for (int k = 0; k < LAYERS; k++) {
        const struct layer *l = &layers[k];
        struct tr_hip_param *w = &net->params[2 * k], *b = w + 1;
        *w = (struct tr_hip_param){l->weight, nn_shape(l->outputs, l->inputs, l->kernel, l->kernel),
                                   net->value_count};
        net->value_count += nn_count(w->shape);
        *b = (struct tr_hip_param){l->bias, nn_shape(1, l->outputs, 1, 1), net->value_count};
        net->value_count += nn_count(b->shape);
    }
}

nn_status tr_hip_net_init(struct tr_hip_net *net, int side, uint64_t seed, struct nn_error *err)
{
    *net = (struct tr_hip_net){0};
    if (side < TR_HIP_NET_SIDE_MIN || side > TR_HIP_NET_SIDE_MAX || (side & (side - 1)))
        return nn_fail(err, NN_ERR_ARGUMENT, "a network for pictures of %d pixels", side);
    lay_out(net, side);
    if (!(net->values = calloc(net->value_count, sizeof *net->values)))
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for a network");
    for (int k = 0; k < LAYERS; k++) {
        const struct tr_hip_param *w = &net->params[2 * k];
        size_t count = nn_count(w->shape);
        float *to = net->values + w->offset, deviation = sqrtf(2 / (float)(count / (size_t)w->shape.n));
        nn_random_normals(seed, WEIGHT_STREAM, w->offset, count, to);
        for (size_t i = 0; i < count; i++) to[i] *= deviation;
    }
    return NN_OK;
}

void tr_hip_net_release(struct tr_hip_net *net)
{
    free(net->values);
    net->values = NULL;
}

/* ---- the file ----------------------------------------------------------------------------------------- */

static const char KIND[] = "roentgym hip localiser 1";
enum { TEXTS_MAX = 16 };

static void dims_of(const struct tr_hip_param *p, int64_t dims[4])
{
    memcpy(dims, (int64_t[]){p->shape.n, p->shape.h, p->shape.w, p->shape.c}, 4 * sizeof *dims);
}

nn_status tr_hip_net_save(const struct tr_hip_net *net, const char *path, const struct nn_st_text *texts,
                          int text_count, struct nn_error *err)
{
    char side[16];
    struct nn_st_text all[TEXTS_MAX + 2] = {{"format", KIND}, {"side", side}};
    struct nn_st_tensor tensors[TR_HIP_NET_PARAMS];
    snprintf(side, sizeof side, "%d", net->side);
    if (text_count > TEXTS_MAX) return nn_fail(err, NN_ERR_ARGUMENT, "%s: too many texts", path);
    if (text_count) memcpy(all + 2, texts, (size_t)text_count * sizeof *texts);
    for (int k = 0; k < TR_HIP_NET_PARAMS; k++) {
        const struct tr_hip_param *p = &net->params[k];
        tensors[k] = (struct nn_st_tensor){
            .name = p->name, .type = NN_ST_F32, .rank = 4, .data = net->values + p->offset};
        dims_of(p, tensors[k].dims);
    }
    return nn_st_write(path, tensors, TR_HIP_NET_PARAMS, all, text_count + 2, err);
}

static nn_status take(struct tr_hip_net *net, const struct nn_st_file *file, const char *path,
                      struct nn_error *err)
{
    const char *kind = nn_st_metadata(file, "format"), *side = nn_st_metadata(file, "side");
    if (!kind || strcmp(kind, KIND) != 0)
        return nn_fail(err, NN_ERR_FORMAT, "%s: is no localiser of roentgym", path);
    nn_status status = tr_hip_net_init(net, side ? atoi(side) : 0, 0, NULL);
    if (status == NN_ERR_ARGUMENT)
        return nn_fail(err, NN_ERR_FORMAT, "%s: is for pictures of '%.20s' pixels", path, side ? side : "");
    if (status != NN_OK) return nn_fail(err, status, "%s: out of memory for its network", path);
    if (nn_st_count(file) != TR_HIP_NET_PARAMS)
        status = nn_fail(err, NN_ERR_FORMAT, "%s: has %d tensors, not %d", path, nn_st_count(file),
                         TR_HIP_NET_PARAMS);
    for (int k = 0; k < TR_HIP_NET_PARAMS && status == NN_OK; k++) {
        const struct tr_hip_param *p = &net->params[k];
        const void *data;
        int64_t dims[4];
        dims_of(p, dims);
        status = nn_st_get(file, p->name, NN_ST_F32, 4, dims, &data, err);
        if (status == NN_OK) memcpy(net->values + p->offset, data, nn_count(p->shape) * sizeof(float));
    }
    for (size_t i = 0; i < net->value_count && status == NN_OK; i++)
        if (!isfinite(net->values[i]))
            status = nn_fail(err, NN_ERR_FORMAT, "%s: a weight is not finite", path);
    if (status != NN_OK) tr_hip_net_release(net);
    return status;
}

nn_status tr_hip_net_load(struct tr_hip_net *net, const char *path, char sha256[65], struct nn_error *err)
{
    struct nn_st_file *file;
    *net = (struct tr_hip_net){0};
    nn_status status = nn_st_open(&file, path, err);
    if (status != NN_OK) return status;
    status = take(net, file, path, err);
    if (status == NN_OK) nn_st_sha256(file, sha256);
    nn_st_close(file);
    return status;
}

/* ---- the graph ---------------------------------------------------------------------------------------- */

static nn_id apply(struct nn_tape *t, const nn_id *leaves, int k, nn_id x, float slope)
{
    struct nn_conv g = NN_SQUARE_CONV(layers[k].kernel, layers[k].stride, layers[k].kernel / 2, 1);
    return nn_conv(t, g, x, leaves[2 * k], leaves[2 * k + 1], slope);
}

struct tr_hip_maps tr_hip_net_maps(struct nn_tape *t, const struct tr_hip_net *net, void *values,
                                   nn_id images, nn_id leaves[TR_HIP_NET_PARAMS])
{
    enum nn_type type = nn_tape_backend(t)->real_type;
    const struct nn_tensor *pictures = nn_value(t, images);
    int n = pictures ? pictures->shape.n : 1, cells = net->cells, half = cells / 2;
    for (int k = 0; k < TR_HIP_NET_PARAMS; k++) {
        void *data = (char *)values + net->params[k].offset * nn_type_size(type);
        leaves[k] = nn_leaf(t, &(struct nn_tensor){net->params[k].shape, type, data});
    }
    nn_id fine = images, whole;
    for (int k = DOWN1; k <= DOWN3; k++) fine = apply(t, leaves, k, fine, SLOPE);
    whole = apply(t, leaves, DOWN4, fine, SLOPE);
    whole = apply(t, leaves, WHOLE1, whole, SLOPE);
    whole = apply(t, leaves, WHOLE2, whole, SLOPE);
    nn_id parts[] = {nn_upsample2(t, whole), fine};
    nn_id maps = apply(t, leaves, JOINED, nn_concatenate(t, parts, 2), SLOPE);
    maps = apply(t, leaves, MAPS_LAYER, maps, 1);
    nn_id mean = nn_sum_to(t, whole, nn_shape(n, layers[WHOLE2].outputs, 1, 1));
    nn_id nowhere = apply(t, leaves, NOWHERE, nn_affine(t, 1 / (float)(half * half), mean, 0), 1);
    struct tr_hip_maps out = {.sizes = nn_channel_slice(t, maps, TR_HIPS, SIZES)};
    for (int hip = 0; hip < TR_HIPS; hip++) {
        nn_id map = nn_reshape(t, nn_channel_slice(t, maps, hip, 1), nn_shape(n, cells * cells, 1, 1));
        nn_id all[] = {map, nn_channel_slice(t, nowhere, hip, 1)};
        out.where[hip] = nn_log_softmax(t, nn_concatenate(t, all, 2));
    }
    return out;
}

void tr_hip_net_view(float *pixels, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) sum += pixels[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) squares += (pixels[i] - mean) * (pixels[i] - mean);
    double deviation = sqrt(squares / (double)count);
    float scale = deviation > 0 ? (float)(1 / deviation) : 0;
    for (size_t i = 0; i < count; i++) pixels[i] = scale * (pixels[i] - (float)mean);
}

struct tr_place tr_hip_net_place(const struct tr_hip_net *net, const float *where, const float *sizes,
                                 int hip, double *certainty)
{
    int cells = net->cells, best = 0;
    double mass = 0, x = 0, y = 0, width = 0, height = 0;
    for (int i = 1; i < cells * cells; i++)
        if (where[i] > where[best]) best = i;
    for (int row = best / cells - WINDOW; row <= best / cells + WINDOW; row++)
        for (int column = best % cells - WINDOW; column <= best % cells + WINDOW; column++) {
            if (row < 0 || row >= cells || column < 0 || column >= cells) continue;
            int at = row * cells + column;
            double p = exp((double)where[at]);
            mass += p;
            x += p * (column + 0.5);
            y += p * (row + 0.5);
            width += p * (double)sizes[SIZES * at + 2 * hip];
            height += p * (double)sizes[SIZES * at + 2 * hip + 1];
        }
    *certainty = fmin(mass, 1);
    if (!(mass > 0)) return (struct tr_place){0}; /* not one probability that f32 can tell from 0 */
    width = exp(fmin(width / mass, 1));
    height = exp(fmin(height / mass, 1));
    return (struct tr_place){x / mass / cells - width / 2, y / mass / cells - height / 2, width, height};
}
