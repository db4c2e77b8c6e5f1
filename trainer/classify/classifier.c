#include "trainer/classify/classifier.h"

#include <math.h>
#include <stdlib.h>

#include "engine/rng.h"
#include "trainer/classify/layers.h"

enum { CHANNELS = 3, WEIGHT_STREAM = 30 };

const char *const tr_architecture_words[] = {"resnet18", "inception_v3", "vgg16", NULL};

static const struct {
    struct tr_map (*network)(struct tr_layers *l, struct tr_map images);
    int side, side_min, side_step;
} architectures[] = {{tr_resnet18, 224, 32, 1}, {tr_inception_v3, 299, 75, 1}, {tr_vgg16, 224, 224, 224}};

int tr_architecture_side(enum tr_architecture architecture)
{
    return architectures[architecture].side;
}

nn_status tr_classifier_init(struct tr_classifier *net, enum tr_architecture architecture, int side,
                             int outputs, struct nn_error *err)
{
    int least = architectures[architecture].side_min, step = architectures[architecture].side_step;
    const char *word = tr_architecture_words[architecture];
    *net = (struct tr_classifier){.architecture = architecture, .side = side, .outputs = outputs};
    if (side < least || side > 4096 || side % step)
        return nn_fail(err, NN_ERR_ARGUMENT,
                       "%s takes images of a side from %d to 4096 in steps of %d, not of %d", word, least,
                       step, side);
    if (outputs < 1 || outputs > 100000)
        return nn_fail(err, NN_ERR_ARGUMENT, "%s with %d outputs", word, outputs);
    struct tr_layers l = {.net = net};
    struct tr_map images = {.shape = {1, CHANNELS, side, side}};
    architectures[architecture].network(&l, images);
    if (l.status == NN_OK) return NN_OK;
    tr_classifier_release(net);
    return nn_fail(err, l.status, "out of memory for the layout of %s", word);
}

void tr_classifier_release(struct tr_classifier *net)
{
    free(net->entries);
    net->entries = NULL;
    net->entry_count = 0;
}

void tr_classifier_init_values(const struct tr_classifier *net, uint64_t seed, float *values, float *moments)
{
    for (int k = 0; k < net->entry_count; k++) {
        const struct tr_entry *e = &net->entries[k];
        size_t count = nn_count(e->shape);
        float *to = (tr_entry_is_running(e) ? moments : values) + e->offset;
        bool weight = e->role == TR_CONV_WEIGHT || e->role == TR_DENSE_WEIGHT;
        if (weight) nn_random_normals(seed, WEIGHT_STREAM, e->offset, count, to);
        float fan_in = (float)(count / (size_t)e->shape.n), deviation = e->head ? 0.01f : sqrtf(2 / fan_in);
        float constant = e->role == TR_GAMMA || e->role == TR_VARIANCE ? 1 : 0;
        for (size_t i = 0; i < count; i++) to[i] = weight ? deviation * to[i] : constant;
    }
}

void tr_classifier_leaves(struct nn_tape *t, const struct tr_classifier *net, void *values, nn_id *ids)
{
    enum nn_type type = nn_tape_backend(t)->real_type;
    for (int k = 0; k < net->entry_count; k++) {
        const struct tr_entry *e = &net->entries[k];
        void *data = (char *)values + e->offset * nn_type_size(type);
        ids[k] = tr_entry_is_running(e) ? nn_none : nn_leaf(t, &(struct nn_tensor){e->shape, type, data});
    }
}

nn_id tr_classifier_logits(struct nn_tape *t, const struct tr_classifier *net, const struct tr_pass *pass,
                           nn_id images)
{
    struct tr_classifier known = *net; /* with a tape the layers only read it */
    struct tr_layers l = {.t = t, .net = &known, .pass = pass};
    const struct nn_tensor *value = nn_value(t, images);
    struct tr_map x = {.shape = value ? value->shape : nn_shape(1, CHANNELS, net->side, net->side)};
    x.id = nn_cast(t, images, nn_tape_backend(t)->map_type);
    x = architectures[net->architecture].network(&l, x);
    return nn_cast(t, x.id, nn_tape_backend(t)->real_type);
}

/* All norms' moments as one value: reading each by itself would let a GPU wait as many times. Uses up `ids`.
 */
static nn_id joined(struct nn_tape *t, nn_id *ids, int count)
{
    while (count > 1) {
        int made = 0;
        for (int i = 0; i < count; i += NN_CONCATENATE_MAX) {
            int some = count - i < NN_CONCATENATE_MAX ? count - i : NN_CONCATENATE_MAX;
            ids[made++] = some > 1 ? nn_concatenate(t, ids + i, some) : ids[i];
        }
        count = made;
    }
    return ids[0];
}

/* The 2C moments of one norm, of which those seen and the running ones begin at `offset`. */
static void update_norm(const void *seen, bool wide, size_t offset, size_t channels, size_t count,
                        float momentum, float *moments)
{
    float unbiased = count > 1 ? (float)count / (float)(count - 1) : 1;
    for (size_t i = offset; i < offset + 2 * channels; i++) {
        float now = wide ? (float)((const double *)seen)[i] : ((const float *)seen)[i];
        moments[i] += momentum * ((i < offset + channels ? now : unbiased * now) - moments[i]);
    }
}

nn_status tr_classifier_update_moments(struct nn_tape *t, const struct tr_classifier *net,
                                       const struct tr_norm_use *uses, float momentum, float *moments,
                                       struct nn_error *err)
{
    if (net->norm_count == 0) return NN_OK;
    bool wide = nn_tape_backend(t)->real_type == NN_F64;
    void *seen = malloc(net->moment_count * sizeof(double));
    nn_id *ids = malloc((size_t)net->norm_count * sizeof *ids);
    nn_status status = seen && ids ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for moments");
    if (status != NN_OK) goto out;
    for (int k = 0; k < net->norm_count; k++) ids[k] = uses[k].moments;
    nn_id all = joined(t, ids, net->norm_count);
    status = nn_tape_status(t, err);
    if (status == NN_OK) status = nn_read(t, all, seen, err);
    for (int k = 0, norm = 0; k < net->entry_count && status == NN_OK; k++) {
        const struct tr_entry *e = &net->entries[k];
        if (e->role == TR_MEAN)
            update_norm(seen, wide, e->offset, nn_count(e->shape), uses[norm++].count, momentum, moments);
    }
out:
    free(ids);
    free(seen);
    return status;
}
