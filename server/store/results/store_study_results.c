#include "server/store/results/store_study_results.h"

#include <string.h>

#include "server/clock.h"
#include "server/store/results/readings_rows.h"

/* ---- participants ---- */

/* A row for each phase that a participant started, at least one. */
static const char people_rows[] =
    "SELECT q.code, q.arm, q.stratum, q.enrolled_at, q.ended_how, e.phase, e.finished_at,"
    " (SELECT count(*) FROM answers a WHERE a.session_id = e.session_id),"
    " e.closes_at"
    " FROM participants q LEFT JOIN participant_sessions e ON e.participant_id = q.id"
    " WHERE q.study_id = ? AND q.simulated = ? ORDER BY q.code";

static void read_participant(struct db_rows *rows, const struct srv_study *study, struct srv_study_person *p)
{
    *p = (struct srv_study_person){.arm = srv_study_arm_find(study, db_text(rows, 1))};
    db_copy(rows, 0, p->code, sizeof p->code);
    db_copy(rows, 2, p->stratum, sizeof p->stratum);
    p->enrolled_ms = srv_clock_parse(db_text(rows, 3));
    db_copy(rows, 4, p->ended_how, sizeof p->ended_how);
}

static void read_phase(struct db_rows *rows, const struct srv_study *study, struct srv_study_person *p)
{
    int k = srv_study_phase_find(study, db_text(rows, 5));
    if (k < 0) return; /* started none */
    p->phases[k] = (struct srv_study_person_phase){
        .started = true,
        .answers = (int)db_int(rows, 7),
        .record = {srv_clock_parse(db_text(rows, 6)), srv_clock_parse(db_text(rows, 8))}};
}

static void take_participants(struct db_transaction *t, int64_t study_id, const struct srv_study *study,
                              bool simulated, const struct srv_study_takers *takers)
{
    struct srv_study_person p = {0};
    struct db_rows *rows = db_query(t, people_rows, "ii", study_id, (int64_t)simulated);
    while (db_next(rows)) {
        if (strcmp(p.code, db_text(rows, 0))) {
            if (*p.code) takers->participant(takers->context, &p);
            read_participant(rows, study, &p);
        }
        read_phase(rows, study, &p);
    }
    if (*p.code) takers->participant(takers->context, &p);
    db_finish(rows);
}

static void take_gone(struct db_transaction *t, int64_t study_id, const struct srv_study *study,
                      bool simulated, const struct srv_study_takers *takers)
{
    struct db_rows *rows =
        db_query(t,
                 "SELECT form, arm, stratum, phase, count(*) FROM withdrawals"
                 " WHERE study_id = ? AND simulated = ? GROUP BY form, arm, stratum, phase",
                 "ii", study_id, (int64_t)simulated);
    while (db_next(rows)) {
        struct srv_study_gone gone = {.arm = srv_study_arm_find(study, db_text(rows, 1)),
                                      .phase = srv_study_phase_find(study, db_text(rows, 3)),
                                      .count = db_int(rows, 4)};
        db_copy(rows, 0, gone.form, sizeof gone.form);
        db_copy(rows, 2, gone.stratum, sizeof gone.stratum);
        takers->gone(takers->context, &gone);
    }
    db_finish(rows);
}

enum db_status srv_store_study_people(struct db *db, int64_t study_id, const struct srv_study *study,
                                      bool simulated, const struct srv_study_takers *takers)
{
    struct db_transaction t;
    db_begin(&t, db);
    take_participants(&t, study_id, study, simulated, takers);
    take_gone(&t, study_id, study, simulated, takers);
    return db_end(&t);
}

/* ---- answers ---- */

/* A test shows what other tests have shown; in a training only the first attempt on an image counts. */
static const char study_readings[] =
    "SELECT q.code, " READINGS_CELLS " FROM participants q"
    " CROSS JOIN participant_sessions e ON e.participant_id = q.id AND e.phase = ?3"
    " CROSS JOIN answers a ON a.session_id = e.session_id"
    " CROSS JOIN items i ON i.session_id = a.session_id AND i.n = a.item"
    " WHERE q.study_id = ?1 AND q.arm = ?2 AND q.simulated = ?4 AND CASE WHEN e.tests THEN e.finished_at IS "
    "NOT NULL ELSE a.first_attempt END"
    " ORDER BY q.code, a.id";

enum db_status srv_store_study_readings(struct db *db, int64_t study_id, const struct srv_study *study,
                                        bool simulated, srv_study_cell *cell, void *context)
{
    struct db_transaction t;
    db_begin(&t, db);
    for (int phase = 0; phase < study->phase_count; phase++) {
        for (int arm = 0; arm < study->arm_count; arm++) {
            struct srv_readings readings = {0};
            srv_readings_take(db_query(&t, study_readings, "itti", study_id, study->arms[arm].id,
                                       study->phases[phase].id, (int64_t)simulated),
                              &readings);
            cell(context, phase, arm, &readings);
            srv_readings_release(&readings);
        }
    }
    return db_end(&t);
}
