#include "trainer/train_state.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/checkpoint.h"
#include "engine/engine.h"
#include "engine/safetensors.h"

static const char FORMAT[] = "roentgym-training-state";

/* The flat buffers of a state, by name. */
struct buffer {
    const char *name;
    void *device;
    size_t count;
};
enum { BUFFERS = 7 };

static void list_buffers(const struct tr_training *tr, struct buffer list[BUFFERS])
{
    const struct tr_player *g = &tr->generator, *d = &tr->discriminator;
    size_t g_count = g->net.value_count, d_count = d->net.value_count;
    const struct buffer all[BUFFERS] = {
        {"generator", g->values, g_count},       {"generator/adam_m", g->m, g_count},
        {"generator/adam_v", g->v, g_count},     {"generator/average", tr->average, g_count},
        {"discriminator", d->values, d_count},   {"discriminator/adam_m", d->m, d_count},
        {"discriminator/adam_v", d->v, d_count},
    };
    memcpy(list, all, sizeof all);
}

/* The data set's classes in label order, a line each. Its hash does not cover their order, which dataset.json
 * gives; the networks' labels depend on it. */
enum { CLASSES_TEXT = NN_CLASSES_MAX * NN_CLASS_NAME_MAX + 1 };

static void classes_text(const struct tr_training *tr, char text[CLASSES_TEXT])
{
    char *at = text;
    *at = '\0';
    for (int k = 0; k < tr_dataset_class_count(tr->data); k++)
        at += sprintf(at, "%s\n", tr_dataset_class(tr->data, k));
}

static nn_status write_file(const char *path, const struct tr_training *tr,
                            const struct nn_st_tensor tensors[BUFFERS], struct nn_error *err)
{
    char images[24], before[24], steps[24], skipped[24], adam_step[24], critic_adam_step[24], adam_phase[24],
        augment[80], classes[CLASSES_TEXT];
    snprintf(images, sizeof images, "%" PRIu64, tr->images);
    snprintf(before, sizeof before, "%" PRIu64, tr->images_before);
    snprintf(steps, sizeof steps, "%" PRIu64, tr->steps);
    snprintf(skipped, sizeof skipped, "%" PRIu64, tr->skipped);
    snprintf(adam_step, sizeof adam_step, "%" PRId64, tr->generator.adam_step);
    snprintf(critic_adam_step, sizeof critic_adam_step, "%" PRId64, tr->discriminator.adam_step);
    snprintf(adam_phase, sizeof adam_phase, "%d", tr->adam_phase);
    snprintf(augment, sizeof augment, "%.17g %" PRId64 " %" PRId64, tr->augment.p, tr->augment.signs,
             tr->augment.scores);
    classes_text(tr, classes);
    char *config = tr_train_config_text(&tr->config);
    if (!config) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for the configuration", path);
    const struct nn_st_text metadata[] = {
        {"format", FORMAT},         {"format_version", "1"},
        {"config", config},         {"images", images},
        {"images_before", before},  {"steps", steps},
        {"skipped", skipped},       {"adam_step", adam_step},
        {"adam_phase", adam_phase}, {"data_sha256", tr_dataset_sha256(tr->data)},
        {"classes", classes},       {"discriminator_adam_step", critic_adam_step},
        {"augment", augment},
    };
    nn_status status =
        nn_st_write(path, tensors, BUFFERS, metadata, (int)(sizeof metadata / sizeof *metadata), err);
    free(config);
    return status;
}

nn_status tr_train_state_write(const char *path, const struct tr_training *tr, struct nn_error *err)
{
    struct buffer list[BUFFERS];
    struct nn_st_tensor tensors[BUFFERS] = {{0}};
    float *host[BUFFERS] = {NULL};
    nn_status status = NN_OK;
    list_buffers(tr, list);
    for (int i = 0; i < BUFFERS && status == NN_OK; i++) {
        size_t size = list[i].count * sizeof(float);
        host[i] = malloc(size);
        if (!host[i])
            status =
                nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for a state of %zu MiB", path, size >> 20);
        else
            status = tr->backend->download(tr->backend, host[i], list[i].device, size, err);
        tensors[i] =
            (struct nn_st_tensor){.name = list[i].name, .type = NN_ST_F32, .rank = 1, .data = host[i]};
        tensors[i].dims[0] = (int64_t)list[i].count;
    }
    if (status == NN_OK) status = write_file(path, tr, tensors, err);
    for (int i = 0; i < BUFFERS; i++) free(host[i]);
    return status;
}

