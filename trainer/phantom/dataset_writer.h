/* Writes a phantom data set: images/, masks/ (of the fractured), labels.csv, sha256sums.txt, dataset.json; of
 * pelves also boxes.csv (dataset_row.h has the columns).
 *
 * While it is being made the folder has journal.csv and no dataset.json: no reader takes it for complete, and
 * a second run with the same parameters goes on where the first was stopped, killed or out of disk. */
#ifndef PHANTOM_DATASET_WRITER_H
#define PHANTOM_DATASET_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

struct phantom_dataset_options {
    const char *out;
    const char *sheet; /* a contact sheet of the first 32 images, or NULL */
    uint64_t seed;
    int patients, size;
    bool pelvis; /* both hips of a patient on one picture, instead of one or two of single hips */
};

/* Called after each image, one thread at a time. Returning false stops: what is finished stays. */
typedef bool phantom_progress(void *context, int done, int total);

/* Images are made in parallel with OpenMP; bytes do not depend on the thread count. NN_STOPPED when
 * `progress` stops it. A folder that is complete with the same parameters is left as it is, but for the
 * sheet; one that holds something else is refused and left as it is. */
nn_status phantom_dataset_write(const struct phantom_dataset_options *options, phantom_progress *progress,
                                void *context, struct nn_error *err) NN_MUST_CHECK;

#endif
