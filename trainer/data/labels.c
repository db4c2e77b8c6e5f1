#include "trainer/data/labels.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/csv_reader.h"
#include "engine/file.h"
#include "trainer/data/utf8.h"

enum column { FILE_COLUMN, LABEL_COLUMN, PATIENT_COLUMN, SPLIT_COLUMN, COLUMN_COUNT };

static const char *const column_names[COLUMN_COUNT] = {"file", "label", "patient_id", "split"};
static const char SEVERAL_COLUMN[] = "labels"; /* instead of "label" */

/* While a table is parsed. */
struct parser {
    struct tr_labels *table;
    struct nn_csv csv;
    int place[COLUMN_COUNT]; /* index of each needed column */
    int width;               /* cells of the header */
    const char **labels;     /* the cell of each row */
    int capacity;
};

/* ---- reading the rows ---- */

/* The place of a column, or -1 when there is none. */
static nn_status find_column(const struct parser *p, char *const *cells, const char *name, int *place,
                             struct nn_error *err)
{
    *place = -1;
    for (int i = 0; i < p->width; i++) {
        if (strcmp(cells[i], name)) continue;
        if (*place >= 0)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: column \"%s\" is there twice", p->csv.name,
                           p->csv.record_line, name);
        *place = i;
    }
    return NN_OK;
}

static nn_status read_header(struct parser *p, struct nn_error *err)
{
    char *cells[NN_CSV_FIELDS_MAX];
    int several;
    nn_status status = nn_csv_next(&p->csv, cells, &p->width, err);
    if (status) return status;
    if (!p->width) return nn_fail(err, NN_ERR_FORMAT, "%s: is empty", p->csv.name);
    status = find_column(p, cells, SEVERAL_COLUMN, &several, err);
    p->table->multi = several >= 0;
    for (int c = 0; c < COLUMN_COUNT && !status; c++) {
        status = find_column(p, cells, column_names[c], &p->place[c], err);
        if (status || p->place[c] >= 0 || (c == LABEL_COLUMN && p->table->multi)) continue;
        status = nn_fail(err, NN_ERR_FORMAT, "%s:%d: column \"%s\" is missing", p->csv.name,
                         p->csv.record_line, column_names[c]);
    }
    if (status || !p->table->multi) return status;
    if (p->place[LABEL_COLUMN] >= 0)
        return nn_fail(err, NN_ERR_FORMAT, "%s:%d: has both \"label\" and \"labels\"", p->csv.name,
                       p->csv.record_line);
    p->place[LABEL_COLUMN] = several;
    return NN_OK;
}

const char *tr_labels_of(const char *cell, bool several)
{
    return several && !strcmp(cell, NN_CLASS_NONE) ? NULL : cell;
}

const char *tr_label_next(const char *label, bool several, int *length)
{
    *length = (int)(several ? strcspn(label, "|") : strlen(label));
    return label[*length] ? label + *length + 1 : NULL;
}

static bool is_before(const char *label, int length, const char *cell)
{
    const char *next;
    for (int other; cell < label; cell = next) {
        next = tr_label_next(cell, true, &other);
        if (other == length && !memcmp(cell, label, (size_t)length)) return true;
    }
    return false;
}

static nn_status check_label(const char *label, int length, bool several, struct nn_error *err)
{
    if (!length) return nn_fail(err, NN_ERR_FORMAT, "an empty label between bars");
    if (length >= NN_CLASS_NAME_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "label \"%.*s\" is longer than %d bytes",
                       length < 60 ? length : 60, label, NN_CLASS_NAME_MAX - 1);
    if (several && length == (int)strlen(NN_CLASS_NONE) && !strncmp(label, NN_CLASS_NONE, (size_t)length))
        return nn_fail(err, NN_ERR_FORMAT, "\"" NN_CLASS_NONE "\" stands beside another label");
    return NN_OK;
}

static nn_status check_labels(const char *cell, bool several, struct nn_error *err)
{
    nn_status status = NN_OK;
    int length, count = 0;
    if (!tr_utf8_is_plain(cell)) return nn_fail(err, NN_ERR_FORMAT, "label is not plain UTF-8 text");
    for (const char *label = tr_labels_of(cell, several), *next; label && !status; label = next) {
        next = tr_label_next(label, several, &length);
        status = check_label(label, length, several, err);
        if (!status && ++count > NN_CLASSES_MAX)
            status = nn_fail(err, NN_ERR_FORMAT, "has more than %d labels", NN_CLASSES_MAX);
        if (!status && is_before(label, length, cell))
            status = nn_fail(err, NN_ERR_FORMAT, "label \"%.*s\" is there twice", length, label);
    }
    return status;
}

