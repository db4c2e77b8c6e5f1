#include "trainer/localise/crop_tables.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/csv_reader.h"
#include "engine/file.h"
#include "trainer/data/csv_cell.h"
#include "trainer/data/labels.h"
#include "trainer/text_file.h"

#define TEXT_LIMIT ((size_t)256 << 20)

enum { STYLE_SIZE = 160 };

/* ---- the journal -------------------------------------------------------------------------------------- */

static void style_of(const struct tr_crop_wish *w, char style[STYLE_SIZE])
{
    snprintf(style, STYLE_SIZE, "roentgym localise 1 size %d weights %s", w->size, w->weights_sha256);
}

static int by_file(const void *a, const void *b)
{
    return strcmp((*(const struct tr_pelvis *const *)a)->file, (*(const struct tr_pelvis *const *)b)->file);
}

/* A line that a killed run left half is passed over: the film is done again. */
static bool take_line(char *const *cells, int count, struct tr_crop_film *film)
{
    struct tr_hip_found *r = &film->hips[TR_RIGHT], *l = &film->hips[TR_LEFT];
    int found[TR_HIPS], end = 0;
    if (count != 4 || strcmp(cells[3], "end") != 0) return false;
    *film = (struct tr_crop_film){0};
    int read = sscanf(cells[1], "%" SCNd64 " %" SCNd64 " %d %d %lf %lf %lf %lf %lf %d %lf %lf %lf %lf %lf%n",
                      &film->bytes, &film->time_ns, &film->side, &found[TR_RIGHT], &r->certainty, &r->place.x,
                      &r->place.y, &r->place.width, &r->place.height, &found[TR_LEFT], &l->certainty,
                      &l->place.x, &l->place.y, &l->place.width, &l->place.height, &end);
    if (read != 15 || cells[1][end]) return false;
    for (int hip = 0; hip < TR_HIPS; hip++) film->hips[hip].found = found[hip];
    snprintf(film->reason, sizeof film->reason, "%s", cells[2]);
    return film->done = true;
}

