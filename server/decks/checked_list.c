#include "server/decks/checked_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"
#include "server/http/json_fields.h"
#include "server/http/request.h"

static int compare_seeds(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static nn_status read_class(const char *path, const char *name, const json_t *seeds,
                            struct srv_checked_class *class, struct nn_error *err)
{
    size_t count = json_array_size(seeds), length = strlen(name);
    if (!json_is_array(seeds) || length == 0 || length >= sizeof class->name)
        return nn_fail(err, NN_ERR_FORMAT,
                       "%s: classes: must be names of classes, with an array of seeds each", path);
    memcpy(class->name, name, length + 1);
    class->seeds = malloc((count + 1) * sizeof *class->seeds);
    if (!class->seeds) return nn_fail(err, NN_ERR_MEMORY, "%s: memory ran out", path);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(seeds, i));
        if (!text || !srv_request_read_u64(text, &class->seeds[i]))
            return nn_fail(err, NN_ERR_FORMAT,
                           "%s: classes.%s[%zu]: must be a whole number from 0 to 2^64-1, as text", path,
                           name, i);
    }
    qsort(class->seeds, count, sizeof *class->seeds, compare_seeds);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || class->seeds[i] != class->seeds[class->count - 1])
            class->seeds[class->count++] = class->seeds[i];
    return NN_OK;
}

static nn_status read_list(const char *path, const json_t *json, const char *sha256,
                           struct srv_checked_list *list, struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"format", 'i', true}, {"model_sha256", 's', true}, {"classes", 'o', true}};
    const char *name;
    json_t *seeds;
    nn_status status = srv_json_fields_check(json, path, fields, 3, err);
    if (status) return status;
    if (json_integer_value(json_object_get(json, "format")) != 1)
        return nn_fail(err, NN_ERR_FORMAT, "%s: format: must be 1", path);
    if (strcmp(json_string_value(json_object_get(json, "model_sha256")), sha256))
        return nn_fail(err, NN_ERR_FORMAT, "%s: is the list of another model: model_sha256 is not %.12s...",
                       path, sha256);
    snprintf(list->model_sha256, sizeof list->model_sha256, "%s", sha256);
    json_object_foreach((json_t *)json_object_get(json, "classes"), name, seeds)
    {
        if (list->class_count == NN_CLASSES_MAX)
            return nn_fail(err, NN_ERR_FORMAT, "%s: classes: must be at most %d", path, NN_CLASSES_MAX);
        status = read_class(path, name, seeds, &list->classes[list->class_count++], err);
        if (status) return status;
    }
    return NN_OK;
}

nn_status srv_checked_list_read(const char *folder, const char *model, const char *sha256,
                                struct srv_checked_list *list, struct nn_error *err)
{
    char *path = NULL;
    uint8_t *bytes = NULL;
    size_t size;
    *list = (struct srv_checked_list){0};
    if (asprintf(&path, "%s/%s.checked.json", folder, model) < 0)
        return nn_fail(err, NN_ERR_MEMORY, "%s: memory ran out", folder);
    nn_status status = nn_file_read(path, CHECKED_BYTES_MAX, &bytes, &size, err);
    if (!status) {
        json_error_t fault;
        json_t *json = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &fault);
        status = json ? read_list(path, json, sha256, list, err)
                      : nn_fail(err, NN_ERR_FORMAT, "%s:%d: is no JSON", path, fault.line);
        json_decref(json);
    }
    if (status) srv_checked_list_release(list);
    free(bytes);
    free(path);
    return status;
}

void srv_checked_list_release(struct srv_checked_list *list)
{
    for (int i = 0; i < list->class_count; i++) free(list->classes[i].seeds);
    *list = (struct srv_checked_list){0};
}

const struct srv_checked_class *srv_checked_class_find(const struct srv_checked_list *list, const char *name)
{
    for (int i = 0; i < list->class_count; i++)
        if (!strcmp(list->classes[i].name, name)) return &list->classes[i];
    return NULL;
}

int srv_checked_seed_find(const struct srv_checked_class *class, uint64_t seed)
{
    const uint64_t *at =
        bsearch(&seed, class->seeds, (size_t) class->count, sizeof *class->seeds, compare_seeds);
    return at ? (int)(at - class->seeds) : -1;
}
