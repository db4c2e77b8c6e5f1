#include "server/store/studies/store_withdrawal.h"

#include <string.h>

#include "server/accounts/learner_code.h"
#include "server/store/store_audit.h"
#include "server/studies/study.h"

const char *const srv_withdrawals[] = {"stop", "delete", "anonymise"};

bool srv_withdrawal_read(const char *text, enum srv_withdrawal *form)
{
    for (int i = 0; i < 3; i++) {
        *form = (enum srv_withdrawal)i;
        if (!strcmp(text, srv_withdrawals[i])) return true;
    }
    return false;
}

/* Who leaves. */
struct leaver {
    int64_t participant_id, learner_id;
    char arm[DECK_ID_TEXT], stratum[STUDY_STRATUM_TEXT], ended_at[SRV_TIME_TEXT];
    bool stopped, frozen;
};

static bool find(struct db_transaction *t, int64_t study_id, const char *code, int64_t learner_id,
                 struct leaver *leaver)
{
    struct db_rows *rows =
        db_query(t,
                 "SELECT p.id, k.learner_id, p.arm, p.stratum, p.ended_at, p.ended_how,"
                 " s.state = 'frozen' FROM participants p JOIN studies s ON s.id = p.study_id"
                 " JOIN study_participants k ON k.participant_id = p.id"
                 " WHERE p.study_id = ?1 AND (p.code = ?2 OR (?2 = '' AND k.learner_id = ?3))",
                 "iti", study_id, code, learner_id);
    bool found = db_next(rows);
    if (found) {
        *leaver = (struct leaver){.participant_id = db_int(rows, 0),
                                  .learner_id = db_int(rows, 1),
                                  .stopped = !strcmp(db_text(rows, 5), "stop"),
                                  .frozen = db_int(rows, 6)};
        db_copy(rows, 2, leaver->arm, sizeof leaver->arm);
        db_copy(rows, 3, leaver->stratum, sizeof leaver->stratum);
        db_copy(rows, 4, leaver->ended_at, sizeof leaver->ended_at);
    }
    db_finish(rows);
    return found;
}

/* Who had stopped before is counted by the later form alone. That row names nobody; it is known by its time.
 */
static void count(struct db_transaction *t, int64_t study_id, const struct leaver *leaver,
                  enum srv_withdrawal form, const char *now)
{
    if (leaver->stopped)
        db_run(t,
               "DELETE FROM withdrawals WHERE id = (SELECT id FROM withdrawals WHERE study_id = ?"
               " AND form = 'stop' AND at = ? AND arm = ? AND stratum = ? LIMIT 1)",
               "ittt", study_id, leaver->ended_at, leaver->arm, leaver->stratum);
    db_run(t,
           "INSERT INTO withdrawals (study_id, at, form, arm, stratum, simulated, phase) VALUES (?,?,?,?,?,"
           " (SELECT p.simulated FROM participants p WHERE p.id = ?6),"
           " (SELECT k.phase FROM participant_sessions k JOIN sessions s ON s.id = k.session_id"
           " WHERE k.participant_id = ?6 ORDER BY s.created_at DESC LIMIT 1))",
           "itttti", study_id, now, srv_withdrawals[form], leaver->arm, leaver->stratum,
           leaver->participant_id);
}

/* ---- the three forms ---- */

static void end(struct db_transaction *t, const struct leaver *leaver, const char *how, const char *now)
{
    db_run(t, "UPDATE participants SET ended_at = ?, ended_how = ? WHERE id = ?", "tti", now, how,
           leaver->participant_id);
}

struct sessions {
    char ids[STUDY_PHASES_MAX][SRV_ID_TEXT];
    int count;
};

static void find_sessions(struct db_transaction *t, const struct leaver *leaver, struct sessions *sessions)
{
    struct db_rows *rows = db_query(t, "SELECT session_id FROM participant_sessions WHERE participant_id = ?",
                                    "i", leaver->participant_id);
    sessions->count = 0;
    while (sessions->count < STUDY_PHASES_MAX && db_next(rows))
        db_copy(rows, 0, sessions->ids[sessions->count++], SRV_ID_TEXT);
    db_finish(rows);
}

/* What joins the answers to somebody: the keys, the code that this one knows, the secrets that a browser
 * keeps. That somebody agreed to a text stays, and not who. */
