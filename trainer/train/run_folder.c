#include "trainer/train/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file.h"
#include "trainer/folder_lock.h"

#define METRICS_LIMIT ((size_t)1 << 30)

static const char OLD_STATE[] = "state.safetensors";

void tr_run_path(const struct tr_run_folder *folder, const char *file, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", folder->path, file);
}

static void state_name(uint64_t images, char name[64])
{
    if (images == TR_RUN_OLD_STATE)
        snprintf(name, 64, "%s", OLD_STATE);
    else
        snprintf(name, 64, "state-%05" PRIu64 ".%03" PRIu64 ".safetensors", images / 1000, images % 1000);
}

void tr_run_state_path(const struct tr_run_folder *folder, uint64_t images, char path[PATH_MAX])
{
    char name[64];
    state_name(images, name);
    tr_run_path(folder, name, path);
}

/* ---- whose it is -------------------------------------------------------------------------------- */

static nn_status lock_folder(struct tr_run_folder *folder, struct nn_error *err)
{
    return tr_folder_lock(folder->path, "training is at work in it", &folder->lock, err);
}

static nn_status refuse_second_run(const struct tr_run_folder *folder, struct nn_error *err)
{
    uint64_t *images;
    int count;
    nn_status status = tr_run_list_states(folder, &images, &count, err);
    if (status != NN_OK) return status;
    free(images);
    if (count == 0) return NN_OK;
    return nn_fail(err, NN_ERR_ARGUMENT,
                   "%s: holds a run already; --resume goes on with it, another --out starts anew",
                   folder->path);
}

/* What nn_replace_open calls its files. */
static bool is_half_written(const char *name)
{
    static const char *const ours[] = {"state", "generator", "metrics.jsonl", "sheet-"};
    size_t length = strlen(name);
    if (length < 4 || strcmp(name + length - 4, ".tmp") != 0) return false;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strncmp(name, ours[i], strlen(ours[i])) == 0) return true;
    return false;
}

static void remove_half_written(const struct tr_run_folder *folder)
{
    DIR *stream = opendir(folder->path);
    if (!stream) return;
    for (const struct dirent *entry; (entry = readdir(stream));)
        if (is_half_written(entry->d_name)) unlinkat(dirfd(stream), entry->d_name, 0);
    closedir(stream);
}

nn_status tr_run_open(struct tr_run_folder *folder, const char *path, int keep, bool resume,
                      struct nn_error *err)
{
    *folder = (struct tr_run_folder){.path = path, .keep = keep, .lock = -1};
    if (access(path, F_OK) != 0 && errno == ENOENT && !resume) return NN_OK;
    nn_status status = lock_folder(folder, err);
    if (status == NN_OK && !resume) status = refuse_second_run(folder, err);
    if (status != NN_OK) tr_run_close(folder);
    return status;
}

void tr_run_close(struct tr_run_folder *folder)
{
    if (folder->lock >= 0) close(folder->lock);
    folder->lock = -1;
}

nn_status tr_run_make(struct tr_run_folder *folder, struct nn_error *err)
{
    char inside[PATH_MAX];
    nn_status status = NN_OK;
    tr_run_path(folder, ".", inside);
    if ((mkdir(folder->path, 0777) != 0 && errno != EEXIST) || access(inside, W_OK | X_OK) != 0)
        return nn_fail(err, NN_ERR_IO, "%s: %s", folder->path, strerror(errno));
    if (folder->lock < 0) {
        status = lock_folder(folder, err);
        if (status == NN_OK) status = refuse_second_run(folder, err);
    }
    if (status == NN_OK) remove_half_written(folder);
    return status;
}

/* ---- states ------------------------------------------------------------------------------------- */

/* The images of the state called `name`; false if no state is called that. */
static bool is_state(const char *name, uint64_t *images)
{
    uint64_t kimg, rest;
    char same[64];
    if (strcmp(name, OLD_STATE) == 0) {
        *images = TR_RUN_OLD_STATE;
        return true;
    }
    if (sscanf(name, "state-%19" SCNu64 ".%3" SCNu64, &kimg, &rest) != 2 || kimg > UINT64_MAX / 2000)
        return false;
    *images = 1000 * kimg + rest;
    state_name(*images, same);
    return strcmp(name, same) == 0;
}