static nn_status open_state(const char *path, struct nn_st_file **file, struct nn_error *err)
{
    nn_status status = nn_st_open(file, path, err);
    if (status != NN_OK) return status;
    const char *format = nn_st_metadata(*file, "format"), *version = nn_st_metadata(*file, "format_version");
    if (format && version && strcmp(format, FORMAT) == 0 && strcmp(version, "1") == 0) return NN_OK;
    nn_st_close(*file);
    return nn_fail(err, NN_ERR_FORMAT, "%s: not a training state of this version", path);
}

nn_status tr_train_state_read_config(const char *path, struct tr_train_config *config, struct nn_error *err)
{
    struct nn_st_file *file;
    nn_status status = open_state(path, &file, err);
    if (status != NN_OK) return status;
    const char *text = nn_st_metadata(file, "config");
    status = text ? tr_train_config_parse(config, text, path, err)
                  : nn_fail(err, NN_ERR_FORMAT, "%s: no configuration in the state", path);
    nn_st_close(file);
    return status;
}

static nn_status read_counter(const struct nn_st_file *file, const char *path, const char *key, int64_t low,
                              int64_t high, int64_t *value, struct nn_error *err)
{
    const char *text = nn_st_metadata(file, key);
    char *end;
    errno = 0;
    if (text) *value = strtoll(text, &end, 10);
    if (text && !errno && end != text && !*end && *value >= low && *value <= high) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s: counter '%s' is damaged", path, key);
}

/* A counter that the first states did not have yet: then it is `missing`. */
static nn_status read_later_counter(const struct nn_st_file *file, const char *path, const char *key,
                                    int64_t missing, int64_t *value, struct nn_error *err)
{
    *value = missing;
    return nn_st_metadata(file, key) ? read_counter(file, path, key, 0, INT64_MAX / 2, value, err) : NN_OK;
}

static nn_status read_images_before(const struct nn_st_file *file, const char *path, struct tr_training *tr,
                                    struct nn_error *err)
{
    int64_t images;
    nn_status status = read_later_counter(file, path, "images_before", 0, &images, err);
    tr->images_before = (uint64_t)images;
    return status;
}

/* The first states were without augmentation. */
static nn_status read_augment(const struct nn_st_file *file, const char *path, struct tr_augment *a,
                              struct nn_error *err)
{
    const char *text = nn_st_metadata(file, "augment");
    int end = 0;
    if (!text) return NN_OK;
    if (sscanf(text, "%lf %" SCNd64 " %" SCNd64 "%n", &a->p, &a->signs, &a->scores, &end) == 3 &&
        !text[end] && a->p >= 0 && a->p <= 1 && a->scores >= 0 && a->signs >= -a->scores &&
        a->signs <= a->scores)
        return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s: the augmentation's strength, '%s', is damaged", path, text);
}

static nn_status read_counters(const struct nn_st_file *file, const char *path, struct tr_training *tr,
                               struct nn_error *err)
{
    static const struct {
        const char *key;
        int64_t low, high;
    } counters[] = {{"images", 0, INT64_MAX},
                    {"steps", 0, INT64_MAX},
                    {"skipped", 0, INT64_MAX},
                    {"adam_step", 0, INT64_MAX},
                    {"adam_phase", -1, 2 * NN_RESOLUTION_LOG2_MAX}};
    int64_t value[5];
    for (int i = 0; i < 5; i++) {
        nn_status status =
            read_counter(file, path, counters[i].key, counters[i].low, counters[i].high, &value[i], err);
        if (status != NN_OK) return status;
    }
    tr->images = (uint64_t)value[0];
    tr->steps = (uint64_t)value[1];
    tr->skipped = (uint64_t)value[2];
    tr->generator.adam_step = value[3];
    tr->adam_phase = (int)value[4];
    nn_status status = read_later_counter(file, path, "discriminator_adam_step", value[3],
                                          &tr->discriminator.adam_step, err);
    if (status == NN_OK) status = read_augment(file, path, &tr->augment, err);
    return status == NN_OK ? read_images_before(file, path, tr, err) : status;
}

