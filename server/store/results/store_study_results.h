/* What came of a study, for its researchers: who is where, under their codes, and what was rated how. Each
 * function is one transaction; any thread may call. It is of people, or, `simulated`, of the program's
 * participants, never of both. */
#ifndef SRV_STORE_STUDY_RESULTS_H
#define SRV_STORE_STUDY_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/accounts/learner_code.h"
#include "server/database/db.h"
#include "server/statistics/readings.h"
#include "server/studies/phases.h"
#include "server/studies/study.h"

struct srv_study_person_phase {
    bool started;
    int answers;
    struct srv_phase_record record;
};

struct srv_study_person {
    char code[PARTICIPANT_CODE_TEXT];
    int arm;
    char stratum[STUDY_STRATUM_TEXT];
    int64_t enrolled_ms;
    char ended_how[16]; /* "finished", "stop", "anonymise"; "": under way */
    struct srv_study_person_phase phases[STUDY_PHASES_MAX];
};

/* Withdrawals of one form, in one arm and stratum, at one phase; of phases, -1 is none. */
struct srv_study_gone {
    char form[16];
    int arm, phase; /* the last that they started */
    char stratum[STUDY_STRATUM_TEXT];
    int64_t count;
};

/* Calls `participant` with each, by their codes, then `gone` with each kind of withdrawal. */
struct srv_study_takers {
    void (*participant)(void *context, const struct srv_study_person *participant);
    void (*gone)(void *context, const struct srv_study_gone *gone);
    void *context;
};
enum db_status srv_store_study_people(struct db *db, int64_t study_id, const struct srv_study *study,
                                      bool simulated, const struct srv_study_takers *takers) NN_MUST_CHECK;

/* Calls `cell` for each phase and arm with what was answered: in a test by those who finished it, in a
 * training by all who began. Readers are the participants, by their codes. */
typedef void srv_study_cell(void *context, int phase, int arm, const struct srv_readings *readings);
enum db_status srv_store_study_readings(struct db *db, int64_t study_id, const struct srv_study *study,
                                        bool simulated, srv_study_cell *cell, void *context) NN_MUST_CHECK;

#endif
