#include "trainer/data/labels.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/csv_reader.h"
#include "engine/file.h"

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

/* Of a cell "a|b" or "none" each label in turn; a cell of the column `label` is one. Returns what follows,
 * NULL at the end; the label has `length` bytes. */
static const char *next_label(const struct tr_labels *t, const char *cell, size_t *length)
{
    *length = t->multi ? strcspn(cell, "|") : strlen(cell);
    return cell[*length] ? cell + *length + 1 : NULL;
}

static bool is_none(const struct tr_labels *t, const char *cell)
{
    return t->multi && !strcmp(cell, NN_CLASS_NONE);
}

static nn_status check_label(const struct parser *p, const char *label, size_t length, struct nn_error *err)
{
    const char *name = p->csv.name;
    int line = p->csv.record_line;
    if (!length) return nn_fail(err, NN_ERR_FORMAT, "%s:%d: an empty label between bars", name, line);
    if (length >= NN_CLASS_NAME_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "%s:%d: label \"%.*s\" is longer than %d bytes", name, line,
                       length < 60 ? (int)length : 60, label, NN_CLASS_NAME_MAX - 1);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)label[i] < 32)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: label has a control character", name, line);
    if (p->table->multi && length == strlen(NN_CLASS_NONE) && !strncmp(label, NN_CLASS_NONE, length))
        return nn_fail(err, NN_ERR_FORMAT, "%s:%d: \"" NN_CLASS_NONE "\" stands beside another label", name,
                       line);
    return NN_OK;
}

static nn_status check_labels(const struct parser *p, const char *cell, struct nn_error *err)
{
    nn_status status = NN_OK;
    if (is_none(p->table, cell)) return NN_OK;
    for (const char *label = cell, *next; label && !status; label = next) {
        size_t length;
        next = next_label(p->table, label, &length);
        status = check_label(p, label, length, err);
    }
    return status;
}

static nn_status check_cells(const struct parser *p, char *const *cells, struct nn_error *err)
{
    const char *name = p->csv.name;
    int line = p->csv.record_line;
    for (int c = 0; c < COLUMN_COUNT; c++)
        if (!*cells[p->place[c]])
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: %s is empty", name, line,
                           c == LABEL_COLUMN && p->table->multi ? SEVERAL_COLUMN : column_names[c]);
    const char *split = cells[p->place[SPLIT_COLUMN]];
    nn_status status = check_labels(p, cells[p->place[LABEL_COLUMN]], err);
    if (status) return status;
    if (strcmp(split, "train") && strcmp(split, "test"))
        return nn_fail(err, NN_ERR_FORMAT, "%s:%d: split \"%.60s\" is neither train nor test", name, line,
                       split);
    if (strlen(cells[p->place[FILE_COLUMN]]) > TR_LABELS_PATH_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "%s:%d: file is longer than %d bytes", name, line,
                       TR_LABELS_PATH_MAX);
    if (!nn_path_stays_within(cells[p->place[FILE_COLUMN]]))
        return nn_fail(err, NN_ERR_FORMAT, "%s:%d: file \"%.100s\" is not within the folder", name, line,
                       cells[p->place[FILE_COLUMN]]);
    return NN_OK;
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
        if (!count && !t->train_count)
            return nn_fail(err, NN_ERR_FORMAT, "%s: has no training image", p->csv.name);
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

static int class_of(const struct tr_labels *t, const char *label, size_t length)
{
    int k = 0;
    while (k < t->class_count && (strncmp(t->classes[k], label, length) || t->classes[k][length])) k++;
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
        if (is_none(t, p->labels[i])) continue;
        for (const char *label = p->labels[i], *next; label; label = next) {
            size_t length;
            next = next_label(t, label, &length);
            if (class_of(t, label, length) < t->class_count) continue;
            if (t->class_count == classes_max(t))
                return nn_fail(err, NN_ERR_FORMAT, "%s: has more than %d different labels", p->csv.name,
                               classes_max(t));
            memcpy(t->classes[t->class_count], label, length);
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
    if (is_none(t, p->labels[row])) return NN_OK;
    for (const char *label = p->labels[row], *next; label; label = next) {
        size_t length;
        next = next_label(t, label, &length);
        int k = class_of(t, label, length);
        if (k == t->class_count)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: label \"%.*s\" is not a class of this data set",
                           p->csv.name, t->rows[row].line, (int)length, label);
        if (*labels >> k & 1)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: label \"%s\" is there twice", p->csv.name,
                           t->rows[row].line, t->classes[k]);
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
    struct tr_labels *t = p->table;
    uint64_t trained = 0;
    nn_status status = check_classes(p, err);
    for (int i = 0; i < t->row_count && !status; i++) {
        status = assign_row(p, i, err);
        if (t->rows[i].train) trained |= t->rows[i].labels;
    }
    for (int k = 0; k < t->class_count && !status; k++)
        if (!(trained >> k & 1))
            status = nn_fail(err, NN_ERR_FORMAT, "%s: class \"%s\" has no training image", p->csv.name,
                             t->classes[k]);
    return status;
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
