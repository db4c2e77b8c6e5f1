#include "server/store/studies/store_participants.h"

#include <string.h>

#include "server/accounts/learner_code.h"
#include "server/studies/allocation.h"

enum { SIMULATED_SEED = 0 }; /* of the arms of a rehearsal: everybody may know it */

/* ---- finding ---- */

static enum srv_participant_end end_of(const char *how)
{
    if (!*how) return PARTICIPANT_GOES_ON;
    return strcmp(how, "finished") ? PARTICIPANT_STOPPED : PARTICIPANT_FINISHED;
}

static void read_phases(struct db_transaction *t, const struct srv_study *study, struct srv_participant *p)
{
    struct db_rows *rows = db_query(t,
                                    "SELECT k.phase, k.session_id, k.finished_at, k.closes_at,"
                                    " (SELECT count(*) FROM answers a WHERE a.session_id = k.session_id),"
                                    " (SELECT count(*) FROM items i WHERE i.session_id = k.session_id)"
                                    " FROM participant_sessions k WHERE k.participant_id = ?",
                                    "i", p->id);
    while (db_next(rows)) {
        int at = srv_study_phase_find(study, db_text(rows, 0));
        if (at < 0) continue;
        struct srv_participant_phase *phase = &p->phases[at];
        db_copy(rows, 1, phase->session, sizeof phase->session);
        phase->record.finished_ms = srv_clock_parse(db_text(rows, 2));
        phase->record.closes_ms = srv_clock_parse(db_text(rows, 3));
        phase->answered = (int)db_int(rows, 4);
        phase->of = (int)db_int(rows, 5);
    }
    db_finish(rows);
}

/* The learner's last word on a text: 1 yes, 0 no, -1 none. */
static int said(struct db_transaction *t, int64_t learner_id, int64_t text_id)
{
    struct db_rows *rows = db_query(t,
                                    "SELECT agreed FROM consents WHERE learner_id = ? AND consent_text_id = ?"
                                    " ORDER BY id DESC LIMIT 1",
                                    "ii", learner_id, text_id);
    int agreed = db_next(rows) ? (int)db_int(rows, 0) : -1;
    db_finish(rows);
    return agreed;
}

enum db_status srv_store_participant_find(struct db *db, const struct srv_store_study *study,
                                          int64_t learner_id, struct srv_participant *participant)
{
    struct db_transaction t;
    struct srv_participant *p = participant;
    *p = (struct srv_participant){0};
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t,
                 "SELECT p.id, p.code, p.arm, p.enrolled_at, p.ended_how, p.simulated"
                 " FROM study_participants k JOIN participants p ON p.id = k.participant_id"
                 " WHERE k.learner_id = ? AND k.study_id = ?",
                 "ii", learner_id, study->id);
    if (db_next(rows)) {
        p->id = db_int(rows, 0);
        db_copy(rows, 1, p->code, sizeof p->code);
        p->arm = srv_study_arm_find(&study->study, db_text(rows, 2));
        p->enrolled_ms = srv_clock_parse(db_text(rows, 3));
        p->end = end_of(db_text(rows, 4));
        p->simulated = db_int(rows, 5);
        if (p->arm < 0) db_abandon(&t, DB_FAILED);
    }
    db_finish(rows);
    if (p->id) {
        p->consented = said(&t, learner_id, study->consent_text_id) == 1;
        read_phases(&t, &study->study, p);
    }
    return db_end(&t);
}

/* ---- enrolling ---- */

/* As it stands now, which the caller may have read a moment ago. */
static void read_standing(struct db_transaction *t, int64_t study_id, bool *open, bool *frozen,
                          int64_t *consent_text_id)
{
    struct db_rows *rows = db_query(t,
                                    "SELECT state = 'open', state = 'frozen', (SELECT id FROM consent_texts"
                                    " WHERE study_id = s.id ORDER BY version DESC LIMIT 1)"
                                    " FROM studies s WHERE id = ?",
                                    "i", study_id);
    bool found = db_next(rows);
    *open = found && db_int(rows, 0);
    *frozen = !found || db_int(rows, 1);
    *consent_text_id = found ? db_int(rows, 2) : 0;
    db_finish(rows);
}

static bool takes_part(struct db_transaction *t, int64_t study_id, int64_t learner_id)
{
    struct db_rows *rows =
        db_query(t, "SELECT 1 FROM study_participants WHERE learner_id = ? AND study_id = ?", "ii",
                 learner_id, study_id);
    bool found = db_next(rows);
    db_finish(rows);
    return found;
}

/* How many the stratum had been given an arm before. */
static int64_t take_place(struct db_transaction *t, int64_t study_id, bool simulated, const char *stratum)
{
    struct db_rows *rows =
        db_query(t,
                 "INSERT INTO study_allocations (study_id, simulated, stratum, count) VALUES (?,?,?, 1)"
                 " ON CONFLICT (study_id, simulated, stratum) DO UPDATE SET count = count + 1"
                 " RETURNING count - 1",
                 "iit", study_id, (int64_t)simulated, stratum);
    int64_t n = 0;
    if (db_next(rows))
        n = db_int(rows, 0);
    else
        db_abandon(t, DB_FAILED);
    db_finish(rows);
    return n;
}

static void consent(struct db_transaction *t, int64_t learner_id, int64_t text_id, bool agreed,
                    const char *now)
{
    db_run(t, "INSERT INTO consents (learner_id, consent_text_id, agreed, at) VALUES (?,?,?,?)", "iiit",
           learner_id, text_id, (int64_t)agreed, now);
}

