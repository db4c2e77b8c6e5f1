/* labels.csv and dataset.json of a folder of samples, as text. */
#ifndef TR_SAMPLE_TABLE_H
#define TR_SAMPLE_TABLE_H

#include "trainer/sample/sample_folder.h"

/* Both give heap text that the caller frees, or NULL when memory runs out. */
char *tr_sample_labels_text(const struct tr_sample_plan *plan);
char *tr_sample_dataset_text(const struct tr_sample_plan *plan, const struct tr_sample_output *output);

#endif
