#include "trainer/data/image_source.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/image.h"
#include "trainer/data/dataset.h"
#include "trainer/data/image_split.h"
#include "trainer/interrupt.h"

enum { ORDER_SEED = 1, IMAGES_MAX = 1 << 24, DRAWN_AT_ONCE = 64 };

struct tr_image_source {
    char text[400];
    int side, count;
    int *order;                 /* of a folder's images */
    struct tr_dataset *dataset; /* one of these three */
    struct nn_model *model;
    char **files; /* sorted */
    const struct tr_image_source *like;
    uint64_t first_seed;
};

/* ---- a folder of files -------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_png(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && name[0] != '.' && strcmp(name + length - 4, ".png") == 0;
}

static nn_status list_files(struct tr_image_source *s, const char *folder, struct nn_error *err)
{
    int room = 0;
    nn_status status = NN_OK;
    DIR *stream = opendir(folder);
    if (!stream) return nn_fail(err, NN_ERR_IO, "%s: %s", folder, strerror(errno));
    for (const struct dirent *entry; status == NN_OK && (entry = readdir(stream));) {
        char path[PATH_MAX];
        if (!is_png(entry->d_name) || s->count == IMAGES_MAX) continue;
        if (s->count == room) {
            room = room ? 2 * room : 256;
            char **more = realloc(s->files, (size_t)room * sizeof *more);
            if (more) s->files = more;
            if (!more) status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", folder);
        }
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (status == NN_OK && (s->files[s->count] = strdup(path)))
            s->count++;
        else if (status == NN_OK)
            status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", folder);
    }
    closedir(stream);
    if (status == NN_OK && s->count == 0)
        status = nn_fail(err, NN_ERR_FORMAT, "%s: neither labels.csv nor a file *.png in it", folder);
    if (status == NN_OK) qsort(s->files, (size_t)s->count, sizeof *s->files, by_name);
    return status;
}

static nn_status read_file(const char *path, struct nn_image *image, int side, struct nn_error *err)
{
    nn_status status = nn_png_read(path, image, err);
    if (status != NN_OK) return status;
    int width = image->width, height = image->height;
    if (width == height && !(width & (width - 1)) && (side == 0 || side == width)) return NN_OK;
    nn_image_release(image);
    if (side == 0)
        return nn_fail(err, NN_ERR_FORMAT, "%s: %dx%d, wanted a square whose side is a power of two", path,
                       width, height);
    return nn_fail(err, NN_ERR_FORMAT, "%s: %dx%d, the images before it are %dx%d", path, width, height, side,
                   side);
}

static nn_status open_files(struct tr_image_source *s, const char *folder, struct nn_error *err)
{
    struct nn_image first;
    nn_status status = list_files(s, folder, err);
    if (status == NN_OK) status = read_file(s->files[0], &first, 0, err);
    if (status != NN_OK) return status;
    s->side = first.width;
    nn_image_release(&first);
    snprintf(s->text, sizeof s->text, "folder %.300s", folder);
    return NN_OK;
}

/* ---- opening ------------------------------------------------------------------------------------ */

static nn_status open_dataset(struct tr_image_source *s, const char *folder, struct nn_error *err)
{
    nn_status status = tr_dataset_open(&s->dataset, folder, NULL, NULL, err);
    if (status != NN_OK) return status;
    s->side = tr_dataset_side(s->dataset);
    s->count = tr_dataset_train_count(s->dataset);
    if (s->count == 0) return nn_fail(err, NN_ERR_FORMAT, "%s: has no training image", folder);
    snprintf(s->text, sizeof s->text, "data set %s (%s), training images", tr_dataset_name(s->dataset),
             tr_dataset_simulated(s->dataset) ? "simulated" : "real");
    return NN_OK;
}

nn_status tr_image_source_open_folder(struct tr_image_source **source, const char *folder,
                                      struct nn_error *err)
{
    char path[PATH_MAX];
    struct tr_image_source *s = calloc(1, sizeof *s);
    *source = NULL;
    if (!s) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", folder);
    snprintf(path, sizeof path, "%s/labels.csv", folder);
    nn_status status = access(path, F_OK) == 0 ? open_dataset(s, folder, err) : open_files(s, folder, err);
    if (status == NN_OK && !(s->order = malloc((size_t)s->count * sizeof *s->order)))
        status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", folder);
    if (status != NN_OK) {
        tr_image_source_close(s);
        return status;
    }
    tr_image_split(ORDER_SEED, s->count, s->order);
    *source = s;
    return NN_OK;
}

nn_status tr_image_source_open_model(struct tr_image_source **source, const char *path, const char *device,
                                     const struct tr_image_source *like, uint64_t first_seed,
                                     struct nn_error *err)
{
    struct tr_image_source *s = calloc(1, sizeof *s);
    *source = NULL;
    if (!s) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    nn_status status = nn_model_open(&s->model, path, device, err);
    if (status != NN_OK) {
        free(s);
        return status;
    }
    const struct nn_model_info *info = nn_model_info(s->model);
    s->side = info->resolution;
    s->count = INT_MAX;
    s->like = like;
    s->first_seed = first_seed;
    snprintf(s->text, sizeof s->text, "model %s (trained on %s data)", info->name,
             info->simulated ? "simulated" : "real");
    *source = s;
    return NN_OK;
}

