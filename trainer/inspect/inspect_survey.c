#include "trainer/inspect/inspect_survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/csv_reader.h"
#include "engine/file.h"
#include "engine/image.h"
#include "engine/sha256.h"
#include "trainer/interrupt.h"
#include "trainer/progress.h"

enum { PATH_SIZE = 8192 };

#define CSV_LIMIT ((size_t)256 << 20)
#define IMAGE_LIMIT ((size_t)64 << 20)

static const char *const columns[TR_SURVEY_CELLS] = {"file", "label", "patient_id", "split"};

/* ---- labels.csv --------------------------------------------------------------------------------- */

static nn_status read_header(struct tr_survey *s, struct nn_csv *csv, int place[TR_SURVEY_CELLS],
                             struct nn_error *err)
{
    char *fields[NN_CSV_FIELDS_MAX];
    int count;
    nn_status status = nn_csv_next(csv, fields, &count, err);
    if (status != NN_OK) return status;
    for (int c = 0; c < TR_SURVEY_CELLS; c++) {
        place[c] = -1;
        for (int i = 0; i < count; i++)
            if (strcmp(fields[i], columns[c]) == 0) place[c] = i;
    }
    for (int i = 0; i < count && place[TR_SURVEY_LABEL] < 0; i++)
        if (strcmp(fields[i], "labels") == 0) place[TR_SURVEY_LABEL] = i, s->multi = true;
    if (place[TR_SURVEY_FILE] >= 0) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s: has no column 'file'", csv->name);
}

static nn_status read_rows(struct tr_survey *s, struct nn_csv *csv, struct nn_error *err)
{
    int place[TR_SURVEY_CELLS], room = 0, count = 0;
    char *fields[NN_CSV_FIELDS_MAX];
    nn_status status = read_header(s, csv, place, err);
    while (status == NN_OK && (status = nn_csv_next(csv, fields, &count, err)) == NN_OK && count > 0) {
        if (s->count == room) {
            room = room ? 2 * room : 256;
            struct tr_survey_item *more = realloc(s->items, (size_t)room * sizeof *more);
            if (!more) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", csv->name);
            s->items = more;
        }
        struct tr_survey_item *item = &s->items[s->count++];
        *item = (struct tr_survey_item){0};
        for (int c = 0; c < TR_SURVEY_CELLS; c++)
            item->cell[c] = place[c] >= 0 && place[c] < count ? fields[place[c]] : "";
    }
    return status;
}

static nn_status read_csv(struct tr_survey *s, const char *path, struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    struct nn_csv csv;
    nn_status status = nn_file_read(path, CSV_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    nn_sha256_hex(bytes, size, s->labels_sha256);
    s->text = (char *)bytes;
    nn_csv_init(&csv, s->text, size, path);
    return read_rows(s, &csv, err);
}

/* ---- images ------------------------------------------------------------------------------------- */

/* Counts its pixels in `bins`. */
static void look_at(const struct tr_survey *s, struct tr_survey_item *item, uint64_t bins[TR_SURVEY_BINS])
{
    char path[PATH_SIZE];
    uint8_t *bytes;
    size_t size;
    struct nn_error problem;
    struct nn_image image = {0};
    snprintf(path, sizeof path, "%s/%s", s->folder, item->cell[TR_SURVEY_FILE]);
    nn_status status = nn_file_read(path, IMAGE_LIMIT, &bytes, &size, &problem);
    if (status == NN_OK) {
        nn_sha256_hex(bytes, size, item->sha256);
        status = nn_png_decode(bytes, size, item->cell[TR_SURVEY_FILE], &image, &problem);
        free(bytes);
    }
    if (status != NN_OK) {
        snprintf(item->problem, sizeof item->problem, "%.199s", problem.text);
        return;
    }
    item->width = image.width, item->height = image.height, item->depth = image.depth;
    size_t pixels = (size_t)image.width * (size_t)image.height;
    for (size_t i = 0; i < pixels; i++)
        bins[image.depth == 16 ? ((uint16_t *)image.pixels)[i] >> 8 : ((uint8_t *)image.pixels)[i]]++;
    uint64_t sum = 0;
    for (int b = 0; b < TR_SURVEY_BINS; b++) sum += (uint64_t)b * bins[b];
    item->mean = (double)sum / (double)pixels;
    tr_picture_hash(&image, &item->hash);
    nn_image_release(&image);
}

static nn_status look_at_all(struct tr_survey *s, bool show, struct nn_error *err)
{
    struct tr_progress progress;
    int done = 0;
    tr_progress_start(&progress, "images");
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < s->count; i++) {
        uint64_t bins[TR_SURVEY_BINS] = {0};
        if (tr_interrupted()) continue;
        look_at(s, &s->items[i], bins);
#pragma omp critical(tr_inspect_progress)
        {
            for (int b = 0; b < TR_SURVEY_BINS; b++) s->bins[b] += bins[b];
            done++;
            if (show) tr_progress_show(&progress, done, s->count);
        }
    }
    return tr_interrupted() ? nn_fail(err, NN_STOPPED, "stopped") : NN_OK;
}

/* ---- both ---------------------------------------------------------------------------------------- */

nn_status tr_survey_read(struct tr_survey *s, const char *folder, bool show, struct nn_error *err)
{
    char path[PATH_SIZE];
    *s = (struct tr_survey){.folder = folder};
    snprintf(path, sizeof path, "%s/labels.csv", folder);
    nn_status status = read_csv(s, path, err);
    if (status == NN_OK) status = look_at_all(s, show, err);
    if (status != NN_OK) tr_survey_release(s);
    return status;
}

void tr_survey_release(struct tr_survey *s)
{
    free(s->items);
    free(s->text);
    *s = (struct tr_survey){0};
}
