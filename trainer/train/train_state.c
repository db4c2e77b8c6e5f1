#include "trainer/train/train_state.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/gan_widen.h"
#include "engine/safetensors.h"
#include "engine/sha256.h"

static const char FORMAT[] = "roentgym-training-state", VERSION[] = "2", FIRST_VERSION[] = "1",
                  CHECKSUM[] = "sha256", LOSSES[] = "losses";
enum { LOSSES_COUNT = sizeof(struct tr_losses) / sizeof(double), TEXTS_MAX = 64 };
_Static_assert(sizeof(struct tr_losses) == LOSSES_COUNT * sizeof(double), "losses are a row of doubles");

/* The flat buffers of a state, by name, as a training has them in its backend's memory. */
struct buffer {
    const char *name;
    void *device;
    size_t count;
};
enum { BUFFERS = TR_STATE_BUFFERS, TENSORS = BUFFERS + 1 };

static void list_buffers(const struct tr_training *tr, struct buffer list[BUFFERS])
{
    const struct tr_player *g = &tr->generator, *d = &tr->discriminator;
    size_t g_count = g->net.value_count, d_count = d->net.value_count;
    const struct buffer all[BUFFERS] = {
        {"generator", g->values, g_count},
        {"generator/adam_m", g->m, g_count},
        {"generator/adam_v", g->v, g_count},
        [TR_STATE_AVERAGE] = {"generator/average", tr->average, g_count},
        {"discriminator", d->values, d_count},
        {"discriminator/adam_m", d->m, d_count},
        {"discriminator/adam_v", d->v, d_count},
    };
    memcpy(list, all, sizeof all);
}

/* ---- snapshots ---------------------------------------------------------------------------------- */

nn_status tr_snapshot_take(struct tr_snapshot *s, const struct tr_training *tr, struct nn_error *err)
{
    struct buffer list[BUFFERS];
    list_buffers(tr, list);
    s->at = *tr;
    for (int i = 0; i < BUFFERS; i++) {
        size_t size = list[i].count * sizeof(float);
        bool finite = true;
        nn_status status = tr->backend->all_finite(
            tr->backend, &(struct nn_span){list[i].device, list[i].count}, 1, &finite, err);
        if (status != NN_OK) return status;
        if (!finite)
            return nn_fail(err, NN_ERR_NUMERIC,
                           "a weight (%s) is no longer a finite number; lower the learning rate",
                           list[i].name);
        if (!s->host[i]) s->host[i] = malloc(size);
        if (!s->host[i])
            return nn_fail(err, NN_ERR_MEMORY, "out of memory for a state of %zu MiB", size >> 20);
        status = tr->backend->download(tr->backend, s->host[i], list[i].device, size, err);
        if (status != NN_OK) return status;
    }
    return NN_OK;
}

void tr_snapshot_release(struct tr_snapshot *s)
{
    for (int i = 0; i < BUFFERS; i++) free(s->host[i]);
    *s = (struct tr_snapshot){0};
}

/* ---- writing ------------------------------------------------------------------------------------ */

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

/* Over all other metadata and all tensors, names and content, in the order of the file: what tells a state
 * that bad memory or a bad disk has changed, which safetensors itself does not. */
static void checksum(const struct nn_st_text *texts, int text_count, const struct nn_st_tensor *tensors,
                     int count, char hex[65])
{
    struct nn_sha256 hash;
    nn_sha256_init(&hash);
    for (int i = 0; i < text_count; i++) {
        if (strcmp(texts[i].key, CHECKSUM) == 0) continue;
        nn_sha256_add(&hash, texts[i].key, strlen(texts[i].key) + 1);
        nn_sha256_add(&hash, texts[i].value, strlen(texts[i].value) + 1);
    }
    for (int i = 0; i < count; i++) {
        nn_sha256_add(&hash, tensors[i].name, strlen(tensors[i].name) + 1);
        nn_sha256_add(&hash, tensors[i].data, nn_st_tensor_bytes(&tensors[i]));
    }
    nn_sha256_finish(&hash, hex);
}

