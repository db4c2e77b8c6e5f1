/* What is told of the files: it names them as the source does, and stays with the source. */
#ifndef TR_INGEST_REPORT_H
#define TR_INGEST_REPORT_H

#include "trainer/ingest/copies.h"

/* report.csv: a row for each row of labels.csv, and one for each further file below `source`; *unlisted
 * becomes the number of those. Hidden files, folders `out` and `report`, DICOMDIR and `labels_path` are
 * passed over. */
nn_status tr_ingest_report_files(const char *path, const struct tr_ingest_table *table, const char *source,
                                 const char *out, const char *report, const char *labels_path, int *unlisted,
                                 struct nn_error *err) NN_MUST_CHECK;

/* copies.csv: pairs of pictures that are equal or look so. */
nn_status tr_ingest_report_copies(const char *path, const struct tr_ingest_table *table,
                                  const struct tr_copies *copies, struct nn_error *err) NN_MUST_CHECK;

/* review-001.html and so on in `report`, pages of 100 images, which lie in its folder tiles, those with notes
 * first, then by label, to be ticked: a button on each page saves what was ticked as a file for --leave-out.
 * *pages becomes their number; pages of an earlier run beyond that are removed. */
nn_status tr_ingest_review(const char *report, const struct tr_ingest_table *table, int *pages,
                           struct nn_error *err) NN_MUST_CHECK;

#endif