nn_status tr_train_state_read(const char *path, struct tr_training *tr, struct nn_error *err)
{
    struct nn_st_file *file;
    struct buffer list[BUFFERS];
    nn_status status = open_state(path, &file, err);
    if (status != NN_OK) return status;
    const char *hash = nn_st_metadata(file, "data_sha256"), *in_state = nn_st_metadata(file, "classes");
    char classes[CLASSES_TEXT];
    if (!hash || strcmp(hash, tr_dataset_sha256(tr->data)) != 0) {
        status = nn_fail(err, NN_ERR_ARGUMENT, "%s: the data set is not the one this run began with", path);
        goto out;
    }
    classes_text(tr, classes);
    if (in_state && strcmp(in_state, classes) != 0) { /* the first states did not have them */
        status = nn_fail(err, NN_ERR_ARGUMENT, "%s: the data set's classes are not those this run began with",
                         path);
        goto out;
    }
    list_buffers(tr, list);
    for (int i = 0; i < BUFFERS; i++) {
        const void *data;
        int64_t dims[1] = {(int64_t)list[i].count};
        status = nn_st_get(file, list[i].name, NN_ST_F32, 1, dims, &data, err);
        if (status == NN_OK)
            status =
                tr->backend->upload(tr->backend, list[i].device, data, list[i].count * sizeof(float), err);
        if (status != NN_OK) goto out;
    }
    status = read_counters(file, path, tr, err);
out:
    nn_st_close(file);
    return status;
}

/* ---- between resolutions ------------------------------------------------------------------------ */

/* Copies the parameters that `large` and `small`, the same network cut off at a lower resolution, share, from
 * one flat buffer to the other. Only the names of the grey heads differ: they count from the top. */
