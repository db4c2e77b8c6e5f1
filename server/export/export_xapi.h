/* Answers as xAPI statements (Experience API 1.0.3), one a line of JSON: somebody answered a question about
 * an image. What of a row has no place in a statement is an extension, log->home/x/COLUMN, with the column's
 * meaning; the response time in ms is one, as durations of xAPI end at 0.01 s.
 *
 * The ids of statements, registrations and activities are pure functions of what they name, so that a
 * learning record store takes each statement once however often it is exported. They lead back to no session:
 * they are cut from the SHA-256 of its random id. */
#ifndef SRV_EXPORT_XAPI_H
#define SRV_EXPORT_XAPI_H

#include <stdbool.h>
#include <stdio.h>

#include "server/store/results/store_export.h"

struct srv_xapi_manner {
    /* Who acts: the export's participant, where one name stands for the same person in all exports; else a
     * pseudonym, one for each session. */
    bool participants;
    unsigned columns; /* those of this set are extensions where a statement has no place for them */
    bool dated;       /* when answers came in; an answer from the future has no time in any case */
};

/* Begins all names with log->home. False when memory or room ran out. Failures to write stay in `out`. */
bool srv_xapi_write(struct srv_export_log *log, FILE *out, const struct srv_xapi_manner *manner);

#endif
