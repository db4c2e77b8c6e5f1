#include "server/library/library_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"
#include "engine/sha256.h"
#include "server/library/library_files.h"
#include "server/store/decks/store_library.h"

#define IMAGE_FILE_LIMIT ((size_t)64 << 20)

struct import {
    const char *folder, *from;
    struct srv_library_set set;
    struct srv_faults *faults;
    struct srv_collection collection;
    struct nn_sha256 dataset; /* the same text that the trainer hashes (trainer/data/dataset.h) */
};

/* ---- images ---- */

/* The data set's hash is over images alone, as the trainer's. */
static nn_status read_pixels(struct import *m, const char *file, bool mask, int size_px[2],
                             struct srv_library_pixels *pixels, struct nn_error *err)
{
    char path[LIBRARY_PATH_TEXT + LIBRARY_FILE_MAX + 2], hash[SRV_DIGEST_TEXT];
    uint8_t *bytes;
    size_t size;
    struct nn_image image = {0};
    *pixels = (struct srv_library_pixels){0};
    snprintf(path, sizeof path, "%s/%s", m->from, file);
    nn_status status = nn_file_read(path, IMAGE_FILE_LIMIT, &bytes, &size, err);
    if (status) return status;
    nn_sha256_hex(bytes, size, hash);
    if (!mask) nn_sha256_add(&m->dataset, hash, SRV_DIGEST_TEXT - 1);
    status = nn_png_decode(bytes, size, path, &image, err);
    free(bytes);
    if (!status) {
        struct nn_error cause = {0};
        status =
            srv_library_normalise(&image, mask ? (struct srv_grey_range){0} : m->set.range, pixels, &cause);
        if (status) nn_fail(err, status, "%s: %s", path, cause.text);
    }
    size_px[0] = image.width;
    size_px[1] = image.height;
    nn_image_release(&image);
    return status;
}

/* The image may have been padded. */
static void place_middle(struct import *m, struct srv_library_row *row, const int size_px[2])
{
    int side = size_px[0] > size_px[1] ? size_px[0] : size_px[1];
    if (!row->has_middle) return;
    if (row->column > size_px[0] || row->row > size_px[1])
        srv_fault(m->faults, "%s/labels.csv:%d: the fracture's middle is outside the image", m->from,
                  row->line);
    row->middle_x = (row->column + (side - size_px[0]) / 2) / side;
    row->middle_y = (row->row + (side - size_px[1]) / 2) / side;
}

/* Once there is a fault the rest is only looked at: it will not be imported. Takes the pixels. */
static nn_status keep(struct import *m, struct srv_library_pixels *pixels, char sha256[SRV_DIGEST_TEXT],
                      struct nn_error *err)
{
    nn_status status = NN_OK;
    struct srv_library_ref ref = {.width = pixels->width};
    nn_sha256_hex(pixels->grey, (size_t)pixels->width * (size_t)pixels->width, sha256);
    memcpy(ref.folder, m->collection.folder, sizeof ref.folder);
    memcpy(ref.sha256, sha256, sizeof ref.sha256);
    if (!m->faults->count) status = srv_library_write(m->folder, &ref, pixels->grey, err);
    free(pixels->grey);
    return status;
}

static nn_status take_mask(struct import *m, struct srv_library_row *row, struct nn_error *err)
{
    int size_px[2];
    struct srv_library_pixels pixels;
    struct nn_error cause = {0};
    if (read_pixels(m, row->mask, true, size_px, &pixels, &cause)) {
        srv_fault(m->faults, "%s/labels.csv:%d: %s", m->from, row->line, cause.text);
        return NN_OK;
    }
    if (pixels.width != row->width)
        srv_fault(m->faults, "%s/labels.csv:%d: %s: is not of the image's size", m->from, row->line,
                  row->mask);
    return keep(m, &pixels, row->mask_sha256, err);
}

static nn_status take_image(struct import *m, struct srv_library_row *row, struct nn_error *err)
{
    int size_px[2];
    struct srv_library_pixels pixels;
    struct nn_error cause = {0};
    if (read_pixels(m, row->file, false, size_px, &pixels, &cause)) {
        srv_fault(m->faults, "%s/labels.csv:%d: %s", m->from, row->line, cause.text);
        return NN_OK;
    }
    row->width = pixels.width;
    place_middle(m, row, size_px);
    nn_status status = keep(m, &pixels, row->sha256, err);
    return status || !row->mask ? status : take_mask(m, row, err);
}

static int by_content(const void *a, const void *b)
{
    const struct srv_library_row *const *r = a, *const *s = b;
    int order = strcmp((*r)->sha256, (*s)->sha256);
    return order ? order : ((*r)->line > (*s)->line) - ((*r)->line < (*s)->line);
}

/* A picture that is there twice would be drawn twice, or stand in both splits. */
static nn_status check_contents(struct import *m, struct nn_error *err)
{
    const struct srv_library_set *set = &m->set;
    const struct srv_library_row **order = malloc(((size_t)set->count + 1) * sizeof *order);
    if (!order) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d images", set->count);
    for (int i = 0; i < set->count; i++) order[i] = &set->rows[i];
    qsort(order, (size_t)set->count, sizeof *order, by_content);
    for (int i = 1; i < set->count; i++)
        if (*order[i]->sha256 && !strcmp(order[i]->sha256, order[i - 1]->sha256) &&
            strcmp(order[i]->file, order[i - 1]->file)) /* else it is told already */
            srv_fault(m->faults, "%s/labels.csv:%d: %s: shows the same as %s in line %d", m->from,
                      order[i]->line, order[i]->file, order[i - 1]->file, order[i - 1]->line);
    free(order);
    return NN_OK;
}

