/* What `roentgym inspect` says of a data set's folder: what would be refused by training is counted here. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/file.h"
#include "engine/sha256.h"
#include "trainer/data/boxes.h"
#include "trainer/data/grey_range.h"
#include "trainer/data/labels.h"
#include "trainer/inspect/inspect.h"
#include "trainer/inspect/inspect_looks.h"
#include "trainer/inspect/inspect_survey.h"

enum { LABELS_MAX = 256, NAMED_MAX = 5, SHAPES_MAX = 16, PATH_SIZE = 8192 };

#define CSV_LIMIT ((size_t)256 << 20)
#define JSON_LIMIT ((size_t)16 << 20)

/* ---- what follows from them --------------------------------------------------------------------- */

static json_t *limited(json_t *list, int total)
{
    char text[40];
    if (total <= NAMED_MAX) return list;
    snprintf(text, sizeof text, "and %d more", total - NAMED_MAX);
    json_array_append_new(list, json_string(text));
    return list;
}

static void count_label(json_t *labels, const char *label, const char *split)
{
    static const char no_text[] =
        "(not UTF-8)"; /* which jansson refuses as a key, and takes the value with it */
    json_t *splits = json_object_get(labels, label);
    if (!splits && json_object_size(labels) >= LABELS_MAX) return;
    if (!splits && json_object_set_new(labels, label, json_object()) != 0) {
        if (label != no_text) count_label(labels, no_text, split);
        return;
    }
    splits = json_object_get(labels, label);
    json_int_t count = json_integer_value(json_object_get(splits, split));
    json_object_set_new(splits, split, json_integer(count + 1));
}

/* {label: {split: n}}: labels and splits as they are written. An image with two findings counts for both. */
static json_t *count_labels(const struct tr_survey *s)
{
    json_t *labels = json_object();
    for (int i = 0; i < s->count; i++) {
        const char *split = s->items[i].cell[TR_SURVEY_SPLIT];
        for (const char *at = s->items[i].cell[TR_SURVEY_LABEL], *next; at; at = next) {
            char label[100];
            int length;
            next = tr_label_next(at, s->multi, &length);
            snprintf(label, sizeof label, "%.*s", length, at);
            count_label(labels, label[0] ? label : "(empty)", split[0] ? split : "(empty)");
        }
    }
    return labels;
}

static json_t *count_shapes(const struct tr_survey *s)
{
    json_t *shapes = json_object();
    for (int i = 0; i < s->count; i++) {
        const struct tr_survey_item *item = &s->items[i];
        char shape[80];
        if (!item->depth) continue;
        snprintf(shape, sizeof shape, "%dx%d, %d bits", item->width, item->height, item->depth);
        json_t *count = json_object_get(shapes, shape);
        if (!count && json_object_size(shapes) >= SHAPES_MAX) strcpy(shape, "others");
        json_object_set_new(shapes, shape,
                            json_integer(json_integer_value(json_object_get(shapes, shape)) + 1));
    }
    return shapes;
}

static int by_patient(const void *a, const void *b)
{
    const struct tr_survey_item *const *x = a, *const *y = b;
    return strcmp((*x)->cell[TR_SURVEY_PATIENT], (*y)->cell[TR_SURVEY_PATIENT]);
}

static int by_hash(const void *a, const void *b)
{
    const struct tr_survey_item *const *x = a, *const *y = b;
    return strcmp((*x)->sha256, (*y)->sha256);
}

static const char *hash_of(const struct tr_survey_item *item)
{
    return item->sha256;
}

static const char *patient_of(const struct tr_survey_item *item)
{
    return item->cell[TR_SURVEY_PATIENT];
}

/* Groups of items alike in `key`, sorted so. */
struct groups {
    int count, largest, in_both_splits, repeated;
    json_t *named; /* the first in both splits */
};

