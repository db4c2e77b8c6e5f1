/* engine.h on top of checkpoint, backend and sampler. */
#include "engine/engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/checkpoint.h"
#include "engine/sampler.h"

struct nn_model {
    struct nn_model_info info;
    struct nn_backend *backend;
    struct nn_network generator;
    struct nn_sampler *sampler;
    float *image; /* R*R */
};

static nn_status open_backend(struct nn_model *m, const char *device, struct nn_error *err)
{
    if (strcmp(device, "cuda") == 0)
        return nn_fail(err, NN_ERR_DEVICE, "device cuda: this build has no CUDA backend");
    if (strcmp(device, "cpu") != 0 && strcmp(device, "auto") != 0)
        return nn_fail(err, NN_ERR_ARGUMENT, "device '%s' is not auto, cpu or cuda", device);
    enum nn_type type = nn_cpu_has_bf16() ? NN_BF16 : NN_F32;
    snprintf(m->info.device, sizeof m->info.device, "cpu (oneDNN, %s)", type == NN_BF16 ? "bf16" : "f32");
    return nn_backend_open_cpu(&m->backend, type, err);
}

static void describe(struct nn_model_info *info, const struct nn_checkpoint *c)
{
    info->resolution = 1 << c->config.resolution_log2;
    info->label_count = c->class_count;
    info->multi_label = c->config.label_kind == NN_LABELS_MULTI && c->class_count;
    info->class_count = nn_sampler_class_count(&c->config);
    for (int i = 0; i < info->class_count; i++)
        snprintf(info->classes[i], sizeof info->classes[i], "%s",
                 i < c->class_count ? c->classes[i]
                 : c->class_count   ? NN_CLASS_NONE
                                    : NN_CLASS_ANY);
    info->simulated = c->simulated;
    info->kimg = c->kimg;
    snprintf(info->name, sizeof info->name, "%s", c->name);
    snprintf(info->provenance, sizeof info->provenance, "%s", c->provenance);
    snprintf(info->licence, sizeof info->licence, "%s", c->licence);
}

nn_status nn_model_open(struct nn_model **model, const char *path, const char *device, struct nn_error *err)
{
    struct nn_checkpoint checkpoint;
    float *values = NULL;
    struct nn_model *m = calloc(1, sizeof *m);
    if (!m) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a model");
    nn_status status = nn_checkpoint_read(path, &checkpoint, &m->generator, &values, m->info.sha256, err);
    if (status != NN_OK) goto out;
    describe(&m->info, &checkpoint);
    if ((status = open_backend(m, device, err)) != NN_OK) goto out;
    if ((status = nn_sampler_new(&m->sampler, m->backend, &m->generator, values, err)) != NN_OK) goto out;
    m->image = malloc((size_t)m->info.resolution * (size_t)m->info.resolution * sizeof *m->image);
    if (!m->image) status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for an image", path);
out:
    free(values);
    if (status != NN_OK)
        nn_model_close(m);
    else
        *model = m;
    return status;
}

void nn_model_close(struct nn_model *m)
{
    if (!m) return;
    nn_sampler_free(m->sampler);
    if (m->backend) m->backend->close(m->backend);
    nn_network_release(&m->generator);
    free(m->image);
    free(m);
}

const struct nn_model_info *nn_model_info(const struct nn_model *m)
{
    return &m->info;
}

static nn_status check_request(const struct nn_model *m, const struct nn_sample_request *r,
                               struct nn_error *err)
{
    if (r->class_index < 0 || r->class_index >= m->info.class_count)
        return nn_fail(err, NN_ERR_ARGUMENT, "class %d is not one of 0..%d", r->class_index,
                       m->info.class_count - 1);
    if (!(r->strength >= 0 && r->strength <= 1))
        return nn_fail(err, NN_ERR_ARGUMENT, "strength %g is not in 0..1", (double)r->strength);
    if (!(r->truncation >= 0 && r->truncation <= 1))
        return nn_fail(err, NN_ERR_ARGUMENT, "truncation %g is not in 0..1", (double)r->truncation);
    return NN_OK;
}

