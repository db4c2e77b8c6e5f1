/* engine.h on top of checkpoint, backend and sampler. */
#include "engine/engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/checkpoint.h"
#include "engine/device.h"
#include "engine/sampler.h"

enum { FIRST_CHOICE, CPU_INSTEAD };
enum { INPUTS_MAX = 128 }; /* given to the sampler at once */

struct nn_model {
    /* Readers on other threads may hold either, so neither changes: CPU_INSTEAD's comes to hold after the GPU
     * that "auto" chose has failed. */
    struct nn_model_info info[2];
    _Atomic int current;
    struct nn_backend *backend;
    struct nn_network generator;
    struct nn_sampler *sampler;
    float *values; /* the generator's, to begin anew on the CPU with; NULL where that is not wanted */
    float *image;  /* R*R */
    float *inputs; /* INPUTS_MAX of them */
};

static const struct nn_model_info *info_of(const struct nn_model *m)
{
    return &m->info[m->current];
}

static void close_sampler(struct nn_model *m)
{
    nn_sampler_free(m->sampler);
    m->sampler = NULL;
    if (m->backend) m->backend->close(m->backend);
    m->backend = NULL;
}

/* Replaces the sampler there is by one on `device`, which `info` gets to describe. On failure the old one
 * stays. */
static nn_status open_sampler(struct nn_model *m, struct nn_model_info *info, const char *device,
                              const float *values, struct nn_error *err)
{
    struct nn_device d;
    struct nn_sampler *sampler;
    nn_status status = nn_device_open(&d, device, NN_PRECISION_BEST, err);
    if (status != NN_OK) return status;
    snprintf(info->device, sizeof info->device, "%s", d.name);
    if (d.note[0]) snprintf(info->device_note, sizeof info->device_note, "%s", d.note);
    status = nn_sampler_new(&sampler, d.backend, &m->generator, values, err);
    if (status != NN_OK) {
        d.backend->close(d.backend);
        return status;
    }
    close_sampler(m);
    m->backend = d.backend;
    m->sampler = sampler;
    return NN_OK;
}

