#include "engine/safetensors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"
#include "engine/sha256.h"

/* A full-width training state is below 1 GB. */
#define FILE_LIMIT ((size_t)16 << 30)

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [NN_ST_F64] = {"F64", 8},   [NN_ST_I64] = {"I64", 8},   [NN_ST_U64] = {"U64", 8},
    [NN_ST_F32] = {"F32", 4},   [NN_ST_I32] = {"I32", 4},   [NN_ST_U32] = {"U32", 4},
    [NN_ST_F16] = {"F16", 2},   [NN_ST_BF16] = {"BF16", 2}, [NN_ST_I16] = {"I16", 2},
    [NN_ST_U16] = {"U16", 2},   [NN_ST_I8] = {"I8", 1},     [NN_ST_U8] = {"U8", 1},
    [NN_ST_BOOL] = {"BOOL", 1},
};

enum { TYPE_COUNT = sizeof types / sizeof types[0] };

struct placed {
    struct nn_st_tensor tensor;
    uint64_t begin; /* in the data */
};

struct nn_st_file {
    char *path;
    const uint8_t *bytes;
    size_t size;           /* of the whole file */
    size_t held;           /* bytes of it in memory: all, or no more than the header */
    uint8_t *owned;        /* == bytes if the file was read, else NULL */
    json_t *header;        /* owns all names and texts */
    struct placed *places; /* sorted by place */
    int count;
    struct nn_st_text *texts;
    int text_count;
};

const char *nn_st_type_name(enum nn_st_type type)
{
    return types[type].name;
}

size_t nn_st_type_size(enum nn_st_type type)
{
    return types[type].size;
}

size_t nn_st_tensor_bytes(const struct nn_st_tensor *tensor)
{
    size_t bytes = types[tensor->type].size;
    for (int i = 0; i < tensor->rank; i++) bytes *= (size_t)tensor->dims[i];
    return bytes;
}

/* ---- one tensor's entry of the header ---- */

static bool parse_type(const json_t *value, enum nn_st_type *type)
{
    const char *name = json_string_value(value);
    for (int i = 0; name && i < TYPE_COUNT; i++)
        if (!strcmp(name, types[i].name)) {
            *type = (enum nn_st_type)i;
            return true;
        }
    return false;
}

static bool parse_shape(const json_t *value, struct nn_st_tensor *t, uint64_t *bytes)
{
    if (!json_is_array(value) || json_array_size(value) > NN_ST_DIMS_MAX) return false;
    t->rank = (int)json_array_size(value);
    *bytes = types[t->type].size;
    for (int i = 0; i < t->rank; i++) {
        const json_t *dim = json_array_get(value, (size_t)i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0) return false;
        t->dims[i] = json_integer_value(dim);
        if (__builtin_mul_overflow(*bytes, (uint64_t)t->dims[i], bytes)) return false;
    }
    return true;
}

static bool parse_offsets(const json_t *value, uint64_t data_size, uint64_t *begin, uint64_t *end)
{
    if (!json_is_array(value) || json_array_size(value) != 2) return false;
    const json_t *b = json_array_get(value, 0), *e = json_array_get(value, 1);
    if (!json_is_integer(b) || !json_is_integer(e) || json_integer_value(b) < 0) return false;
    *begin = (uint64_t)json_integer_value(b);
    *end = (uint64_t)json_integer_value(e);
    return json_integer_value(e) >= 0 && *begin <= *end && *end <= data_size;
}

static nn_status parse_tensor(const char *name, const json_t *entry, uint64_t data_size, struct placed *place,
                              const char *path, struct nn_error *err)
{
    uint64_t bytes, end;
    struct nn_st_tensor *t = &place->tensor;
    *t = (struct nn_st_tensor){.name = name};
    if (!json_is_object(entry))
        return nn_fail(err, NN_ERR_FORMAT, "%s: tensor \"%.64s\": its entry is not an object", path, name);
    if (!parse_type(json_object_get(entry, "dtype"), &t->type))
        return nn_fail(err, NN_ERR_FORMAT, "%s: tensor \"%.64s\": dtype is missing or unknown", path, name);
    if (!parse_shape(json_object_get(entry, "shape"), t, &bytes))
        return nn_fail(err, NN_ERR_FORMAT,
                       "%s: tensor \"%.64s\": shape is not a list of at most %d dimensions", path, name,
                       NN_ST_DIMS_MAX);
    if (!parse_offsets(json_object_get(entry, "data_offsets"), data_size, &place->begin, &end))
        return nn_fail(err, NN_ERR_FORMAT,
                       "%s: tensor \"%.64s\": data_offsets are not a range within the file", path, name);
    if (end - place->begin != bytes)
        return nn_fail(err, NN_ERR_FORMAT, "%s: tensor \"%.64s\": has %llu bytes where its shape needs %llu",
                       path, name, (unsigned long long)(end - place->begin), (unsigned long long)bytes);
    return NN_OK;
}

