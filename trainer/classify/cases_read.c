/* Cases from a data set, or from a folder of files. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trainer/classify/cases_build.h"
#include "trainer/data/dataset.h"
#include "trainer/data/image_source.h"

enum { SHOWN_EVERY = 64 };

static nn_status check_side(int side, struct nn_error *err)
{
    if (side >= TR_CASES_SIDE_MIN && side <= TR_CASES_SIDE_MAX) return NN_OK;
    return nn_fail(err, NN_ERR_ARGUMENT, "images of side %d, wanted %d to %d", side, TR_CASES_SIDE_MIN,
                   TR_CASES_SIDE_MAX);
}

/* ---- a data set --------------------------------------------------------------------------------------- */

/* "no_fracture, fracture" */
static void list_classes(const struct tr_dataset *d, char *text, size_t size)
{
    size_t used = 0;
    for (int k = 0; k < tr_dataset_class_count(d) && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", k ? ", " : "", tr_dataset_class(d, k));
}

static nn_status choose_finding(struct tr_cases *c, const struct tr_dataset *d, const char *folder,
                                const char *finding, struct nn_error *err)
{
    int classes = tr_dataset_class_count(d), only = tr_dataset_multi_label(d) ? 0 : 1, k = 0;
    char list[300];
    list_classes(d, list, sizeof list);
    if (!finding && classes != only + 1)
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: which finding is meant? It has %s", folder, list);
    if (!finding) finding = tr_dataset_class(d, only);
    while (k < classes && strcmp(tr_dataset_class(d, k), finding) != 0) k++;
    if (k == classes)
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: has no class \"%s\", but %s", folder, finding, list);
    strcpy(c->finding, finding);
    c->class_count = classes;
    for (int i = 0; i < classes; i++) strcpy(c->classes[i], tr_dataset_class(d, i));
    c->multi_label = tr_dataset_multi_label(d);
    snprintf(c->source, sizeof c->source, "%s", tr_dataset_name(d));
    strcpy(c->sha256, tr_dataset_sha256(d));
    return NN_OK;
}

static const struct tr_label_row *row_of(const struct tr_dataset *d, bool train, int i)
{
    return train ? tr_dataset_train_row(d, i) : tr_dataset_test_row(d, i);
}

struct named {
    const char *patient;
    int index;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->patient, y->patient);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static nn_status take_rows(struct tr_cases *c, const struct tr_dataset *d, bool train, struct nn_error *err)
{
    struct named *names = malloc(((size_t)c->count + 1) * sizeof *names);
    bool whole = names != NULL;
    for (int i = 0; i < c->count && whole; i++) {
        const struct tr_label_row *row = row_of(d, train, i);
        names[i] = (struct named){row->patient, i};
        c->labels[i] = row->labels;
        whole = (c->file[i] = strdup(row->file)) != NULL;
    }
    if (whole) qsort(names, (size_t)c->count, sizeof *names, by_name);
    for (int i = 0, patient = -1; i < c->count && whole; i++) {
        patient += i == 0 || strcmp(names[i].patient, names[i - 1].patient) != 0;
        c->patient[names[i].index] = patient;
    }
    free(names);
    return whole ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for the names of images");
}

/* Every image at c->side; the failure of the first is told whatever the threads do. */
static nn_status read_images(struct tr_cases *c, const struct tr_dataset *d, bool train,
                             tr_cases_progress *progress, void *context, struct nn_error *err)
{
    int from = tr_cases_source_side(tr_dataset_side(d), c->side), failed = c->count, done = 0;
    bool stopped = false;
    struct nn_error failure = {0};
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < c->count; i++) {
        struct nn_error problem;
        nn_status status = NN_ERR_MEMORY;
        bool skip;
#pragma omp atomic read
        skip = stopped;
        if (skip) continue;
        uint8_t *raw = malloc((size_t)from * (size_t)from);
        if (raw)
            status = train ? tr_dataset_image(d, from, i, raw, &problem)
                           : tr_dataset_test_image(d, from, i, raw, &problem);
        else
            nn_fail(&problem, status, "out of memory for an image");
        if (status == NN_OK)
            tr_cases_resample(raw, from, c->pixels + (size_t)i * (size_t)c->side * (size_t)c->side, c->side);
        free(raw);
#pragma omp critical(tr_cases_read)
        {
            if (status != NN_OK && i < failed) failed = i, failure = problem;
            done++;
            bool shown = progress && (done % SHOWN_EVERY == 0 || done == c->count);
            if (shown && !progress(context, done, c->count)) {
#pragma omp atomic write
                stopped = true;
            }
        }
    }
    if (failed < c->count) return nn_fail(err, failure.status, "%s", failure.text);
    return stopped ? nn_fail(err, NN_STOPPED, "stopped") : NN_OK;
}

