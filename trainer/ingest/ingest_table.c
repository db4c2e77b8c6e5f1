#include "trainer/ingest/ingest_table.h"

#include <stdlib.h>
#include <string.h>

#include "engine/csv_reader.h"
#include "engine/file.h"
#include "trainer/data/labels.h"

#define CSV_LIMIT ((size_t)256 << 20)

enum column { FILE_COLUMN, LABEL_COLUMN, LABELS_COLUMN, PATIENT, SIDE, SPLIT, TURN, MIRROR, INVERT, COLUMNS };

static const char *const names[COLUMNS] = {"file",  "label", "labels", "patient_id", "side",
                                           "split", "turn",  "mirror", "invert"};

struct reading {
    struct tr_ingest_table *table;
    struct nn_csv csv;
    int place[COLUMNS], keep_place[TR_INGEST_KEEP_MAX], width, room;
};

/* ---- the header ----------------------------------------------------------------------------------- */

static nn_status find(const struct reading *r, char *const *cells, const char *name, int *place,
                      struct nn_error *err)
{
    *place = -1;
    for (int i = 0; i < r->width; i++) {
        if (strcmp(cells[i], name)) continue;
        if (*place >= 0)
            return nn_fail(err, NN_ERR_FORMAT, "%s: column \"%s\" is there twice", r->csv.name, name);
        *place = i;
    }
    return NN_OK;
}

static nn_status read_header(struct reading *r, struct nn_error *err)
{
    char *cells[NN_CSV_FIELDS_MAX];
    struct tr_ingest_table *t = r->table;
    nn_status status = nn_csv_next(&r->csv, cells, &r->width, err);
    if (status == NN_OK && r->width == 0) status = nn_fail(err, NN_ERR_FORMAT, "%s: is empty", r->csv.name);
    for (int c = 0; c < COLUMNS && status == NN_OK; c++) status = find(r, cells, names[c], &r->place[c], err);
    for (int k = 0; k < t->keep_count && status == NN_OK; k++) {
        for (int c = 0; c < COLUMNS; c++)
            if (!strcmp(t->keep[k], names[c]))
                return nn_fail(err, NN_ERR_ARGUMENT, "column \"%s\" cannot be asked for", names[c]);
        status = find(r, cells, t->keep[k], &r->keep_place[k], err);
        if (status == NN_OK && r->keep_place[k] < 0)
            status = nn_fail(err, NN_ERR_FORMAT, "%s: column \"%s\" is missing", r->csv.name, t->keep[k]);
    }
    if (status != NN_OK) return status;
    if (r->place[FILE_COLUMN] < 0)
        return nn_fail(err, NN_ERR_FORMAT, "%s: column \"file\" is missing", r->csv.name);
    if ((r->place[LABEL_COLUMN] < 0) == (r->place[LABELS_COLUMN] < 0))
        return nn_fail(err, NN_ERR_FORMAT, "%s: needs one column \"label\" or \"labels\"", r->csv.name);
    t->multi = r->place[LABELS_COLUMN] >= 0;
    t->has_split = r->place[SPLIT] >= 0;
    return NN_OK;
}

/* ---- rows ----------------------------------------------------------------------------------------- */

static bool yes_or_no(struct tr_ingest_item *item, const char *name, const char *cell)
{
    bool yes = !strcmp(cell, "yes");
    if (!yes && *cell && strcmp(cell, "no") != 0)
        tr_ingest_judge(item, TR_INGEST_REFUSED, "%s \"%.40s\" is not yes or no", name, cell);
    return yes;
}

static void read_change(struct tr_ingest_item *item, const char *turn, const char *mirror, const char *invert)
{
    static const char *const turns[] = {"0", "90", "180", "270"};
    int found = *turn ? -1 : 0;
    for (int i = 0; i < 4; i++)
        if (!strcmp(turn, turns[i])) found = i;
    if (found < 0) tr_ingest_judge(item, TR_INGEST_REFUSED, "turn \"%.40s\" is not 0, 90, 180 or 270", turn);
    item->change.turn = found > 0 ? 90 * found : 0;
    item->change.mirror = yes_or_no(item, "mirror", mirror);
    item->change.invert = yes_or_no(item, "invert", invert);
}

