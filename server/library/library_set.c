#include "server/library/library_set.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/csv_reader.h"
#include "engine/engine.h"
#include "engine/file.h"
#include "engine/sha256.h"

#define LABELS_LIMIT ((size_t)256 << 20)
#define JSON_LIMIT ((size_t)1 << 20)

enum {
    FILE_COLUMN,
    LABEL_COLUMN,
    PATIENT_COLUMN,
    SPLIT_COLUMN,
    NEEDED_COLUMNS,
    SIDE_COLUMN = NEEDED_COLUMNS,
    MASK_COLUMN,
    KNOWN_COLUMNS, /* the others have a meaning here, but are kept as they are, too */
    X_COLUMN = KNOWN_COLUMNS,
    Y_COLUMN,
    COLUMNS
};
static const char *const column_names[COLUMNS] = {"file", "label", "patient_id",      "split",
                                                  "side", "mask",  "fracture_column", "fracture_row"};
#define SEVERAL_COLUMN "labels" /* instead of "label" where an image may show several findings */

void srv_fault(struct srv_faults *faults, const char *format, ...)
{
    char line[LIBRARY_PATH_TEXT + LIBRARY_FILE_MAX + 512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (char *c = line; *c; c++) /* a name in a foreign file shall not steer a terminal */
        if ((unsigned char)*c < 32 || *c == 127) *c = '?';
    faults->count++;
    faults->tell(faults->context, line);
}

/* ---- dataset.json ---- */

static void take_range(struct srv_library_set *set, const json_t *pair, const char *path,
                       struct srv_faults *faults)
{
    const json_t *low = json_array_get(pair, 0), *high = json_array_get(pair, 1);
    json_int_t first = json_integer_value(low), last = json_integer_value(high);
    if (!pair) return;
    if (json_array_size(pair) != 2 || !json_is_integer(low) || !json_is_integer(high) || first < 0 ||
        last <= first || last > UINT16_MAX)
        srv_fault(faults, "%s: \"grey_range\" is not a pair of grey values, low and high", path);
    else
        set->range = (struct srv_grey_range){(int)first, (int)last};
}

static void take_description(struct srv_library_set *set, const json_t *root, const char *path,
                             struct srv_faults *faults)
{
    const char *name = json_string_value(json_object_get(root, "name"));
    const json_t *simulated = json_object_get(root, "simulated");
    if (!name || !*name || strlen(name) > LIBRARY_SET_NAME_MAX)
        srv_fault(faults, "%s: \"name\" is not a text of 1 to %d bytes", path, LIBRARY_SET_NAME_MAX);
    if (!json_is_boolean(simulated)) srv_fault(faults, "%s: \"simulated\" is not true or false", path);
    set->simulated = json_is_true(simulated);
    take_range(set, json_object_get(root, "grey_range"), path, faults);
    set->provenance = json_dumps(root, JSON_COMPACT);
    if (!set->provenance) srv_fault(faults, "%s: no memory to read it", path);
}

static void read_description(struct srv_library_set *set, const char *folder, struct srv_faults *faults)
{
    char path[LIBRARY_PATH_TEXT + 32];
    uint8_t *bytes;
    size_t size;
    struct nn_error err = {0};
    json_error_t where;
    snprintf(path, sizeof path, "%s/dataset.json", folder);
    if (nn_file_read(path, JSON_LIMIT, &bytes, &size, &err)) {
        srv_fault(faults, "%s", err.text);
        return;
    }
    json_t *root = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &where);
    free(bytes);
    if (root)
        take_description(set, root, path, faults);
    else
        srv_fault(faults, "%s:%d: %s", path, where.line, where.text);
    json_decref(root);
}

/* ---- labels.csv ---- */

struct reader {
    struct srv_library_set *set;
    struct srv_faults *faults;
    struct nn_csv csv;
    char *header[NN_CSV_FIELDS_MAX];
    int width, place[COLUMNS];
    int capacity;
};

/* What a column is called in this file. */
static const char *name_of(const struct reader *r, int column)
{
    return column == LABEL_COLUMN && r->set->multi ? SEVERAL_COLUMN : column_names[column];
}

