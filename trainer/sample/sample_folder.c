#include "trainer/sample/sample_folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file.h"
#include "engine/sample_text.h"
#include "trainer/folder_lock.h"
#include "trainer/interrupt.h"
#include "trainer/sample/sample_table.h"
#include "trainer/sample/work_queue.h"

#define TEXT_LIMIT ((size_t)16 << 20)

enum { BATCH_MAX = 16 };

static const double BATCH_S = 0.5;
static const char FINISHED[] = "dataset.json", UNFINISHED[] = "dataset.json.unfinished";

struct maker {
    struct nn_model *model;
    const struct tr_sample_plan *plan;
    const struct tr_sample_output *o;
    struct tr_contact_sheet *sheet;
    tr_sample_progress *progress;
    void *context;
    char *description;       /* the text of dataset.json */
    bool *wanted;            /* of each image: it is still to be made */
    int done, total, folder; /* `folder`: descriptor, locked while it is open; -1 */
    bool finished;           /* dataset.json stands there already */
    struct nn_error *err;
};

static size_t pixel_bytes(const struct maker *m)
{
    return (size_t)m->o->side * (size_t)m->o->side * (size_t)m->o->depth / 8;
}

static void in_folder(const struct maker *m, const char *file, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", m->o->folder, file);
}

/* ---- the folder --------------------------------------------------------------------------------- */

static nn_status io_failed(const struct maker *m, const char *path)
{
    return nn_fail(m->err, NN_ERR_IO, "%s: %s", path, strerror(errno));
}

/* Whether `file` is there; that it says what this wish would say is checked. */
static nn_status look_for(const struct maker *m, const char *file, bool *there)
{
    char path[PATH_MAX];
    uint8_t *bytes;
    size_t size;
    in_folder(m, file, path);
    *there = access(path, F_OK) == 0;
    if (!*there) return NN_OK;
    nn_status status = nn_file_read(path, TEXT_LIMIT, &bytes, &size, m->err);
    if (status != NN_OK) return status;
    if (size != strlen(m->description) || memcmp(bytes, m->description, size) != 0)
        status =
            nn_fail(m->err, NN_ERR_ARGUMENT,
                    "%s: holds another data set (%s differs); another --out starts anew", m->o->folder, file);
    free(bytes);
    return status;
}

static nn_status open_folder(struct maker *m)
{
    char path[PATH_MAX];
    bool begun;
    if (mkdir(m->o->folder, 0777) != 0 && errno != EEXIST) return io_failed(m, m->o->folder);
    nn_status status = tr_folder_lock(m->o->folder, "process is writing this data set", &m->folder, m->err);
    if (status == NN_OK) status = look_for(m, FINISHED, &m->finished);
    if (status == NN_OK && !m->finished) status = look_for(m, UNFINISHED, &begun);
    if (status != NN_OK || m->finished) return status;
    if (!begun && !nn_folder_is_empty(m->o->folder))
        return nn_fail(m->err, NN_ERR_ARGUMENT, "%s: is neither empty nor an unfinished data set of samples",
                       m->o->folder);
    in_folder(m, UNFINISHED, path);
    if (!begun) status = nn_file_replace(path, m->description, strlen(m->description), m->err);
    in_folder(m, "images", path);
    if (status == NN_OK && mkdir(path, 0777) != 0 && errno != EEXIST) status = io_failed(m, path);
    return status;
}

/* All images on disk, before the files that declare them complete. */
static nn_status finish(struct maker *m)
{
    char path[PATH_MAX], final[PATH_MAX];
    if (syncfs(m->folder) != 0) return io_failed(m, m->o->folder);
    char *labels = tr_sample_labels_text(m->plan);
    if (!labels) return nn_fail(m->err, NN_ERR_MEMORY, "out of memory for labels.csv");
    in_folder(m, "labels.csv", path);
    nn_status status = nn_file_replace(path, labels, strlen(labels), m->err);
    free(labels);
    if (status != NN_OK || m->finished) return status;
    in_folder(m, UNFINISHED, path);
    in_folder(m, FINISHED, final);
    if (rename(path, final) != 0 || fsync(m->folder) != 0) return io_failed(m, final);
    return NN_OK;
}

/* ---- one image ---------------------------------------------------------------------------------- */

/* `label` has room for what the texts borrow. */
static void texts_of(const struct maker *m, int index, struct nn_sample_texts *texts,
                     char label[TR_SAMPLE_LABEL_MAX])
{
    struct nn_sample_point point = tr_sample_point(m->plan, index);
    tr_sample_label_text(m->plan, index, label);
    nn_sample_texts_init(texts, m->plan->model, &point, tr_sample_is_of_class(m->plan) ? label : NULL,
                         m->plan->wish.strength, "roentgym " ROENTGYM_VERSION);
}

