/* The data set that samples make: images/, labels.csv and dataset.json as trainer/data/dataset.h reads them.
 *
 * labels.csv has the column `labels` for a multi-label model, else `label`. Further columns tell how to make
 * each image again: seed, seed_to and blend (of a strip), strength (of a class), truncation, label_vector.
 * patient_id is "s" and the seed, so that images of one latent are one patient; side is empty. dataset.json
 * says that the images are synthetic, by which model they were made and whether that was trained on simulated
 * or on real data; "simulated" is the model's.
 *
 * While it is being made the folder has dataset.json.unfinished and no dataset.json, so that no reader takes
 * it for complete. The same wish continues where a run was stopped, killed or has failed: images whose pixels
 * and texts are there and undamaged are not made again. */
#ifndef TR_SAMPLE_FOLDER_H
#define TR_SAMPLE_FOLDER_H

#include "trainer/drawing/contact_sheet.h"
#include "trainer/sample/sample_plan.h"

struct tr_sample_output {
    const char *folder; /* NULL: only a sheet */
    const char *name;   /* of the data set, 1 to 100 bytes */
    int side, depth;
};

/* After each image; returning false stops. */
typedef bool tr_sample_progress(void *context, int done, int total);

/* Makes what is missing. `sheet` (NULL: none) gets its tiles. NN_STOPPED when `progress` stops it. A folder
 * that is neither empty nor of the same model and wish is refused (NN_ERR_ARGUMENT) and left as it is; so is
 * one that another process is writing. NN_ERR_DEVICE when the GPU that the images were begun on fails:
 * dataset.json names the device of all. */
nn_status tr_sample_folder_make(struct nn_model *model, const struct tr_sample_plan *plan,
                                const struct tr_sample_output *output, struct tr_contact_sheet *sheet,
                                tr_sample_progress *progress, void *context,
                                struct nn_error *err) NN_MUST_CHECK;

#endif