/* Newest first; adding 1 takes TR_RUN_OLD_STATE to the end. */
static int compare_states(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a + 1, y = *(const uint64_t *)b + 1;
    return (x < y) - (x > y);
}

nn_status tr_run_list_states(const struct tr_run_folder *folder, uint64_t **images, int *count,
                             struct nn_error *err)
{
    nn_status status = NN_OK;
    int room = 0;
    *images = NULL;
    *count = 0;
    DIR *stream = opendir(folder->path);
    if (!stream) return nn_fail(err, NN_ERR_IO, "%s: %s", folder->path, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(stream)) && status == NN_OK;) {
        uint64_t found;
        if (!is_state(entry->d_name, &found)) continue;
        if (*count == room) {
            uint64_t *more = realloc(*images, (size_t)(room += 64) * sizeof *more);
            if (!more) {
                status = nn_fail(err, NN_ERR_MEMORY, "%s: no memory to list it", folder->path);
                break;
            }
            *images = more;
        }
        (*images)[(*count)++] = found;
    }
    closedir(stream);
    if (status == NN_OK && *count) qsort(*images, (size_t)*count, sizeof **images, compare_states);
    if (status == NN_OK) return NN_OK;
    free(*images);
    *images = NULL;
    *count = 0;
    return status;
}

nn_status tr_run_prune_states(const struct tr_run_folder *folder, uint64_t newest, uint64_t best,
                              uint64_t good, struct nn_error *err)
{
    uint64_t *images;
    int count, kept = 0;
    nn_status status = tr_run_list_states(folder, &images, &count, err);
    for (int i = 0; i < count && status == NN_OK; i++) {
        char path[PATH_MAX];
        if (images[i] > newest) continue; /* the unnumbered one too */
        if (kept++ < folder->keep || images[i] == best || images[i] == good) continue;
        tr_run_state_path(folder, images[i], path);
        if (unlink(path) != 0 && errno != ENOENT)
            status = nn_fail(err, NN_ERR_IO, "%s: cannot be removed: %s", path, strerror(errno));
    }
    free(images);
    return status;
}

/* ---- metrics.jsonl ------------------------------------------------------------------------------ */

nn_status tr_run_append_metrics(const struct tr_run_folder *folder, const char *line, struct nn_error *err)
{
    char path[PATH_MAX];
    tr_run_path(folder, "metrics.jsonl", path);
    FILE *file = fopen(path, "a");
    bool good = file && fprintf(file, "%s\n", line) > 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    int failure = errno;
    if (file && fclose(file) != 0 && good) {
        good = false;
        failure = errno;
    }
    return good ? NN_OK : nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(failure));
}

static bool belongs(const char *line, size_t length, double kimg)
{
    json_t *root = json_loadb(line, length, 0, NULL);
    const json_t *value = json_object_get(root, "kimg");
    bool yes = json_is_number(value) && json_number_value(value) <= kimg + 0.0005; /* it has three digits */
    json_decref(root);
    return yes;
}

nn_status tr_run_rewind_metrics(const struct tr_run_folder *folder, uint64_t images, struct nn_error *err)
{
    char path[PATH_MAX];
    uint8_t *bytes;
    size_t size, kept = 0;
    tr_run_path(folder, "metrics.jsonl", path);
    if (access(path, F_OK) != 0) return NN_OK;
    nn_status status = nn_file_read(path, METRICS_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(bytes + at, '\n', size - at);
        if (!end) break;
        size_t length = (size_t)(end - bytes) + 1 - at;
        if (belongs((char *)bytes + at, length, (double)images / 1000)) {
            memmove(bytes + kept, bytes + at, length);
            kept += length;
        }
        at += length;
    }
    if (kept < size) status = nn_file_replace(path, bytes, kept, err);
    free(bytes);
    return status;
}
