/* RUN, the folder of one training: what its files are called and how they are written. */
#ifndef TR_RUN_FOLDER_H
#define TR_RUN_FOLDER_H

#include <limits.h>

#include "engine/error.h"

struct tr_run_folder {
    const char *path; /* borrowed */
};

/* "RUN/FILE" */
void tr_run_path(const struct tr_run_folder *folder, const char *file, char path[PATH_MAX]);

/* Refuses a folder that holds a run already. Changes nothing. */
nn_status tr_run_check_unused(const struct tr_run_folder *folder, struct nn_error *err) NN_MUST_CHECK;

/* Makes the folder if it is not there. */
nn_status tr_run_make(const struct tr_run_folder *folder, struct nn_error *err) NN_MUST_CHECK;

/* Appends a line, given without its end, to RUN/metrics.jsonl. */
nn_status tr_run_append_metrics(const struct tr_run_folder *folder, const char *line,
                                struct nn_error *err) NN_MUST_CHECK;

#endif
