/* labels.csv: what each image shows, whose it is, and whether it is for training or for testing.
 *
 * Columns, in any order: `file` (path within the data-set folder, e.g. images/p000001.png), `label` (one
 * class), `patient_id`, `split` ("train" or "test"). Where an image may show several findings, or none, the
 * column is called `labels` instead: "effusion|fracture", or "none". Other columns are ignored. */
#ifndef TR_LABELS_H
#define TR_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/error.h"

enum { TR_LABELS_PATH_MAX = 1000 }; /* bytes of a `file` */

struct tr_label_row {
    const char *file, *patient; /* owned by the table */
    uint64_t labels;            /* bit k: it is of class k; where there is a column `label`, just one bit */
    bool train;
    int line; /* in labels.csv, from 1 */
};

struct tr_labels {
    struct tr_label_row *rows; /* in file order */
    int row_count, train_count;
    char classes[NN_CLASSES_MAX][NN_CLASS_NAME_MAX];
    int class_count;
    bool multi; /* the column is `labels`: classes are findings */
    char *text; /* backing of all strings */
};

/* Parses the text of a labels.csv, which it copies; `name` stands for the path in error texts.
 *
 * With table->class_count > 0 on entry, table->classes are the classes and their order; with 0 they are
 * the labels found, sorted by bytes; at most NN_CLASSES_MAX, one less of findings. Everything else in *table
 * is overwritten.
 *
 * NN_ERR_FORMAT names file and line: a missing or repeated column, a record of another length than the
 * header's, an empty cell in a needed column, a path that is over-long or leaves the folder, an unknown or
 * over-long label, one that is not plain UTF-8 text, one twice in a cell, a finding called "none", a split
 * that is neither train nor test, a file listed twice, a patient in both splits; and a table without rows. On
 * failure nothing is held. */
nn_status tr_labels_parse(struct tr_labels *table, const char *text, size_t size_bytes, const char *name,
                          struct nn_error *err) NN_MUST_CHECK;
void tr_labels_release(struct tr_labels *table); /* harmless on a zeroed struct */

/* What training needs besides: NN_ERR_FORMAT where there is no training image, or a class has none. */
nn_status tr_labels_check_training(const struct tr_labels *table, const char *name,
                                   struct nn_error *err) NN_MUST_CHECK;

/* What the cells of a row must be, in a table of any origin. NN_ERR_FORMAT says what is wrong, not where. */
nn_status tr_labels_check_row(const char *file, const char *label, bool several, const char *split,
                              struct nn_error *err) NN_MUST_CHECK;

/* The labels of a cell, one of the column `labels` where `several`:
 *   for (const char *label = tr_labels_of(cell, several), *next; label; label = next)
 *       next = tr_label_next(label, several, &length);
 * where the label has `length` bytes. A cell "none" has no label. */
const char *tr_labels_of(const char *cell, bool several);
const char *tr_label_next(const char *label, bool several, int *length);

#endif
