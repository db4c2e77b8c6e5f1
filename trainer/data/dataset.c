#include "trainer/data/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file.h"
#include "engine/image.h"
#include "engine/sha256.h"
#include "trainer/data/labels.h"
#include "trainer/data/pyramid.h"
#include "trainer/folder_lock.h"
#include "trainer/text_file.h"

enum {
    INDEX_FORMAT = 1, /* raised when the pyramid's layout or arithmetic changes */
    LEVELS_MAX = 9,
    NAME_MAX_BYTES = 100,
    FOLDER_SIZE = 4096,
    PATH_SIZE = FOLDER_SIZE + TR_LABELS_PATH_MAX + 32,
};

#define LABELS_LIMIT ((size_t)256 << 20)
#define JSON_LIMIT ((size_t)16 << 20)

struct tr_dataset {
    char folder[FOLDER_SIZE];
    char name[NAME_MAX_BYTES + 1];
    bool simulated;
    struct tr_labels labels;
    char labels_sha256[65];
    char fingerprint[65]; /* of what the pyramid depends on, cheap to make */
    struct tr_grey_range range;
    struct tr_pyramid pyramid;
    const struct tr_label_row **rows; /* of the training images, then of the others */
    int level_count;
    int levels[LEVELS_MAX]; /* open files; levels[k] has side pyramid.side >> k */
};

static void path_of(const struct tr_dataset *d, const char *file, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s", d->folder, file);
}

/* ---- dataset.json ---- */

static nn_status read_json(const char *path, json_t **root, struct nn_error *err)
{
    *root = NULL;
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_file_read(path, JSON_LIMIT, &bytes, &size, err);
    if (status) return status;
    json_error_t where;
    *root = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &where);
    free(bytes);
    if (!*root) return nn_fail(err, NN_ERR_FORMAT, "%s:%d: %s", path, where.line, where.text);
    return NN_OK;
}

static nn_status take_classes(struct tr_labels *labels, const json_t *list, const char *path,
                              struct nn_error *err)
{
    labels->class_count = 0;
    if (!list) return NN_OK;
    size_t count = json_array_size(list);
    if (count < 1 || count > NN_CLASSES_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "%s: \"classes\" is not a list of 1 to %d labels", path,
                       NN_CLASSES_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *label = json_string_value(json_array_get(list, i));
        if (!label || !*label || strlen(label) >= NN_CLASS_NAME_MAX)
            return nn_fail(err, NN_ERR_FORMAT,
                           "%s: \"classes\" has an entry that is not a text of 1 to %d bytes", path,
                           NN_CLASS_NAME_MAX - 1);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(labels->classes[k], label))
                return nn_fail(err, NN_ERR_FORMAT, "%s: \"classes\" has \"%s\" twice", path, label);
        strcpy(labels->classes[i], label);
    }
    labels->class_count = (int)count;
    return NN_OK;
}

static nn_status read_description(struct tr_dataset *d, struct nn_error *err)
{
    char path[PATH_SIZE];
    path_of(d, "dataset.json", path);
    json_t *root;
    nn_status status = read_json(path, &root, err);
    if (status) return status;
    const char *name = json_string_value(json_object_get(root, "name"));
    const json_t *simulated = json_object_get(root, "simulated");
    if (!name || !*name || strlen(name) > NAME_MAX_BYTES) {
        status =
            nn_fail(err, NN_ERR_FORMAT, "%s: \"name\" is not a text of 1 to %d bytes", path, NAME_MAX_BYTES);
    } else if (!json_is_boolean(simulated)) {
        status = nn_fail(err, NN_ERR_FORMAT, "%s: \"simulated\" is not true or false", path);
    } else {
        strcpy(d->name, name);
        d->simulated = json_is_true(simulated);
        status = take_classes(&d->labels, json_object_get(root, "classes"), path, err);
        if (!status) status = tr_grey_range_parse(&d->range, json_object_get(root, "grey_range"), path, err);
    }
    json_decref(root);
    return status;
}

/* ---- labels.csv and the images' names ---- */