static nn_status read_journal(const char *path, const char *style, const struct tr_pelvis_table *table,
                              struct tr_crop_film *films, struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    char *cells[NN_CSV_FIELDS_MAX];
    int count;
    struct nn_csv csv;
    nn_status status = nn_file_read(path, TEXT_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    const struct tr_pelvis **sorted = malloc((size_t)table->count * sizeof *sorted);
    nn_csv_init(&csv, (char *)bytes, size, path);
    if (!sorted)
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for a list of films");
    else if (nn_csv_next(&csv, cells, &count, NULL) != NN_OK || count != 1 || strcmp(cells[0], style) != 0)
        status =
            nn_fail(err, NN_ERR_ARGUMENT, "%s: is of another network or size; choose another --out", path);
    for (int i = 0; status == NN_OK && i < table->count; i++) sorted[i] = &table->rows[i];
    if (status == NN_OK) qsort(sorted, (size_t)table->count, sizeof *sorted, by_file);
    while (status == NN_OK && nn_csv_next(&csv, cells, &count, NULL) == NN_OK && count > 0) {
        const struct tr_pelvis key = {.file = cells[0]}, *key_at = &key;
        const struct tr_pelvis **row =
            bsearch(&key_at, sorted, (size_t)table->count, sizeof *sorted, by_file);
        struct tr_crop_film film;
        if (row && take_line(cells, count, &film)) films[*row - table->rows] = film;
    }
    free(sorted);
    free(bytes);
    return status;
}

static nn_status make_folders(const struct tr_crop_wish *w, struct nn_error *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/images", w->out);
    if (mkdir(w->out, 0777) != 0 && errno != EEXIST)
        return nn_fail(err, NN_ERR_IO, "%s: %s", w->out, strerror(errno));
    if (!nn_folder_is_empty(w->out))
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: is neither empty nor a data set of hips made so", w->out);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    return NN_OK;
}

nn_status tr_crop_journal_open(struct tr_crop_journal *j, const struct tr_crop_wish *w,
                               const struct tr_pelvis_table *table, struct tr_crop_film *films,
                               struct nn_error *err)
{
    char style[STYLE_SIZE], finished[PATH_MAX];
    struct stat info;
    *j = (struct tr_crop_journal){0};
    style_of(w, style);
    snprintf(j->path, sizeof j->path, "%s/films.csv", w->out);
    nn_status status = access(j->path, F_OK) == 0 ? NN_OK : make_folders(w, err);
    if (status != NN_OK) return status;
    if (!(j->file = fopen(j->path, "a"))) return nn_fail(err, NN_ERR_IO, "%s: %s", j->path, strerror(errno));
    if (flock(fileno(j->file), LOCK_EX | LOCK_NB) != 0)
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: another process is writing it", w->out);
    bool fresh = fstat(fileno(j->file), &info) == 0 && info.st_size == 0;
    if (!fresh) status = read_journal(j->path, style, table, films, err);
    if (status != NN_OK) return status;
    snprintf(finished, sizeof finished, "%s/dataset.json", w->out);
    unlink(finished);
    if (fresh)
        fprintf(j->file, "%s\n", style);
    else
        fputc('\n', j->file); /* which ends a line that a killed run left half */
    fflush(j->file);
    return NN_OK;
}

void tr_crop_journal_put(struct tr_crop_journal *j, const struct tr_pelvis *p,
                         const struct tr_crop_film *film)
{
    tr_csv_write_cell(j->file, p->file);
    fprintf(j->file, ",%" PRId64 " %" PRId64 " %d", film->bytes, film->time_ns, film->side);
    for (int hip = 0; hip < TR_HIPS; hip++) {
        const struct tr_hip_found *f = &film->hips[hip];
        fprintf(j->file, " %d %.17g %.17g %.17g %.17g %.17g", f->found, f->certainty, f->place.x, f->place.y,
                f->place.width, f->place.height);
    }
    fputc(',', j->file);
    tr_csv_write_cell(j->file, film->reason);
    fputs(",end\n", j->file);
    fflush(j->file);
}

nn_status tr_crop_journal_close(struct tr_crop_journal *j, struct nn_error *err)
{
    if (!j->file) return NN_OK;
    bool whole = !ferror(j->file);
    whole &= fclose(j->file) == 0;
    j->file = NULL;
    return whole ? NN_OK : nn_fail(err, NN_ERR_IO, "%s: cannot be written", j->path);
}

/* ---- the tables --------------------------------------------------------------------------------------- */

static const char *verdict(const struct tr_pelvis *p, const struct tr_crop_film *film, int hip)
{
    if (*p->refused || !film->side) return "refused";
    if (!p->label[hip]) return "left out";
    return film->hips[hip].found ? "taken" : "not found";
}

static void report_hip(FILE *to, const struct tr_pelvis *p, const struct tr_crop_film *film, int hip)
{
    const struct tr_hip_found *f = &film->hips[hip];
    const char *what = verdict(p, film, hip), *reason = *p->refused ? p->refused : film->reason;
    const struct tr_place *at = &f->place;
    tr_csv_write_cell(to, p->file);
    fprintf(to, ",%s,%s,", tr_hip_words[hip], what);
    if (strcmp(what, "left out") == 0)
        reason = f->found        ? "no column tells what this hip shows"
                 : *film->reason ? film->reason
                                 : "no column tells what this hip shows, and it was not found";
    bool beyond = at->x < 0 || at->y < 0 || at->x + at->width > 1 || at->y + at->height > 1;
    if (strcmp(what, "taken") == 0 && beyond) reason = "its box goes beyond the film";
    tr_csv_write_cell(to, reason);
    if (!film->side) fputs(",,,,,,\n", to);
    if (!film->side) return;
    fprintf(to, ",%.3f,%.1f,%.1f,%.1f,%.1f,", f->certainty, at->x * film->side, at->y * film->side,
            at->width * film->side, at->height * film->side);
    if (strcmp(what, "taken") == 0) fprintf(to, "images/%s_%s.png", p->name, tr_hip_words[hip]);
    fputc('\n', to);
}

static void count(const struct tr_pelvis *p, const struct tr_crop_film *film, struct tr_crop_outcome *o)
{
    bool refused = *p->refused || !film->side;
    o->refused += refused;
    for (int hip = 0; hip < TR_HIPS && !refused; hip++) {
        o->not_found += p->label[hip] && !film->hips[hip].found;
        o->left_out += !p->label[hip];
        o->hips += film->hips[hip].found && p->label[hip];
    }
}

static void label_hip(FILE *to, const struct tr_pelvis *p, int hip)
{
    char image[TR_PELVIS_NAME_MAX + 32];
    snprintf(image, sizeof image, "images/%s_%s.png", p->name, tr_hip_words[hip]);
    tr_csv_write_cell(to, image);
    const char *cells[] = {p->label[hip], p->patient, tr_hip_words[hip], p->split, p->file};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        fputc(',', to);
        tr_csv_write_cell(to, cells[i]);
    }
    fputc('\n', to);
}

