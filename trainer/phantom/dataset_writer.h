/* Writes a phantom data set: images/, masks/ (of the fractured), labels.csv, dataset.json.
 *
 * While it is being made the folder has journal.csv instead of labels.csv and dataset.json: no reader takes
 * it for complete, and a second run with the same parameters goes on where the first stopped. */
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
};

/* Called after each image, one thread at a time. Returning false stops: what is finished stays. */
typedef bool phantom_progress(void *context, int done, int total);

/* Images are made in parallel with OpenMP; bytes do not depend on the thread count. *complete is false after
 * a stop. A folder that holds something else is refused. */
nn_status phantom_dataset_write(const struct phantom_dataset_options *options, phantom_progress *progress,
                                void *context, bool *complete, struct nn_error *err) NN_MUST_CHECK;

#endif