static struct groups group(const struct tr_survey_item **sorted, int count,
                           const char *(*key)(const struct tr_survey_item *),
                           const char *(*name)(const struct tr_survey_item *))
{
    struct groups g = {.named = json_array()};
    for (int i = 0, next; i < count; i = next) {
        bool both = false;
        for (next = i; next < count && strcmp(key(sorted[i]), key(sorted[next])) == 0; next++)
            both |= strcmp(sorted[i]->cell[TR_SURVEY_SPLIT], sorted[next]->cell[TR_SURVEY_SPLIT]) != 0;
        if (!key(sorted[i])[0]) continue; /* not known */
        g.count++;
        g.repeated += next - i - 1;
        if (next - i > g.largest) g.largest = next - i;
        if (both && g.in_both_splits++ < NAMED_MAX)
            json_array_append_new(g.named, json_string(name(sorted[i])));
    }
    limited(g.named, g.in_both_splits);
    return g;
}

static const char *file_of(const struct tr_survey_item *item)
{
    return item->cell[TR_SURVEY_FILE];
}

static void put_groups(json_t *facts, const struct tr_survey *s)
{
    const struct tr_survey_item **sorted = malloc(((size_t)s->count + 1) * sizeof *sorted);
    if (!sorted) return; /* the other facts stand without these */
    for (int i = 0; i < s->count; i++) sorted[i] = &s->items[i];
    qsort(sorted, (size_t)s->count, sizeof *sorted, by_patient);
    struct groups patients = group(sorted, s->count, patient_of, patient_of);
    json_object_set_new(facts, "patients", json_integer(patients.count));
    json_object_set_new(facts, "most_images_of_one_patient", json_integer(patients.largest));
    json_object_set_new(facts, "patients_in_both_splits", json_integer(patients.in_both_splits));
    if (patients.in_both_splits) json_object_set(facts, "leaking_patients", patients.named);
    qsort(sorted, (size_t)s->count, sizeof *sorted, by_hash);
    struct groups images = group(sorted, s->count, hash_of, file_of);
    json_object_set_new(facts, "files_of_equal_content", json_integer(images.repeated));
    json_object_set_new(facts, "equal_files_in_both_splits", json_integer(images.in_both_splits));
    if (images.in_both_splits) json_object_set(facts, "leaking_files", images.named);
    json_decref(patients.named);
    json_decref(images.named);
    free(sorted);
}

static int by_file(const void *a, const void *b)
{
    const struct tr_survey_item *const *x = a, *const *y = b;
    return strcmp((*x)->cell[TR_SURVEY_FILE], (*y)->cell[TR_SURVEY_FILE]);
}

/* Half a pixel of rounding is forgiven. */
static bool is_within(const struct tr_box *box, const struct tr_survey_item *item)
{
    return box->x >= -0.5 && box->y >= -0.5 && box->x + box->width <= item->width + 0.5 &&
           box->y + box->height <= item->height + 0.5;
}

static void count_boxes(json_t *facts, const struct tr_survey *s, const struct tr_boxes *t,
                        const struct tr_survey_item **sorted)
{
    int both = 0, beyond = 0, unknown = 0;
    for (int i = 0; i < s->count; i++) sorted[i] = &s->items[i];
    qsort(sorted, (size_t)s->count, sizeof *sorted, by_file);
    for (int i = 0; i < t->count; i++) {
        const struct tr_box *box = &t->boxes[i];
        const struct tr_survey_item key = {.cell = {box->file}}, *wanted = &key;
        const struct tr_survey_item **found =
            bsearch(&wanted, sorted, (size_t)s->count, sizeof *sorted, by_file);
        both += i > 0 && strcmp(box->file, t->boxes[i - 1].file) == 0;
        unknown += !found;
        beyond += found && (*found)->depth && !is_within(box, *found);
    }
    json_object_set_new(facts, "hips_with_a_box", json_integer(t->count));
    json_object_set_new(facts, "images_with_both_hips", json_integer(both));
    json_object_set_new(facts, "boxes_beyond_the_image", json_integer(beyond));
    json_object_set_new(facts, "boxes_of_no_image", json_integer(unknown));
}