/* ---- the header ---- */

static nn_status parse_metadata(struct nn_st_file *file, json_t *object, struct nn_error *err)
{
    if (!json_is_object(object))
        return nn_fail(err, NN_ERR_FORMAT, "%s: __metadata__ is not an object", file->path);
    file->texts = calloc(json_object_size(object) + 1, sizeof *file->texts);
    if (!file->texts) return nn_fail(err, NN_ERR_MEMORY, "%s: no memory for its metadata", file->path);
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!json_is_string(value))
            return nn_fail(err, NN_ERR_FORMAT, "%s: metadata \"%.64s\" is not a text", file->path, key);
        file->texts[file->text_count++] = (struct nn_st_text){key, json_string_value(value)};
    }
    return NN_OK;
}

/* By place; at the same place an empty tensor comes first. */
static int compare_places(const void *a, const void *b)
{
    const struct placed *p = a, *q = b;
    if (p->begin != q->begin) return p->begin < q->begin ? -1 : 1;
    size_t m = nn_st_tensor_bytes(&p->tensor), n = nn_st_tensor_bytes(&q->tensor);
    return (m > n) - (m < n);
}

static nn_status check_places(const struct nn_st_file *file, uint64_t data_size, struct nn_error *err)
{
    uint64_t at = 0;
    for (int i = 0; i < file->count; i++) {
        const struct placed *place = &file->places[i];
        if (place->begin != at)
            return nn_fail(err, NN_ERR_FORMAT, "%s: tensor \"%.64s\": %s", file->path, place->tensor.name,
                           place->begin < at ? "overlaps another tensor" : "leaves a gap before it");
        at += nn_st_tensor_bytes(&place->tensor);
    }
    if (at != data_size)
        return nn_fail(err, NN_ERR_FORMAT, "%s: has %llu bytes after its last tensor", file->path,
                       (unsigned long long)(data_size - at));
    return NN_OK;
}

static nn_status parse_tensors(struct nn_st_file *file, size_t data_at, struct nn_error *err)
{
    size_t entries = json_object_size(file->header);
    file->places = calloc(entries + 1, sizeof *file->places);
    if (!file->places) return nn_fail(err, NN_ERR_MEMORY, "%s: no memory for its tensors", file->path);
    uint64_t data_size = file->size - data_at;
    nn_status status;
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry)
    {
        if (!strcmp(name, "__metadata__")) {
            status = parse_metadata(file, entry, err);
        } else {
            struct placed *place = &file->places[file->count++];
            status = parse_tensor(name, entry, data_size, place, file->path, err);
            if (file->held == file->size) place->tensor.data = file->bytes + data_at + place->begin;
        }
        if (status) return status;
    }
    qsort(file->places, (size_t)file->count, sizeof *file->places, compare_places);
    return check_places(file, data_size, err);
}

static uint64_t header_length(const uint8_t *bytes)
{
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--) length = length << 8 | bytes[i];
    return length;
}

static nn_status parse(struct nn_st_file *file, struct nn_error *err)
{
    if (file->size < 8)
        return nn_fail(err, NN_ERR_FORMAT, "%s: not a safetensors file: too short", file->path);
    uint64_t length = header_length(file->bytes);
    if (length < 2 || length > NN_ST_HEADER_MAX)
        return nn_fail(err, NN_ERR_FORMAT,
                       "%s: not a safetensors file: header length %llu is not within 2..%d", file->path,
                       (unsigned long long)length, NN_ST_HEADER_MAX);
    if (length > file->held - 8)
        return nn_fail(err, NN_ERR_FORMAT, "%s: the file is cut short: %zu bytes, its header alone has %llu",
                       file->path, file->size, (unsigned long long)length);
    json_error_t where;
    file->header = json_loadb((const char *)file->bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, &where);
    if (!file->header)
        return nn_fail(err,
                       json_error_code(&where) == json_error_out_of_memory ? NN_ERR_MEMORY : NN_ERR_FORMAT,
                       "%s: header at byte %d: %s", file->path, where.position + 8, where.text);
    if (!json_is_object(file->header))
        return nn_fail(err, NN_ERR_FORMAT, "%s: the header is not a JSON object", file->path);
    return parse_tensors(file, 8 + (size_t)length, err);
}

/* ---- opening ---- */