static bool read_header(struct reader *r)
{
    struct nn_error err = {0};
    int before = r->faults->count;
    if (nn_csv_next(&r->csv, r->header, &r->width, &err)) {
        srv_fault(r->faults, "%s", err.text);
        return false;
    }
    for (int c = 0; c < COLUMNS; c++) r->place[c] = -1;
    for (int i = 0; i < r->width; i++) r->set->multi = r->set->multi || !strcmp(r->header[i], SEVERAL_COLUMN);
    for (int i = 0; i < r->width; i++)
        for (int c = 0; c < COLUMNS; c++) {
            if (strcmp(r->header[i], name_of(r, c))) continue;
            if (r->place[c] >= 0)
                srv_fault(r->faults, "%s:1: column \"%s\" is there twice", r->csv.name, name_of(r, c));
            r->place[c] = i;
        }
    for (int c = 0; c < NEEDED_COLUMNS; c++)
        if (r->place[c] < 0)
            srv_fault(r->faults, "%s:1: column \"%s\" is missing", r->csv.name, name_of(r, c));
    return r->faults->count == before;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 32 || *text == 127) return true;
    return false;
}

const char *srv_library_finding(const struct srv_library_set *set, const char *labels, int *length)
{
    *length = (int)(set->multi ? strcspn(labels, "|") : strlen(labels));
    return labels[*length] ? labels + *length + 1 : NULL;
}

/* Whether `finding` is one of those in `labels` before it. */
static bool is_repeated(const struct srv_library_set *set, const char *labels, const char *finding,
                        int length)
{
    while (labels != finding) {
        int other;
        const char *next = srv_library_finding(set, labels, &other);
        if (other == length && !strncmp(labels, finding, (size_t)length)) return true;
        labels = next;
    }
    return false;
}

static void check_labels(struct reader *r, const char *labels)
{
    const char *name = r->csv.name;
    int line = r->csv.record_line, length;
    for (const char *finding = labels, *next; finding; finding = next) {
        next = srv_library_finding(r->set, finding, &length);
        if (length >= NN_CLASS_NAME_MAX)
            srv_fault(r->faults, "%s:%d: label \"%.60s\" is longer than %d bytes", name, line, finding,
                      NN_CLASS_NAME_MAX - 1);
        if (length == 0 && r->set->multi && *labels)
            srv_fault(r->faults, "%s:%d: an empty label stands beside another", name, line);
        if (is_repeated(r->set, labels, finding, length))
            srv_fault(r->faults, "%s:%d: label \"%.*s\" is there twice", name, line, length, finding);
        if (r->set->multi && (next || finding != labels) && length == (int)strlen(NN_CLASS_NONE) &&
            !strncmp(finding, NN_CLASS_NONE, (size_t)length))
            srv_fault(r->faults, "%s:%d: \"" NN_CLASS_NONE "\" stands beside another label", name, line);
    }
    if (strlen(labels) >= LIBRARY_LABELS_TEXT)
        srv_fault(r->faults, "%s:%d: labels are longer than %d bytes", name, line, LIBRARY_LABELS_TEXT - 1);
}

static void check_path(struct reader *r, int column, const char *path)
{
    if (strlen(path) > LIBRARY_FILE_MAX)
        srv_fault(r->faults, "%s:%d: %s is longer than %d bytes", r->csv.name, r->csv.record_line,
                  column_names[column], LIBRARY_FILE_MAX);
    else if (!nn_path_stays_within(path))
        srv_fault(r->faults, "%s:%d: %s \"%s\" is not within the folder", r->csv.name, r->csv.record_line,
                  column_names[column], path);
}