/* Only these three, as what people write into a free cell may name somebody. */
static const char *side_of(struct tr_ingest_item *item, const char *cell)
{
    static const char *const sides[] = {"left", "right", "both"};
    for (int i = 0; i < 3; i++)
        if (!strcasecmp(cell, sides[i]) || (strlen(cell) == 1 && (cell[0] | 32) == sides[i][0]))
            return sides[i];
    if (*cell) tr_ingest_judge(item, TR_INGEST_REFUSED, "side \"%.40s\" is not left, right or both", cell);
    return "";
}

static void read_row(const struct reading *r, char *const *cells, struct tr_ingest_item *item)
{
    const char *cell[COLUMNS];
    for (int c = 0; c < COLUMNS; c++) cell[c] = r->place[c] >= 0 ? cells[r->place[c]] : "";
    item->file = cell[FILE_COLUMN];
    item->label = cell[r->table->multi ? LABELS_COLUMN : LABEL_COLUMN];
    item->patient = cell[PATIENT];
    item->side = side_of(item, cell[SIDE]);
    item->split = cell[SPLIT];
    for (int k = 0; k < r->table->keep_count; k++) item->keep[k] = cells[r->keep_place[k]];
    const char *split = r->table->has_split ? item->split : "train"; /* else it will be drawn */
    struct nn_error problem;
    if (tr_labels_check_row(item->file, item->label, r->table->multi, split, &problem) != NN_OK)
        tr_ingest_judge(item, TR_INGEST_REFUSED, "%s", problem.text);
    read_change(item, cell[TURN], cell[MIRROR], cell[INVERT]);
}

static nn_status grow(struct reading *r, struct nn_error *err)
{
    struct tr_ingest_table *t = r->table;
    if (t->count < r->room) return NN_OK;
    int room = r->room ? 2 * r->room : 256;
    struct tr_ingest_item *more = room > (1 << 26) ? NULL : realloc(t->items, (size_t)room * sizeof *more);
    if (!more) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for its rows", r->csv.name);
    t->items = more;
    r->room = room;
    return NN_OK;
}

static nn_status read_rows(struct reading *r, struct nn_error *err)
{
    char *cells[NN_CSV_FIELDS_MAX];
    int count;
    nn_status status;
    while ((status = nn_csv_next(&r->csv, cells, &count, err)) == NN_OK && count > 0) {
        if ((status = grow(r, err)) != NN_OK) return status;
        struct tr_ingest_item *item = &r->table->items[r->table->count++];
        *item = (struct tr_ingest_item){.file = count > 0 ? cells[0] : "",
                                        .label = "",
                                        .patient = "",
                                        .side = "",
                                        .split = "",
                                        .line = r->csv.record_line};
        for (int k = 0; k < r->table->keep_count; k++) item->keep[k] = "";
        if (count == r->width)
            read_row(r, cells, item);
        else
            tr_ingest_judge(item, TR_INGEST_REFUSED, "has %d cells where the header has %d", count, r->width);
    }
    if (status == NN_OK && r->table->count == 0)
        return nn_fail(err, NN_ERR_FORMAT, "%s: names no file", r->csv.name);
    return status;
}

/* ---- between rows --------------------------------------------------------------------------------- */

