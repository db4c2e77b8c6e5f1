/* participants.tsv of the package: one row a participant, who is a session, or of a study somebody in it. */
#ifndef SRV_EXPORT_PEOPLE_H
#define SRV_EXPORT_PEOPLE_H

#include <jansson.h>
#include <stdio.h>

#include "server/store/results/store_export.h"
#include "server/studies/study.h"

/* Its columns: an array of objects with name, description, type (as Frictionless Data calls it), perhaps
 * levels (an object of meanings). A new reference; NULL when memory ran out. */
json_t *srv_people_columns(const struct srv_export_log *log);

/* A participant as the rows of answers tell it. Texts are copied from a row's cells. */
struct srv_person {
    char participant[32]; /* as the rows have it; "" for nobody */
    char deck[128], deck_version[24];
    char arm[DECK_ID_TEXT], stratum[STUDY_STRATUM_TEXT];
    long long answers;
};
void srv_person_begin(struct srv_person *person, const char *const *cells);

void srv_people_head(FILE *out, const struct srv_export_log *log);
/* Nothing for nobody. */
void srv_people_row(FILE *out, struct srv_export_log *log, const struct srv_person *person);

#endif