static nn_status write_file(const char *path, const struct tr_training *tr,
                            const struct nn_st_tensor tensors[TENSORS], struct nn_error *err)
{
    char images[24], before[24], steps[24], skipped[24], in_a_row[24], adam_step[24], d_adam_step[24],
        adam_phase[24], augment[80], classes[CLASSES_TEXT], watch[TR_WATCH_TEXT], tick_images[24],
        sum[65] = "";
    snprintf(images, sizeof images, "%" PRIu64, tr->images);
    snprintf(before, sizeof before, "%" PRIu64, tr->images_before);
    snprintf(steps, sizeof steps, "%" PRIu64, tr->steps);
    snprintf(skipped, sizeof skipped, "%" PRIu64, tr->skipped);
    snprintf(in_a_row, sizeof in_a_row, "%d", tr->skipped_in_a_row);
    snprintf(adam_step, sizeof adam_step, "%" PRId64, tr->generator.adam_step);
    snprintf(d_adam_step, sizeof d_adam_step, "%" PRId64, tr->discriminator.adam_step);
    snprintf(adam_phase, sizeof adam_phase, "%d", tr->adam_phase);
    snprintf(augment, sizeof augment, "%.17g %" PRId64 " %" PRId64, tr->augment.p, tr->augment.signs,
             tr->augment.scores);
    snprintf(tick_images, sizeof tick_images, "%" PRIu64, tr->tick_images);
    tr_watch_text(&tr->watch, watch);
    classes_text(tr, classes);
    char *config = tr_train_config_text(&tr->config);
    if (!config) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for the configuration", path);
    const struct nn_st_text metadata[] = {
        {"format", FORMAT},
        {"format_version", VERSION},
        {"config", config},
        {"images", images},
        {"images_before", before},
        {"steps", steps},
        {"skipped", skipped},
        {"skipped_in_a_row", in_a_row},
        {"adam_step", adam_step},
        {"adam_phase", adam_phase},
        {"tick_images", tick_images},
        {"watch", watch},
        {"data_sha256", tr_dataset_sha256(tr->data)},
        {"discriminator_adam_step", d_adam_step},
        {"classes", classes},
        {"augment", augment},
        {CHECKSUM, sum},
    };
    int texts = (int)(sizeof metadata / sizeof *metadata);
    checksum(metadata, texts, tensors, TENSORS, sum);
    nn_status status = nn_st_write(path, tensors, TENSORS, metadata, texts, err);
    free(config);
    return status;
}

nn_status tr_train_state_write(const char *path, const struct tr_snapshot *s, struct nn_error *err)
{
    struct buffer list[BUFFERS];
    struct nn_st_tensor tensors[TENSORS] = {{0}}; /* that of 8-byte elements first, as in the file */
    tensors[0] = (struct nn_st_tensor){
        .name = LOSSES, .type = NN_ST_F64, .rank = 1, .dims = {LOSSES_COUNT}, .data = &s->at.tick};
    list_buffers(&s->at, list);
    for (int i = 0; i < BUFFERS; i++)
        tensors[1 + i] = (struct nn_st_tensor){.name = list[i].name,
                                               .type = NN_ST_F32,
                                               .rank = 1,
                                               .dims = {(int64_t)list[i].count},
                                               .data = s->host[i]};
    return write_file(path, &s->at, tensors, err);
}

/* ---- reading ------------------------------------------------------------------------------------ */

static bool all_finite(const struct nn_st_file *file)
{
    for (int i = 0; i < nn_st_count(file); i++) {
        const struct nn_st_tensor *t = nn_st_at(file, i);
        size_t count = t->type == NN_ST_F32 ? nn_st_tensor_bytes(t) / sizeof(float) : 0;
        for (size_t k = 0; k < count; k++) {
            float value;
            memcpy(&value, (const char *)t->data + k * sizeof value, sizeof value);
            if (!isfinite(value)) return false;
        }
    }
    return true;
}

