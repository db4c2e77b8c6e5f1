/* The labels.csv that a data set gets. */
#ifndef TR_INGEST_LABELS_H
#define TR_INGEST_LABELS_H

#include "trainer/ingest/ingest_table.h"

/* Rows of the items that are taken, by the images' names, so that their order tells nothing of the source:
 * file, label or labels, patient_id, side, split, modality, view, and the columns that were asked for. The
 * caller frees the text. */
nn_status tr_ingest_labels_text(const struct tr_ingest_table *table, char **text, size_t *size_bytes,
                                struct nn_error *err) NN_MUST_CHECK;

/* Names in `fault` the first label that has no image to train or to test with; "" where all have. */
void tr_ingest_labels_check(const struct tr_ingest_table *table, char *fault, size_t fault_size);

#endif