static void anonymise(struct db_transaction *t, int64_t study_id, const struct leaver *leaver)
{
    struct sessions sessions;
    char code[PARTICIPANT_CODE_TEXT], secret[SRV_DIGEST_TEXT];
    find_sessions(t, leaver, &sessions);
    for (int i = 0; i < sessions.count; i++) {
        srv_random_hex(secret, sizeof secret);
        db_run(t, "DELETE FROM session_learners WHERE session_id = ?", "t", sessions.ids[i]);
        db_run(t, "UPDATE sessions SET secret_sha256 = ? WHERE id = ?", "tt", secret, sessions.ids[i]);
    }
    srv_participant_code_make(code);
    db_run(t, "UPDATE participants SET code = ? WHERE id = ?", "ti", code, leaver->participant_id);
    db_run(t, "DELETE FROM study_participants WHERE participant_id = ?", "i", leaver->participant_id);
    db_run(t,
           "UPDATE consents SET learner_id = NULL WHERE learner_id = ?"
           " AND consent_text_id IN (SELECT id FROM consent_texts WHERE study_id = ?)",
           "ii", leaver->learner_id, study_id);
    /* A code is made seconds before its enrolment, by which the two could be found together. */
    db_run(t, "UPDATE learners SET created_at = substr(created_at, 1, 10) || 'T00:00:00.000Z' WHERE id = ?",
           "i", leaver->learner_id);
}

static void delete_session(struct db_transaction *t, const char *id)
{
    db_run(t, "DELETE FROM answer_context WHERE answer_id IN (SELECT id FROM answers WHERE session_id = ?)",
           "t", id);
    db_run(t, "DELETE FROM answers WHERE session_id = ?", "t", id);
    db_run(t, "DELETE FROM items WHERE session_id = ?", "t", id);
    db_run(t, "DELETE FROM session_learners WHERE session_id = ?", "t", id);
    db_run(t, "DELETE FROM participant_sessions WHERE session_id = ?", "t", id);
    db_run(t, "DELETE FROM sessions WHERE id = ?", "t", id);
}

static void delete_all(struct db_transaction *t, int64_t study_id, const struct leaver *leaver)
{
    struct sessions sessions;
    find_sessions(t, leaver, &sessions);
    for (int i = 0; i < sessions.count; i++) delete_session(t, sessions.ids[i]);
    db_run(t, "DELETE FROM participant_answers WHERE participant_id = ?", "i", leaver->participant_id);
    db_run(t, "DELETE FROM study_participants WHERE participant_id = ?", "i", leaver->participant_id);
    db_run(t,
           "DELETE FROM consents WHERE learner_id = ?"
           " AND consent_text_id IN (SELECT id FROM consent_texts WHERE study_id = ?)",
           "ii", leaver->learner_id, study_id);
    db_run(t, "DELETE FROM participants WHERE id = ?", "i", leaver->participant_id);
}

static void leave(struct db_transaction *t, int64_t study_id, const struct leaver *leaver,
                  enum srv_withdrawal form)
{
    char now[SRV_TIME_TEXT];
    srv_clock_format(srv_clock_utc_ms(), now);
    if (form == WITHDRAWAL_STOP && *leaver->ended_at) return;
    count(t, study_id, leaver, form, now);
    if (form == WITHDRAWAL_DELETE) {
        delete_all(t, study_id, leaver);
    } else {
        end(t, leaver, srv_withdrawals[form], now);
        if (form == WITHDRAWAL_ANONYMISE) anonymise(t, study_id, leaver);
    }
    if (form != WITHDRAWAL_STOP) db_erase(t);
}

enum db_status srv_store_withdraw(struct db *db, const struct srv_account *actor, int64_t study_id,
                                  const char *code, int64_t learner_id, enum srv_withdrawal form,
                                  enum srv_withdrawal_outcome *outcome)
{
    struct db_transaction t;
    struct leaver leaver = {0};
    db_begin_write(&t, db);
    *outcome = !find(&t, study_id, code, learner_id, &leaver) ? WITHDRAWAL_NOBODY
               : leaver.frozen                                ? WITHDRAWAL_FROZEN
                                                              : WITHDRAWAL_DONE;
    if (*outcome == WITHDRAWAL_DONE) {
        leave(&t, study_id, &leaver, form);
        if (actor)
            srv_audit_add_id(&t, actor, "study.withdraw", "study", study_id,
                             json_pack("{s:s}", "form", srv_withdrawals[form]));
    }
    return db_end(&t);
}