static bool checksum_agrees(const struct nn_st_file *file)
{
    struct nn_st_text texts[TEXTS_MAX];
    struct nn_st_tensor tensors[TENSORS];
    const char *wanted = nn_st_metadata(file, CHECKSUM);
    int text_count = nn_st_metadata_count(file), count = nn_st_count(file);
    char sum[65];
    if (!wanted) return strcmp(nn_st_metadata(file, "format_version"), FIRST_VERSION) == 0; /* it had none */
    if (text_count > TEXTS_MAX || count > TENSORS) return false;
    for (int i = 0; i < text_count; i++) texts[i] = nn_st_metadata_at(file, i);
    for (int i = 0; i < count; i++) tensors[i] = *nn_st_at(file, i);
    checksum(texts, text_count, tensors, count, sum);
    return strcmp(wanted, sum) == 0;
}

static nn_status open_state(const char *path, struct nn_st_file **file, struct nn_error *err)
{
    nn_status status = nn_st_open(file, path, err);
    if (status != NN_OK) return status;
    const char *format = nn_st_metadata(*file, "format"), *version = nn_st_metadata(*file, "format_version");
    if (!format || !version || strcmp(format, FORMAT) != 0 ||
        (strcmp(version, VERSION) != 0 && strcmp(version, FIRST_VERSION) != 0))
        status = nn_fail(err, NN_ERR_FORMAT, "%s: not a training state of this version", path);
    else if (!checksum_agrees(*file))
        status =
            nn_fail(err, NN_ERR_FORMAT, "%s: damaged: its checksum does not agree with its content", path);
    else if (!all_finite(*file))
        status = nn_fail(err, NN_ERR_FORMAT, "%s: a weight is not a finite number", path);
    if (status != NN_OK) nn_st_close(*file);
    return status;
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

/* Losses of other fields, as another version of this program has, are left at zero. */
static nn_status read_tick(const struct nn_st_file *file, const char *path, struct tr_training *tr,
                           struct nn_error *err)
{
    const char *watch = nn_st_metadata(file, "watch");
    const void *losses;
    int64_t dims[1] = {LOSSES_COUNT}, images;
    nn_status status = read_later_counter(file, path, "tick_images", (int64_t)tr->images, &images, err);
    if (status != NN_OK) return status;
    tr->tick_images = (uint64_t)images;
    if (watch && !tr_watch_parse(&tr->watch, watch))
        return nn_fail(err, NN_ERR_FORMAT, "%s: 'watch' is damaged", path);
    if (nn_st_get(file, LOSSES, NN_ST_F64, 1, dims, &losses, NULL) == NN_OK)
        memcpy(&tr->tick, losses, sizeof tr->tick);
    return NN_OK;
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
    int64_t before, in_a_row;
    nn_status status = read_later_counter(file, path, "discriminator_adam_step", value[3],
                                          &tr->discriminator.adam_step, err);
    if (status == NN_OK) status = read_augment(file, path, &tr->augment, err);
    if (status == NN_OK) status = read_later_counter(file, path, "images_before", 0, &before, err);
    if (status == NN_OK) status = read_later_counter(file, path, "skipped_in_a_row", 0, &in_a_row, err);
    if (status != NN_OK) return status;
    tr->images_before = (uint64_t)before;
    tr->skipped_in_a_row = (int)in_a_row;
    return read_tick(file, path, tr, err);
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

/* One buffer of a state of configuration `small`, as wide as the network `wide` of the same resolution. */
static nn_status read_widened(const struct nn_st_file *file, const char *name,
                              const struct nn_gan_config *small, const struct nn_network *wide, uint64_t seed,
                              float *values, struct nn_error *err)
{
    struct nn_network narrow;
    const void *data;
    nn_status status = nn_network_init(&narrow, small, wide->kind, err);
    if (status != NN_OK) return status;
    int64_t dims[1] = {(int64_t)narrow.value_count};
    float *from = malloc(narrow.value_count * sizeof *from);
    status = from ? nn_st_get(file, name, NN_ST_F32, 1, dims, &data, err)
                  : nn_fail(err, NN_ERR_MEMORY, "out of memory for the weights to grow from");
    if (status == NN_OK) {
        memcpy(from, data, narrow.value_count * sizeof *from);
        nn_network_widen(wide, values, &narrow, from, seed);
    }
    free(from);
    nn_network_release(&narrow);
    return status;
}

/* The same into the training's buffer of that name, for the levels that the state has. */
static nn_status grow_buffer(const struct nn_st_file *file, const struct tr_training *tr,
                             const struct nn_gan_config *small, enum nn_network_kind kind,
                             const struct buffer *buffer, struct nn_error *err)
{
    const struct nn_network *large = kind == NN_GENERATOR ? &tr->generator.net : &tr->discriminator.net;
    struct nn_gan_config config = large->config;
    struct nn_network lower;
    config.resolution_log2 = small->resolution_log2;
    nn_status status = nn_network_init(&lower, &config, kind, err);
    if (status != NN_OK) return status;
    size_t size = buffer->count * sizeof(float);
    float *from = malloc(lower.value_count * sizeof *from), *to = malloc(size);
    status = from && to ? read_widened(file, buffer->name, small, &lower, tr->config.seed, from, err)
                        : nn_fail(err, NN_ERR_MEMORY, "out of memory for a buffer of %zu MiB", size >> 20);
    if (status == NN_OK) status = tr->backend->download(tr->backend, to, buffer->device, size, err);
    if (status == NN_OK) {
        nn_network_copy_levels(large, to, &lower, from, true);
        status = tr->backend->upload(tr->backend, buffer->device, to, size, err);
    }
    free(from);
    free(to);
    nn_network_release(&lower);
    return status;
}

/* In words, "2 classes, fmap 64/16, fused, joint, classifier, at 8": what two runs must share but the last,
 * and the widths, which may widen. */
static void describe_networks(const struct nn_gan_config *c, char text[120])
{
    snprintf(text, 120, "%d %s, fmap %d/%d, %s, %s, %s, at %d", c->label_count,
             c->label_kind == NN_LABELS_MULTI ? "findings" : "classes", c->fmap_base, c->fmap_max,
             c->unfused ? "unfused" : "fused", nn_label_norm_words[c->label_norm],
             nn_conditioning_words[c->conditioning], 1 << c->resolution_log2);
}

static nn_status check_growth(const struct nn_gan_config *small, const struct nn_gan_config *large,
                              const char *path, struct nn_error *err)
{
    char from[120], to[120];
    if (small->resolution_log2 <= large->resolution_log2 && small->label_count == large->label_count &&
        nn_gan_widens(small, large) && small->label_kind == large->label_kind &&
        small->label_norm == large->label_norm && small->conditioning == large->conditioning &&
        small->unfused == large->unfused)
        return NN_OK;
    describe_networks(small, from);
    describe_networks(large, to);
    return nn_fail(err, NN_ERR_ARGUMENT, "%s: a run of %s does not grow into %s", path, from, to);
}

/* All that the run of `file` had been shown, itself and before it. */
static nn_status count_images_before(const struct nn_st_file *file, const char *path, struct tr_training *tr,
                                     struct nn_error *err)
{
    int64_t images = 0, before;
    nn_status status = read_later_counter(file, path, "images_before", 0, &before, err);
    if (status == NN_OK) status = read_counter(file, path, "images", 0, INT64_MAX / 2, &images, err);
    if (status == NN_OK) tr->images_before = (uint64_t)before + (uint64_t)images;
    return status;
}

nn_status tr_train_state_grow(const char *path, struct tr_training *tr, struct nn_error *err)
{
    struct nn_st_file *file;
    struct tr_train_config config;
    struct buffer list[BUFFERS];
    nn_status status = tr_train_state_read_config(path, &config, err);
    if (status != NN_OK) return status;
    status = check_growth(&config.gan, &tr->config.gan, path, err);
    if (status != NN_OK) return status;
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
