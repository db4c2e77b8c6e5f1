#include "trainer/text_file.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"

static nn_status too_large(const struct tr_text_file *file, struct nn_error *err)
{
    return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", file->path);
}

nn_status tr_text_file_begin(struct tr_text_file *file, const char *path, struct nn_error *err)
{
    *file = (struct tr_text_file){.path = path};
    file->to = open_memstream(&file->bytes, &file->size);
    return file->to ? NN_OK : too_large(file, err);
}

nn_status tr_text_file_end(struct tr_text_file *file, nn_status printed, struct nn_error *err)
{
    bool whole = !ferror(file->to);
    whole &= fclose(file->to) == 0;
    nn_status status = printed;
    if (status == NN_OK && !whole) status = too_large(file, err);
    if (status == NN_OK) status = nn_file_replace(file->path, file->bytes, file->size, err);
    free(file->bytes);
    file->to = NULL;
    file->bytes = NULL;
    return status;
}

nn_status tr_text_file_json(const char *path, json_t *json, int digits, struct nn_error *err)
{
    char *text = json ? json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(digits)) : NULL;
    json_decref(json);
    if (!text) return nn_fail(err, NN_ERR_MEMORY, "%s: memory is out, or a text is not UTF-8", path);
    /* The text's zero gives its place to the line's end. */
    size_t length = strlen(text);
    text[length] = '\n';
    nn_status status = nn_file_replace(path, text, length + 1, err);
    free(text);
    return status;
}