static void check_cells(struct reader *r, char *const *cells)
{
    const char *name = r->csv.name;
    int line = r->csv.record_line;
    for (int c = 0; c < COLUMNS; c++) {
        if (r->place[c] < 0) continue;
        const char *cell = cells[r->place[c]];
        if (c < NEEDED_COLUMNS && !*cell)
            srv_fault(r->faults, "%s:%d: %s is empty", name, line, name_of(r, c));
        if (has_control(cell))
            srv_fault(r->faults, "%s:%d: %s has a control character", name, line, name_of(r, c));
    }
    const char *split = cells[r->place[SPLIT_COLUMN]];
    check_labels(r, cells[r->place[LABEL_COLUMN]]);
    if (*split && strcmp(split, "train") && strcmp(split, "test"))
        srv_fault(r->faults, "%s:%d: split \"%.60s\" is neither train nor test", name, line, split);
    check_path(r, FILE_COLUMN, cells[r->place[FILE_COLUMN]]);
    if (r->place[MASK_COLUMN] >= 0) check_path(r, MASK_COLUMN, cells[r->place[MASK_COLUMN]]);
}

/* NULL when the file has no such column, or nothing in it. */
static const char *optional_cell(const struct reader *r, char *const *cells, int column)
{
    if (r->place[column] < 0) return NULL;
    return column != SIDE_COLUMN && !*cells[r->place[column]] ? NULL : cells[r->place[column]];
}

/* False when neither is told. Within the image it must be, too, whose size is not known yet. */
static bool read_middle(struct reader *r, char *const *cells, double *x, double *y)
{
    const char *const text[] = {optional_cell(r, cells, X_COLUMN), optional_cell(r, cells, Y_COLUMN)};
    double *const number[] = {x, y};
    if (!text[0] && !text[1]) return false;
    for (int i = 0; i < 2; i++) {
        char *end = NULL;
        *number[i] = text[i] ? strtod(text[i], &end) : 0;
        if (!text[i] || *end || !(*number[i] >= 0 && *number[i] <= UINT16_MAX))
            srv_fault(r->faults, "%s:%d: %s is not a place in pixels", r->csv.name, r->csv.record_line,
                      column_names[X_COLUMN + i]);
    }
    return true;
}

static bool is_known(const struct reader *r, int column)
{
    for (int c = 0; c < KNOWN_COLUMNS; c++)
        if (r->place[c] == column) return true;
    return false;
}

/* The cells that have no meaning here, kept for who does the analysis. jansson takes UTF-8 only. */
static char *other_cells(struct reader *r, char *const *cells)
{
    json_t *json = json_object();
    bool good = json;
    for (int i = 0; i < r->width && good; i++) {
        json_t *text = json_string(cells[i]);
        good = text && (is_known(r, i) || !json_object_set(json, r->header[i], text));
        json_decref(text);
    }
    char *columns = good ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!columns) srv_fault(r->faults, "%s:%d: is not UTF-8", r->csv.name, r->csv.record_line);
    return columns;
}

static bool grow(struct reader *r)
{
    if (r->set->count < r->capacity) return true;
    int capacity = r->capacity ? r->capacity * 2 : 256;
    struct srv_library_row *rows =
        r->capacity < INT_MAX / 4 ? realloc(r->set->rows, (size_t)capacity * sizeof *rows) : NULL;
    if (!rows) {
        srv_fault(r->faults, "%s: no memory for its rows", r->csv.name);
        return false;
    }
    r->set->rows = rows;
    r->capacity = capacity;
    return true;
}

static bool add_row(struct reader *r, char *const *cells)
{
    if (!grow(r)) return false;
    int before = r->faults->count;
    check_cells(r, cells);
    char *columns = other_cells(r, cells);
    double x = 0, y = 0;
    bool has_middle = read_middle(r, cells, &x, &y);
    if (r->faults->count > before) {
        free(columns);
        return true;
    }
    r->set->rows[r->set->count++] = (struct srv_library_row){
        .file = cells[r->place[FILE_COLUMN]],
        .class_name = cells[r->place[LABEL_COLUMN]],
        .patient = cells[r->place[PATIENT_COLUMN]],
        .split = cells[r->place[SPLIT_COLUMN]],
        .side = optional_cell(r, cells, SIDE_COLUMN),
        .mask = optional_cell(r, cells, MASK_COLUMN),
        .has_middle = has_middle,
        .column = x,
        .row = y,
        .columns = columns,
        .line = r->csv.record_line,
    };
    return true;
}