/* Not synchronised to disk one by one, which would cost more than the picture: `finish` does it for all. A
 * file that a crash cuts short is not whole and is made again. */
static nn_status write_bytes(const char *path, const uint8_t *bytes, size_t size, struct nn_error *err)
{
    FILE *file = fopen(path, "wb");
    bool written = file && fwrite(bytes, 1, size, file) == size;
    int reason = errno;
    if (file && fclose(file) != 0 && written) written = false, reason = errno;
    if (written) return NN_OK;
    if (file) unlink(path);
    return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(reason));
}

/* On one of the queue's threads. */
static nn_status write_image(void *context, int index, const void *pixels, struct nn_error *err)
{
    const struct maker *m = context;
    const struct nn_image image = {m->o->side, m->o->side, m->o->depth, (void *)(uintptr_t)pixels};
    struct nn_sample_texts texts;
    char file[TR_SAMPLE_FILE_MAX], path[PATH_MAX], label[TR_SAMPLE_LABEL_MAX];
    uint8_t *bytes;
    size_t size;
    texts_of(m, index, &texts, label);
    nn_status status = nn_png_encode(&image, texts.list, texts.count, &bytes, &size, err);
    if (status != NN_OK) return status;
    tr_sample_file(m->plan, index, file);
    in_folder(m, file, path);
    status = write_bytes(path, bytes, size, err);
    free(bytes);
    return status;
}

static bool same_texts(const struct nn_png_texts *found, const struct nn_sample_texts *wanted)
{
    bool same = found->count == wanted->count;
    for (int i = 0; same && i < found->count; i++)
        same = !strcmp(found->list[i].keyword, wanted->list[i].keyword) &&
               !strcmp(found->list[i].text, wanted->list[i].text);
    return same;
}

/* Whether the image is there, whole and as it would be made. The caller releases it if so. */
static bool read_whole(const struct maker *m, int index, struct nn_image *image)
{
    char file[TR_SAMPLE_FILE_MAX], path[PATH_MAX], label[TR_SAMPLE_LABEL_MAX];
    struct nn_png_texts found;
    struct nn_sample_texts wanted;
    tr_sample_file(m->plan, index, file);
    in_folder(m, file, path);
    if (nn_png_read(path, image, NULL) != NN_OK) return false;
    bool whole = image->width == m->o->side && image->height == m->o->side && image->depth == m->o->depth;
    if (whole && (whole = nn_png_read_texts(path, &found, NULL) == NN_OK)) {
        texts_of(m, index, &wanted, label);
        whole = same_texts(&found, &wanted);
        nn_png_texts_release(&found);
    }
    if (!whole) nn_image_release(image);
    return whole;
}

static nn_status place_on_sheet(const struct maker *m, int index, const void *pixels, struct nn_error *err)
{
    int tile = m->plan->items[index].tile;
    if (!m->sheet || tile < 0) return NN_OK;
    if (m->o->depth == 8) return tr_contact_sheet_place(m->sheet, tile, pixels, err);
    size_t count = (size_t)m->o->side * (size_t)m->o->side;
    const uint16_t *deep = pixels;
    uint8_t *grey = malloc(count);
    if (!grey) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a contact sheet");
    for (size_t i = 0; i < count; i++) grey[i] = (uint8_t)((deep[i] + 128) / 257);
    nn_status status = tr_contact_sheet_place(m->sheet, tile, grey, err);
    free(grey);
    return status;
}

/* ---- all images --------------------------------------------------------------------------------- */

static nn_status find_made(struct maker *m)
{
    nn_status status = NN_OK;
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < m->plan->count; i++) {
        struct nn_image image;
        struct nn_error err;
        m->wanted[i] = true;
        if (!read_whole(m, i, &image)) continue;
#pragma omp critical(sample_folder)
        {
            nn_status placed = place_on_sheet(m, i, image.pixels, &err);
            if (placed != NN_OK && status == NN_OK) {
                status = placed;
                if (m->err) *m->err = err;
            }
            m->wanted[i] = false;
            m->done++;
        }
        nn_image_release(&image);
    }
    return status;
}

/* As many at once as take about BATCH_S: a GPU wants many, and a signal must not wait long for the CPU. */
struct batch {
    struct nn_sample_point points[BATCH_MAX];
    int index[BATCH_MAX];
    uint8_t *pixels; /* of BATCH_MAX images */
    int limit, count;
};

/* The next images that are missing from `from` on; returns where to look on. */
static int gather(const struct maker *m, struct batch *b, int from)
{
    b->count = 0;
    for (; from < m->plan->count && b->count < b->limit; from++) {
        if (!m->wanted[from]) continue;
        b->index[b->count] = from;
        b->points[b->count++] = tr_sample_point(m->plan, from);
    }
    return from;
}

