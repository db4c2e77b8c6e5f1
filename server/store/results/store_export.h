/* The answers as they stood at one moment, for exports. */
#ifndef SRV_STORE_EXPORT_H
#define SRV_STORE_EXPORT_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "server/accounts/learner_code.h"
#include "server/database/db.h"
#include "server/studies/study.h"

/* NULL: no bound. Days are UTC, YYYY-MM-DD, both included. Texts are borrowed while the log is open. */
struct srv_export_filter {
    const char *deck, *from, *to;
    /* One study by its name, perhaps one phase of it, instead of the above. */
    const char *study, *phase;
    bool simulated;  /* the answers of simulated learners, instead of people's */
    bool strata;     /* of a study: with what was asked at enrolment */
    bool free_texts; /* of a study: with answers in people's own words to the questions at its end */
};

/* The columns that belong in files with one row an answer, as `set` of export_rows.h. */
unsigned srv_export_published(const struct srv_export_filter *filter);

/* One transaction of reading, in the caller's stack frame. While it is open the write-ahead log cannot start
 * over: it must end soon, and never wait for a client. */
struct srv_export_log {
    struct db_transaction transaction;
    struct srv_export_filter filter;
    const char *home; /* "https://host", with which names of ours begin in files for others; borrowed */
    json_t *study;    /* its definition, NULL for all other exports */
    bool bids;        /* for the caller to set: a study's participants are called sub-CODE, not CODE */
    const atomic_bool *stop; /* likewise, or NULL: true ends srv_export_each */
};

void srv_export_begin(struct srv_export_log *log, struct db *db, const struct srv_export_filter *filter);
enum db_status srv_export_end(struct srv_export_log *log) NN_MUST_CHECK;

/* Whether there is, or was, what the filter names. NULL, or which it is that is not: "deck", "study",
 * "phase". To be asked first: it reads the study. */
const char *srv_export_unknown(struct srv_export_log *log);

/* What is told of a participant besides the answers to radiographs. */
struct srv_export_person {
    char code[PARTICIPANT_CODE_TEXT], arm[DECK_ID_TEXT], stratum[STUDY_STRATUM_TEXT];
    int phases_finished;
    char ended_how[16]; /* "finished", "stop", "anonymise"; "": under way */
    /* Versions of the text: agreed to at enrolment; the latest that was agreed to and not taken back. "": of
     * whoever was made anonymous, and the latter where there is none. */
    char consent_first[12], consent_latest[12];
    json_t *answers; /* an object: to the questions at the end, by their ids */
};

/* Everybody who was randomised in the study and not deleted since, whether or not they answered, in the order
 * of their codes, which the rows have too. `person` is what the last _next came to, until the next one;
 * false: there are no more. */
struct srv_export_people {
    struct db_rows *rows;
    struct srv_export_person person;
};
void srv_export_people_begin(struct srv_export_people *people, struct srv_export_log *log);
bool srv_export_people_next(struct srv_export_people *people);
void srv_export_people_end(struct srv_export_people *people);

/* The texts of consent that the study has had since it was opened: [{version, sha256, text}], a new
 * reference. */
json_t *srv_export_consent_texts(struct srv_export_log *log);

/* The decks of the study, in the versions that it has had since it was opened: [{deck, version, definition}],
 * a new reference. */
json_t *srv_export_decks(struct srv_export_log *log);

/* The question of that version of the deck, "" when there is none. */
void srv_export_question(struct srv_export_log *log, const char *deck, const char *version,
                         char question[DECK_SENTENCE_TEXT]);

/* The cells are the text of srv_export_columns, "" where there is nothing, borrowed. False: enough. */
typedef bool srv_export_row(void *context, const char *const *cells);

/* Calls `row` for each answer: sessions in the order of their (random) ids, of a study participants in the
 * order of their (random) codes, in each the order of answering. May be called again, and gives the same
 * rows. False when `row` did not want them all, at a stop, or when the data base failed, which srv_export_end
 * will tell. */
bool srv_export_each(struct srv_export_log *log, srv_export_row *row, void *context);

#endif
