#include "trainer/localise/pelvis_table.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/csv_reader.h"
#include "engine/file.h"
#include "trainer/data/labels.h"

#define TABLE_LIMIT ((size_t)256 << 20)

enum {
    FILE_CELL,
    LABEL,
    PATIENT,
    SPLIT,
    NEEDED,
    SIDE = NEEDED,
    FRACTURE_SIDE,
    LABEL_RIGHT,
    LABEL_LEFT,
    COLUMNS
};
static const char *const columns[COLUMNS] = {"file", "label",         "patient_id",  "split",
                                             "side", "fracture_side", "label_right", "label_left"};

struct reader {
    struct nn_csv csv;
    int place[COLUMNS], width;
    const char *negative;
};

static nn_status read_header(struct reader *r, struct tr_pelvis_table *table, struct nn_error *err)
{
    char *cells[NN_CSV_FIELDS_MAX];
    nn_status status = nn_csv_next(&r->csv, cells, &r->width, err);
    for (int c = 0; c < COLUMNS; c++) r->place[c] = -1;
    for (int i = 0; i < r->width && status == NN_OK; i++) {
        bool several = strcmp(cells[i], "labels") == 0;
        for (int c = 0; c < COLUMNS && status == NN_OK; c++) {
            if (strcmp(cells[i], columns[c]) != 0 && !(several && c == LABEL)) continue;
            if (r->place[c] >= 0)
                status = nn_fail(err, NN_ERR_FORMAT, "%s:%d: column \"%s\" is there twice", r->csv.name,
                                 r->csv.record_line, columns[c]);
            r->place[c] = i;
        }
        table->multi |= several;
    }
    for (int c = 0; c < NEEDED && status == NN_OK; c++)
        if (r->place[c] < 0)
            status = nn_fail(err, NN_ERR_FORMAT, "%s: column \"%s\" is missing", r->csv.name, columns[c]);
    return status;
}

/* The cell of a column, "" where there is no such column. */
static const char *cell(const struct reader *r, char *const *cells, int column)
{
    return r->place[column] < 0 ? "" : cells[r->place[column]];
}

static int hip_of(const char *word)
{
    for (int hip = 0; hip < TR_HIPS; hip++)
        if (strcmp(word, tr_hip_words[hip]) == 0) return hip;
    return -1;
}

static void label_hips(const struct reader *r, char *const *cells, struct tr_pelvis *p)
{
    const char *film = cell(r, cells, LABEL);
    int shown = hip_of(cell(r, cells, SIDE)), broken = hip_of(cell(r, cells, FRACTURE_SIDE));
    for (int hip = 0; hip < TR_HIPS; hip++) {
        const char *own = cell(r, cells, hip == TR_LEFT ? LABEL_LEFT : LABEL_RIGHT);
        if (*own)
            p->label[hip] = own;
        else if (strcmp(film, r->negative) == 0)
            p->label[hip] = film;
        else if (broken >= 0)
            p->label[hip] = hip == broken ? film : r->negative;
        else if (hip == shown)
            p->label[hip] = film;
    }
}

/* "images/a/b.png" becomes "a_b". */
static void name_hips(struct tr_pelvis *p)
{
    const char *from = p->file, *dot = strrchr(from, '.');
    if (strncmp(from, "images/", 7) == 0) from += 7;
    size_t length = dot && dot > from ? (size_t)(dot - from) : strlen(from);
    if (length >= sizeof p->name) length = sizeof p->name - 1;
    memcpy(p->name, from, length);
    p->name[length] = '\0';
    for (char *c = p->name; *c; c++)
        if (*c == '/') *c = '_';
}

static void take_row(const struct reader *r, char *const *cells, struct tr_pelvis *p)
{
    *p = (struct tr_pelvis){.file = cell(r, cells, FILE_CELL),
                            .patient = cell(r, cells, PATIENT),
                            .split = cell(r, cells, SPLIT)};
    label_hips(r, cells, p);
    for (int c = 0; c < NEEDED && !*p->refused; c++)
        if (!*cell(r, cells, c)) snprintf(p->refused, sizeof p->refused, "has no %s", columns[c]);
    if (!*p->refused && strcmp(p->split, "train") != 0 && strcmp(p->split, "test") != 0)
        snprintf(p->refused, sizeof p->refused, "split '%.40s' is neither train nor test", p->split);
    if (!*p->refused && !nn_path_stays_within(p->file))
        snprintf(p->refused, sizeof p->refused, "its path leaves the folder");
    if (!*p->refused && strlen(p->file) >= TR_PELVIS_NAME_MAX)
        snprintf(p->refused, sizeof p->refused, "its path is too long");
    name_hips(p);
}

static nn_status read_rows(struct reader *r, struct tr_pelvis_table *t, struct nn_error *err)
{
    char *cells[NN_CSV_FIELDS_MAX];
    int room = 0, width = 0;
    nn_status status = read_header(r, t, err);
    if (!r->negative) r->negative = t->multi ? NN_CLASS_NONE : "no_fracture";
    while (status == NN_OK && (status = nn_csv_next(&r->csv, cells, &width, err)) == NN_OK && width > 0) {
        if (width != r->width)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: has %d cells, the header %d", r->csv.name,
                           r->csv.record_line, width, r->width);
        if (t->count == room) {
            room = room ? 2 * room : 256;
            struct tr_pelvis *more = realloc(t->rows, (size_t)room * sizeof *more);
            if (!more) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", r->csv.name);
            t->rows = more;
        }
        take_row(r, cells, &t->rows[t->count++]);
    }
    if (status == NN_OK && t->count == 0) status = nn_fail(err, NN_ERR_FORMAT, "%s: has no row", r->csv.name);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const struct tr_pelvis *x = *(struct tr_pelvis *const *)a, *y = *(struct tr_pelvis *const *)b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x > y) - (x < y);
}

/* Of several rows that would write the same files the first stays. */
static nn_status refuse_twins(struct tr_pelvis_table *t, struct nn_error *err)
{
    struct tr_pelvis **sorted = malloc((size_t)t->count * sizeof *sorted);
    if (!sorted) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a list of films");
    for (int i = 0; i < t->count; i++) sorted[i] = &t->rows[i];
    qsort(sorted, (size_t)t->count, sizeof *sorted, by_name);
    for (int i = 1; i < t->count; i++)
        if (!*sorted[i]->refused && strcmp(sorted[i]->name, sorted[i - 1]->name) == 0)
            snprintf(sorted[i]->refused, sizeof sorted[i]->refused, "its hips would be called as those of %s",
                     sorted[i - 1]->file);
    free(sorted);
    return NN_OK;
}

nn_status tr_pelvis_table_read(struct tr_pelvis_table *t, const char *path, const char *negative,
                               struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    struct reader r = {.negative = negative};
    *t = (struct tr_pelvis_table){0};
    nn_status status = nn_file_read(path, TABLE_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    t->text = (char *)bytes;
    nn_csv_init(&r.csv, t->text, size, path);
    status = read_rows(&r, t, err);
    if (status == NN_OK) status = refuse_twins(t, err);
    if (status != NN_OK) tr_pelvis_table_release(t);
    return status;
}

void tr_pelvis_table_release(struct tr_pelvis_table *t)
{
    free(t->rows);
    free(t->text);
    *t = (struct tr_pelvis_table){0};
}