/* After a failure of the device: begins anew on the CPU where that is allowed and may help. */
static bool retreat(struct nn_model *m, nn_status failure, const char *why, const float *values)
{
    struct nn_model_info *instead = &m->info[CPU_INSTEAD];
    struct nn_error err;
    if (!values || m->current == CPU_INSTEAD || strncmp(info_of(m)->device, "cuda", 4) != 0 ||
        (failure != NN_ERR_DEVICE && failure != NN_ERR_MEMORY))
        return false;
    *instead = m->info[FIRST_CHOICE];
    snprintf(instead->device_note, sizeof instead->device_note, "the GPU has failed: %.280s", why);
    if (open_sampler(m, instead, "cpu", values, &err) != NN_OK) return false;
    m->current = CPU_INSTEAD; /* from here on others read it */
    return true;
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

static size_t pixel_count(const struct nn_model *m)
{
    return (size_t)info_of(m)->resolution * (size_t)info_of(m)->resolution;
}

static size_t input_length(const struct nn_model *m)
{
    const struct nn_gan_config *config = &m->generator.config;
    return (size_t)(nn_gan_latent_size(config) + config->label_count);
}

nn_status nn_model_open(struct nn_model **model, const char *path, const char *device, struct nn_error *err)
{
    struct nn_checkpoint checkpoint;
    struct nn_error why = {0};
    float *values = NULL;
    struct nn_model *m = calloc(1, sizeof *m);
    if (!m) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a model");
    struct nn_model_info *info = &m->info[FIRST_CHOICE];
    nn_status status = nn_checkpoint_read(path, &checkpoint, &m->generator, &values, info->sha256, err);
    if (status != NN_OK) goto out;
    describe(info, &checkpoint);
    bool automatic = strcmp(device, "auto") == 0;
    status = open_sampler(m, info, device, values, &why);
    if (status != NN_OK && automatic && retreat(m, status, why.text, values)) status = NN_OK;
    if (status != NN_OK) {
        nn_fail(err, status, "%s", why.text);
        goto out;
    }
    if (automatic && m->backend->inference) {
        m->values = values;
        values = NULL;
    }
    m->image = malloc(pixel_count(m) * sizeof *m->image);
    m->inputs = malloc(INPUTS_MAX * input_length(m) * sizeof *m->inputs);
    if (!m->image || !m->inputs) status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for an image", path);
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
    close_sampler(m);
    nn_network_release(&m->generator);
    free(m->values);
    free(m->image);
    free(m->inputs);
    free(m);
}

const struct nn_model_info *nn_model_info(const struct nn_model *m)
{
    return info_of(m);
}

size_t nn_model_memory_bytes(const struct nn_model *m)
{
    return nn_sampler_memory_bytes(m->sampler) +
           (pixel_count(m) + INPUTS_MAX * input_length(m)) * sizeof *m->image +
           (m->values ? m->generator.value_count * sizeof *m->values : 0);
}

nn_status nn_model_describe(const char *path, struct nn_model_info *info, size_t *memory_bytes,
                            struct nn_error *err)
{
    struct nn_checkpoint checkpoint;
    struct nn_network generator;
    nn_status status = nn_checkpoint_describe(path, &checkpoint, &generator, err);
    if (status != NN_OK) return status;
    *info = (struct nn_model_info){0};
    describe(info, &checkpoint);
    size_t pixels = (size_t)1 << (2 * checkpoint.config.resolution_log2),
           length = (size_t)(nn_gan_latent_size(&checkpoint.config) + checkpoint.config.label_count);
    *memory_bytes = nn_sampler_memory_estimate(&generator) + (pixels + INPUTS_MAX * length) * sizeof(float);
    nn_network_release(&generator);
    return NN_OK;
}

static bool is_share(float value)
{
    return value >= 0 && value <= 1;
}

static nn_status check_request(const struct nn_model *m, const struct nn_sample_request *r,
                               struct nn_error *err)
{
    if (r->class_index < 0 || r->class_index >= info_of(m)->class_count)
        return nn_fail(err, NN_ERR_ARGUMENT, "class %d is not one of 0..%d", r->class_index,
                       info_of(m)->class_count - 1);
    if (!is_share(r->strength))
        return nn_fail(err, NN_ERR_ARGUMENT, "strength %g is not in 0..1", (double)r->strength);
    if (!is_share(r->truncation))
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

static void input_of(const struct nn_model *m, const struct nn_sample_point *point, float *input)
{
    const struct nn_gan_config *config = &m->generator.config;
    nn_sampler_latent(config, point->seed, point->seed_to, point->blend, input);
    nn_sampler_input(config, input, point->labels, point->truncation, input);
}

static nn_status sample_all(struct nn_model *m, const struct nn_sample_request *requests, int count,
                            uint8_t *pixels, struct nn_error *err)
{
    size_t length = input_length(m);
    nn_status status = NN_OK;
    for (int done = 0, n; status == NN_OK && done < count; done += n) {
        n = count - done < INPUTS_MAX ? count - done : INPUTS_MAX;
        for (int i = 0; i < n; i++) {
            struct nn_sample_point point = nn_sample_point_of(info_of(m), &requests[done + i]);
            input_of(m, &point, m->inputs + (size_t)i * length);
        }
        status = nn_sampler_run_grey(m->sampler, m->inputs, n, pixels + (size_t)done * pixel_count(m), err);
    }
    return status;
}

nn_status nn_model_sample(struct nn_model *m, const struct nn_sample_request *requests, int count,
                          uint8_t *pixels, struct nn_error *err)
{
    struct nn_error why;
    nn_status status = NN_OK;
    for (int i = 0; i < count; i++)
        if ((status = check_request(m, &requests[i], err)) != NN_OK) return status;
    status = sample_all(m, requests, count, pixels, &why);
    /* All anew, so that what the GPU has made is of the CPU, too. */
    if (status != NN_OK && retreat(m, status, why.text, m->values))
        status = sample_all(m, requests, count, pixels, &why);
    return status == NN_OK ? NN_OK : nn_fail(err, status, "%s", why.text);
}

static nn_status check_point(const struct nn_model *m, const struct nn_sample_point *p, int side, int depth,
                             struct nn_error *err)
{
    for (int k = 0; k < info_of(m)->label_count; k++)
        if (!is_share(p->labels[k]))
            return nn_fail(err, NN_ERR_ARGUMENT, "label %g of class %s is not in 0..1", (double)p->labels[k],
                           info_of(m)->classes[k]);
    if (!is_share(p->blend))
        return nn_fail(err, NN_ERR_ARGUMENT, "blend %g is not in 0..1", (double)p->blend);
    if (!is_share(p->truncation))
        return nn_fail(err, NN_ERR_ARGUMENT, "truncation %g is not in 0..1", (double)p->truncation);
    if (side < 4 || side > info_of(m)->resolution || (side & (side - 1)))
        return nn_fail(err, NN_ERR_ARGUMENT, "side %d is not a power of two in 4..%d", side,
                       info_of(m)->resolution);
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

static nn_status draw_one(struct nn_model *m, const struct nn_sample_point *point, int side, int depth,
                          void *pixels, struct nn_error *err)
{
    float input[NN_FMAP_MAX + NN_LABELS_MAX];
    input_of(m, point, input);
    nn_status status = nn_sampler_run(m->sampler, input, m->image, err);
    if (status != NN_OK) return status;
    size_t count = (size_t)side * (size_t)side;
    if (side < info_of(m)->resolution)
        shrink(m->image, (size_t)side, (size_t)(info_of(m)->resolution / side));
    if (depth == 8)
        nn_sampler_grey(m->image, count, pixels);
    else
        nn_sampler_grey16(m->image, count, pixels);
    return NN_OK;
}

/* Whole images of 8 bits are what the sampler makes by itself, many at once. */
static nn_status draw_whole(struct nn_model *m, const struct nn_sample_point *points, int count,
                            uint8_t *pixels, struct nn_error *err)
{
    size_t length = input_length(m);
    nn_status status = NN_OK;
    for (int done = 0, n; status == NN_OK && done < count; done += n) {
        n = count - done < INPUTS_MAX ? count - done : INPUTS_MAX;
        for (int i = 0; i < n; i++) input_of(m, &points[done + i], m->inputs + (size_t)i * length);
        status = nn_sampler_run_grey(m->sampler, m->inputs, n, pixels + (size_t)done * pixel_count(m), err);
    }
    return status;
}

static nn_status draw_all(struct nn_model *m, const struct nn_sample_point *points, int count, int side,
                          int depth, void *pixels, struct nn_error *err)
{
    nn_status status = NN_OK;
    size_t bytes = (size_t)side * (size_t)side * (size_t)depth / 8;
    if (side == info_of(m)->resolution && depth == 8) return draw_whole(m, points, count, pixels, err);
    for (int i = 0; i < count && status == NN_OK; i++)
        status = draw_one(m, &points[i], side, depth, (char *)pixels + (size_t)i * bytes, err);
    return status;
}

nn_status nn_model_draw(struct nn_model *m, const struct nn_sample_point *points, int count, int side,
                        int depth, void *pixels, struct nn_error *err)
{
    struct nn_error why;
    nn_status status = NN_OK;
    for (int i = 0; i < count; i++)
        if ((status = check_point(m, &points[i], side, depth, err)) != NN_OK) return status;
    status = draw_all(m, points, count, side, depth, pixels, &why);
    if (status != NN_OK && retreat(m, status, why.text, m->values))
        status = draw_all(m, points, count, side, depth, pixels, &why);
    return status == NN_OK ? NN_OK : nn_fail(err, status, "%s", why.text);
}