static void read_rows(struct reader *r)
{
    for (bool more = true; more;) {
        char *cells[NN_CSV_FIELDS_MAX];
        int count;
        struct nn_error err = {0};
        if (nn_csv_next(&r->csv, cells, &count, &err)) {
            srv_fault(r->faults, "%s", err.text);
            return;
        }
        if (!count) break;
        if (count == r->width)
            more = add_row(r, cells);
        else
            srv_fault(r->faults, "%s:%d: has %d cells where the header has %d", r->csv.name,
                      r->csv.record_line, count, r->width);
    }
    if (!r->set->count && !r->faults->count) srv_fault(r->faults, "%s: has no image", r->csv.name);
}

/* ---- what must hold between rows ---- */

static int by_line(const struct srv_library_row *a, const struct srv_library_row *b)
{
    return (a->line > b->line) - (a->line < b->line);
}

static int by_file(const void *a, const void *b)
{
    const struct srv_library_row *const *r = a, *const *s = b;
    int order = strcmp((*r)->file, (*s)->file);
    return order ? order : by_line(*r, *s);
}

static int by_patient(const void *a, const void *b)
{
    const struct srv_library_row *const *r = a, *const *s = b;
    int order = strcmp((*r)->patient, (*s)->patient);
    return order ? order : by_line(*r, *s);
}

static void check_between_rows(struct reader *r)
{
    const struct srv_library_set *set = r->set;
    const struct srv_library_row **order = malloc(((size_t)set->count + 1) * sizeof *order);
    if (!order) {
        srv_fault(r->faults, "%s: no memory for its rows", r->csv.name);
        return;
    }
    for (int i = 0; i < set->count; i++) order[i] = &set->rows[i];
    qsort(order, (size_t)set->count, sizeof *order, by_file);
    for (int i = 1; i < set->count; i++)
        if (!strcmp(order[i]->file, order[i - 1]->file))
            srv_fault(r->faults, "%s:%d: file \"%s\" is already in line %d", r->csv.name, order[i]->line,
                      order[i]->file, order[i - 1]->line);
    qsort(order, (size_t)set->count, sizeof *order, by_patient);
    for (int i = 1; i < set->count; i++)
        if (!strcmp(order[i]->patient, order[i - 1]->patient) && strcmp(order[i]->split, order[i - 1]->split))
            srv_fault(r->faults, "%s:%d: patient \"%.60s\" is in both splits (line %d)", r->csv.name,
                      order[i]->line, order[i]->patient, order[i - 1]->line);
    free(order);
}

static void read_labels(struct srv_library_set *set, const char *folder, struct srv_faults *faults)
{
    char path[LIBRARY_PATH_TEXT + 32];
    uint8_t *bytes;
    size_t size;
    struct nn_error err = {0};
    struct reader reader = {.set = set, .faults = faults};
    snprintf(path, sizeof path, "%s/labels.csv", folder);
    if (nn_file_read(path, LABELS_LIMIT, &bytes, &size, &err)) {
        srv_fault(faults, "%s", err.text);
        return;
    }
    nn_sha256_hex(bytes, size, set->labels_sha256);
    set->text = (char *)bytes; /* followed by one more byte, as the reader wants */
    nn_csv_init(&reader.csv, set->text, size, path);
    if (!read_header(&reader)) return;
    read_rows(&reader);
    check_between_rows(&reader);
}

void srv_library_set_read(struct srv_library_set *set, const char *folder, struct srv_faults *faults)
{
    *set = (struct srv_library_set){0};
    if (strlen(folder) >= LIBRARY_PATH_TEXT) {
        srv_fault(faults, "the folder's path is longer than %d bytes", LIBRARY_PATH_TEXT - 1);
        return;
    }
    read_description(set, folder, faults);
    read_labels(set, folder, faults);
}

void srv_library_set_release(struct srv_library_set *set)
{
    for (int i = 0; i < set->count; i++) free(set->rows[i].columns);
    free(set->rows);
    free(set->provenance);
    free(set->text);
    *set = (struct srv_library_set){0};
}
