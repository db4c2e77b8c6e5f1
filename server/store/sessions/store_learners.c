#include "server/store/sessions/store_learners.h"

enum db_status srv_store_learner_add(struct db *db, const char *code_sha256, int64_t now_ms)
{
    char now[SRV_TIME_TEXT];
    struct db_transaction t;
    srv_clock_format(now_ms, now);
    db_begin_write(&t, db);
    db_run(&t, "INSERT INTO learners (code_sha256, created_at) VALUES (?, ?)", "tt", code_sha256, now);
    return db_end(&t);
}

enum db_status srv_store_learner_find(struct db *db, const char *code_sha256, int64_t *id)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t, "SELECT id FROM learners WHERE code_sha256 = ?", "t", code_sha256);
    *id = db_next(rows) ? db_int(rows, 0) : 0;
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_learner_has(struct db *db, const char *code_sha256, const char *session_id,
                                     bool *has)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t,
                                    "SELECT 1 FROM session_learners s JOIN learners l ON l.id = s.learner_id"
                                    " WHERE s.session_id = ? AND l.code_sha256 = ?",
                                    "tt", session_id, code_sha256);
    *has = db_next(rows);
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_learner_sessions(struct db *db, int64_t learner_id,
                                          char ids[LEARNER_SESSIONS_MAX][SRV_ID_TEXT], int *count)
{
    struct db_transaction t;
    *count = 0;
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t,
                 "SELECT s.id FROM session_learners k JOIN sessions s ON s.id = k.session_id"
                 " WHERE k.learner_id = ? ORDER BY s.created_at DESC, s.id LIMIT ?",
                 "ii", learner_id, (int64_t)LEARNER_SESSIONS_MAX);
    while (db_next(rows)) db_copy(rows, 0, ids[(*count)++], SRV_ID_TEXT);
    db_finish(rows);
    return db_end(&t);
}