static nn_status check_kinds(const struct tr_cases *c, const char *folder, bool train, struct nn_error *err)
{
    int positive = tr_cases_positive(c);
    if (positive > 0 && positive < c->count) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s/labels.csv: of %d %s images %s %s", folder, c->count,
                   train ? "training" : "test", positive ? "all show" : "none shows", c->finding);
}

nn_status tr_cases_read(struct tr_cases *cases, const char *folder, bool train, const char *finding, int side,
                        tr_cases_progress *progress, void *context, struct nn_error *err)
{
    struct tr_dataset *d = NULL;
    struct tr_cases facts = {0};
    *cases = facts;
    nn_status status = check_side(side, err);
    if (status == NN_OK) status = tr_dataset_open(&d, folder, progress, context, err);
    if (status == NN_OK) status = choose_finding(&facts, d, folder, finding, err);
    if (status != NN_OK) goto out;
    status =
        tr_cases_make(cases, train ? tr_dataset_train_count(d) : tr_dataset_test_count(d), side, true, err);
    if (status != NN_OK) goto out;
    tr_cases_copy_facts(cases, &facts);
    status = take_rows(cases, d, train, err);
    if (status == NN_OK) tr_cases_judge(cases);
    if (status == NN_OK) status = check_kinds(cases, folder, train, err);
    if (status == NN_OK) status = read_images(cases, d, train, progress, context, err);
out:
    if (status != NN_OK) tr_cases_release(cases);
    tr_dataset_close(d);
    return status;
}

/* ---- a folder of files -------------------------------------------------------------------------------- */

struct placed {
    const char *file;
    int index; /* in the source, whose order is random */
};

static int by_file(const void *a, const void *b)
{
    return strcmp(((const struct placed *)a)->file, ((const struct placed *)b)->file);
}

static nn_status read_files(struct tr_cases *c, const struct tr_image_source *source, struct placed *files,
                            tr_cases_progress *progress, void *context, struct nn_error *err)
{
    int from = tr_cases_source_side(tr_image_source_side(source), c->side);
    nn_status status = NN_OK;
    uint8_t *raw = malloc((size_t)from * (size_t)from);
    if (!raw) return nn_fail(err, NN_ERR_MEMORY, "out of memory for an image");
    for (int i = 0; i < c->count; i++) files[i] = (struct placed){tr_image_source_file(source, i), i};
    qsort(files, (size_t)c->count, sizeof *files, by_file);
    for (int i = 0; i < c->count && status == NN_OK; i++) {
        if (!(c->file[i] = strdup(files[i].file)))
            status = nn_fail(err, NN_ERR_MEMORY, "out of memory for the names of images");
        if (status == NN_OK) status = tr_image_source_read(source, files[i].index, 1, from, raw, err);
        if (status != NN_OK) break;
        tr_cases_resample(raw, from, c->pixels + (size_t)i * (size_t)c->side * (size_t)c->side, c->side);
        if (progress && ((i + 1) % SHOWN_EVERY == 0 || i + 1 == c->count) &&
            !progress(context, i + 1, c->count))
            status = nn_fail(err, NN_STOPPED, "stopped");
    }
    free(raw);
    return status;
}

nn_status tr_cases_read_folder(struct tr_cases *cases, const char *folder, int side,
                               tr_cases_progress *progress, void *context, struct nn_error *err)
{
    struct tr_image_source *source = NULL;
    struct placed *files = NULL;
    char path[PATH_MAX];
    *cases = (struct tr_cases){0};
    snprintf(path, sizeof path, "%s/labels.csv", folder);
    if (access(path, F_OK) == 0)
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: is a data set and not just a folder of files", folder);
    nn_status status = check_side(side, err);
    if (status == NN_OK) status = tr_image_source_open_folder(&source, folder, err);
    if (status != NN_OK) return status;
    int count = tr_image_source_count(source);
    status = tr_cases_make(cases, count, side, false, err);
    if (status == NN_OK && !(files = malloc((size_t)count * sizeof *files)))
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for %d names", count);
    if (status == NN_OK) snprintf(cases->source, sizeof cases->source, "%s", folder);
    if (status == NN_OK) status = read_files(cases, source, files, progress, context, err);
    if (status != NN_OK) tr_cases_release(cases);
    free(files);
    tr_image_source_close(source);
    return status;
}
