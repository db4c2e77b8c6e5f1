/* `roentgym inspect`: what a file or folder is. Each part gives a JSON object, in the order in which people
 * read it; the command prints it as text or as it is. */
#ifndef TR_INSPECT_H
#define TR_INSPECT_H

#include <stdbool.h>

#include "engine/error.h"

struct json_t; /* jansson's */

/* On success the caller releases *facts; on failure there is nothing to release, and the text says what is
 * damaged. The content is read and checked whole. */
nn_status tr_inspect_checkpoint(const char *path, struct json_t **facts, struct nn_error *err) NN_MUST_CHECK;
nn_status tr_inspect_state(const char *path, struct json_t **facts, struct nn_error *err) NN_MUST_CHECK;

/* A folder with metrics.jsonl, states, a generator. Damaged ones among them are facts, no failure. */
nn_status tr_inspect_run(const char *folder, struct json_t **facts, struct nn_error *err) NN_MUST_CHECK;

/* A folder with labels.csv. Reads every image (OpenMP). What makes it unfit for training is a fact, no
 * failure, unless labels.csv itself cannot be read. `show`: progress on stdout. NN_STOPPED
 * after a signal (trainer/interrupt.h). */
nn_status tr_inspect_data(const char *folder, bool show, struct json_t **facts,
                          struct nn_error *err) NN_MUST_CHECK;

/* What of such facts makes a data set unfit for training or for testing on, or a run damaged: an array of
 * lines, the caller's, empty where all is well. That pictures look alike is no fault by itself. */
struct json_t *tr_inspect_problems(const struct json_t *facts);

#endif