nn_status tr_labels_check_row(const char *file, const char *label, bool several, const char *split,
                              struct nn_error *err)
{
    const char *empty = !*file    ? "file"
                        : !*label ? (several ? SEVERAL_COLUMN : "label")
                        : !*split ? "split"
                                  : NULL;
    if (empty) return nn_fail(err, NN_ERR_FORMAT, "%s is empty", empty);
    nn_status status = check_labels(label, several, err);
    if (status) return status;
    if (strcmp(split, "train") && strcmp(split, "test"))
        return nn_fail(err, NN_ERR_FORMAT, "split \"%.60s\" is neither train nor test", split);
    if (strlen(file) > TR_LABELS_PATH_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "file is longer than %d bytes", TR_LABELS_PATH_MAX);
    if (!nn_path_stays_within(file))
        return nn_fail(err, NN_ERR_FORMAT, "file \"%.100s\" is not within the folder", file);
    return NN_OK;
}

static nn_status check_cells(const struct parser *p, char *const *cells, struct nn_error *err)
{
    struct nn_error problem;
    nn_status status = tr_labels_check_row(cells[p->place[FILE_COLUMN]], cells[p->place[LABEL_COLUMN]],
                                           p->table->multi, cells[p->place[SPLIT_COLUMN]], &problem);
    if (!status && !*cells[p->place[PATIENT_COLUMN]])
        status = nn_fail(&problem, NN_ERR_FORMAT, "patient_id is empty");
    return status ? nn_fail(err, status, "%s:%d: %s", p->csv.name, p->csv.record_line, problem.text) : NN_OK;
}

static nn_status grow(struct parser *p, struct nn_error *err)
{
    if (p->table->row_count < p->capacity) return NN_OK;
    int capacity = p->capacity ? p->capacity * 2 : 256;
    if (p->capacity > INT_MAX / 4) return nn_fail(err, NN_ERR_FORMAT, "%s: has too many rows", p->csv.name);
    struct tr_label_row *rows = realloc(p->table->rows, (size_t)capacity * sizeof *rows);
    if (rows) p->table->rows = rows;
    const char **labels = realloc(p->labels, (size_t)capacity * sizeof *labels);
    if (labels) p->labels = labels;
    if (!rows || !labels) return nn_fail(err, NN_ERR_MEMORY, "%s: no memory for its rows", p->csv.name);
    p->capacity = capacity;
    return NN_OK;
}

static nn_status read_rows(struct parser *p, struct nn_error *err)
{
    struct tr_labels *t = p->table;
    for (;;) {
        char *cells[NN_CSV_FIELDS_MAX];
        int count;
        nn_status status = nn_csv_next(&p->csv, cells, &count, err);
        if (status) return status;
        if (!count && !t->row_count) return nn_fail(err, NN_ERR_FORMAT, "%s: has no image", p->csv.name);
        if (!count) return NN_OK;
        if (count != p->width)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: has %d cells where the header has %d", p->csv.name,
                           p->csv.record_line, count, p->width);
        status = check_cells(p, cells, err);
        if (!status) status = grow(p, err);
        if (status) return status;
        bool train = !strcmp(cells[p->place[SPLIT_COLUMN]], "train");
        p->labels[t->row_count] = cells[p->place[LABEL_COLUMN]];
        t->rows[t->row_count++] = (struct tr_label_row){.file = cells[p->place[FILE_COLUMN]],
                                                        .patient = cells[p->place[PATIENT_COLUMN]],
                                                        .train = train,
                                                        .line = p->csv.record_line};
        t->train_count += train;
    }
}

/* ---- classes ---- */

static int class_of(const struct tr_labels *t, const char *label, int length)
{
    int k = 0;
    while (k < t->class_count && (strncmp(t->classes[k], label, (size_t)length) || t->classes[k][length]))
        k++;
    return k;
}

/* A model offers "none" beside its findings. */
static int classes_max(const struct tr_labels *t)
{
    return t->multi ? NN_CLASSES_MAX - 1 : NN_CLASSES_MAX;
}

static int compare_classes(const void *a, const void *b)
{
    return strcmp(a, b);
}

static nn_status collect_classes(const struct parser *p, struct nn_error *err)
{
    struct tr_labels *t = p->table;
    for (int i = 0; i < t->row_count; i++) {
        for (const char *label = tr_labels_of(p->labels[i], t->multi), *next; label; label = next) {
            int length;
            next = tr_label_next(label, t->multi, &length);
            if (class_of(t, label, length) < t->class_count) continue;
            if (t->class_count == classes_max(t))
                return nn_fail(err, NN_ERR_FORMAT, "%s: has more than %d different labels", p->csv.name,
                               classes_max(t));
            memcpy(t->classes[t->class_count], label, (size_t)length);
            t->classes[t->class_count++][length] = '\0';
        }
    }
    qsort(t->classes, (size_t)t->class_count, sizeof *t->classes, compare_classes);
    return NN_OK;
}

static nn_status assign_row(const struct parser *p, int row, struct nn_error *err)
{
    struct tr_labels *t = p->table;
    uint64_t *labels = &t->rows[row].labels;
    for (const char *label = tr_labels_of(p->labels[row], t->multi), *next; label; label = next) {
        int length;
        next = tr_label_next(label, t->multi, &length);
        int k = class_of(t, label, length);
        if (k == t->class_count)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: label \"%.*s\" is not a class of this data set",
                           p->csv.name, t->rows[row].line, length, label);
        *labels |= (uint64_t)1 << k;
    }
    return NN_OK;
}

