#include "trainer/evaluate/label_samples.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "engine/csv_reader.h"
#include "engine/file.h"
#include "trainer/data/csv_cell.h"
#include "trainer/text_file.h"

enum { CLASS_TEXT = 1024, COLUMNS = 6 };

#define TABLE_BYTES_MAX ((size_t)256 << 20)

static const char header[] = "judged_by,seed,class,score,verdict,passes\n";

/* ---- reading ------------------------------------------------------------------------------------ */

/* False for a number that is not there, which is none that is wrong either. */
static bool read_score(const char *text, double *score)
{
    char *end;
    *score = strtod(text, &end);
    return end != text && !*end && isfinite(*score);
}

/* One row of the table; false when it is not of these samples. */
static bool take_row(struct tr_label_samples *s, char *const *fields, int i)
{
    char class_name[CLASS_TEXT], *end;
    tr_case_classes(s->asked, i, class_name, sizeof class_name);
    if (strcmp(fields[0], s->judged_by) != 0 || strcmp(fields[2], class_name) != 0) return false;
    s->seeds[i] = strtoull(fields[1], &end, 10);
    if (read_score(fields[3], &s->scores[i]) && s->done == i) s->done++;
    return *fields[1] && !*end;
}

/* Whether the table is of these samples; then it is taken. */
static nn_status take_table(struct tr_label_samples *s, const char *path, bool *taken, struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    struct stat info;
    struct nn_csv csv;
    char *fields[NN_CSV_FIELDS_MAX];
    int count, row = 0;
    *taken = false;
    if (stat(path, &info) != 0 && errno == ENOENT) return NN_OK;
    nn_status status = nn_file_read(path, TABLE_BYTES_MAX, &bytes, &size, err);
    if (status != NN_OK) return status;
    *taken = size >= sizeof header - 1 && memcmp(bytes, header, sizeof header - 1) == 0;
    if (!*taken) status = nn_fail(err, NN_ERR_FORMAT, "%s: is no table of judged samples", path);
    nn_csv_init(&csv, (char *)bytes, size, path);
    if (status == NN_OK) status = nn_csv_next(&csv, fields, &count, err);
    while (status == NN_OK && *taken) {
        status = nn_csv_next(&csv, fields, &count, err);
        if (status != NN_OK || count == 0) break;
        *taken = count == COLUMNS && row < s->count && take_row(s, fields, row);
        row++;
    }
    *taken = *taken && row == s->count;
    free(bytes);
    return status;
}

static nn_status draw_seeds(struct tr_label_samples *s, struct nn_error *err)
{
    s->done = 0;
    for (int i = 0; i < s->count; i++)
        if (getrandom(&s->seeds[i], sizeof *s->seeds, 0) != sizeof *s->seeds)
            return nn_fail(err, NN_ERR_IO, "no random numbers: %s", strerror(errno));
    return NN_OK;
}

nn_status tr_label_samples_open(struct tr_label_samples *s, const char *path, const char judged_by[65],
                                const struct tr_cases *asked, struct nn_error *err)
{
    bool taken = false;
    *s = (struct tr_label_samples){.asked = asked, .count = asked->count};
    snprintf(s->judged_by, sizeof s->judged_by, "%s", judged_by);
    s->seeds = malloc((size_t)s->count * sizeof *s->seeds);
    s->scores = malloc((size_t)s->count * sizeof *s->scores);
    nn_status status = s->seeds && s->scores
                           ? take_table(s, path, &taken, err)
                           : nn_fail(err, NN_ERR_MEMORY, "out of memory for %d samples", s->count);
    if (status == NN_OK && !taken) status = draw_seeds(s, err);
    if (status != NN_OK) tr_label_samples_release(s);
    return status;
}

void tr_label_samples_release(struct tr_label_samples *s)
{
    free(s->seeds);
    free(s->scores);
    *s = (struct tr_label_samples){0};
}

/* ---- writing ------------------------------------------------------------------------------------ */

static void put_row(FILE *to, const struct tr_label_samples *s, const struct tr_label_gate *gate, int i)
{
    char class_name[CLASS_TEXT];
    tr_case_classes(s->asked, i, class_name, sizeof class_name);
    fprintf(to, "%s,%" PRIu64 ",", s->judged_by, s->seeds[i]);
    tr_csv_write_cell(to, class_name);
    if (i >= s->done) {
        fputs(",,,\n", to);
        return;
    }
    fprintf(to, ",%.17g,", s->scores[i]); /* the same number when it is read again */
    tr_csv_write_cell(to, tr_label_gate_verdict(gate, s->scores[i]) ? s->asked->finding : "");
    fprintf(to, ",%d\n", tr_label_gate_passes(gate, s->asked->truth[i], s->scores[i]));
}

nn_status tr_label_samples_write(const struct tr_label_samples *s, const char *path,
                                 const struct tr_label_gate *gate, struct nn_error *err)
{
    struct tr_text_file table;
    nn_status status = tr_text_file_begin(&table, path, err);
    if (status != NN_OK) return status;
    fputs(header, table.to);
    for (int i = 0; i < s->count; i++) put_row(table.to, s, gate, i);
    return tr_text_file_end(&table, NN_OK, err);
}

nn_status tr_label_samples_write_list(const struct tr_label_samples *s, const char *path,
                                      const char *model_sha256, const struct tr_label_gate *gate,
                                      struct nn_error *err)
{
    json_t *classes = json_object();
    for (int i = 0; i < s->done; i++) {
        char class_name[CLASS_TEXT], seed[24];
        if (!tr_label_gate_passes(gate, s->asked->truth[i], s->scores[i]) ||
            (s->asked->labels[i] & (s->asked->labels[i] - 1)))
            continue;
        tr_case_classes(s->asked, i, class_name, sizeof class_name);
        snprintf(seed, sizeof seed, "%" PRIu64, s->seeds[i]);
        if (!json_object_get(classes, class_name)) json_object_set_new(classes, class_name, json_array());
        json_array_append_new(json_object_get(classes, class_name), json_string(seed));
    }
    json_t *list = json_pack("{s:i,s:s,s:o}", "format", 1, "model_sha256", model_sha256, "classes", classes);
    return tr_text_file_json(path, list, 8, err);
}
