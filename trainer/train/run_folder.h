/* RUN, the folder of one training: what its files are called, which are kept, and that only one training at a
 * time writes there.
 *
 *   state-00012.345.safetensors  a training state at 12.345 kimg; --resume takes the newest whole one
 *   state.safetensors            the only state of a run from before states had numbers: the oldest of all
 *   generator.safetensors        the averaged generator of the newest state at full strength of its level
 *   generator-best.safetensors   that of the tick with the best metric
 *   metrics.jsonl                a line for each tick
 *   sheet-00012.345.png          the contact sheet of a tick
 *
 * A tick's sheet, line and generators are written before its state, so a state never lacks them. After a
 * kill, lines that are newer than the state that the run resumes from are dropped; the run writes them again
 * when it reaches those ticks. */
#ifndef TR_RUN_FOLDER_H
#define TR_RUN_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

struct tr_run_folder {
    const char *path; /* borrowed */
    int keep;         /* the newest states that are kept, at least 1 */
    int lock;         /* descriptor, or -1 */
};

/* Locks the folder if it is there; the lock ends with tr_run_close, or with the process. Error texts say if
 * another training is at work in it and, unless `resume`, if it holds a state. Changes nothing. */
nn_status tr_run_open(struct tr_run_folder *folder, const char *path, int keep, bool resume,
                      struct nn_error *err) NN_MUST_CHECK;
void tr_run_close(struct tr_run_folder *folder);

/* Makes and locks the folder if tr_run_open found none, and removes what a killed run left half written. Call
 * it last, when nothing can be refused any more. */
nn_status tr_run_make(struct tr_run_folder *folder, struct nn_error *err) NN_MUST_CHECK;

/* "RUN/FILE" */
void tr_run_path(const struct tr_run_folder *folder, const char *file, char path[PATH_MAX]);

/* "RUN/state-<kimg>.safetensors" */
void tr_run_state_path(const struct tr_run_folder *folder, uint64_t images, char path[PATH_MAX]);

/* The states in the folder, newest first; the one without a number comes last, as TR_RUN_OLD_STATE. *images
 * is heap memory that the caller frees. */
#define TR_RUN_OLD_STATE UINT64_MAX
nn_status tr_run_list_states(const struct tr_run_folder *folder, uint64_t **images, int *count,
                             struct nn_error *err) NN_MUST_CHECK;

/* Removes numbered states: of those up to `newest` the `keep` newest stay, and `best` and `good` in any case.
 * States beyond `newest` are not looked at. */
nn_status tr_run_prune_states(const struct tr_run_folder *folder, uint64_t newest, uint64_t best,
                              uint64_t good, struct nn_error *err) NN_MUST_CHECK;

/* Appends a line, given without its end, to RUN/metrics.jsonl, durably. */
nn_status tr_run_append_metrics(const struct tr_run_folder *folder, const char *line,
                                struct nn_error *err) NN_MUST_CHECK;

/* Drops lines of RUN/metrics.jsonl that are cut off or whose "kimg" is beyond `images`. */
nn_status tr_run_rewind_metrics(const struct tr_run_folder *folder, uint64_t images,
                                struct nn_error *err) NN_MUST_CHECK;

#endif
