#include "trainer/sample/sample_plan.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"
#include "trainer/data/labels.h"

enum {
    SHEET_COLUMNS = 8,
    SHEET_ROW_TILES = 64, /* of a class: a sheet is for looking at */
    SHEET_TILES = 1024,
    PATH_SIZE = 4096 + 32,
};

#define LABELS_LIMIT ((size_t)256 << 20)

/* ---- names and numbers -------------------------------------------------------------------------- */

static int find_class(const struct nn_model_info *model, const char *name, size_t length)
{
    for (int k = 0; k < model->class_count; k++)
        if (strlen(model->classes[k]) == length && !memcmp(model->classes[k], name, length)) return k;
    return -1;
}

static nn_status no_class(const struct nn_model_info *model, const char *name, struct nn_error *err)
{
    return nn_fail(err, NN_ERR_ARGUMENT, "the model has no class '%.60s'; it has %s%s%s%s", name,
                   model->classes[0], model->class_count > 1 ? ", " : "",
                   model->class_count > 1 ? model->classes[1] : "", model->class_count > 2 ? ", ..." : "");
}

/* A foreign model must not choose the folder that its images go to. */
static nn_status check_class_names(const struct nn_model_info *model, struct nn_error *err)
{
    for (int k = 0; k < model->class_count; k++)
        if (strchr(model->classes[k], '/'))
            return nn_fail(err, NN_ERR_FORMAT, "the model's class '%s' is no part of a file's name",
                           model->classes[k]);
    return NN_OK;
}

static nn_status parse_vector(struct tr_sample_plan *plan, struct nn_error *err)
{
    const char *at = plan->wish.vector;
    int wanted = plan->model->label_count, count = 0;
    for (;; at++) {
        char *end;
        float value = strtof(at, &end);
        if (end == at || !(value >= 0 && value <= 1) || (*end && *end != ','))
            return nn_fail(err, NN_ERR_ARGUMENT, "--label '%.80s': number %d is not in 0..1",
                           plan->wish.vector, count + 1);
        if (count < wanted) plan->labels[count] = value;
        count++;
        at = end;
        if (!*at) break;
    }
    if (count != wanted)
        return nn_fail(err, NN_ERR_ARGUMENT, "--label has %d numbers, the model %d labels", count, wanted);
    return NN_OK;
}

/* "A..B", where the names may have dots themselves. */
static nn_status parse_morph(struct tr_sample_plan *plan, int *from, struct nn_error *err)
{
    const char *text = plan->wish.morph;
    for (const char *dots = text; (dots = strstr(dots, "..")); dots++) {
        *from = find_class(plan->model, text, (size_t)(dots - text));
        plan->class_to = find_class(plan->model, dots + 2, strlen(dots + 2));
        if (*from >= 0 && plan->class_to >= 0) return NN_OK;
    }
    return no_class(plan->model, text, err);
}

/* ---- the items ---------------------------------------------------------------------------------- */

static nn_status allocate(struct tr_sample_plan *plan, uint64_t rows, uint64_t columns, struct nn_error *err)
{
    if (rows > TR_SAMPLES_MAX || rows * columns > TR_SAMPLES_MAX)
        return nn_fail(err, NN_ERR_ARGUMENT, "more than %d images at once", TR_SAMPLES_MAX);
    plan->items = calloc((size_t)(rows * columns), sizeof *plan->items);
    if (!plan->items)
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for a list of %" PRIu64 " images", rows * columns);
    return NN_OK;
}

/* More than TR_SAMPLES_MAX counts as one more: all 2^64 seeds would count as none. */
static uint64_t seed_count(const struct tr_sample_plan *plan)
{
    uint64_t steps = plan->wish.last_seed - plan->wish.first_seed;
    return steps < TR_SAMPLES_MAX ? steps + 1 : TR_SAMPLES_MAX + 1;
}

/* None of an unconditional model's, or of a multi-label model's last class. */
static uint64_t labels_of_class(const struct tr_sample_plan *plan, int k)
{
    return k < plan->model->label_count ? (uint64_t)1 << k : 0;
}