/* dataset.json of the source with what it says of pelves replaced. */
static nn_status describe(const struct tr_crop_wish *w, const struct tr_crop_outcome *o, json_t **root,
                          struct nn_error *err)
{
    char path[PATH_MAX], *provenance = NULL;
    uint8_t *bytes;
    size_t size;
    json_error_t where;
    snprintf(path, sizeof path, "%s/dataset.json", w->source);
    nn_status status = nn_file_read(path, TEXT_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    json_t *source = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &where);
    free(bytes);
    const json_t *simulated = json_object_get(source, "simulated");
    if (!json_is_boolean(simulated))
        status = nn_fail(err, NN_ERR_FORMAT, "%s: \"simulated\" is not true or false", path);
    const char *name = json_string_value(json_object_get(source, "name"));
    const char *from = json_string_value(json_object_get(source, "provenance"));
    if (asprintf(&provenance, "hips cut out of %s by roentgym localise%s%s", name ? name : "a data set",
                 from ? "; " : "", from ? from : "") < 0)
        provenance = NULL;
    if (status == NN_OK && provenance)
        *root = json_pack("{s:s, s:b, s:s, s:i, s:{s:s, s:i}}", "name", w->name, "simulated",
                          json_is_true(simulated), "provenance", provenance, "images", o->hips, "localise",
                          "weights_sha256", w->weights_sha256, "size", w->size);
    static const char *const kept[] = {"classes", "grey_range"};
    for (int i = 0; i < 2 && status == NN_OK; i++)
        if (json_object_get(source, kept[i]))
            json_object_set(*root, kept[i], json_object_get(source, kept[i]));
    json_decref(source);
    free(provenance);
    if (status == NN_OK && !*root) status = nn_fail(err, NN_ERR_MEMORY, "out of memory for dataset.json");
    return status;
}

nn_status tr_crop_tables_write(const struct tr_crop_wish *w, const struct tr_pelvis_table *table,
                               struct tr_crop_outcome *o, struct nn_error *err)
{
    char path[PATH_MAX], *json = NULL;
    struct tr_text_file report, labels;
    json_t *root = NULL;
    nn_status status = tr_text_file_begin(&report, w->report, err);
    if (status != NN_OK) return status;
    fputs(TR_CROP_REPORT "certainty,x,y,width,height,image\n", report.to);
    for (int i = 0; i < table->count; i++) {
        count(&table->rows[i], &o->films[i], o);
        for (int hip = 0; hip < TR_HIPS; hip++) report_hip(report.to, &table->rows[i], &o->films[i], hip);
    }
    status = tr_text_file_end(&report, NN_OK, err);
    if (status == NN_OK && o->hips == 0)
        status =
            nn_fail(err, NN_ERR_FORMAT, "%s: not one hip could be taken; %s says why", w->source, w->report);
    if (status == NN_OK) status = describe(w, o, &root, err);
    if (status == NN_OK && !(json = json_dumps(root, JSON_INDENT(1))))
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for dataset.json");
    json_decref(root);
    snprintf(path, sizeof path, "%s/labels.csv", w->out);
    if (status == NN_OK) status = tr_text_file_begin(&labels, path, err);
    if (status != NN_OK) goto out;
    fprintf(labels.to, "file,%s,patient_id,side,split,pelvis\n", table->multi ? "labels" : "label");
    for (int i = 0; i < table->count; i++)
        for (int hip = 0; hip < TR_HIPS; hip++)
            if (strcmp(verdict(&table->rows[i], &o->films[i], hip), "taken") == 0)
                label_hip(labels.to, &table->rows[i], hip);
    fflush(labels.to);
    struct tr_labels parsed = {0};
    struct nn_error problem;
    if (tr_labels_parse(&parsed, labels.bytes, labels.size, path, &problem) != NN_OK ||
        tr_labels_check_training(&parsed, path, &problem) != NN_OK)
        snprintf(o->fault, sizeof o->fault, "%.350s", problem.text);
    tr_labels_release(&parsed);
    status = tr_text_file_end(&labels, NN_OK, err);
    snprintf(path, sizeof path, "%s/dataset.json", w->out);
    if (status == NN_OK) status = nn_file_replace(path, json, strlen(json), err);
out:
    free(json);
    return status;
}
