#include "engine/checkpoint.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/safetensors.h"
#include "engine/sha256.h"

static const char FORMAT[] = "roentgym-generator", IMPORT_FORMAT[] = "roentgym-import";

/* The tensor of a parameter as the file has it: its memory order, O,K,K,I for weights. */
static struct nn_st_tensor file_tensor(const struct nn_param *p)
{
    bool is_weight = p->shape.n != 1 || strstr(p->name, "/weight") != NULL;
    struct nn_st_tensor tensor = {.name = p->name, .type = NN_ST_F32};
    if (is_weight) {
        tensor.rank = 4;
        tensor.dims[0] = p->shape.n;
        tensor.dims[1] = p->shape.h;
        tensor.dims[2] = p->shape.w;
        tensor.dims[3] = p->shape.c;
    } else {
        tensor.rank = 1;
        tensor.dims[0] = p->shape.c;
    }
    return tensor;
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* A JSON array of the class names; the caller frees it. */
static char *classes_text(const struct nn_checkpoint *info)
{
    json_t *array = json_array();
    for (int i = 0; i < info->class_count; i++) json_array_append_new(array, json_string(info->classes[i]));
    char *text = json_dumps(array, JSON_COMPACT);
    json_decref(array);
    return text;
}

nn_status nn_checkpoint_write(const char *path, const struct nn_checkpoint *info,
                              const struct nn_network *generator, const float *values, struct nn_error *err)
{
    const struct nn_gan_config *c = &info->config;
    char version[16], resolution[16], base[16], max[16], group[16], kimg[32], epsilon[32];
    snprintf(version, sizeof version, "%d", NN_CHECKPOINT_VERSION);
    snprintf(resolution, sizeof resolution, "%d", 1 << c->resolution_log2);
    snprintf(base, sizeof base, "%d", c->fmap_base);
    snprintf(max, sizeof max, "%d", c->fmap_max);
    snprintf(group, sizeof group, "%d", c->mbstd_group);
    snprintf(kimg, sizeof kimg, "%.3f", info->kimg);
    snprintf(epsilon, sizeof epsilon, "%.9g", (double)c->pixel_norm_epsilon);
    char *classes = classes_text(info);
    struct nn_st_tensor *tensors = calloc((size_t)generator->param_count, sizeof *tensors);
    nn_status status;
    if (!classes || !tensors) {
        status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for the checkpoint's header", path);
        goto out;
    }
    for (int i = 0; i < generator->param_count; i++) {
        tensors[i] = file_tensor(&generator->params[i]);
        tensors[i].data = values + generator->params[i].offset;
    }
    struct nn_st_text metadata[] = {
        {"format", FORMAT},
        {"format_version", version},
        {"name", info->name},
        {"resolution", resolution},
        {"fmap_base", base},
        {"fmap_max", max},
        {"mbstd_group", group},
        {"label_kind", nn_label_kind_words[c->label_kind]},
        {"label_norm", nn_label_norm_words[c->label_norm]},
        {"conditioning", nn_conditioning_words[c->conditioning]},
        {"fused_scale", c->unfused ? "false" : "true"},
        {"classes", classes},
        {"kimg", kimg},
        {"training_data", info->simulated ? "simulated" : "real"},
        {"provenance", info->provenance},
        {NULL, NULL}, /* room for what is left out where it is as usual */
        {NULL, NULL},
    };
    int metadata_count = (int)(sizeof metadata / sizeof *metadata) - 2;
    if (c->pixel_norm_epsilon > 0)
        metadata[metadata_count++] = (struct nn_st_text){"pixel_norm_epsilon", epsilon};
    if (info->licence[0]) metadata[metadata_count++] = (struct nn_st_text){"licence", info->licence};
    status = nn_st_write(path, tensors, generator->param_count, metadata, metadata_count, err);
out:
    free(tensors);
    free(classes);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------ */

struct reader {
    const struct nn_st_file *file;
    const char *path;
    struct nn_error *err;
};

static nn_status text_of(const struct reader *r, const char *key, const char **text)
{
    *text = nn_st_metadata(r->file, key);
    if (*text) return NN_OK;
    return nn_fail(r->err, NN_ERR_FORMAT, "%s: the metadata have no '%s'", r->path, key);
}

static nn_status number_of(const struct reader *r, const char *key, int *number)
{
    const char *text;
    nn_status status = text_of(r, key, &text);
    if (status != NN_OK) return status;
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < 0 || value > 1 << 24)
        return nn_fail(r->err, NN_ERR_FORMAT, "%s: metadata '%s' is '%.40s', not a number", r->path, key,
                       text);
    *number = (int)value;
    return NN_OK;
}

static nn_status copy_text(const struct reader *r, const char *key, char *to, size_t size)
{
    const char *text;
    nn_status status = text_of(r, key, &text);
    if (status == NN_OK) snprintf(to, size, "%s", text);
    return status;
}

static nn_status read_classes(const struct reader *r, struct nn_checkpoint *info)
{
    const char *text;
    nn_status status = text_of(r, "classes", &text);
    if (status != NN_OK) return status;
    json_t *array = json_loads(text, 0, NULL);
    size_t count = json_array_size(array);
    bool good = json_is_array(array) && count <= NN_LABELS_MAX;
    for (size_t i = 0; good && i < count; i++) {
        const char *name = json_string_value(json_array_get(array, i));
        good = name && *name && strlen(name) < NN_CLASS_NAME_MAX &&
               !(info->config.label_kind == NN_LABELS_MULTI && strcmp(name, NN_CLASS_NONE) == 0);
        if (good) snprintf(info->classes[i], NN_CLASS_NAME_MAX, "%s", name);
    }
    json_decref(array);
    info->class_count = info->config.label_count = (int)count;
    if (good) return NN_OK;
    return nn_fail(r->err, NN_ERR_FORMAT, "%s: metadata 'classes' is not a list of at most %d short names",
                   r->path, NN_LABELS_MAX);
}

static nn_status read_resolution(const struct reader *r, int *resolution_log2)
{
    int resolution;
    nn_status status = number_of(r, "resolution", &resolution);
    if (status != NN_OK) return status;
    for (int log2 = 2; log2 <= NN_RESOLUTION_LOG2_MAX; log2++)
        if (resolution == 1 << log2) {
            *resolution_log2 = log2;
            return NN_OK;
        }
    return nn_fail(r->err, NN_ERR_FORMAT, "%s: resolution %d is not a power of two in 4..%d", r->path,
                   resolution, 1 << NN_RESOLUTION_LOG2_MAX);
}

/* A file without the key is of before there was a choice, and has the first word. */
static nn_status word_of(const struct reader *r, const char *key, const char *const words[], int *index)
{
    const char *text = nn_st_metadata(r->file, key);
    *index = text ? nn_word_index(words, text) : 0;
    if (*index >= 0) return NN_OK;
    return nn_fail(r->err, NN_ERR_FORMAT, "%s: metadata '%s' is '%.40s', which this program does not know",
                   r->path, key, text);
}

static nn_status read_epsilon(const struct reader *r, float *epsilon)
{
    const char *text = nn_st_metadata(r->file, "pixel_norm_epsilon");
    char *end = NULL;
    if (text) *epsilon = strtof(text, &end);
    if (!text || (end != text && !*end && *epsilon > 0)) return NN_OK;
    return nn_fail(r->err, NN_ERR_FORMAT, "%s: metadata 'pixel_norm_epsilon' is '%.40s'", r->path, text);
}

static nn_status read_variant(const struct reader *r, struct nn_gan_config *c)
{
    static const char *const fused_words[] = {"true", "false", NULL};
    int kind, norm, conditioning, unfused;
    nn_status status = word_of(r, "label_kind", nn_label_kind_words, &kind);
    if (status == NN_OK) status = word_of(r, "label_norm", nn_label_norm_words, &norm);
    if (status == NN_OK) status = word_of(r, "conditioning", nn_conditioning_words, &conditioning);
    if (status == NN_OK) status = word_of(r, "fused_scale", fused_words, &unfused);
    if (status == NN_OK) status = read_epsilon(r, &c->pixel_norm_epsilon);
    if (status != NN_OK) return status;
    c->label_kind = (enum nn_label_kind)kind;
    c->label_norm = (enum nn_label_norm)norm;
    c->conditioning = (enum nn_conditioning)conditioning;
    c->unfused = unfused;
    return NN_OK;
}

static nn_status read_kimg(const struct reader *r, double *kimg)
{
    const char *text;
    nn_status status = text_of(r, "kimg", &text);
    if (status != NN_OK) return status;
    char *end;
    *kimg = strtod(text, &end);
    if (end != text && !*end && *kimg >= 0 && *kimg < 1e9) return NN_OK;
    return nn_fail(r->err, NN_ERR_FORMAT, "%s: metadata 'kimg' is '%.40s'", r->path, text);
}

static nn_status check_format(const struct reader *r, const char *wanted)
{
    const char *format = nn_st_metadata(r->file, "format");
    if (format && strcmp(format, wanted) == 0) return NN_OK;
    if (format && strcmp(format, IMPORT_FORMAT) == 0)
        return nn_fail(r->err, NN_ERR_FORMAT,
                       "%s: is not imported yet; roentgym import makes a checkpoint of it", r->path);
    return nn_fail(r->err, NN_ERR_FORMAT, "%s: not a %s (metadata 'format' is %s%.40s%s)", r->path,
                   wanted == FORMAT ? "roentgym generator" : "converted network", format ? "'" : "",
                   format ? format : "absent", format ? "'" : "");
}

static nn_status read_metadata(const struct reader *r, const char *format, struct nn_checkpoint *info)
{
    nn_status status;
    int version;
    const char *data, *licence = nn_st_metadata(r->file, "licence");
    if ((status = check_format(r, format)) != NN_OK) return status;
    if (licence) snprintf(info->licence, sizeof info->licence, "%s", licence);
    if ((status = number_of(r, "format_version", &version)) != NN_OK) return status;
    if (version != NN_CHECKPOINT_VERSION)
        return nn_fail(r->err, NN_ERR_FORMAT, "%s: format version %d, this program reads %d", r->path,
                       version, NN_CHECKPOINT_VERSION);
    if ((status = read_resolution(r, &info->config.resolution_log2)) != NN_OK) return status;
    if ((status = number_of(r, "fmap_base", &info->config.fmap_base)) != NN_OK) return status;
    if ((status = number_of(r, "fmap_max", &info->config.fmap_max)) != NN_OK) return status;
    if ((status = number_of(r, "mbstd_group", &info->config.mbstd_group)) != NN_OK) return status;
    if ((status = read_variant(r, &info->config)) != NN_OK) return status;
    if ((status = read_classes(r, info)) != NN_OK) return status;
    if ((status = read_kimg(r, &info->kimg)) != NN_OK) return status;
    if ((status = copy_text(r, "name", info->name, sizeof info->name)) != NN_OK) return status;
    if ((status = copy_text(r, "provenance", info->provenance, sizeof info->provenance)) != NN_OK)
        return status;
    if ((status = text_of(r, "training_data", &data)) != NN_OK) return status;
    if (strcmp(data, "simulated") != 0 && strcmp(data, "real") != 0)
        return nn_fail(r->err, NN_ERR_FORMAT, "%s: training_data is '%.40s', not simulated or real", r->path,
                       data);
    info->simulated = strcmp(data, "simulated") == 0;
    return NN_OK;
}

/* With `values` NULL only checks that the tensors are there. */
static nn_status read_values(const struct reader *r, const struct nn_network *net, float *values)
{
    for (int i = 0; i < net->param_count; i++) {
        const struct nn_param *p = &net->params[i];
        struct nn_st_tensor want = file_tensor(p);
        const void *data;
        nn_status status = nn_st_get(r->file, p->name, NN_ST_F32, want.rank, want.dims, &data, r->err);
        if (status != NN_OK) return status;
        if (values) memcpy(values + p->offset, data, nn_count(p->shape) * sizeof *values);
    }
    return NN_OK;
}

static nn_status all_finite(const struct reader *r, const struct nn_network *net, const float *values)
{
    for (size_t i = 0; i < net->value_count; i++)
        if (!(values[i] - values[i] == 0))
            return nn_fail(r->err, NN_ERR_FORMAT, "%s: a weight is not a finite number", r->path);
    return NN_OK;
}

/* ---- of a converter ----------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct nn_param *const *p = a, *const *q = b;
    return strcmp((*p)->name, (*q)->name);
}

static nn_status sum_values(const struct nn_network *net, const float *values, char hex[65])
{
    const struct nn_param **order = malloc((size_t)net->param_count * sizeof *order);
    if (!order) return NN_ERR_MEMORY;
    for (int i = 0; i < net->param_count; i++) order[i] = &net->params[i];
    qsort(order, (size_t)net->param_count, sizeof *order, by_name);
    struct nn_sha256 hash;
    nn_sha256_init(&hash);
    for (int i = 0; i < net->param_count; i++) {
        nn_sha256_add(&hash, order[i]->name, strlen(order[i]->name) + 1);
        nn_sha256_add(&hash, values + order[i]->offset, nn_count(order[i]->shape) * sizeof *values);
    }
    nn_sha256_finish(&hash, hex);
    free(order);
    return NN_OK;
}

static nn_status check_import(const struct reader *r, const struct nn_network *net, const float *values)
{
    char sum[65];
    const char *stated;
    nn_status status = text_of(r, "tensors_sha256", &stated);
    if (status != NN_OK) return status;
    for (int i = 0; i < nn_st_count(r->file); i++)
        if (nn_network_find(net, nn_st_at(r->file, i)->name) < 0)
            return nn_fail(r->err, NN_ERR_FORMAT, "%s: tensor \"%.64s\" is none of the generator's", r->path,
                           nn_st_at(r->file, i)->name);
    if (sum_values(net, values, sum) != NN_OK)
        return nn_fail(r->err, NN_ERR_MEMORY, "%s: out of memory", r->path);
    if (strcmp(sum, stated) == 0) return NN_OK;
    return nn_fail(r->err, NN_ERR_FORMAT,
                   "%s: its weights are not those that were converted (SHA-256 differs)", r->path);
}

/* ---- a file ------------------------------------------------------------------------------------- */

static nn_status read_layout(const struct reader *r, const char *format, struct nn_checkpoint *info,
                             struct nn_network *generator)
{
    struct nn_error problem = {.status = NN_OK};
    nn_status status = read_metadata(r, format, info);
    if (status != NN_OK) return status;
    status = nn_network_init(generator, &info->config, NN_GENERATOR, &problem);
    if (status == NN_OK) return NN_OK;
    /* The file asks for it, not the caller. */
    return nn_fail(r->err, status == NN_ERR_ARGUMENT ? NN_ERR_FORMAT : status, "%s: %s", r->path,
                   problem.text);
}

nn_status nn_checkpoint_describe(const char *path, struct nn_checkpoint *info, struct nn_network *generator,
                                 struct nn_error *err)
{
    struct nn_st_file *file = NULL;
    *info = (struct nn_checkpoint){0};
    *generator = (struct nn_network){0};
    nn_status status = nn_st_open_header(&file, path, err);
    if (status != NN_OK) return status;
    struct reader r = {file, path, err};
    status = read_layout(&r, FORMAT, info, generator);
    if (status == NN_OK) status = read_values(&r, generator, NULL);
    if (status != NN_OK) nn_network_release(generator);
    nn_st_close(file);
    return status;
}

static nn_status read_file(const char *path, const char *format, struct nn_checkpoint *info,
                           struct nn_network *generator, float **values, char sha256[65],
                           struct nn_error *err)
{
    struct nn_st_file *file = NULL;
    *info = (struct nn_checkpoint){0};
    *generator = (struct nn_network){0};
    *values = NULL;
    nn_status status = nn_st_open(&file, path, err);
    if (status != NN_OK) return status;
    struct reader r = {file, path, err};
    if ((status = read_layout(&r, format, info, generator)) != NN_OK) goto out;
    *values = malloc(generator->value_count * sizeof **values);
    if (!*values) {
        status =
            nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for %zu weights", path, generator->value_count);
        goto out;
    }
    if ((status = read_values(&r, generator, *values)) != NN_OK) goto out;
    if ((status = all_finite(&r, generator, *values)) != NN_OK) goto out;
    if (format == IMPORT_FORMAT && (status = check_import(&r, generator, *values)) != NN_OK) goto out;
    nn_st_sha256(file, sha256);
out:
    if (status != NN_OK) {
        nn_network_release(generator);
        free(*values);
        *values = NULL;
    }
    nn_st_close(file);
    return status;
}

nn_status nn_checkpoint_read(const char *path, struct nn_checkpoint *info, struct nn_network *generator,
                             float **values, char sha256[65], struct nn_error *err)
{
    return read_file(path, FORMAT, info, generator, values, sha256, err);
}

nn_status nn_checkpoint_read_import(const char *path, struct nn_checkpoint *info,
                                    struct nn_network *generator, float **values, char sha256[65],
                                    struct nn_error *err)
{
    return read_file(path, IMPORT_FORMAT, info, generator, values, sha256, err);
}