struct nn_sample_point nn_sample_point_of(const struct nn_model_info *info, const struct nn_sample_request *r)
{
    struct nn_sample_point point = {.seed = r->seed, .seed_to = r->seed, .truncation = r->truncation};
    const struct nn_gan_config config = {
        .label_count = info->label_count,
        .label_kind = info->multi_label ? NN_LABELS_MULTI : NN_LABELS_CLASSES,
    };
    nn_sampler_labels(&config, r->class_index, r->strength, point.labels);
    return point;
}

/* The network's own values of the whole image, in m->image. */
static nn_status run_point(struct nn_model *m, const struct nn_sample_point *point, struct nn_error *err)
{
    const struct nn_gan_config *config = &m->generator.config;
    float input[8192 + NN_LABELS_MAX];
    nn_sampler_latent(config, point->seed, point->seed_to, point->blend, input);
    nn_sampler_input(config, input, point->labels, point->truncation, input);
    return nn_sampler_run(m->sampler, input, m->image, err);
}

nn_status nn_model_sample(struct nn_model *m, const struct nn_sample_request *requests, int count,
                          uint8_t *pixels, struct nn_error *err)
{
    size_t side = (size_t)m->info.resolution;
    nn_status status = NN_OK;
    for (int i = 0; i < count; i++)
        if ((status = check_request(m, &requests[i], err)) != NN_OK) return status;
    for (int i = 0; i < count; i++) {
        struct nn_sample_point point = nn_sample_point_of(&m->info, &requests[i]);
        if ((status = run_point(m, &point, err)) != NN_OK) return status;
        nn_sampler_grey(m->image, side * side, pixels + (size_t)i * side * side);
    }
    return NN_OK;
}

static bool is_share(float value)
{
    return value >= 0 && value <= 1;
}

static nn_status check_point(const struct nn_model *m, const struct nn_sample_point *p, int side, int depth,
                             struct nn_error *err)
{
    for (int k = 0; k < m->info.label_count; k++)
        if (!is_share(p->labels[k]))
            return nn_fail(err, NN_ERR_ARGUMENT, "label %g of class %s is not in 0..1", (double)p->labels[k],
                           m->info.classes[k]);
    if (!is_share(p->blend))
        return nn_fail(err, NN_ERR_ARGUMENT, "blend %g is not in 0..1", (double)p->blend);
    if (!is_share(p->truncation))
        return nn_fail(err, NN_ERR_ARGUMENT, "truncation %g is not in 0..1", (double)p->truncation);
    if (side < 4 || side > m->info.resolution || (side & (side - 1)))
        return nn_fail(err, NN_ERR_ARGUMENT, "side %d is not a power of two in 4..%d", side,
                       m->info.resolution);
    if (depth != 8 && depth != 16)
        return nn_fail(err, NN_ERR_ARGUMENT, "depth %d is neither 8 nor 16", depth);
    return NN_OK;
}

/* Replaces the first side*side values by the means of boxes of `box`*`box`, clipped as in the whole image. */
static void shrink(float *image, size_t side, size_t box)
{
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++) {
            double sum = 0;
            for (size_t dy = 0; dy < box; dy++) {
                const float *row = image + (y * box + dy) * side * box + x * box;
                for (size_t dx = 0; dx < box; dx++) sum += fmin(fmax((double)row[dx], -1), 1);
            }
            image[y * side + x] = (float)(sum / (double)(box * box)); /* its box is not needed again */
        }
}

nn_status nn_model_draw(struct nn_model *m, const struct nn_sample_point *point, int side, int depth,
                        void *pixels, struct nn_error *err)
{
    nn_status status = check_point(m, point, side, depth, err);
    if (status == NN_OK) status = run_point(m, point, err);
    if (status != NN_OK) return status;
    size_t count = (size_t)side * (size_t)side;
    if (side < m->info.resolution) shrink(m->image, (size_t)side, (size_t)(m->info.resolution / side));
    if (depth == 8)
        nn_sampler_grey(m->image, count, pixels);
    else
        nn_sampler_grey16(m->image, count, pixels);
    return NN_OK;
}
