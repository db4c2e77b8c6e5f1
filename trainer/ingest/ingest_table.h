/* The labels.csv that comes with the source.
 *
 * Columns, in any order: `file` (path within the source folder), `label` or `labels` (trainer/data/labels.h).
 * May be there: `patient_id` (without it, the one in a DICOM file), `side`, `split` (train or test; without
 * it, drawn), `turn` (0, 90, 180 or 270 degrees clockwise), `mirror` and `invert` (yes or no). Of all other
 * columns only those that are asked for leave the source. */
#ifndef TR_INGEST_TABLE_H
#define TR_INGEST_TABLE_H

#include "trainer/ingest/ingest_item.h"

struct tr_ingest_table {
    struct tr_ingest_item *items; /* in the table's order */
    int count;
    bool multi;                           /* the column is `labels` */
    bool has_split;                       /* every item's split is told */
    const char *keep[TR_INGEST_KEEP_MAX]; /* columns asked for; borrowed */
    int keep_count;
    char *text; /* backing of all cells */
};

/* `keep`: names of `keep_count` further columns. An item whose row has a fault is refused, with the reason.
 * The whole fails when it cannot be read as a table: a needed column that is missing, one twice, one asked
 * for that is not there, an open quote, no row at all. */
nn_status tr_ingest_table_read(struct tr_ingest_table *table, const char *path, const char *const *keep,
                               int keep_count, struct nn_error *err) NN_MUST_CHECK;
void tr_ingest_table_release(struct tr_ingest_table *table);

/* Its items in the order of their files' names, a list that the caller frees; NULL without memory. */
struct tr_ingest_item **tr_ingest_table_by_file(const struct tr_ingest_table *table);
/* The first place of a file in such a list, or -1. */
int tr_ingest_table_find(struct tr_ingest_item *const *sorted, int count, const char *file);

/* Leaves out the items that a CSV file names in its column `file`: what was ticked on the review pages. A
 * file that no item has is an error. */
nn_status tr_ingest_table_leave_out(struct tr_ingest_table *table, const char *path,
                                    struct nn_error *err) NN_MUST_CHECK;

#endif
