/* What stands beside the crops of hips: the journal by which a stopped run goes on, labels.csv, dataset.json,
 * the report. */
#ifndef TR_CROP_TABLES_H
#define TR_CROP_TABLES_H

#include <stdio.h>

#include "trainer/localise/hip_crops.h"

struct tr_crop_journal {
    char path[4200];
    FILE *file;
};

/* Makes the folders, or reads what an earlier run left: films[i] becomes done where it has a line of row i.
 * Until tr_crop_tables_write the folder has no dataset.json. */
nn_status tr_crop_journal_open(struct tr_crop_journal *journal, const struct tr_crop_wish *wish,
                               const struct tr_pelvis_table *table, struct tr_crop_film *films,
                               struct nn_error *err) NN_MUST_CHECK;
void tr_crop_journal_put(struct tr_crop_journal *journal, const struct tr_pelvis *pelvis,
                         const struct tr_crop_film *film);
/* Fails when a line could not be written. Harmless on a zeroed struct. */
nn_status tr_crop_journal_close(struct tr_crop_journal *journal, struct nn_error *err);

/* The report, labels.csv and, last of all, dataset.json; counts into the outcome. */
nn_status tr_crop_tables_write(const struct tr_crop_wish *wish, const struct tr_pelvis_table *table,
                               struct tr_crop_outcome *outcome, struct nn_error *err) NN_MUST_CHECK;

#endif
