#include "trainer/data/boxes.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/csv_reader.h"
#include "engine/file.h"

#define CSV_LIMIT ((size_t)256 << 20)

enum { FILE_COLUMN, SIDE_COLUMN, X_COLUMN, Y_COLUMN, WIDTH_COLUMN, HEIGHT_COLUMN, COLUMNS };
static const char *const columns[COLUMNS] = {"file", "side", "x", "y", "width", "height"};

static nn_status read_header(struct nn_csv *csv, int place[COLUMNS], struct nn_error *err)
{
    char *fields[NN_CSV_FIELDS_MAX];
    int count;
    nn_status status = nn_csv_next(csv, fields, &count, err);
    for (int c = 0; c < COLUMNS && status == NN_OK; c++) {
        place[c] = -1;
        for (int i = 0; i < count; i++)
            if (strcmp(fields[i], columns[c]) == 0) place[c] = i;
        if (place[c] < 0)
            status = nn_fail(err, NN_ERR_FORMAT, "%s: has no column '%s'", csv->name, columns[c]);
    }
    return status;
}

static nn_status read_box(struct nn_csv *csv, char **fields, int count, const int place[COLUMNS],
                          struct tr_box *box, struct nn_error *err)
{
    double *const numbers[COLUMNS] = {[X_COLUMN] = &box->x,
                                      [Y_COLUMN] = &box->y,
                                      [WIDTH_COLUMN] = &box->width,
                                      [HEIGHT_COLUMN] = &box->height};
    for (int c = 0; c < COLUMNS; c++)
        if (place[c] >= count)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: has no '%s'", csv->name, csv->record_line, columns[c]);
    const char *side = fields[place[SIDE_COLUMN]];
    *box = (struct tr_box){.file = fields[place[FILE_COLUMN]], .line = csv->record_line};
    box->left = strcmp(side, "left") == 0;
    if (!box->left && strcmp(side, "right") != 0)
        return nn_fail(err, NN_ERR_FORMAT, "%s:%d: side '%.40s' is not left or right", csv->name, box->line,
                       side);
    for (int c = X_COLUMN; c < COLUMNS; c++) {
        char *text = fields[place[c]], *end;
        *numbers[c] = strtod(text, &end);
        if (end == text || *end || !isfinite(*numbers[c]) || (c >= WIDTH_COLUMN && *numbers[c] <= 0))
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: %s '%.40s' is no %s", csv->name, box->line, columns[c],
                           text, c >= WIDTH_COLUMN ? "length" : "number");
    }
    return NN_OK;
}

static nn_status read_boxes(struct tr_boxes *t, struct nn_csv *csv, struct nn_error *err)
{
    int place[COLUMNS], room = 0, count = 0;
    char *fields[NN_CSV_FIELDS_MAX];
    nn_status status = read_header(csv, place, err);
    while (status == NN_OK && (status = nn_csv_next(csv, fields, &count, err)) == NN_OK && count > 0) {
        if (t->count == room) {
            room = room ? 2 * room : 256;
            struct tr_box *more = realloc(t->boxes, (size_t)room * sizeof *more);
            if (!more) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", csv->name);
            t->boxes = more;
        }
        status = read_box(csv, fields, count, place, &t->boxes[t->count++], err);
    }
    return status;
}

static int compare(const void *a, const void *b)
{
    const struct tr_box *x = a, *y = b;
    int order = strcmp(x->file, y->file);
    return order ? order : (int)x->left - (int)y->left;
}

nn_status tr_boxes_read(struct tr_boxes *t, const char *path, struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    struct nn_csv csv;
    *t = (struct tr_boxes){0};
    nn_status status = nn_file_read(path, CSV_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    t->text = (char *)bytes;
    nn_csv_init(&csv, t->text, size, path);
    status = read_boxes(t, &csv, err);
    if (status == NN_OK && t->count > 0) qsort(t->boxes, (size_t)t->count, sizeof *t->boxes, compare);
    for (int i = 1; i < t->count && status == NN_OK; i++)
        if (compare(&t->boxes[i - 1], &t->boxes[i]) == 0)
            status = nn_fail(err, NN_ERR_FORMAT, "%s:%d: the %s hip of %.200s is there already", path,
                             t->boxes[i].line, t->boxes[i].left ? "left" : "right", t->boxes[i].file);
    if (status != NN_OK) tr_boxes_release(t);
    return status;
}

void tr_boxes_release(struct tr_boxes *t)
{
    free(t->boxes);
    free(t->text);
    *t = (struct tr_boxes){0};
}
