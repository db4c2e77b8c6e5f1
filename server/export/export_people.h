/* participants.tsv of the package: one row a participant, who is a session, or of a study somebody in it,
 * whether or not they answered. */
#ifndef SRV_EXPORT_PEOPLE_H
#define SRV_EXPORT_PEOPLE_H

#include <jansson.h>
#include <stdio.h>

#include "server/store/results/store_export.h"

/* Its columns: an array of objects with name, description, type (as Frictionless Data calls it), perhaps
 * levels (an object of meanings). A new reference; NULL when memory ran out. */
json_t *srv_people_columns(const struct srv_export_log *log);

struct srv_person {
    char participant[32];                  /* as the rows have it; "" for nobody */
    char deck[128], deck_version[24];      /* of a session */
    const struct srv_export_person *study; /* of somebody in a study, borrowed; else NULL */
    long long answers;
};
/* By a row's cells, which are copied; by what a study knows. */
void srv_person_of_session(struct srv_person *person, const char *const *cells);
void srv_person_of_study(struct srv_person *person, const struct srv_export_person *study);

void srv_people_head(FILE *out, const struct srv_export_log *log);
void srv_people_row(FILE *out, const struct srv_export_log *log, const struct srv_person *person);

#endif