static nn_status check_classes(const struct parser *p, struct nn_error *err)
{
    const struct tr_labels *t = p->table;
    if (!t->class_count)
        return nn_fail(err, NN_ERR_FORMAT, "%s: no image has a label but \"" NN_CLASS_NONE "\"", p->csv.name);
    if (t->class_count > classes_max(t))
        return nn_fail(err, NN_ERR_FORMAT, "%s: more than %d classes", p->csv.name, classes_max(t));
    for (int k = 0; k < t->class_count; k++)
        if (t->multi && (!strcmp(t->classes[k], NN_CLASS_NONE) || strchr(t->classes[k], '|')))
            return nn_fail(err, NN_ERR_FORMAT, "%s: no finding can be called \"%s\"", p->csv.name,
                           t->classes[k]);
    return NN_OK;
}

static nn_status assign_classes(const struct parser *p, struct nn_error *err)
{
    nn_status status = check_classes(p, err);
    for (int i = 0; i < p->table->row_count && !status; i++) status = assign_row(p, i, err);
    return status;
}

nn_status tr_labels_check_training(const struct tr_labels *t, const char *name, struct nn_error *err)
{
    uint64_t trained = 0;
    if (!t->train_count) return nn_fail(err, NN_ERR_FORMAT, "%s: has no training image", name);
    for (int i = 0; i < t->row_count; i++)
        if (t->rows[i].train) trained |= t->rows[i].labels;
    for (int k = 0; k < t->class_count; k++)
        if (!(trained >> k & 1))
            return nn_fail(err, NN_ERR_FORMAT, "%s: class \"%s\" has no training image", name, t->classes[k]);
    return NN_OK;
}

/* ---- what must hold between rows ---- */

static int by_file(const void *a, const void *b)
{
    const struct tr_label_row *const *r = a, *const *s = b;
    int order = strcmp((*r)->file, (*s)->file);
    return order ? order : ((*r)->line > (*s)->line) - ((*r)->line < (*s)->line);
}

static int by_patient(const void *a, const void *b)
{
    const struct tr_label_row *const *r = a, *const *s = b;
    int order = strcmp((*r)->patient, (*s)->patient);
    return order ? order : ((*r)->line > (*s)->line) - ((*r)->line < (*s)->line);
}

static nn_status check_between_rows(const struct parser *p, struct nn_error *err)
{
    const struct tr_labels *t = p->table;
    const struct tr_label_row **order = malloc(((size_t)t->row_count + 1) * sizeof *order);
    if (!order) return nn_fail(err, NN_ERR_MEMORY, "%s: no memory for its rows", p->csv.name);
    nn_status status = NN_OK;
    for (int i = 0; i < t->row_count; i++) order[i] = &t->rows[i];
    qsort(order, (size_t)t->row_count, sizeof *order, by_file);
    for (int i = 1; i < t->row_count && !status; i++)
        if (!strcmp(order[i]->file, order[i - 1]->file))
            status = nn_fail(err, NN_ERR_FORMAT, "%s:%d: file \"%.100s\" is already in line %d", p->csv.name,
                             order[i]->line, order[i]->file, order[i - 1]->line);
    if (status) goto out;
    qsort(order, (size_t)t->row_count, sizeof *order, by_patient);
    for (int i = 1; i < t->row_count && !status; i++)
        if (!strcmp(order[i]->patient, order[i - 1]->patient) && order[i]->train != order[i - 1]->train)
            status = nn_fail(err, NN_ERR_FORMAT, "%s:%d: patient \"%.60s\" is in both splits (line %d)",
                             p->csv.name, order[i]->line, order[i]->patient, order[i - 1]->line);
out:
    free(order);
    return status;
}

/* ---- the whole ---- */

nn_status tr_labels_parse(struct tr_labels *table, const char *text, size_t size_bytes, const char *name,
                          struct nn_error *err)
{
    table->rows = NULL;
    table->row_count = table->train_count = 0;
    struct parser p = {.table = table};
    table->text = malloc(size_bytes + 1);
    nn_status status = NN_OK;
    if (!table->text) {
        status = nn_fail(err, NN_ERR_MEMORY, "%s: no memory for its %zu bytes", name, size_bytes);
        goto out;
    }
    memcpy(table->text, text, size_bytes);
    nn_csv_init(&p.csv, table->text, size_bytes, name);
    status = read_header(&p, err);
    if (!status) status = read_rows(&p, err);
    if (!status && !table->class_count) status = collect_classes(&p, err);
    if (!status) status = assign_classes(&p, err);
    if (!status) status = check_between_rows(&p, err);
out:
    free(p.labels);
    if (status) tr_labels_release(table);
    return status;
}

void tr_labels_release(struct tr_labels *table)
{
    free(table->rows);
    free(table->text);
    *table = (struct tr_labels){0};
}
