/* What a part of `roentgym evaluate` leaves in its folder: PART.json, its numbers with all that they were
 * made from, so that a report can show them without knowing how.
 *
 *     {"part": "labels", "command": "roentgym evaluate labels --data ...", "settings": {...},
 *      "data": {"name": "...", "sha256": "..."}, "model": {"name": "...", "sha256": "..."} or null,
 *      "results": {...}} */
#ifndef TR_PART_FILE_H
#define TR_PART_FILE_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/error.h"

/* All borrowed. `settings` are those that decide the results. */
struct tr_part {
    const char *name, *folder, *command;
    const json_t *settings, *data, *model; /* NULL of a part without: null */
};

/* Makes the folder unless it is there. */
nn_status tr_part_folder(const char *folder, struct nn_error *err) NN_MUST_CHECK;

/* Makes the folder unless it is there, and locks it for one part at a time (trainer/folder_lock.h): closing
 * *lock unlocks. */
nn_status tr_part_lock(const char *folder, int *lock, struct nn_error *err) NN_MUST_CHECK;

/* argv in one line that a shell would take; argv[0] as it is ("roentgym evaluate labels"). Heap; NULL: memory
 * ran out. */
char *tr_part_command(int argc, char *const *argv);

/* A new reference; NULL when memory ran out. Names that are no UTF-8 become "?". */
json_t *tr_part_source(const char *name, const char *sha256);

/* Whether PART.json is there with the same settings, data and model. */
bool tr_part_is_done(const struct tr_part *part);

/* Replaces PART.json. Takes `results`, also on failure; NULL: memory ran out. */
nn_status tr_part_write(const struct tr_part *part, json_t *results, struct nn_error *err) NN_MUST_CHECK;

/* Gives *json, a new reference, or NULL where there is no such file. NN_ERR_FORMAT names the file: of another
 * part, or not whole. */
nn_status tr_part_read(const char *folder, const char *name, json_t **json,
                       struct nn_error *err) NN_MUST_CHECK;

#endif
