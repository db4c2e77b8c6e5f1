#include "server/models/model_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ENDING ".safetensors"

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct srv_file_stamp srv_file_stamp_of(const char *path)
{
    struct stat info;
    if (stat(path, &info)) return (struct srv_file_stamp){0};
    return (struct srv_file_stamp){info.st_dev, info.st_ino, info.st_size, nanoseconds(info.st_mtim),
                                   nanoseconds(info.st_ctim)};
}

bool srv_file_stamp_same(const struct srv_file_stamp *a, const struct srv_file_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size_bytes == b->size_bytes &&
           a->written_ns == b->written_ns && a->changed_ns == b->changed_ns;
}

bool srv_file_stamp_none(const struct srv_file_stamp *stamp)
{
    return srv_file_stamp_same(stamp, &(struct srv_file_stamp){0});
}

static int is_checkpoint(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name), ending = strlen(ENDING);
    return entry->d_name[0] != '.' && length > ending && !strcmp(entry->d_name + length - ending, ENDING);
}

/* False when the name is no id. */
static bool name_of(const char *file, char name[DECK_ID_TEXT])
{
    size_t length = strlen(file) - strlen(ENDING);
    if (length >= DECK_ID_TEXT) return false;
    memcpy(name, file, length);
    name[length] = '\0';
    return srv_deck_id_valid(name);
}

static void add(struct srv_model_look *look, const char *folder, const char *file)
{
    struct srv_model_file *next = &look->files[look->count];
    if (look->count == MODEL_FILES_MAX || !name_of(file, next->name)) {
        if (look->left_out++ == 0) snprintf(look->left_out_name, sizeof look->left_out_name, "%s", file);
        return;
    }
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, file) < 0) return;
    next->stamp = srv_file_stamp_of(path);
    free(path);
    if (!srv_file_stamp_none(&next->stamp)) look->count++; /* else it went since it was listed */
}

nn_status srv_model_folder_look(const char *folder, struct srv_model_look *look, struct nn_error *err)
{
    struct dirent **list = NULL;
    *look = (struct srv_model_look){0};
    int count = scandir(folder, &list, is_checkpoint, alphasort);
    if (count < 0) return nn_fail(err, NN_ERR_IO, "%s: %s", folder, strerror(errno));
    look->files = calloc(MODEL_FILES_MAX + 1, sizeof *look->files);
    for (int i = 0; i < count; i++) {
        if (look->files) add(look, folder, list[i]->d_name);
        free(list[i]);
    }
    free(list);
    return look->files ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for the list of models");
}

void srv_model_look_release(struct srv_model_look *look)
{
    free(look->files);
    *look = (struct srv_model_look){0};
}