static void copy_shared_levels(const struct nn_network *large, float *large_values,
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

/* One buffer of a state of configuration `small` into the training's buffer of the same name. */
static nn_status grow_buffer(const struct nn_st_file *file, const struct tr_training *tr,
                             const struct nn_gan_config *small, enum nn_network_kind kind,
                             const struct buffer *buffer, struct nn_error *err)
{
    const struct nn_network *large = kind == NN_GENERATOR ? &tr->generator.net : &tr->discriminator.net;
    struct nn_network net;
    const void *data;
    nn_status status = nn_network_init(&net, small, kind, err);
    if (status != NN_OK) return status;
    int64_t dims[1] = {(int64_t)net.value_count};
    size_t size = buffer->count * sizeof(float);
    float *from = malloc(net.value_count * sizeof *from), *to = malloc(size);
    status = from && to ? nn_st_get(file, buffer->name, NN_ST_F32, 1, dims, &data, err)
                        : nn_fail(err, NN_ERR_MEMORY, "out of memory for a buffer of %zu MiB", size >> 20);
    if (status == NN_OK) status = tr->backend->download(tr->backend, to, buffer->device, size, err);
    if (status == NN_OK) {
        memcpy(from, data, net.value_count * sizeof *from);
        copy_shared_levels(large, to, &net, from, true);
        status = tr->backend->upload(tr->backend, buffer->device, to, size, err);
    }
    free(from);
    free(to);
    nn_network_release(&net);
    return status;
}

static bool grows_into(const struct nn_gan_config *small, const struct nn_gan_config *large)
{
    return small->resolution_log2 <= large->resolution_log2 && small->label_count == large->label_count &&
           small->fmap_base == large->fmap_base && small->fmap_max == large->fmap_max;
}

/* All that the run of `file` had been shown, itself and before it. */
static nn_status count_images_before(const struct nn_st_file *file, const char *path, struct tr_training *tr,
                                     struct nn_error *err)
{
    int64_t images = 0;
    nn_status status = read_images_before(file, path, tr, err);
    if (status == NN_OK) status = read_counter(file, path, "images", 0, INT64_MAX / 2, &images, err);
    if (status == NN_OK) tr->images_before += (uint64_t)images;
    return status;
}

nn_status tr_train_state_grow(const char *path, struct tr_training *tr, struct nn_error *err)
{
    struct nn_st_file *file;
    struct tr_train_config config;
    struct buffer list[BUFFERS];
    nn_status status = tr_train_state_read_config(path, &config, err);
    if (status != NN_OK) return status;
    if (!grows_into(&config.gan, &tr->config.gan))
        return nn_fail(
            err, NN_ERR_ARGUMENT,
            "%s: a run of %d classes, fmap %d/%d, at %d does not grow into %d classes, fmap %d/%d, at %d",
            path, config.gan.label_count, config.gan.fmap_base, config.gan.fmap_max,
            1 << config.gan.resolution_log2, tr->config.gan.label_count, tr->config.gan.fmap_base,
            tr->config.gan.fmap_max, 1 << tr->config.gan.resolution_log2);
    status = open_state(path, &file, err);
    if (status != NN_OK) return status;
    list_buffers(tr, list);
    for (int i = 0; i < BUFFERS && status == NN_OK; i++) {
        bool generator = strncmp(list[i].name, "generator", 9) == 0;
        if (strstr(list[i].name, "adam")) continue;
        status =
            grow_buffer(file, tr, &config.gan, generator ? NN_GENERATOR : NN_DISCRIMINATOR, &list[i], err);
    }
    if (status == NN_OK) status = count_images_before(file, path, tr, err);
    nn_st_close(file);
    return status;
}

static void describe(struct nn_checkpoint *info, const struct tr_training *tr, const char *name)
{
    info->class_count = info->config.label_count;
    for (int k = 0; k < info->class_count; k++)
        snprintf(info->classes[k], sizeof info->classes[k], "%s", tr_dataset_class(tr->data, k));
    snprintf(info->name, sizeof info->name, "%s", name);
    info->simulated = tr_dataset_simulated(tr->data);
    info->kimg = (double)(tr->images_before + tr->images) / 1000;
    const char *conditioning = !info->class_count                      ? ""
                               : nn_gan_logit_count(&info->config) > 0 ? " with classifier"
                                                                       : " with projection";
    char augmentation[48] = "";
    if (tr->config.augment.mode != TR_AUGMENT_NONE)
        snprintf(augmentation, sizeof augmentation, ", augmentation %s (p %.3f)",
                 tr_augment_words[tr->config.augment.mode], tr->augment.p);
    snprintf(info->provenance, sizeof info->provenance,
             "data set %s (sha256 %s, %d training images), %.1f kimg, loss %s%s%s%s, seed %" PRIu64,
             tr_dataset_name(tr->data), tr_dataset_sha256(tr->data), tr_dataset_train_count(tr->data),
             info->kimg, tr_loss_words[tr->config.loss.kind], conditioning, augmentation,
             tr->config.mirror ? ", mirrored" : "", tr->config.seed);
}

nn_status tr_train_state_export(const char *path, const struct tr_training *tr, const char *name,
                                struct nn_error *err)
{
    struct tr_phase phase = tr_training_phase(tr);
    if (phase.fading) return NN_OK;
    const struct nn_network *full = &tr->generator.net;
    struct nn_checkpoint info = {.config = tr->config.gan};
    struct nn_network part = {0};
    info.config.resolution_log2 -= (int)phase.lod;
    describe(&info, tr, name);
    float *values = malloc(full->value_count * sizeof *values), *lower = NULL;
    nn_status status = values ? nn_network_init(&part, &info.config, NN_GENERATOR, err)
                              : nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    if (status == NN_OK)
        status =
            tr->backend->download(tr->backend, values, tr->average, full->value_count * sizeof *values, err);
    if (status == NN_OK && !(lower = malloc(part.value_count * sizeof *lower)))
        status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    if (status == NN_OK) {
        copy_shared_levels(full, values, &part, lower, false);
        status = nn_checkpoint_write(path, &info, &part, lower, err);
    }
    nn_network_release(&part);
    free(values);
    free(lower);
    return status;
}