static int by_file(const void *a, const void *b)
{
    const struct tr_ingest_item *const *x = a, *const *y = b;
    int order = strcmp((*x)->file, (*y)->file);
    return order ? order : ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

struct tr_ingest_item **tr_ingest_table_by_file(const struct tr_ingest_table *t)
{
    struct tr_ingest_item **sorted = malloc(((size_t)t->count + 1) * sizeof *sorted);
    for (int i = 0; sorted && i < t->count; i++) sorted[i] = &t->items[i];
    if (sorted) qsort(sorted, (size_t)t->count, sizeof *sorted, by_file);
    return sorted;
}

static nn_status check_files_once(struct tr_ingest_table *t, const char *path, struct nn_error *err)
{
    struct tr_ingest_item **sorted = tr_ingest_table_by_file(t);
    if (!sorted) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    for (int i = 1; i < t->count; i++)
        if (!strcmp(sorted[i]->file, sorted[i - 1]->file)) {
            tr_ingest_judge(sorted[i], TR_INGEST_REFUSED, "is already in line %d", sorted[i - 1]->line);
            if (strcmp(sorted[i]->label, sorted[i - 1]->label) != 0)
                tr_ingest_judge(sorted[i - 1], TR_INGEST_REFUSED, "is in line %d again with another label",
                                sorted[i]->line);
        }
    free(sorted);
    return NN_OK;
}

nn_status tr_ingest_table_read(struct tr_ingest_table *table, const char *path, const char *const *keep,
                               int keep_count, struct nn_error *err)
{
    struct reading r = {.table = table};
    uint8_t *bytes;
    size_t size;
    *table = (struct tr_ingest_table){.keep_count = keep_count};
    for (int k = 0; k < keep_count; k++) table->keep[k] = keep[k];
    nn_status status = nn_file_read(path, CSV_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    table->text = (char *)bytes;
    nn_csv_init(&r.csv, table->text, size, path);
    status = read_header(&r, err);
    if (status == NN_OK) status = read_rows(&r, err);
    if (status == NN_OK) status = check_files_once(table, path, err);
    if (status != NN_OK) tr_ingest_table_release(table);
    return status;
}

void tr_ingest_table_release(struct tr_ingest_table *table)
{
    for (int i = 0; i < table->count; i++) {
        free(table->items[i].reason);
        free(table->items[i].note);
    }
    free(table->items);
    free(table->text);
    *table = (struct tr_ingest_table){0};
}

int tr_ingest_table_find(struct tr_ingest_item *const *sorted, int count, const char *file)
{
    int low = 0, high = count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (strcmp(sorted[middle]->file, file) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && !strcmp(sorted[low]->file, file) ? low : -1;
}

/* ---- what the user leaves out --------------------------------------------------------------------- */

static bool leave_one(struct tr_ingest_item **sorted, int count, const char *file, const char *list)
{
    int at = tr_ingest_table_find(sorted, count, file);
    if (at < 0) return false;
    for (; at < count && !strcmp(sorted[at]->file, file); at++)
        tr_ingest_judge(sorted[at], TR_INGEST_LEFT, "as %s wants", list);
    return true;
}

nn_status tr_ingest_table_leave_out(struct tr_ingest_table *table, const char *path, struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    char *cells[NN_CSV_FIELDS_MAX];
    int count, place = -1;
    nn_status status = nn_file_read(path, CSV_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    struct nn_csv csv;
    nn_csv_init(&csv, (char *)bytes, size, path);
    struct tr_ingest_item **sorted = tr_ingest_table_by_file(table);
    if (!sorted) status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    if (status == NN_OK) status = nn_csv_next(&csv, cells, &count, err);
    for (int i = 0; status == NN_OK && i < count; i++)
        if (!strcmp(cells[i], "file")) place = i;
    if (status == NN_OK && place < 0)
        status = nn_fail(err, NN_ERR_FORMAT, "%s: column \"file\" is missing", path);
    while (status == NN_OK && (status = nn_csv_next(&csv, cells, &count, err)) == NN_OK && count > 0)
        if (place >= count || !leave_one(sorted, table->count, cells[place], path))
            status = nn_fail(err, NN_ERR_FORMAT, "%s:%d: names a file that labels.csv has not", path,
                             csv.record_line);
    free(sorted);
    free(bytes);
    return status;
}