/* boxes.csv, where there is one. */
static void put_boxes(json_t *facts, const struct tr_survey *s)
{
    char path[PATH_SIZE];
    struct tr_boxes boxes;
    struct nn_error problem;
    snprintf(path, sizeof path, "%s/boxes.csv", s->folder);
    if (access(path, F_OK) != 0) return;
    if (tr_boxes_read(&boxes, path, &problem) != NN_OK) {
        json_object_set_new(facts, "boxes_csv_problem", json_string(problem.text));
        return;
    }
    const struct tr_survey_item **sorted = malloc(((size_t)s->count + 1) * sizeof *sorted);
    if (sorted) count_boxes(facts, s, &boxes, sorted); /* the other facts stand without these */
    free(sorted);
    tr_boxes_release(&boxes);
}

static void put_looks(json_t *facts, const struct tr_survey *s)
{
    struct tr_look *looks = malloc(((size_t)s->count + 1) * sizeof *looks);
    int count = 0;
    if (!looks) return;
    for (int i = 0; i < s->count; i++) {
        const struct tr_survey_item *item = &s->items[i];
        if (item->depth)
            looks[count++] = (struct tr_look){item->cell[TR_SURVEY_FILE], item->cell[TR_SURVEY_LABEL],
                                              item->cell[TR_SURVEY_SPLIT], item->hash, item->mean};
    }
    tr_inspect_looks(facts, looks, count);
    free(looks);
}

static void put_unreadable(json_t *facts, const struct tr_survey *s)
{
    json_t *named = json_array();
    int count = 0;
    for (int i = 0; i < s->count; i++)
        if (!s->items[i].depth && count++ < NAMED_MAX)
            json_array_append_new(named, json_string(s->items[i].problem));
    json_object_set_new(facts, "unreadable_images", json_integer(count));
    if (count) json_object_set(facts, "unreadable", limited(named, count));
    json_decref(named);
}

static json_t *share(uint64_t part, uint64_t whole)
{
    return json_real(round(1e4 * (double)part / (double)whole) / 1e4);
}

/* Of all pixels together, as 8 bits: what clipped or narrow exposures show up in. */
static json_t *histogram(const struct tr_survey *s)
{
    const uint64_t *bins = s->bins;
    uint64_t total = 0, below = 0;
    double sum = 0;
    for (int b = 0; b < TR_SURVEY_BINS; b++) total += bins[b], sum += (double)b * (double)bins[b];
    if (!total) return json_null();
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"lowest", 0}, {"1%", 0.01},  {"25%", 0.25}, {"median", 0.5},
                     {"75%", 0.75}, {"99%", 0.99}, {"highest", 1}};
    json_t *facts = json_object();
    size_t q = 0, count = sizeof quantiles / sizeof *quantiles;
    for (int b = 0; b < TR_SURVEY_BINS; b++) {
        below += bins[b];
        for (; q < count && below > 0 && (double)below >= quantiles[q].share * (double)total; q++)
            json_object_set_new(facts, quantiles[q].name, json_integer(b));
    }
    json_object_set_new(facts, "mean", json_real(round(100 * sum / (double)total) / 100));
    json_object_set_new(facts, "share_at_0", share(bins[0], total));
    json_object_set_new(facts, "share_at_255", share(bins[TR_SURVEY_BINS - 1], total));
    return facts;
}

/* As tr_dataset_sha256: by this name a state or checkpoint calls the data set. */
static void combine_hashes(const struct tr_survey *s, struct tr_grey_range grey, char hex[65])
{
    struct nn_sha256 hash;
    nn_sha256_init(&hash);
    nn_sha256_add(&hash, s->labels_sha256, 64);
    for (int i = 0; i < s->count; i++) nn_sha256_add(&hash, s->items[i].sha256, 64);
    tr_grey_range_hash(grey, &hash);
    nn_sha256_finish(&hash, hex);
}

/* ---- dataset.json, and the whole ---------------------------------------------------------------- */

