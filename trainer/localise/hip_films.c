#include "trainer/localise/hip_films.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"
#include "engine/sha256.h"
#include "trainer/interrupt.h"

#define BOXES_LIMIT ((size_t)256 << 20)

static bool go_on(void *context, int done, int total)
{
    (void)context, (void)done, (void)total;
    return !tr_interrupted();
}

static int by_file(const void *a, const void *b)
{
    return strcmp(((const struct tr_box *)a)->file, ((const struct tr_box *)b)->file);
}

/* The lines of a file; boxes are sorted by file. `used` counts those that some image has. */
static bool give_boxes(struct tr_hip_film *film, const struct tr_boxes *boxes, int side, int *used)
{
    const struct tr_box key = {.file = film->file}, *end = boxes->boxes + boxes->count;
    const struct tr_box *found =
        boxes->count ? bsearch(&key, boxes->boxes, (size_t)boxes->count, sizeof key, by_file) : NULL;
    if (!found) return false;
    while (found > boxes->boxes && by_file(found - 1, &key) == 0) found--;
    for (; found < end && by_file(found, &key) == 0; found++) {
        int hip = found->left ? TR_LEFT : TR_RIGHT;
        film->there[hip] = true;
        film->place[hip] =
            (struct tr_place){found->x / side, found->y / side, found->width / side, found->height / side};
        ++*used;
    }
    return true;
}

static nn_status check_boxes(const struct tr_boxes *boxes, const char *path, int side, struct nn_error *err)
{
    for (int i = 0; i < boxes->count; i++) {
        const struct tr_box *b = &boxes->boxes[i];
        double x = b->x + b->width / 2, y = b->y + b->height / 2;
        if (x < 0 || y < 0 || x > side || y > side)
            return nn_fail(err, NN_ERR_FORMAT,
                           "%s:%d: the middle of the box is not on the picture of %d pixels", path, b->line,
                           side);
        if (b->width > side || b->height > side)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: the box is larger than the picture of %d pixels", path,
                           b->line, side);
    }
    return NN_OK;
}

/* The first box whose file the data set does not have. */
static nn_status find_stray(const struct tr_hip_films *f, const struct tr_boxes *boxes, const char *path,
                            struct nn_error *err)
{
    for (int i = 0; i < boxes->count; i++) {
        bool known = false;
        for (int k = 0; k < f->count && !known; k++)
            known = strcmp(f->films[k].file, boxes->boxes[i].file) == 0;
        if (!known)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: labels.csv has no file '%.200s'", path,
                           boxes->boxes[i].line, boxes->boxes[i].file);
    }
    return NN_OK;
}

static nn_status read_films(struct tr_hip_films *f, const struct tr_boxes *boxes, int *used,
                            struct nn_error *err)
{
    int train = tr_dataset_train_count(f->data), all = train + tr_dataset_test_count(f->data);
    size_t each = (size_t)f->side * (size_t)f->side;
    nn_status status = NN_OK;
    f->films = calloc((size_t)all, sizeof *f->films);
    f->pixels = malloc((size_t)all * each);
    if (!f->films || !f->pixels) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d films", all);
    for (int i = 0; i < all && status == NN_OK; i++) {
        struct tr_hip_film *film = &f->films[f->count];
        const struct tr_label_row *row =
            i < train ? tr_dataset_train_row(f->data, i) : tr_dataset_test_row(f->data, i - train);
        *film = (struct tr_hip_film){
            .file = row->file, .train = i < train, .pixels = f->pixels + (size_t)f->count * each};
        if (!give_boxes(film, boxes, tr_dataset_side(f->data), used)) {
            f->unmarked++;
            continue;
        }
        status = i < train ? tr_dataset_image(f->data, f->side, i, film->pixels, err)
                           : tr_dataset_test_image(f->data, f->side, i - train, film->pixels, err);
        f->count++;
        f->train_count += i < train;
        if (status == NN_OK && tr_interrupted()) status = nn_fail(err, NN_STOPPED, "stopped");
    }
    return status;
}

nn_status tr_hip_films_read(struct tr_hip_films *f, const char *folder, const char *boxes_path, int side,
                            struct nn_error *err)
{
    char path[PATH_MAX];
    struct tr_boxes boxes = {0};
    uint8_t *bytes = NULL;
    size_t size;
    int used = 0;
    *f = (struct tr_hip_films){0};
    if (!boxes_path) snprintf(path, sizeof path, "%s/boxes.csv", folder);
    if (!boxes_path) boxes_path = path;
    nn_status status = nn_file_read(boxes_path, BOXES_LIMIT, &bytes, &size, err);
    if (status == NN_OK) nn_sha256_hex(bytes, size, f->boxes_sha256);
    free(bytes);
    if (status == NN_OK) status = tr_boxes_read(&boxes, boxes_path, err);
    if (status == NN_OK) status = tr_dataset_open(&f->data, folder, go_on, NULL, err);
    if (status != NN_OK) goto out;
    int own = tr_dataset_side(f->data);
    f->side = own >= 2 * side ? 2 * side : side;
    if (own < side)
        status = nn_fail(err, NN_ERR_FORMAT, "%s: has images of %d pixels, fewer than %d", folder, own, side);
    if (status == NN_OK) status = check_boxes(&boxes, boxes_path, own, err);
    if (status == NN_OK) status = read_films(f, &boxes, &used, err);
    if (status == NN_OK && used < boxes.count) status = find_stray(f, &boxes, boxes_path, err);
    if (status == NN_OK && f->count == 0) status = nn_fail(err, NN_ERR_FORMAT, "%s: has no box", boxes_path);
out:
    if (status != NN_OK) tr_hip_films_release(f);
    tr_boxes_release(&boxes);
    return status;
}

void tr_hip_films_release(struct tr_hip_films *f)
{
    tr_dataset_close(f->data);
    free(f->films);
    free(f->pixels);
    *f = (struct tr_hip_films){0};
}