void tr_image_source_close(struct tr_image_source *s)
{
    if (!s) return;
    for (int i = 0; s->files && i < s->count; i++) free(s->files[i]);
    free(s->files);
    free(s->order);
    tr_dataset_close(s->dataset);
    nn_model_close(s->model);
    free(s);
}

/* ---- what it holds ------------------------------------------------------------------------------ */

int tr_image_source_side(const struct tr_image_source *s)
{
    return s->side;
}

int tr_image_source_count(const struct tr_image_source *s)
{
    return s->count;
}

const char *tr_image_source_text(const struct tr_image_source *s)
{
    return s->text;
}

bool tr_image_source_is_model(const struct tr_image_source *s)
{
    return s->model != NULL;
}

const char *tr_image_source_file(const struct tr_image_source *s, int index)
{
    return s->files[s->order[index]];
}

/* The labels of image `index` of `like` in the model's order; false where the model does not know one. */
static bool labels_like(const struct tr_image_source *s, int index, float *labels)
{
    const struct nn_model_info *info = nn_model_info(s->model);
    const struct tr_dataset *data = s->like ? s->like->dataset : NULL;
    float given[NN_CLASSES_MAX];
    if (!data || info->label_count == 0) return false;
    memset(labels, 0, sizeof(float) * (size_t)info->label_count);
    tr_dataset_labels(data, s->like->order[index % s->like->count], given);
    for (int c = 0; c < tr_dataset_class_count(data); c++) {
        int k = 0;
        while (k < info->label_count && strcmp(info->classes[k], tr_dataset_class(data, c)) != 0) k++;
        if (k < info->label_count)
            labels[k] = given[c];
        else if (given[c] > 0)
            return false;
    }
    return true;
}

static nn_status draw(const struct tr_image_source *s, int first, int count, int side, uint8_t *pixels,
                      struct nn_error *err)
{
    const struct nn_model_info *info = nn_model_info(s->model);
    struct nn_sample_point points[DRAWN_AT_ONCE];
    for (int i = 0; i < count; i++) {
        const struct nn_sample_request request = {.seed = s->first_seed + (uint64_t)(first + i),
                                                  .class_index = (first + i) % info->class_count,
                                                  .strength = 1,
                                                  .truncation = 1};
        points[i] = nn_sample_point_of(info, &request);
        struct nn_sample_point like = points[i];
        if (labels_like(s, first + i, like.labels)) points[i] = like;
    }
    nn_status status = nn_model_draw(s->model, points, count, side, 8, pixels, err);
    const struct nn_model_info *by = nn_model_info(s->model);
    if (status == NN_OK && by != info)
        return nn_fail(err, NN_ERR_DEVICE, "%s; the images were begun on %s and are of one device",
                       by->device_note, info->device);
    return status;
}

static nn_status read_stored(const struct tr_image_source *s, int index, int side, uint8_t *pixels,
                             struct nn_error *err)
{
    struct nn_image image;
    if (s->dataset) return tr_dataset_image(s->dataset, side, s->order[index], pixels, err);
    nn_status status = read_file(s->files[s->order[index]], &image, s->side, err);
    if (status != NN_OK) return status;
    nn_image_box_means(&image, image.width / side, pixels);
    nn_image_release(&image);
    return NN_OK;
}

static nn_status read_all_stored(const struct tr_image_source *s, int first, int count, int side,
                                 uint8_t *pixels, struct nn_error *err)
{
    int failed = count; /* the lowest image that did, so that the report does not depend on the threads */
    struct nn_error failure = {0};
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < count; i++) {
        struct nn_error problem;
        uint8_t *to = pixels + (size_t)i * (size_t)side * (size_t)side;
        if (tr_interrupted() || read_stored(s, first + i, side, to, &problem) == NN_OK) continue;
#pragma omp critical(tr_image_source_failure)
        if (i < failed) failed = i, failure = problem;
    }
    return failed == count ? NN_OK : nn_fail(err, failure.status, "%s", failure.text);
}

nn_status tr_image_source_read(const struct tr_image_source *s, int first, int count, int side,
                               uint8_t *pixels, struct nn_error *err)
{
    nn_status status = NN_OK;
    for (int done = 0; done < count && status == NN_OK && !tr_interrupted(); done += DRAWN_AT_ONCE) {
        int some = count - done < DRAWN_AT_ONCE ? count - done : DRAWN_AT_ONCE;
        uint8_t *to = pixels + (size_t)done * (size_t)side * (size_t)side;
        status = s->model ? draw(s, first + done, some, side, to, err)
                          : read_all_stored(s, first + done, some, side, to, err);
    }
    return tr_interrupted() ? nn_fail(err, NN_STOPPED, "stopped") : status;
}