static void put_description(json_t *facts, const char *folder, struct tr_grey_range *grey)
{
    char path[PATH_SIZE];
    uint8_t *bytes;
    size_t size;
    struct nn_error problem;
    json_error_t where;
    snprintf(path, sizeof path, "%s/dataset.json", folder);
    json_t *root = NULL;
    if (nn_file_read(path, JSON_LIMIT, &bytes, &size, &problem) == NN_OK) {
        root = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &where);
        if (!root) nn_fail(&problem, NN_ERR_FORMAT, "%s:%d: %s", path, where.line, where.text);
        free(bytes);
    }
    if (!root) {
        json_object_set_new(facts, "dataset_json_problem", json_string(problem.text));
        return;
    }
    static const char *const keys[] = {"name", "provenance", "licence", "command"};
    const json_t *simulated = json_object_get(root, "simulated");
    json_object_set_new(facts, "data",
                        json_string(!json_is_boolean(simulated) ? "not said whether simulated or real"
                                    : json_is_true(simulated)   ? "simulated"
                                                                : "real"));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_is_string(json_object_get(root, keys[i])))
            json_object_set(facts, keys[i], json_object_get(root, keys[i]));
    if (json_is_array(json_object_get(root, "classes")))
        json_object_set(facts, "classes", json_object_get(root, "classes"));
    const json_t *range = json_object_get(root, "grey_range");
    if (tr_grey_range_parse(grey, range, path, &problem) != NN_OK)
        json_object_set_new(facts, "dataset_json_problem", json_string(problem.text));
    else if (range)
        json_object_set_new(facts, "grey_range", json_pack("[ii]", grey->low, grey->high));
    json_decref(root);
}

/* What training would say of the table, which it parses by itself. */
static json_t *verdict(const char *path, size_t shapes)
{
    uint8_t *bytes;
    size_t size;
    struct nn_error problem;
    struct tr_labels labels = {0};
    nn_status status = nn_file_read(path, CSV_LIMIT, &bytes, &size, &problem);
    if (status == NN_OK) {
        status = tr_labels_parse(&labels, (const char *)bytes, size, path, &problem);
        free(bytes);
    }
    if (status == NN_OK) status = tr_labels_check_training(&labels, path, &problem);
    tr_labels_release(&labels);
    if (status == NN_OK && shapes > 1)
        return json_string("images of mixed size or depth; unfit for training");
    return json_string(status == NN_OK ? "fit for training" : problem.text);
}

nn_status tr_inspect_data(const char *folder, bool show, json_t **out, struct nn_error *err)
{
    struct tr_survey s;
    struct tr_grey_range grey = {0};
    char path[PATH_SIZE], sha256[65];
    *out = NULL;
    nn_status status = tr_survey_read(&s, folder, show, err);
    if (status != NN_OK) return status;
    snprintf(path, sizeof path, "%s/labels.csv", folder);
    json_t *facts = json_object();
    json_object_set_new(facts, "kind", json_string("data set"));
    json_object_set_new(facts, "path", json_string(folder));
    put_description(facts, folder, &grey);
    json_t *shapes = count_shapes(&s);
    json_object_set_new(facts, "labels_csv", verdict(path, json_object_size(shapes)));
    json_object_set_new(facts, "images", json_integer(s.count));
    json_object_set_new(facts, "sizes", shapes);
    put_unreadable(facts, &s);
    json_object_set_new(facts, "labels",
                        json_string(s.multi ? "any number of findings an image" : "one an image"));
    json_object_set_new(facts, "images_by_label_and_split", count_labels(&s));
    put_groups(facts, &s);
    put_boxes(facts, &s);
    put_looks(facts, &s);
    json_object_set_new(facts, "grey_levels_of_8_bits", histogram(&s));
    json_object_set_new(facts, "grey_histogram", tr_inspect_histogram(s.bins));
    combine_hashes(&s, grey, sha256);
    json_object_set_new(facts, "sha256", json_string(sha256));
    *out = facts;
    tr_survey_release(&s);
    return NN_OK;
}