static bool is_simulated(struct db_transaction *t, int64_t learner_id)
{
    struct db_rows *rows = db_query(t, "SELECT 1 FROM learners WHERE id = ? AND simulated", "i", learner_id);
    bool simulated = db_next(rows);
    db_finish(rows);
    return simulated;
}

static void add(struct db_transaction *t, const struct srv_store_study *study, int64_t learner_id,
                const int *choices, const char *now)
{
    char stratum[STUDY_STRATUM_TEXT], code[PARTICIPANT_CODE_TEXT];
    int number = srv_stratum(&study->study, choices, stratum);
    bool simulated = is_simulated(t, learner_id);
    int64_t n = take_place(t, study->id, simulated, stratum);
    int arm = srv_allocation(&study->study, simulated ? SIMULATED_SEED : study->seed, number, n);
    srv_participant_code_make(code);
    db_run(t,
           "INSERT INTO participants (study_id, simulated, code, arm, stratum, allocation_n, enrolled_at)"
           " VALUES (?,?,?,?,?,?,?)",
           "iitttit", study->id, (int64_t)simulated, code, study->study.arms[arm].id, stratum, n, now);
    db_run(t, "INSERT INTO study_participants (participant_id, study_id, learner_id) VALUES (?,?,?)", "iii",
           db_last_id(t), study->id, learner_id);
    consent(t, learner_id, study->consent_text_id, true, now);
}

enum db_status srv_store_enrol(struct db *db, const struct srv_store_study *study, int64_t learner_id,
                               const int *choices, enum srv_enrolment *outcome)
{
    struct db_transaction t;
    char now[SRV_TIME_TEXT];
    bool open, frozen;
    int64_t text_id;
    srv_clock_format(srv_clock_utc_ms(), now);
    db_begin_write(&t, db);
    read_standing(&t, study->id, &open, &frozen, &text_id);
    *outcome = takes_part(&t, study->id, learner_id) ? ENROLMENT_BEFORE
               : !open                               ? ENROLMENT_NOT_OPEN
               : text_id != study->consent_text_id   ? ENROLMENT_CONSENT_CHANGED
                                                     : ENROLMENT_DONE;
    if (*outcome == ENROLMENT_DONE) add(&t, study, learner_id, choices, now);
    return db_end(&t);
}

enum db_status srv_store_consent_add(struct db *db, const struct srv_store_study *study, int64_t learner_id,
                                     bool agreed, bool *newest)
{
    struct db_transaction t;
    char now[SRV_TIME_TEXT];
    bool open, frozen;
    int64_t text_id;
    srv_clock_format(srv_clock_utc_ms(), now);
    db_begin_write(&t, db);
    read_standing(&t, study->id, &open, &frozen, &text_id);
    *newest = !frozen && text_id == study->consent_text_id && takes_part(&t, study->id, learner_id);
    if (*newest && said(&t, learner_id, text_id) != agreed) consent(&t, learner_id, text_id, agreed, now);
    return db_end(&t);
}

/* ---- the questions at the end ---- */

static bool goes_on(struct db_transaction *t, int64_t participant_id, enum srv_participant_end *end)
{
    struct db_rows *rows = db_query(t,
                                    "SELECT p.ended_how, s.state = 'frozen' FROM participants p"
                                    " JOIN studies s ON s.id = p.study_id WHERE p.id = ?",
                                    "i", participant_id);
    bool found = db_next(rows);
    bool frozen = !found || db_int(rows, 1);
    *end = found ? end_of(db_text(rows, 0)) : PARTICIPANT_STOPPED;
    db_finish(rows);
    return !frozen && *end == PARTICIPANT_GOES_ON;
}

static bool same_answers(struct db_transaction *t, int64_t participant_id, const json_t *answers)
{
    size_t count = 0;
    bool same = true;
    struct db_rows *rows = db_query(
        t, "SELECT question, answer FROM participant_answers WHERE participant_id = ?", "i", participant_id);
    for (; db_next(rows); count++) {
        const char *given = json_string_value(json_object_get(answers, db_text(rows, 0)));
        same = same && given && !strcmp(given, db_text(rows, 1));
    }
    db_finish(rows);
    return same && count == json_object_size(answers);
}

static void add_answers(struct db_transaction *t, int64_t participant_id, const json_t *answers)
{
    const char *question;
    json_t *answer;
    char now[SRV_TIME_TEXT];
    srv_clock_format(srv_clock_utc_ms(), now);
    json_object_foreach((json_t *)answers, question, answer)
    {
        db_run(t, "INSERT INTO participant_answers (participant_id, question, answer) VALUES (?,?,?)", "itt",
               participant_id, question, json_string_value(answer));
    }
    db_run(t, "UPDATE participants SET ended_at = ?, ended_how = 'finished' WHERE id = ?", "ti", now,
           participant_id);
}

enum db_status srv_store_participant_answer(struct db *db, const struct srv_participant *participant,
                                            const json_t *answers, enum srv_store_outcome *outcome)
{
    struct db_transaction t;
    enum srv_participant_end end;
    db_begin_write(&t, db);
    *outcome = STORE_OVER;
    if (goes_on(&t, participant->id, &end)) {
        *outcome = STORE_ADDED;
        add_answers(&t, participant->id, answers);
    } else if (end == PARTICIPANT_FINISHED) {
        *outcome = same_answers(&t, participant->id, answers) ? STORE_REPEATED : STORE_KEY_REUSED;
    }
    return db_end(&t);
}
