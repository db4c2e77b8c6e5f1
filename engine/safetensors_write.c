/* nn_st_write; safetensors.c reads. */
#include "engine/safetensors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"

static bool shape_is_valid(const struct nn_st_tensor *t)
{
    if (t->rank < 0 || t->rank > NN_ST_DIMS_MAX) return false;
    uint64_t bytes = nn_st_type_size(t->type);
    for (int i = 0; i < t->rank; i++)
        if (t->dims[i] < 0 || __builtin_mul_overflow(bytes, (uint64_t)t->dims[i], &bytes) ||
            bytes > (uint64_t)INT64_MAX)
            return false;
    return true;
}

static nn_status add_metadata(json_t *header, const char *path, const struct nn_st_text *texts, int count,
                              struct nn_error *err)
{
    if (!count) return NN_OK;
    json_t *object = json_object();
    if (json_object_set_new(header, "__metadata__", object))
        return nn_fail(err, NN_ERR_MEMORY, "%s: no memory for the header", path);
    for (int i = 0; i < count; i++) {
        if (json_object_get(object, texts[i].key))
            return nn_fail(err, NN_ERR_ARGUMENT, "%s: metadata \"%s\" is given twice", path, texts[i].key);
        if (json_object_set_new(object, texts[i].key, json_string(texts[i].value)))
            return nn_fail(err, NN_ERR_ARGUMENT, "%s: metadata \"%s\" is not UTF-8 text", path, texts[i].key);
    }
    return NN_OK;
}

static nn_status add_tensor(json_t *header, const char *path, const struct nn_st_tensor *t, uint64_t *offset,
                            struct nn_error *err)
{
    if (!t->name[0] || !strcmp(t->name, "__metadata__") || json_object_get(header, t->name))
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: a tensor cannot be named \"%s\", or another one is", path,
                       t->name);
    if (!shape_is_valid(t))
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: tensor \"%s\" has an impossible shape", path, t->name);
    uint64_t end = *offset + nn_st_tensor_bytes(t);
    if (end < *offset || end > (uint64_t)INT64_MAX)
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: tensor \"%s\" is too large", path, t->name);
    json_t *shape = json_array();
    int failed = 0;
    for (int i = 0; i < t->rank; i++) failed |= json_array_append_new(shape, json_integer(t->dims[i]));
    json_t *entry = json_pack("{s:s, s:o, s:[I,I]}", "dtype", nn_st_type_name(t->type), "shape", shape,
                              "data_offsets", (json_int_t)*offset, (json_int_t)end);
    if (failed || !entry) {
        json_decref(entry);
        return nn_fail(err, NN_ERR_MEMORY, "%s: no memory for the header", path);
    }
    if (json_object_set_new(header, t->name, entry))
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: tensor name \"%s\" is not UTF-8", path, t->name);
    *offset = end;
    return NN_OK;
}

/* The data may have no holes, so alignment comes from the order: larger elements first. */
static const struct nn_st_tensor **sort_by_element_size(const struct nn_st_tensor *tensors, int count)
{
    const struct nn_st_tensor **order = malloc(((size_t)count + 1) * sizeof *order);
    if (!order) return NULL;
    int placed = 0;
    for (size_t size = 8; size >= 1; size /= 2)
        for (int i = 0; i < count; i++)
            if (nn_st_type_size(tensors[i].type) == size) order[placed++] = &tensors[i];
    return order;
}

/* jansson 2.14 drops text unnoticed where its buffer cannot grow, and a file with such a header would be
 * lost: what it made must read back the same. */
static char *dump_exactly(const json_t *header)
{
    char *text = json_dumps(header, JSON_COMPACT);
    json_t *back = text ? json_loads(text, 0, NULL) : NULL;
    if (!json_equal(header, back)) {
        free(text);
        text = NULL;
    }
    json_decref(back);
    return text;
}

/* Length and JSON, padded with spaces so that the data start at a multiple of 64. */
static nn_status write_header(struct nn_replace *file, const json_t *header, const char *path,
                              struct nn_error *err)
{
    static const char spaces[64] = "                                                               ";
    char *text = dump_exactly(header);
    if (!text) return nn_fail(err, NN_ERR_MEMORY, "%s: no memory for the header", path);
    size_t length = strlen(text), padding = (64 - (8 + length) % 64) % 64;
    nn_status status;
    if (length + padding > NN_ST_HEADER_MAX) {
        status = nn_fail(err, NN_ERR_ARGUMENT, "%s: the header would be larger than %d bytes", path,
                         NN_ST_HEADER_MAX);
        goto out;
    }
    uint8_t prefix[8];
    for (int i = 0; i < 8; i++) prefix[i] = (uint8_t)((uint64_t)(length + padding) >> 8 * i);
    status = nn_replace_write(file, prefix, sizeof prefix, err);
    if (!status) status = nn_replace_write(file, text, length, err);
    if (!status) status = nn_replace_write(file, spaces, padding, err);
out:
    free(text);
    return status;
}

nn_status nn_st_write(const char *path, const struct nn_st_tensor *tensors, int count,
                      const struct nn_st_text *metadata, int metadata_count, struct nn_error *err)
{
    struct nn_replace file = {.fd = -1};
    uint64_t offset = 0;
    json_t *header = json_object();
    const struct nn_st_tensor **order = sort_by_element_size(tensors, count);
    nn_status status = NN_OK;
    if (!header || !order) {
        status = nn_fail(err, NN_ERR_MEMORY, "%s: no memory for the header", path);
        goto out;
    }
    status = add_metadata(header, path, metadata, metadata_count, err);
    for (int i = 0; i < count && !status; i++) status = add_tensor(header, path, order[i], &offset, err);
    if (status) goto out;
    status = nn_replace_open(&file, path, err);
    if (!status) status = write_header(&file, header, path, err);
    for (int i = 0; i < count && !status; i++)
        status = nn_replace_write(&file, order[i]->data, nn_st_tensor_bytes(order[i]), err);
    if (!status) status = nn_replace_commit(&file, err);
out:
    nn_replace_abandon(&file);
    free(order);
    json_decref(header);
    return status;
}