/* Of a file of `size_bytes`, of which `bytes` holds `held_bytes`. */
static nn_status open_held(struct nn_st_file **file, const void *bytes, size_t held_bytes, size_t size_bytes,
                           const char *name, struct nn_error *err)
{
    *file = NULL;
    struct nn_st_file *f = calloc(1, sizeof *f);
    if (!f || !(f->path = strdup(name))) {
        free(f);
        return nn_fail(err, NN_ERR_MEMORY, "%s: no memory to read it", name);
    }
    f->bytes = bytes;
    f->held = held_bytes;
    f->size = size_bytes;
    nn_status status = parse(f, err);
    if (status)
        nn_st_close(f);
    else
        *file = f;
    return status;
}

nn_status nn_st_open_memory(struct nn_st_file **file, const void *bytes, size_t size_bytes, const char *name,
                            struct nn_error *err)
{
    return open_held(file, bytes, size_bytes, size_bytes, name, err);
}

/* The first `count` bytes of a file, or all. */
static nn_status open_start(struct nn_st_file **file, const char *path, size_t count, struct nn_error *err)
{
    *file = NULL;
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_file_read_start(path, FILE_LIMIT, count, &bytes, &size, err);
    if (status) return status;
    status = open_held(file, bytes, size < count ? size : count, size, path, err);
    if (status)
        free(bytes);
    else
        (*file)->owned = bytes;
    return status;
}

nn_status nn_st_open(struct nn_st_file **file, const char *path, struct nn_error *err)
{
    return open_start(file, path, SIZE_MAX, err);
}

nn_status nn_st_open_header(struct nn_st_file **file, const char *path, struct nn_error *err)
{
    *file = NULL;
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_file_read_start(path, FILE_LIMIT, 8, &bytes, &size, err);
    if (status) return status;
    uint64_t length = size < 8 ? 0 : header_length(bytes);
    free(bytes);
    return open_start(file, path, 8 + (size_t)(length < NN_ST_HEADER_MAX ? length : NN_ST_HEADER_MAX), err);
}

void nn_st_close(struct nn_st_file *file)
{
    if (!file) return;
    json_decref(file->header);
    free(file->places);
    free(file->texts);
    free(file->owned);
    free(file->path);
    free(file);
}

/* ---- looking up ---- */

int nn_st_count(const struct nn_st_file *file)
{
    return file->count;
}

const struct nn_st_tensor *nn_st_at(const struct nn_st_file *file, int index)
{
    return &file->places[index].tensor;
}

const struct nn_st_tensor *nn_st_find(const struct nn_st_file *file, const char *name)
{
    for (int i = 0; i < file->count; i++)
        if (!strcmp(file->places[i].tensor.name, name)) return &file->places[i].tensor;
    return NULL;
}

/* "F32 (16,8,3,3)" */
static void describe(enum nn_st_type type, int rank, const int64_t *dims, char text[112])
{
    size_t used = (size_t)snprintf(text, 112, "%s (", types[type].name);
    for (int i = 0; i < rank; i++)
        used += (size_t)snprintf(text + used, 112 - used, "%s%lld", i ? "," : "", (long long)dims[i]);
    snprintf(text + used, 112 - used, ")");
}

nn_status nn_st_get(const struct nn_st_file *file, const char *name, enum nn_st_type type, int rank,
                    const int64_t *dims, const void **data, struct nn_error *err)
{
    *data = NULL;
    char wanted[112], found[112];
    describe(type, rank, dims, wanted);
    const struct nn_st_tensor *t = nn_st_find(file, name);
    if (!t)
        return nn_fail(err, NN_ERR_FORMAT, "%s: tensor \"%.64s\" is missing (wanted %s)", file->path, name,
                       wanted);
    bool same = t->type == type && t->rank == rank;
    for (int i = 0; same && i < rank; i++) same = t->dims[i] == dims[i];
    if (!same) {
        describe(t->type, t->rank, t->dims, found);
        return nn_fail(err, NN_ERR_FORMAT, "%s: tensor \"%.64s\" is %s, wanted %s", file->path, name, found,
                       wanted);
    }
    *data = t->data;
    return NN_OK;
}

const char *nn_st_metadata(const struct nn_st_file *file, const char *key)
{
    for (int i = 0; i < file->text_count; i++)
        if (!strcmp(file->texts[i].key, key)) return file->texts[i].value;
    return NULL;
}

int nn_st_metadata_count(const struct nn_st_file *file)
{
    return file->text_count;
}

struct nn_st_text nn_st_metadata_at(const struct nn_st_file *file, int index)
{
    return file->texts[index];
}

void nn_st_sha256(const struct nn_st_file *file, char hex[65])
{
    nn_sha256_hex(file->bytes, file->size, hex);
}