static nn_status take_images(struct import *m, struct nn_error *err)
{
    nn_status status = NN_OK;
    nn_sha256_init(&m->dataset);
    nn_sha256_add(&m->dataset, m->set.labels_sha256, SRV_DIGEST_TEXT - 1);
    for (int i = 0; i < m->set.count && !status; i++) status = take_image(m, &m->set.rows[i], err);
    if (!status) status = check_contents(m, err);
    if (m->set.range.high) {
        char text[32];
        int length = snprintf(text, sizeof text, "%d..%d", m->set.range.low, m->set.range.high);
        nn_sha256_add(&m->dataset, text, (size_t)length);
    }
    nn_sha256_finish(&m->dataset, m->collection.dataset_sha256);
    return status;
}

/* ---- the whole ---- */

static nn_status refuse(const struct import *m, struct nn_error *err)
{
    return nn_fail(err, NN_ERR_FORMAT, "%s: %d fault%s, nothing was imported", m->from, m->faults->count,
                   m->faults->count == 1 ? "" : "s");
}

/* What is seen of the collection is its row: it comes when all files are on the disk. */
static nn_status publish(struct import *m, struct db *db, struct nn_error *err)
{
    nn_status status = srv_library_flush(m->folder, err);
    if (status) return status;
    switch (srv_store_collection_add(db, &m->collection, &m->set)) {
    case DB_OK:
        return NN_OK;
    case DB_CONFLICT:
        return nn_fail(err, NN_ERR_FORMAT, "there is a collection called %s already", m->collection.name);
    default:
        return nn_fail(err, NN_ERR_IO, "the database refuses, nothing was imported");
    }
}

static nn_status import_locked(struct import *m, struct db *db, struct nn_error *err)
{
    nn_status status = srv_library_recover(m->folder, db, err);
    if (!status) status = srv_library_begin(m->folder, m->collection.folder, err);
    if (status) return status;
    status = take_images(m, err);
    if (!status && m->faults->count) status = refuse(m, err);
    if (!status) status = publish(m, db, err);
    if (status)
        srv_library_discard(m->folder, m->collection.folder);
    else
        status = srv_library_rename(m->folder, m->collection.folder, false, err);
    return status;
}

static nn_status check_name(struct db *db, const char *name, struct nn_error *err)
{
    char folder[LIBRARY_FOLDER_TEXT];
    bool found;
    if (!srv_deck_id_valid(name))
        return nn_fail(err, NN_ERR_ARGUMENT, "a collection's name is 1 to %d of a-z, 0-9, _ and -",
                       DECK_ID_TEXT - 1);
    if (srv_store_collection_find(db, name, folder, &found) != DB_OK)
        return nn_fail(err, NN_ERR_IO, "the database cannot be read");
    if (found) return nn_fail(err, NN_ERR_FORMAT, "there is a collection called %s already", name);
    return NN_OK;
}

nn_status srv_library_import(const char *folder, struct db *db, const char *from, const char *name,
                             struct srv_faults *faults, int *images, struct nn_error *err)
{
    int lock = -1;
    struct import m = {.folder = folder, .from = from, .faults = faults, .collection.name = name};
    nn_status status = check_name(db, name, err);
    if (status) return status;
    srv_library_set_read(&m.set, from, faults);
    if (m.set.count)
        status = srv_library_lock(folder, &lock, err);
    else
        status = refuse(&m, err);
    if (!status) status = import_locked(&m, db, err);
    *images = m.set.count;
    srv_library_unlock(lock);
    srv_library_set_release(&m.set);
    return status;
}

static nn_status remove_locked(const char *folder, struct db *db, const char *name, struct nn_error *err)
{
    char place[LIBRARY_FOLDER_TEXT], study[DECK_ID_TEXT];
    bool found;
    nn_status status = srv_library_recover(folder, db, err);
    if (status) return status;
    if (srv_store_collection_find(db, name, place, &found) != DB_OK)
        return nn_fail(err, NN_ERR_IO, "the database cannot be read");
    if (!found) return nn_fail(err, NN_ERR_ARGUMENT, "there is no collection called %s", name);
    struct nn_error missing = {0}; /* without its files a collection can go all the same */
    bool moved = !srv_library_rename(folder, place, true, &missing);
    enum db_status removed = srv_store_collection_remove(db, name, study);
    if (removed == DB_OK && !*study) {
        if (moved) srv_library_discard(folder, place);
        return NN_OK;
    }
    if (moved && srv_library_rename(folder, place, false, err)) return NN_ERR_IO;
    if (removed != DB_OK) return nn_fail(err, NN_ERR_IO, "the database refuses, nothing was removed");
    return nn_fail(err, NN_ERR_ARGUMENT, "the study %s shows images of %s; freeze it first", study, name);
}

nn_status srv_library_remove(const char *folder, struct db *db, const char *name, struct nn_error *err)
{
    int lock;
    nn_status status = srv_library_lock(folder, &lock, err);
    if (!status) status = remove_locked(folder, db, name, err);
    srv_library_unlock(lock);
    return status;
}
