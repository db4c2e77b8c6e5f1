#include "trainer/localise/hip_crops.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file.h"
#include "engine/image.h"
#include "trainer/data/resample.h"
#include "trainer/localise/crop_tables.h"

enum { AT_ONCE = 16, TURNS = 4 };

struct maker {
    const struct tr_crop_wish *w;
    const struct tr_pelvis_table *table;
    struct tr_hip_finder *finder;
    struct tr_crop_outcome *o;
    struct tr_crop_journal journal;
    float *views;
    struct nn_error *err;
};

/* A film in hand. */
struct work {
    int row;
    struct nn_image image;
    nn_status status;
    struct nn_error err;
};

static void crop_path(const struct maker *m, const struct tr_pelvis *p, int hip, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/images/%s_%s.png", m->w->out, p->name, tr_hip_words[hip]);
}

static bool wanted(const struct tr_pelvis *p, const struct tr_crop_film *film, int hip)
{
    return p->label[hip] && film->side && film->hips[hip].found;
}

/* ---- what is to be done ------------------------------------------------------------------------------- */

static void stamp(const struct maker *m, int row, struct tr_crop_film *film)
{
    char path[PATH_MAX];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", m->w->source, m->table->rows[row].file);
    *film = (struct tr_crop_film){.bytes = -1};
    if (stat(path, &info) != 0) return;
    film->bytes = info.st_size;
    film->time_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
}

/* What the journal says of a film holds when its file is the same and its crops are there. */
static bool still_holds(const struct maker *m, int row, const struct tr_crop_film *film)
{
    struct tr_crop_film now;
    char path[PATH_MAX];
    stamp(m, row, &now);
    if (now.bytes < 0 || !film->side || now.bytes != film->bytes || now.time_ns != film->time_ns)
        return false;
    for (int hip = 0; hip < TR_HIPS; hip++) {
        crop_path(m, &m->table->rows[row], hip, path);
        if (wanted(&m->table->rows[row], film, hip) && access(path, F_OK) != 0) return false;
    }
    return true;
}

/* ---- films -------------------------------------------------------------------------------------------- */

static struct tr_rectangle whole(const struct nn_image *image)
{
    return (struct tr_rectangle){0, 0, image->width, image->height};
}

static nn_status shrink(const struct nn_image *picture, struct nn_image *small, struct nn_error *err)
{
    const struct tr_part all = {.width = picture->width, .height = picture->height};
    return tr_resample(picture, &all, small, whole(small), err);
}

static nn_status to_floats(const struct nn_image *picture, int side, float *view, struct nn_error *err)
{
    struct nn_image small;
    nn_status status = nn_image_init(&small, side, side, picture->depth, err);
    if (status == NN_OK) status = shrink(picture, &small, err);
    for (int i = 0; i < side * side && status == NN_OK; i++)
        view[i] = picture->depth == 8 ? ((uint8_t *)small.pixels)[i] : ((uint16_t *)small.pixels)[i];
    nn_image_release(&small);
    if (status == NN_OK) tr_hip_net_view(view, (size_t)side * (size_t)side);
    return status;
}

static nn_status read_film(const char *source, const struct tr_pelvis *p, struct nn_image *image,
                           struct nn_error *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", source, p->file);
    nn_status status = nn_png_read(path, image, err);
    if (status != NN_OK || image->width == image->height) return status;
    status = nn_fail(err, NN_ERR_FORMAT, "%s: is not square but %dx%d; roentgym ingest pads", path,
                     image->width, image->height);
    nn_image_release(image);
    return status;
}

static void look(const struct maker *m, struct work *k, int i)
{
    int side = m->finder->net->side;
    k->status = read_film(m->w->source, &m->table->rows[k->row], &k->image, &k->err);
    float *view = m->views + (size_t)i * (size_t)side * (size_t)side;
    if (k->status == NN_OK) k->status = to_floats(&k->image, side, view, &k->err);
    if (k->status != NN_OK) memset(view, 0, (size_t)side * (size_t)side * sizeof *view);
}

static void turn_clockwise(const float *from, float *to, int side)
{
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) to[y * side + x] = from[(side - 1 - x) * side + y];
}

/* A film with no hip on it may lie on its side, which is worth telling. */
static nn_status try_turned(struct maker *m, const float *view, struct tr_crop_film *film)
{
    int side = m->finder->net->side, count = side * side;
    struct tr_hip_found found[TURNS - 1][TR_HIPS];
    float *turned = malloc((size_t)((TURNS - 1) * count) * sizeof *turned);
    if (!turned) return nn_fail(m->err, NN_ERR_MEMORY, "out of memory for a turned film");
    for (int i = 0; i < TURNS - 1; i++)
        turn_clockwise(i ? turned + (i - 1) * count : view, turned + i * count, side);
    nn_status status = tr_hip_finder_find(m->finder, turned, TURNS - 1, found, m->err);
    for (int i = 0; i < TURNS - 1 && status == NN_OK; i++)
        if (found[i][TR_RIGHT].found && found[i][TR_LEFT].found && !*film->reason)
            snprintf(film->reason, sizeof film->reason,
                     "looks as if it was to be turned by %d degrees clockwise", 90 * (i + 1));
    free(turned);
    return status;
}

