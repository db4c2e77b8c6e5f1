/* Those who take part in a study. Each function is one transaction; any thread may call. What joins them to a
 * learner is the table study_participants alone. */
#ifndef SRV_STORE_PARTICIPANTS_H
#define SRV_STORE_PARTICIPANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/accounts/learner_code.h"
#include "server/store/decks/store_decks.h"
#include "server/store/sessions/store_sessions.h"
#include "server/store/studies/store_studies.h"
#include "server/studies/phases.h"

enum srv_participant_end { PARTICIPANT_GOES_ON, PARTICIPANT_FINISHED, PARTICIPANT_STOPPED };

/* What a participant has done in one phase. */
struct srv_participant_phase {
    char session[SRV_ID_TEXT]; /* "": not started */
    int answered, of;
    struct srv_phase_record record;
};

struct srv_participant {
    int64_t id; /* 0: does not take part */
    char code[PARTICIPANT_CODE_TEXT];
    int arm;
    int64_t enrolled_ms;
    enum srv_participant_end end;
    bool consented; /* to the newest text */
    bool simulated; /* a program rehearses: it need not wait for a phase to open */
    struct srv_participant_phase phases[STUDY_PHASES_MAX];
};

enum db_status srv_store_participant_find(struct db *db, const struct srv_store_study *study,
                                          int64_t learner_id,
                                          struct srv_participant *participant) NN_MUST_CHECK;

enum srv_enrolment {
    ENROLMENT_DONE,
    ENROLMENT_BEFORE, /* took part already: nothing was changed */
    ENROLMENT_NOT_OPEN,
    ENROLMENT_CONSENT_CHANGED, /* there is a newer text than that of `study` */
};

/* Takes the learner in, with the consent to the text that `study` has, and gives the next arm of the stratum;
 * simulated learners are counted apart, and their arms drawn by another seed, as they are told nothing about
 * people's and take no place from them.
 * `choices` are the places of the chosen ones, strata many. */
enum db_status srv_store_enrol(struct db *db, const struct srv_store_study *study, int64_t learner_id,
                               const int *choices, enum srv_enrolment *outcome) NN_MUST_CHECK;

/* What the participant says to the text that `study` has. *newest is false, and nothing was changed, when
 * there is a newer one or when the study is frozen. */
enum db_status srv_store_consent_add(struct db *db, const struct srv_store_study *study, int64_t learner_id,
                                     bool agreed, bool *newest) NN_MUST_CHECK;

/* Ends the participant's part with the answers to the study's questions, {"id": "text", ...}: those that are
 * not there were skipped. *outcome: STORE_ADDED, STORE_REPEATED (they have been given before),
 * STORE_KEY_REUSED (others have been), or STORE_OVER (the participant has left, or the study is frozen). */
enum db_status srv_store_participant_answer(struct db *db, const struct srv_participant *participant,
                                            const json_t *answers,
                                            enum srv_store_outcome *outcome) NN_MUST_CHECK;

/* In the transaction that starts a session: gives the items of a test the images that were chosen for it when
 * the study was opened, as srv_store_library_give does. */
const struct srv_drawn_item *srv_store_study_give(struct db_transaction *t, int64_t study_id,
                                                  int64_t deck_version_id, struct srv_session_item *items,
                                                  int count);

/* Another secret for the session of somebody who goes on elsewhere. *done is false when the participant has
 * left or the study is frozen. */
enum db_status srv_store_session_secret(struct db *db, const char *session_id, const char *secret_sha256,
                                        bool *done) NN_MUST_CHECK;

/* Closes the window of a session that cannot go on, unless it is finished or closed already: its phase ends,
 * its answers stay. */
enum db_status srv_store_phase_close(struct db *db, const char *session_id) NN_MUST_CHECK;

#endif
