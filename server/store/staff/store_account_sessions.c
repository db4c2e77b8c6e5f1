#include "server/store/staff/store_account_rows.h"
#include "server/store/store_audit.h"

/* A request within this time of the last noted one writes nothing. */
enum { NOTE_USE_S = 5 * 60 };

void srv_time_text(int64_t now_ms, int64_t ago_s, char text[SRV_TIME_TEXT])
{
    srv_clock_format(now_ms - ago_s * 1000, text);
}

void srv_account_session_add(struct db_transaction *t, int64_t account_id, const char *token_sha256,
                             int64_t now_ms)
{
    char now[SRV_TIME_TEXT], idle_since[SRV_TIME_TEXT], made_before[SRV_TIME_TEXT];
    srv_time_text(now_ms, 0, now);
    srv_time_text(now_ms, ACCOUNT_IDLE_S, idle_since);
    srv_time_text(now_ms, ACCOUNT_SESSION_S, made_before);
    db_run(t, "DELETE FROM account_sessions WHERE last_used_at <= ? OR created_at <= ?", "tt", idle_since,
           made_before);
    db_run(t,
           "INSERT INTO account_sessions (token_sha256, account_id, created_at, last_used_at)"
           " VALUES (?, ?, ?, ?)",
           "titt", token_sha256, account_id, now, now);
}

void srv_account_sessions_end(struct db_transaction *t, int64_t account_id)
{
    db_run(t, "DELETE FROM account_sessions WHERE account_id = ?", "i", account_id);
}

void srv_account_read(struct db_rows *rows, struct srv_account *account)
{
    account->id = db_int(rows, 0);
    db_copy(rows, 1, account->name, sizeof account->name);
    /* The column's CHECK admits no other text. */
    if (!srv_role_read(db_text(rows, 2), &account->role)) account->role = SRV_ANYONE;
}

/* ---- logging in and out ---- */

enum db_status srv_store_account_find(struct db *db, const char *name, struct srv_account *account,
                                      char password[PASSWORD_HASH_TEXT], bool *found)
{
    *account = (struct srv_account){0};
    password[0] = '\0';
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t, "SELECT id, name, role, password FROM accounts WHERE name = ? AND disabled_at IS NULL",
                 "t", name);
    *found = db_next(rows);
    if (*found) {
        srv_account_read(rows, account);
        db_copy(rows, 3, password, PASSWORD_HASH_TEXT);
    }
    db_finish(rows);
    return db_end(&t);
}

/* Whether the account may log in and has that hash. */
static bool has_password(struct db_transaction *t, int64_t account_id, const char *password)
{
    struct db_rows *rows =
        db_query(t, "SELECT 1 FROM accounts WHERE id = ? AND password = ? AND disabled_at IS NULL", "it",
                 account_id, password);
    bool has = db_next(rows);
    db_finish(rows);
    return has;
}

enum db_status srv_store_account_login(struct db *db, int64_t account_id, const char *password,
                                       const char *rehashed, const char *token_sha256, int64_t now_ms,
                                       enum srv_account_outcome *outcome)
{
    struct db_transaction t;
    db_begin_write(&t, db);
    *outcome = has_password(&t, account_id, password) ? ACCOUNT_DONE : ACCOUNT_CHANGED;
    if (*outcome == ACCOUNT_DONE) {
        if (rehashed) db_run(&t, "UPDATE accounts SET password = ? WHERE id = ?", "ti", rehashed, account_id);
        srv_account_session_add(&t, account_id, token_sha256, now_ms);
    }
    return db_end(&t);
}

enum db_status srv_store_account_password(struct db *db, const struct srv_account *account,
                                          const char *before, const char *password, const char *token_sha256,
                                          int64_t now_ms, enum srv_account_outcome *outcome)
{
    struct db_transaction t;
    db_begin_write(&t, db);
    *outcome = has_password(&t, account->id, before) ? ACCOUNT_DONE : ACCOUNT_CHANGED;
    if (*outcome == ACCOUNT_DONE) {
        db_run(&t, "UPDATE accounts SET password = ? WHERE id = ?", "ti", password, account->id);
        srv_account_sessions_end(&t, account->id);
        srv_account_session_add(&t, account->id, token_sha256, now_ms);
        srv_audit_add_id(&t, account, "account.password", "account", account->id, NULL);
    }
    return db_end(&t);
}

enum db_status srv_store_account_logout(struct db *db, const char *token_sha256)
{
    struct db_transaction t;
    db_begin_write(&t, db);
    db_run(&t, "DELETE FROM account_sessions WHERE token_sha256 = ?", "t", token_sha256);
    return db_end(&t);
}

/* ---- who asks ---- */

/* A disk that is full is no reason to lock out who only reads; the failure has been logged. */
static void note_use(struct db *db, const char *token_sha256, const char *now)
{
    struct db_transaction t;
    db_begin_write(&t, db);
    db_run(&t, "UPDATE account_sessions SET last_used_at = ? WHERE token_sha256 = ?", "tt", now,
           token_sha256);
    enum db_status ignored = db_end(&t);
    (void)ignored;
}

enum db_status srv_store_account_session(struct db *db, const char *token_sha256, int64_t now_ms,
                                         struct srv_account *account, bool *found)
{
    char now[SRV_TIME_TEXT], idle_since[SRV_TIME_TEXT], made_before[SRV_TIME_TEXT], fresh[SRV_TIME_TEXT];
    bool noted = true;
    srv_time_text(now_ms, 0, now);
    srv_time_text(now_ms, ACCOUNT_IDLE_S, idle_since);
    srv_time_text(now_ms, ACCOUNT_SESSION_S, made_before);
    srv_time_text(now_ms, NOTE_USE_S, fresh);
    *account = (struct srv_account){0};
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows = db_query(
        &t,
        "SELECT a.id, a.name, a.role, s.last_used_at > ?"
        " FROM account_sessions s JOIN accounts a ON a.id = s.account_id"
        " WHERE s.token_sha256 = ? AND s.last_used_at > ? AND s.created_at > ? AND a.disabled_at IS NULL",
        "tttt", fresh, token_sha256, idle_since, made_before);
    *found = db_next(rows);
    if (*found) {
        srv_account_read(rows, account);
        noted = db_int(rows, 3);
    }
    db_finish(rows);
    enum db_status status = db_end(&t);
    if (status == DB_OK && !noted) note_use(db, token_sha256, now);
    return status;
}