static uint64_t labels_of_vector(const struct tr_sample_plan *plan, int class_index)
{
    uint64_t labels = 0;
    if (!plan->model->multi_label) return labels_of_class(plan, class_index);
    for (int k = 0; k < plan->model->label_count; k++)
        if (plan->labels[k] >= 0.5f) labels |= (uint64_t)1 << k;
    return labels;
}

static void add_item(struct tr_sample_plan *plan, int class_index, uint64_t seed, int frame)
{
    uint64_t labels =
        plan->wish.vector ? labels_of_vector(plan, class_index) : labels_of_class(plan, class_index);
    plan->items[plan->count++] = (struct tr_sample_item){.seed = seed,
                                                         .labels = labels,
                                                         .class_index = class_index,
                                                         .frame = frame,
                                                         .train = true,
                                                         .tile = -1};
}

/* The class that a vector is closest to: its largest number, or of findings that are all unlikely none. */
static int class_of_vector(const struct tr_sample_plan *plan)
{
    int largest = 0;
    for (int k = 1; k < plan->model->label_count; k++)
        if (plan->labels[k] > plan->labels[largest]) largest = k;
    return plan->model->multi_label && plan->labels[largest] < 0.5f ? plan->model->class_count - 1 : largest;
}

/* Classes first .. last. */
static nn_status class_range(const struct tr_sample_plan *plan, int *first, int *last, struct nn_error *err)
{
    *first = 0, *last = plan->model->class_count - 1;
    if (plan->wish.vector) {
        *first = *last = class_of_vector(plan);
    } else if (plan->wish.class_name) {
        *first = *last = find_class(plan->model, plan->wish.class_name, strlen(plan->wish.class_name));
        if (*first < 0) return no_class(plan->model, plan->wish.class_name, err);
    }
    return NN_OK;
}

static nn_status plan_classes(struct tr_sample_plan *plan, struct nn_error *err)
{
    int first, last;
    uint64_t seeds = seed_count(plan);
    nn_status status = class_range(plan, &first, &last, err);
    if (status == NN_OK) status = allocate(plan, seeds, (uint64_t)(last - first + 1), err);
    if (status != NN_OK) return status;
    for (int k = first; k <= last; k++)
        for (uint64_t i = 0; i < seeds; i++) add_item(plan, k, plan->wish.first_seed + i, 0);
    return NN_OK;
}

static nn_status plan_strip(struct tr_sample_plan *plan, struct nn_error *err)
{
    int first, last;
    nn_status status = class_range(plan, &first, &last, err);
    if (status == NN_OK)
        status = allocate(plan, (uint64_t)(last - first + 1), (uint64_t)plan->wish.frames, err);
    if (status != NN_OK) return status;
    for (int k = first; k <= last; k++)
        for (int i = 0; i < plan->wish.frames; i++) add_item(plan, k, plan->wish.first_seed, i);
    return NN_OK;
}

static nn_status plan_morph(struct tr_sample_plan *plan, struct nn_error *err)
{
    int from = -1;
    uint64_t seeds = seed_count(plan);
    nn_status status = parse_morph(plan, &from, err);
    if (status == NN_OK) status = allocate(plan, seeds, (uint64_t)plan->wish.frames, err);
    if (status != NN_OK) return status;
    for (uint64_t s = 0; s < seeds; s++)
        for (int i = 0; i < plan->wish.frames; i++) add_item(plan, from, plan->wish.first_seed + s, i);
    return NN_OK;
}

