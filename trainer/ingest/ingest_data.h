/* The data set that ingest makes of a folder of radiographs: images/, labels.csv and dataset.json as
 * trainer/data/dataset.h reads them.
 *
 * Of the source only pixels leave, and from labels.csv the label, the side and the columns asked for; of
 * DICOM files modality, view and side. Patients and images have pseudonyms (trainer/ingest/pseudonym.h). What
 * names the source's files is in the report folder.
 *
 * While it is being made the folder has dataset.json.unfinished and no dataset.json, so that no reader takes
 * it for complete. The same wish goes on where a stopped, killed or failed run was; seed, share, labels and
 * what is left out may change, and files may be added. */
#ifndef TR_INGEST_DATA_H
#define TR_INGEST_DATA_H

#include "trainer/ingest/ingest_table.h"
#include "trainer/ingest/patient_split.h"
#include "trainer/ingest/pseudonym.h"

struct tr_ingest_wish {
    const char *source, *labels_path, *out, *report, *name;
    struct tr_ingest_style style;
    double test_share;
    uint64_t seed;
    int workers;
    struct tr_pseudonym_key key;
};

/* After each file; returning false stops. */
typedef bool tr_ingest_progress(void *context, int done, int total);

struct tr_ingest_outcome {
    int taken, tests, copies, left_out, refused, unlisted;
    int written_on, alike, contradicting; /* images with letters; pairs that look alike, with other labels */
    struct tr_patient_split split;
    int pages;
    char fault[360]; /* of the whole: a class without images to train or test with; "" */
};

/* `table` is as tr_ingest_table_read has it. NN_STOPPED when `progress` stops it. NN_ERR_ARGUMENT: `out` is
 * neither empty nor a data set made so with the same key, size, depth and margins, or another process is
 * writing it; NN_ERR_FORMAT: not one image was taken. */
nn_status tr_ingest_data_make(const struct tr_ingest_wish *wish, struct tr_ingest_table *table,
                              tr_ingest_progress *progress, void *context, struct tr_ingest_outcome *outcome,
                              struct nn_error *err) NN_MUST_CHECK;

#endif