static nn_status read_labels(struct tr_dataset *d, struct nn_error *err)
{
    char path[PATH_SIZE];
    path_of(d, "labels.csv", path);
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_file_read(path, LABELS_LIMIT, &bytes, &size, err);
    if (status) return status;
    nn_sha256_hex(bytes, size, d->labels_sha256);
    status = tr_labels_parse(&d->labels, (const char *)bytes, size, path, err);
    free(bytes);
    if (status) return status;
    int train = 0, test = d->labels.train_count;
    d->rows = malloc((size_t)d->labels.row_count * sizeof *d->rows);
    if (!d->rows) return nn_fail(err, NN_ERR_MEMORY, "%s: no memory for its labels", path);
    for (int i = 0; i < d->labels.row_count; i++)
        d->rows[d->labels.rows[i].train ? train++ : test++] = &d->labels.rows[i];
    return NN_OK;
}

/* Hashing gigabytes at every start would take minutes; sizes and times tell a change as make does. */
static nn_status take_fingerprint(struct tr_dataset *d, struct nn_error *err)
{
    struct nn_sha256 hash;
    nn_sha256_init(&hash);
    nn_sha256_add(&hash, d->labels_sha256, 64);
    for (int i = 0; i < d->labels.row_count; i++) {
        const struct tr_label_row *r = &d->labels.rows[i];
        char path[PATH_SIZE];
        struct stat info;
        path_of(d, r->file, path);
        if (stat(path, &info))
            return nn_fail(err, errno == ENOENT ? NN_ERR_FORMAT : NN_ERR_IO, "%s/labels.csv:%d: %s: %s",
                           d->folder, r->line, r->file, strerror(errno));
        int64_t facts[3] = {info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
        nn_sha256_add(&hash, facts, sizeof facts);
    }
    if (d->range.high) nn_sha256_add(&hash, &d->range, sizeof d->range);
    nn_sha256_finish(&hash, d->fingerprint);
    return NN_OK;
}

/* ---- the pyramid's index and files ---- */

static nn_status write_index(const struct tr_dataset *d, const char *folder, struct nn_error *err)
{
    char path[PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/index.json", folder);
    json_t *root =
        json_pack("{s:i, s:i, s:i, s:s, s:s}", "format", INDEX_FORMAT, "side", d->pyramid.side, "images",
                  d->labels.train_count, "fingerprint", d->fingerprint, "sha256", d->pyramid.sha256);
    return tr_text_file_json(path, root, 17, err);
}

static bool side_is_valid(json_int_t side)
{
    return side >= TR_DATASET_SIDE_MIN && side <= TR_DATASET_SIDE_MAX && !(side & (side - 1));
}

/* Whether the pyramid there is belongs to the data; a missing or odd index only means that it does not. */
static bool index_fits(struct tr_dataset *d)
{
    char path[PATH_SIZE];
    json_t *root;
    path_of(d, "pyramid/index.json", path);
    if (read_json(path, &root, NULL)) return false;
    json_int_t side = json_integer_value(json_object_get(root, "side"));
    const char *fingerprint = json_string_value(json_object_get(root, "fingerprint"));
    const char *sha256 = json_string_value(json_object_get(root, "sha256"));
    bool fits = json_integer_value(json_object_get(root, "format")) == INDEX_FORMAT && side_is_valid(side) &&
                json_integer_value(json_object_get(root, "images")) == d->labels.train_count && fingerprint &&
                !strcmp(fingerprint, d->fingerprint) && sha256 && strlen(sha256) == 64;
    if (fits) {
        d->pyramid.side = (int)side;
        strcpy(d->pyramid.sha256, sha256);
    }
    json_decref(root);
    return fits;
}

static size_t level_bytes(const struct tr_dataset *d, int side)
{
    return (size_t)side * (size_t)side * (size_t)d->labels.train_count;
}

static void level_path(const struct tr_dataset *d, int side, char path[PATH_SIZE + 16])
{
    char folder[PATH_SIZE];
    path_of(d, "pyramid", folder);
    tr_pyramid_path(folder, side, path, PATH_SIZE + 16);
}

static void close_levels(struct tr_dataset *d)
{
    while (d->level_count > 0) close(d->levels[--d->level_count]);
}

static nn_status open_level(struct tr_dataset *d, int side, struct nn_error *err)
{
    char path[PATH_SIZE + 16];
    level_path(d, side, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    struct stat info;
    size_t size = level_bytes(d, side);
    if (fstat(fd, &info) || (uint64_t)info.st_size != size) {
        close(fd);
        return nn_fail(err, NN_ERR_FORMAT, "%s: has not the %zu bytes it should have", path, size);
    }
    d->levels[d->level_count++] = fd;
    return NN_OK;
}

static nn_status open_levels(struct tr_dataset *d, struct nn_error *err)
{
    nn_status status = NN_OK;
    for (int side = d->pyramid.side; side >= TR_DATASET_SIDE_MIN && !status; side /= 2)
        status = open_level(d, side, err);
    if (status) close_levels(d);
    return status;
}

/* ---- building and replacing it ---- */

/* A pyramid folder holds only files. Failing is left to the mkdir or rename that follows. */
static void remove_folder(const char *path)
{
    DIR *stream = opendir(path);
    if (!stream) return;
    for (const struct dirent *entry; (entry = readdir(stream));) unlinkat(dirfd(stream), entry->d_name, 0);
    closedir(stream);
    rmdir(path);
}

/* A folder cannot be renamed over a full one, so the old one steps aside first. A crash in between leaves
 * no pyramid, which only means that it is built again. */
static nn_status put_in_place(const struct tr_dataset *d, const char *made, struct nn_error *err)
{
    char current[PATH_SIZE], old[PATH_SIZE];
    path_of(d, "pyramid", current);
    path_of(d, "pyramid.old.tmp", old);
    remove_folder(old);
    if (rename(current, old) && errno != ENOENT)
        return nn_fail(err, NN_ERR_IO, "%s: cannot be replaced: %s", current, strerror(errno));
    if (rename(made, current))
        return nn_fail(err, NN_ERR_IO, "%s: cannot be written: %s", current, strerror(errno));
    remove_folder(old);
    return NN_OK;
}

static nn_status build(struct tr_dataset *d, tr_dataset_progress *progress, void *context,
                       struct nn_error *err)
{
    char made[PATH_SIZE];
    path_of(d, "pyramid.new.tmp", made);
    /* What a crashed process left; no living one has it, since the folder is locked. */
    remove_folder(made);
    if (mkdir(made, 0777)) return nn_fail(err, NN_ERR_IO, "%s: cannot be written: %s", made, strerror(errno));
    nn_status status = tr_pyramid_build(&d->pyramid, d->folder, made, &d->labels, d->labels_sha256, d->range,
                                        progress, context, err);
    if (!status) status = write_index(d, made, err);
    if (!status) status = put_in_place(d, made, err);
    if (status) remove_folder(made);
    return status;
}

/* Opens the pyramid, built before if it must be. Only one process at a time looks and builds. */
static nn_status open_pyramid(struct tr_dataset *d, tr_dataset_progress *progress, void *context,
                              struct nn_error *err)
{
    int lock;
    nn_status status = tr_folder_wait(d->folder, &lock, err);
    if (status) return status;
    if (!index_fits(d) || open_levels(d, NULL)) {
        status = build(d, progress, context, err);
        if (!status) status = open_levels(d, err);
    }
    close(lock);
    return status;
}

/* ---- opening ---- */

nn_status tr_dataset_open(struct tr_dataset **dataset, const char *folder, tr_dataset_progress *progress,
                          void *context, struct nn_error *err)
{
    *dataset = NULL;
    struct tr_dataset *d = calloc(1, sizeof *d);
    if (!d) return nn_fail(err, NN_ERR_MEMORY, "%s: no memory to read it", folder);
    nn_status status = NN_OK;
    if ((size_t)snprintf(d->folder, sizeof d->folder, "%s", folder) >= sizeof d->folder)
        status = nn_fail(err, NN_ERR_ARGUMENT, "the data set's path is longer than %zu bytes",
                         sizeof d->folder - 1);
    if (!status) status = read_description(d, err);
    if (!status) status = read_labels(d, err);
    if (!status) status = take_fingerprint(d, err);
    if (!status) status = open_pyramid(d, progress, context, err);
    if (status)
        tr_dataset_close(d);
    else
        *dataset = d;
    return status;
}

void tr_dataset_close(struct tr_dataset *dataset)
{
    if (!dataset) return;
    close_levels(dataset);
    tr_labels_release(&dataset->labels);
    free(dataset->rows);
    free(dataset);
}

/* ---- what it holds ---- */

const char *tr_dataset_name(const struct tr_dataset *dataset)
{
    return dataset->name;
}

bool tr_dataset_simulated(const struct tr_dataset *dataset)
{
    return dataset->simulated;
}

const char *tr_dataset_sha256(const struct tr_dataset *dataset)
{
    return dataset->pyramid.sha256;
}

int tr_dataset_class_count(const struct tr_dataset *dataset)
{
    return dataset->labels.class_count;
}

const char *tr_dataset_class(const struct tr_dataset *dataset, int class_index)
{
    return dataset->labels.classes[class_index];
}

int tr_dataset_side(const struct tr_dataset *dataset)
{
    return dataset->pyramid.side;
}

int tr_dataset_train_count(const struct tr_dataset *dataset)
{
    return dataset->labels.train_count;
}

int tr_dataset_test_count(const struct tr_dataset *dataset)
{
    return dataset->labels.row_count - dataset->labels.train_count;
}

nn_status tr_dataset_image(const struct tr_dataset *dataset, int side, int index, uint8_t *pixels,
                           struct nn_error *err)
{
    int level = 0;
    while (level < dataset->level_count && dataset->pyramid.side >> level != side) level++;
    if (level == dataset->level_count)
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: has no images of side %d", dataset->folder, side);
    char path[PATH_SIZE + 16];
    size_t size = (size_t)side * (size_t)side;
    for (size_t done = 0; done < size;) {
        ssize_t got =
            pread(dataset->levels[level], pixels + done, size - done, (off_t)(size * (size_t)index + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            level_path(dataset, side, path);
            return nn_fail(err, NN_ERR_IO, "%s: %s", path,
                           got < 0 ? strerror(errno) : "became shorter while it was in use");
        }
        done += (size_t)got;
    }
    return NN_OK;
}

bool tr_dataset_multi_label(const struct tr_dataset *dataset)
{
    return dataset->labels.multi;
}

int tr_dataset_class_train_count(const struct tr_dataset *dataset, int class_index)
{
    int count = 0;
    for (int i = 0; i < dataset->labels.train_count; i++)
        count += dataset->rows[i]->labels >> class_index & 1;
    return count;
}

bool tr_dataset_grey_range(const struct tr_dataset *dataset, int *low, int *high)
{
    *low = dataset->range.low;
    *high = dataset->range.high;
    return *high > 0;
}

const struct tr_label_row *tr_dataset_train_row(const struct tr_dataset *dataset, int index)
{
    return dataset->rows[index];
}

const struct tr_label_row *tr_dataset_test_row(const struct tr_dataset *dataset, int index)
{
    return dataset->rows[dataset->labels.train_count + index];
}

nn_status tr_dataset_test_image(const struct tr_dataset *dataset, int side, int index, uint8_t *pixels,
                                struct nn_error *err)
{
    const char *file = tr_dataset_test_row(dataset, index)->file;
    int own = dataset->pyramid.side;
    char path[PATH_SIZE];
    struct nn_image image;
    path_of(dataset, file, path);
    nn_status status = nn_png_read(path, &image, err);
    if (status) return status;
    if (image.width != own || image.height != own)
        status = nn_fail(err, NN_ERR_FORMAT, "%s: is %dx%d, wanted %dx%d", path, image.width, image.height,
                         own, own);
    else if (side < TR_DATASET_SIDE_MIN || side > own || (side & (side - 1)))
        status = nn_fail(err, NN_ERR_ARGUMENT, "%s: has no images of side %d", dataset->folder, side);
    else
        status = tr_pyramid_reduce(&image, dataset->range, side, pixels, err);
    nn_image_release(&image);
    return status;
}

void tr_dataset_labels(const struct tr_dataset *dataset, int index, float *labels)
{
    uint64_t bits = dataset->rows[index]->labels;
    for (int k = 0; k < dataset->labels.class_count; k++) labels[k] = (float)(bits >> k & 1);
}