/* Only the table is read: the images themselves, and the pyramid of them, do not matter here. */
static nn_status read_table(const char *folder, struct tr_labels *table, struct nn_error *err)
{
    char path[PATH_SIZE];
    uint8_t *bytes;
    size_t size;
    if ((size_t)snprintf(path, sizeof path, "%s/labels.csv", folder) >= sizeof path)
        return nn_fail(err, NN_ERR_ARGUMENT, "%.100s...: the path is too long", folder);
    nn_status status = nn_file_read(path, LABELS_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    status = tr_labels_parse(table, (const char *)bytes, size, path, err);
    free(bytes);
    return status;
}

/* The same labels, as the model numbers them: bit k of the row is class k of the table. */
static nn_status translate(const struct tr_sample_plan *plan, const struct tr_labels *table,
                           const struct tr_label_row *row, uint64_t *labels, struct nn_error *err)
{
    *labels = 0;
    if (!plan->model->label_count) return NN_OK; /* an unconditional model makes what it makes */
    for (int c = 0; c < table->class_count; c++) {
        if (!(row->labels >> c & 1)) continue;
        int k = find_class(plan->model, table->classes[c], strlen(table->classes[c]));
        if (k < 0) return no_class(plan->model, table->classes[c], err);
        *labels |= labels_of_class(plan, k);
    }
    if (plan->model->multi_label || __builtin_popcountll(*labels) == 1) return NN_OK;
    return nn_fail(err, NN_ERR_ARGUMENT, "%s/labels.csv:%d: has %s, the model one class an image",
                   plan->wish.like, row->line, *labels ? "several findings" : "no finding");
}

static nn_status take_rows(struct tr_sample_plan *plan, const struct tr_labels *table, struct nn_error *err)
{
    bool all = !strcmp(plan->wish.split, "all"), train = !strcmp(plan->wish.split, "train");
    nn_status status = allocate(plan, (uint64_t)table->row_count, 1, err);
    for (int i = 0; i < table->row_count && status == NN_OK; i++) {
        const struct tr_label_row *row = &table->rows[i];
        uint64_t labels;
        if (!all && row->train != train) continue;
        status = translate(plan, table, row, &labels, err);
        if (status != NN_OK) break;
        int k = labels ? __builtin_ctzll(labels) : plan->model->class_count - 1;
        add_item(plan, k, plan->wish.first_seed + (uint64_t)plan->count, 0);
        struct tr_sample_item *item = &plan->items[plan->count - 1];
        item->labels = labels;
        /* A split taken alone is training data in the new folder, which would have none otherwise. */
        item->train = row->train || !all;
    }
    if (status != NN_OK || plan->count) return status;
    return nn_fail(err, NN_ERR_ARGUMENT, "%s: has no image in split %s", plan->wish.like, plan->wish.split);
}

static nn_status plan_like(struct tr_sample_plan *plan, struct nn_error *err)
{
    struct tr_labels table = {0};
    nn_status status = read_table(plan->wish.like, &table, err);
    if (status != NN_OK) return status;
    status = take_rows(plan, &table, err);
    tr_labels_release(&table);
    return status;
}

/* ---- the contact sheet -------------------------------------------------------------------------- */

/* Items that come in rows of `frames`. */
static void place_frames(struct tr_sample_plan *plan)
{
    int rows = plan->count / plan->wish.frames, rows_max = SHEET_TILES / plan->wish.frames;
    plan->tile_columns = plan->wish.frames;
    plan->tile_count = plan->wish.frames * (rows < rows_max ? rows : rows_max);
    for (int i = 0; i < plan->tile_count; i++) plan->items[i].tile = i;
}

/* The first items of each class, in rows of their own. */
static void place_classes(struct tr_sample_plan *plan)
{
    int counts[NN_CLASSES_MAX] = {0}, first_row[NN_CLASSES_MAX], classes = 0, rows = 0;
    for (int i = 0; i < plan->count; i++) classes += counts[plan->items[i].class_index]++ == 0;
    int shown = SHEET_TILES / classes < SHEET_ROW_TILES ? SHEET_TILES / classes : SHEET_ROW_TILES;
    plan->tile_columns = 1;
    for (int k = 0; k < NN_CLASSES_MAX; k++) {
        first_row[k] = rows;
        if (counts[k] > shown) counts[k] = shown;
        if (counts[k] > plan->tile_columns)
            plan->tile_columns = counts[k] < SHEET_COLUMNS ? counts[k] : SHEET_COLUMNS;
        rows += (counts[k] + SHEET_COLUMNS - 1) / SHEET_COLUMNS;
    }
    int place[NN_CLASSES_MAX] = {0};
    for (int i = 0; i < plan->count; i++) {
        struct tr_sample_item *item = &plan->items[i];
        int k = item->class_index;
        if (place[k] == counts[k]) continue;
        item->tile = first_row[k] * plan->tile_columns + place[k]++;
    }
    plan->tile_count = rows * plan->tile_columns;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

nn_status tr_sample_plan_init(struct tr_sample_plan *plan, const struct tr_sample_wish *wish,
                              const struct nn_model_info *model, struct nn_error *err)
{
    *plan = (struct tr_sample_plan){.model = model, .wish = *wish};
    nn_status status = check_class_names(model, err);
    if (status == NN_OK && wish->vector) status = parse_vector(plan, err);
    if (status == NN_OK)
        status = wish->like    ? plan_like(plan, err)
                 : wish->strip ? plan_strip(plan, err)
                 : wish->morph ? plan_morph(plan, err)
                               : plan_classes(plan, err);
    if (status != NN_OK)
        tr_sample_plan_release(plan);
    else if (wish->strip || wish->morph)
        place_frames(plan);
    else
        place_classes(plan);
    return status;
}

void tr_sample_plan_release(struct tr_sample_plan *plan)
{
    free(plan->items);
    plan->items = NULL;
    plan->count = 0;
}

/* Of a strip or morph, the share of its end in this frame. */
static float share_of(const struct tr_sample_plan *plan, int frame)
{
    return (float)frame / (float)(plan->wish.frames - 1);
}

/* Findings together, which no class of the model stands for. */
static bool has_several(const struct tr_sample_item *item)
{
    return __builtin_popcountll(item->labels) > 1;
}

struct nn_sample_point tr_sample_point(const struct tr_sample_plan *plan, int index)
{
    const struct tr_sample_item *item = &plan->items[index];
    const struct tr_sample_wish *w = &plan->wish;
    struct nn_sample_request request = {item->seed, item->class_index, w->strength, w->truncation};
    struct nn_sample_point point = nn_sample_point_of(plan->model, &request);
    if (w->vector)
        memcpy(point.labels, plan->labels, sizeof point.labels);
    else if (has_several(item))
        for (int k = 0; k < plan->model->label_count; k++)
            point.labels[k] = item->labels >> k & 1 ? w->strength : 0;
    if (w->strip) {
        point.seed_to = w->last_seed;
        point.blend = share_of(plan, item->frame);
    }
    if (w->morph) {
        float share = share_of(plan, item->frame), rest = share_of(plan, w->frames - 1 - item->frame);
        request.class_index = plan->class_to;
        struct nn_sample_point to = nn_sample_point_of(plan->model, &request);
        for (int k = 0; k < plan->model->label_count; k++)
            point.labels[k] = rest * point.labels[k] + share * to.labels[k];
    }
    return point;
}

uint64_t tr_sample_labels(const struct tr_sample_plan *plan, int index)
{
    const struct tr_sample_item *item = &plan->items[index];
    bool past_half = plan->wish.morph && share_of(plan, item->frame) > 0.5f;
    return past_half ? labels_of_class(plan, plan->class_to) : item->labels;
}

void tr_sample_label_text(const struct tr_sample_plan *plan, int index, char text[TR_SAMPLE_LABEL_MAX])
{
    uint64_t labels = tr_sample_labels(plan, index);
    char *at = text;
    for (int k = 0; k < plan->model->label_count; k++)
        if (labels >> k & 1) at += sprintf(at, "%s%s", at > text ? "|" : "", plan->model->classes[k]);
    if (at == text) strcpy(text, plan->model->label_count ? NN_CLASS_NONE : NN_CLASS_ANY);
}

bool tr_sample_is_of_class(const struct tr_sample_plan *plan)
{
    return !plan->wish.vector && !plan->wish.morph;
}

void tr_sample_file(const struct tr_sample_plan *plan, int index, char file[TR_SAMPLE_FILE_MAX])
{
    const struct tr_sample_item *item = &plan->items[index];
    const char *what = plan->wish.vector   ? "vector"
                       : has_several(item) ? "findings"
                                           : plan->model->classes[item->class_index];
    if (plan->wish.strip)
        snprintf(file, TR_SAMPLE_FILE_MAX, "images/%s-%" PRIu64 "-%" PRIu64 "-%03d.png", what, item->seed,
                 plan->wish.last_seed, item->frame);
    else if (plan->wish.morph)
        snprintf(file, TR_SAMPLE_FILE_MAX, "images/%s-%s-%" PRIu64 "-%03d.png", what,
                 plan->model->classes[plan->class_to], item->seed, item->frame);
    else
        snprintf(file, TR_SAMPLE_FILE_MAX, "images/%s-%" PRIu64 ".png", what, item->seed);
}