static void cut(const struct maker *m, struct work *k)
{
    const struct tr_pelvis *p = &m->table->rows[k->row];
    const struct tr_crop_film *film = &m->o->films[k->row];
    char path[PATH_MAX];
    for (int hip = 0; hip < TR_HIPS && k->status == NN_OK; hip++) {
        if (!wanted(p, film, hip)) continue;
        const struct tr_place *place = &film->hips[hip].place;
        double side = fmax(place->width, place->height) * film->side;
        double x = (place->x + place->width / 2) * film->side - side / 2;
        double y = (place->y + place->height / 2) * film->side - side / 2;
        struct nn_image out;
        crop_path(m, p, hip, path);
        k->status = nn_image_init(&out, m->w->size, m->w->size, k->image.depth, &k->err);
        const struct tr_part part = {x, y, side, side, .mirror = hip == TR_RIGHT};
        if (k->status == NN_OK) k->status = tr_resample(&k->image, &part, &out, whole(&out), &k->err);
        if (k->status == NN_OK) k->status = nn_png_write(path, &out, NULL, 0, &k->err);
        nn_image_release(&out);
    }
}

/* Reads, finds, cuts `count` films. A film that cannot be read is told in the report; a crop that cannot be
 * written ends it all. */
static nn_status do_some(struct maker *m, struct work *works, int count)
{
    struct tr_hip_found found[AT_ONCE][TR_HIPS];
    size_t each = (size_t)m->finder->net->side * (size_t)m->finder->net->side;
    for (int i = 0; i < count; i++) stamp(m, works[i].row, &m->o->films[works[i].row]);
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < count; i++) look(m, &works[i], i);
    nn_status status = tr_hip_finder_find(m->finder, m->views, count, found, m->err);
    for (int i = 0; i < count && status == NN_OK; i++) {
        struct tr_crop_film *film = &m->o->films[works[i].row];
        if (works[i].status != NN_OK) {
            snprintf(film->reason, sizeof film->reason, "%.250s", works[i].err.text);
            continue;
        }
        film->side = works[i].image.width;
        memcpy(film->hips, found[i], sizeof film->hips);
        if (!found[i][0].found && !found[i][1].found)
            status = try_turned(m, m->views + (size_t)i * each, film);
    }
    if (status == NN_OK)
#pragma omp parallel for schedule(dynamic)
        for (int i = 0; i < count; i++) cut(m, &works[i]);
    for (int i = 0; i < count; i++) {
        struct tr_crop_film *film = &m->o->films[works[i].row];
        nn_image_release(&works[i].image);
        if (film->side && works[i].status != NN_OK && status == NN_OK)
            status = nn_fail(m->err, works[i].status, "%s", works[i].err.text);
        film->done = true;
        if (status == NN_OK) tr_crop_journal_put(&m->journal, &m->table->rows[works[i].row], film);
    }
    return status;
}

static nn_status do_all(struct maker *m, tr_crop_progress *progress, void *context)
{
    struct work works[AT_ONCE];
    int total = 0, made = 0, count = 0;
    nn_status status = NN_OK;
    for (int i = 0; i < m->table->count; i++) {
        struct tr_crop_film *film = &m->o->films[i];
        if (film->done) film->done = still_holds(m, i, film);
        total += !film->done && !*m->table->rows[i].refused;
    }
    for (int i = 0; i < m->table->count && status == NN_OK; i++) {
        if (!m->o->films[i].done && !*m->table->rows[i].refused) works[count++] = (struct work){.row = i};
        if (count < AT_ONCE && !(count && made + count == total)) continue;
        status = do_some(m, works, count);
        made += count;
        count = 0;
        if (status == NN_OK && !progress(context, made, total) && made < total)
            status = nn_fail(m->err, NN_STOPPED, "stopped");
    }
    return status;
}

nn_status tr_hip_crops_make(const struct tr_crop_wish *w, const struct tr_pelvis_table *table,
                            struct tr_hip_finder *finder, tr_crop_progress *progress, void *context,
                            struct tr_crop_outcome *o, struct nn_error *err)
{
    struct maker m = {.w = w, .table = table, .finder = finder, .o = o, .err = err};
    size_t each = (size_t)finder->net->side * (size_t)finder->net->side;
    *o = (struct tr_crop_outcome){.films = calloc((size_t)table->count, sizeof *o->films)};
    m.views = malloc(AT_ONCE * each * sizeof *m.views);
    nn_status status =
        o->films && m.views ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for %d films", table->count);
    if (status == NN_OK) status = tr_crop_journal_open(&m.journal, w, table, o->films, err);
    if (status == NN_OK) status = do_all(&m, progress, context);
    struct nn_error failure;
    nn_status closed = tr_crop_journal_close(&m.journal, &failure);
    if (closed != NN_OK && (status == NN_OK || status == NN_STOPPED))
        status = nn_fail(err, closed, "%s", failure.text);
    if (status == NN_OK) status = tr_crop_tables_write(w, table, o, err);
    free(m.views);
    return status;
}

nn_status tr_crop_tile(const char *source, const struct tr_pelvis *p, int side, uint8_t *tile,
                       struct nn_error *err)
{
    struct nn_image image, small = {0};
    nn_status status = read_film(source, p, &image, err);
    if (status != NN_OK) return status;
    status = nn_image_init(&small, side, side, image.depth, err);
    if (status == NN_OK) status = shrink(&image, &small, err);
    if (status == NN_OK) nn_image_box_means(&small, 1, tile);
    nn_image_release(&small);
    nn_image_release(&image);
    return status;
}