static nn_status draw(struct maker *m, struct batch *b)
{
    double started_s = tr_now_s();
    nn_status status =
        nn_model_draw(m->model, b->points, b->count, m->o->side, m->o->depth, b->pixels, m->err);
    if (tr_now_s() - started_s < BATCH_S / 2 && b->limit < BATCH_MAX) b->limit *= 2;
    const struct nn_model_info *by = nn_model_info(m->model);
    if (status == NN_OK && m->o->folder && by != m->plan->model)
        return nn_fail(m->err, NN_ERR_DEVICE, "%s; the data set was begun on %s and is of one device",
                       by->device_note, m->plan->model->device);
    return status;
}

/* Places on the sheet and, with a queue, hands on what was drawn. A queue that takes no more tells why when
 * it is closed: until then that is a stop. */
static nn_status deliver(struct maker *m, const struct batch *b, struct tr_work_queue *queue)
{
    for (int i = 0; i < b->count; i++) {
        const uint8_t *pixels = b->pixels + (size_t)i * pixel_bytes(m);
        nn_status status = place_on_sheet(m, b->index[i], pixels, m->err);
        if (status != NN_OK) return status;
        if (queue) {
            void *buffer = tr_work_queue_take(queue);
            if (!buffer) return nn_fail(m->err, NN_STOPPED, "stopped");
            memcpy(buffer, pixels, pixel_bytes(m));
            tr_work_queue_put(queue, b->index[i], buffer);
        }
        if (++m->done < m->total && !m->progress(m->context, m->done, m->total))
            return nn_fail(m->err, NN_STOPPED, "stopped");
    }
    return NN_OK;
}

/* All that is wanted; `queue` NULL: for the sheet alone. */
static nn_status make_wanted(struct maker *m, struct tr_work_queue *queue)
{
    struct batch b = {.limit = 1, .pixels = malloc(BATCH_MAX * pixel_bytes(m))};
    if (!b.pixels) return nn_fail(m->err, NN_ERR_MEMORY, "out of memory for %d images", BATCH_MAX);
    nn_status status = NN_OK;
    for (int next = gather(m, &b, 0); b.count > 0 && status == NN_OK; next = gather(m, &b, next)) {
        status = draw(m, &b);
        if (status == NN_OK) status = deliver(m, &b, queue);
    }
    free(b.pixels);
    return status;
}

static nn_status make_missing(struct maker *m)
{
    struct tr_work_queue *queue;
    nn_status status = tr_work_queue_open(&queue, pixel_bytes(m), write_image, m, m->err);
    if (status != NN_OK) return status;
    status = make_wanted(m, queue);
    struct nn_error failure;
    nn_status written = tr_work_queue_close(queue, &failure);
    if (written == NN_OK || (status != NN_OK && status != NN_STOPPED)) return status;
    return nn_fail(m->err, written, "%s", failure.text);
}

static nn_status make_folder(struct maker *m)
{
    m->description = tr_sample_dataset_text(m->plan, m->o);
    m->total = m->plan->count;
    if (!m->description)
        return nn_fail(m->err, NN_ERR_MEMORY,
                       "%s: out of memory, or a name that is not UTF-8, for its dataset.json", m->o->folder);
    nn_status status = open_folder(m);
    if (status == NN_OK) status = find_made(m);
    bool nothing_new = m->done == m->total;
    if (status == NN_OK && !nothing_new) status = make_missing(m);
    if (status == NN_OK) status = finish(m);
    /* Told when it is true: after the last file is on disk. */
    if (status == NN_OK && !nothing_new) m->progress(m->context, m->done, m->total);
    return status;
}

/* Without a folder only what the sheet shows is made. */
static nn_status make_sheet(struct maker *m)
{
    for (int i = 0; i < m->plan->count; i++) {
        m->wanted[i] = m->plan->items[i].tile >= 0;
        m->total += m->wanted[i];
    }
    nn_status status = make_wanted(m, NULL);
    if (status == NN_OK) m->progress(m->context, m->done, m->total);
    return status;
}

nn_status tr_sample_folder_make(struct nn_model *model, const struct tr_sample_plan *plan,
                                const struct tr_sample_output *output, struct tr_contact_sheet *sheet,
                                tr_sample_progress *progress, void *context, struct nn_error *err)
{
    struct maker m = {.model = model,
                      .plan = plan,
                      .o = output,
                      .sheet = sheet,
                      .progress = progress,
                      .context = context,
                      .folder = -1,
                      .err = err};
    m.wanted = calloc((size_t)plan->count, sizeof *m.wanted);
    nn_status status = !m.wanted        ? nn_fail(err, NN_ERR_MEMORY, "out of memory for a list of images")
                       : output->folder ? make_folder(&m)
                                        : make_sheet(&m);
    if (m.folder >= 0) close(m.folder);
    free(m.description);
    free(m.wanted);
    return status;
}
