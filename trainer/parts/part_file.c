#include "trainer/parts/part_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/file.h"
#include "trainer/folder_lock.h"
#include "trainer/text_file.h"

#define PART_BYTES_MAX ((size_t)64 << 20)

nn_status tr_part_folder(const char *folder, struct nn_error *err)
{
    struct stat info;
    if (mkdir(folder, 0777) == 0) return NN_OK;
    int why = errno;
    if (why == EEXIST && stat(folder, &info) == 0 && S_ISDIR(info.st_mode)) return NN_OK;
    return nn_fail(err, NN_ERR_IO, "%s: %s", folder, strerror(why));
}

nn_status tr_part_lock(const char *folder, int *lock, struct nn_error *err)
{
    nn_status status = tr_part_folder(folder, err);
    return status == NN_OK ? tr_folder_lock(folder, "part of roentgym evaluate is at work there", lock, err)
                           : status;
}

static void put_quoted(FILE *to, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=+@%";
    if (*word && strspn(word, plain) == strlen(word)) {
        fputs(word, to);
        return;
    }
    fputc('\'', to);
    for (; *word; word++) fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, to);
    fputc('\'', to);
}

char *tr_part_command(int argc, char *const *argv)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to) return NULL;
    fputs(argv[0], to);
    for (int i = 1; i < argc; i++) {
        fputc(' ', to);
        put_quoted(to, argv[i]);
    }
    return fclose(to) == 0 ? text : NULL;
}

json_t *tr_part_source(const char *name, const char *sha256)
{
    json_t *known = json_string(name);
    return json_pack("{s:o,s:s}", "name", known ? known : json_string("?"), "sha256", sha256);
}

/* As they are written: numbers of a file have eight digits. Heap, or NULL. */
static char *text_of(const json_t *value)
{
    return value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(8))
                 : strdup("null");
}

static bool is_same(const json_t *file, const char *key, const json_t *wanted)
{
    char *there = text_of(json_object_get(file, key)), *here = text_of(wanted);
    bool same = there && here && strcmp(there, here) == 0;
    free(there);
    free(here);
    return same;
}

bool tr_part_is_done(const struct tr_part *part)
{
    json_t *file;
    if (tr_part_read(part->folder, part->name, &file, NULL) != NN_OK || !file) return false;
    bool same = is_same(file, "settings", part->settings) && is_same(file, "data", part->data) &&
                is_same(file, "model", part->model);
    json_decref(file);
    return same;
}

static json_t *copy_of(const json_t *value)
{
    return value ? json_deep_copy(value) : json_null();
}

nn_status tr_part_write(const struct tr_part *part, json_t *results, struct nn_error *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.json", part->folder, part->name);
    json_t *command = json_string(part->command);
    json_t *file = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "part", part->name, "command",
                             command ? command : json_string("?"), "settings", copy_of(part->settings),
                             "data", copy_of(part->data), "model", copy_of(part->model), "results", results);
    return tr_text_file_json(path, file, 8, err);
}

nn_status tr_part_read(const char *folder, const char *name, json_t **json, struct nn_error *err)
{
    char path[PATH_MAX];
    struct stat info;
    uint8_t *bytes;
    size_t size;
    json_error_t fault;
    *json = NULL;
    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    if (stat(path, &info) != 0 && errno == ENOENT) return NN_OK;
    nn_status status = nn_file_read(path, PART_BYTES_MAX, &bytes, &size, err);
    if (status != NN_OK) return status;
    *json = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &fault);
    free(bytes);
    if (!*json) return nn_fail(err, NN_ERR_FORMAT, "%s:%d: is no JSON", path, fault.line);
    const char *part = json_string_value(json_object_get(*json, "part"));
    if (part && strcmp(part, name) == 0 && json_is_object(json_object_get(*json, "results"))) return NN_OK;
    json_decref(*json);
    *json = NULL;
    return nn_fail(err, NN_ERR_FORMAT, "%s: is no result of roentgym evaluate %s", path, name);
}
