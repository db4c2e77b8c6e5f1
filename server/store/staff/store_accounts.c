#include "server/store/staff/store_accounts.h"

#include "server/store/staff/store_account_rows.h"
#include "server/store/store_audit.h"

/* The route's check was before this transaction; another administrator may have been quicker. */
bool srv_account_may_administer(struct db_transaction *t, const struct srv_account *actor)
{
    if (actor->id == 0) return true;
    struct db_rows *rows = db_query(
        t, "SELECT 1 FROM accounts WHERE id = ? AND role = 'admin' AND disabled_at IS NULL", "i", actor->id);
    bool may = db_next(rows);
    db_finish(rows);
    return may;
}

struct target {
    struct srv_account account;
    bool disabled;
};

/* The account to be changed, or the outcome that says why not. */
static bool find_target(struct db_transaction *t, const struct srv_account *actor, int64_t id,
                        struct target *target, enum srv_account_outcome *outcome)
{
    *outcome = ACCOUNT_NOT_ALLOWED;
    if (!srv_account_may_administer(t, actor)) return false;
    struct db_rows *rows =
        db_query(t, "SELECT id, name, role, disabled_at IS NOT NULL FROM accounts WHERE id = ?", "i", id);
    bool found = db_next(rows);
    if (found) {
        srv_account_read(rows, &target->account);
        target->disabled = db_int(rows, 3);
    }
    db_finish(rows);
    *outcome = found ? ACCOUNT_DONE : ACCOUNT_UNKNOWN;
    return found;
}

/* Whether no administrator but this one could log in. */
static bool is_last_admin(struct db_transaction *t, const struct target *target)
{
    if (target->account.role != SRV_ADMIN || target->disabled) return false;
    struct db_rows *rows =
        db_query(t, "SELECT 1 FROM accounts WHERE role = 'admin' AND disabled_at IS NULL AND id <> ?", "i",
                 target->account.id);
    bool last = !db_next(rows);
    db_finish(rows);
    return last;
}

/* Who is no administrator any more has also made no more accounts, and no new passwords for others. */
static void make_links_void(struct db_transaction *t, int64_t maker_id)
{
    db_run(t, "DELETE FROM invitations WHERE made_by = ? AND used_at IS NULL", "i", maker_id);
}

enum db_status srv_store_account_disable(struct db *db, const struct srv_account *actor, int64_t id,
                                         int64_t now_ms, enum srv_account_outcome *outcome)
{
    struct target target;
    char now[SRV_TIME_TEXT];
    srv_time_text(now_ms, 0, now);
    struct db_transaction t;
    db_begin_write(&t, db);
    if (find_target(&t, actor, id, &target, outcome) && !target.disabled) {
        if (is_last_admin(&t, &target)) {
            *outcome = ACCOUNT_LAST_ADMIN;
        } else {
            db_run(&t, "UPDATE accounts SET disabled_at = ? WHERE id = ?", "ti", now, id);
            srv_account_sessions_end(&t, id);
            db_run(&t, "DELETE FROM invitations WHERE account_id = ? AND used_at IS NULL", "i", id);
            make_links_void(&t, id);
            srv_audit_add_id(&t, actor, "account.disable", "account", id, NULL);
        }
    }
    return db_end(&t);
}

enum db_status srv_store_account_enable(struct db *db, const struct srv_account *actor, int64_t id,
                                        enum srv_account_outcome *outcome)
{
    struct target target;
    struct db_transaction t;
    db_begin_write(&t, db);
    if (find_target(&t, actor, id, &target, outcome) && target.disabled) {
        db_run(&t, "UPDATE accounts SET disabled_at = NULL WHERE id = ?", "i", id);
        srv_audit_add_id(&t, actor, "account.enable", "account", id, NULL);
    }
    return db_end(&t);
}

enum db_status srv_store_account_role(struct db *db, const struct srv_account *actor, int64_t id,
                                      enum srv_role role, enum srv_account_outcome *outcome)
{
    struct target target;
    struct db_transaction t;
    db_begin_write(&t, db);
    if (find_target(&t, actor, id, &target, outcome) && target.account.role != role) {
        if (is_last_admin(&t, &target)) {
            *outcome = ACCOUNT_LAST_ADMIN;
        } else {
            db_run(&t, "UPDATE accounts SET role = ? WHERE id = ?", "ti", srv_role_text(role), id);
            if (role != SRV_ADMIN) make_links_void(&t, id);
            srv_audit_add_id(&t, actor, "account.role", "account", id,
                             json_pack("{s:s,s:s}", "from", srv_role_text(target.account.role), "to",
                                       srv_role_text(role)));
        }
    }
    return db_end(&t);
}

enum db_status srv_store_account_end_sessions(struct db *db, const struct srv_account *actor, int64_t id,
                                              enum srv_account_outcome *outcome)
{
    struct target target;
    struct db_transaction t;
    db_begin_write(&t, db);
    if (find_target(&t, actor, id, &target, outcome)) {
        srv_account_sessions_end(&t, id);
        srv_audit_add_id(&t, actor, "account.end_sessions", "account", id, NULL);
    }
    return db_end(&t);
}

enum db_status srv_store_account_list(struct db *db, json_t *list)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows = db_query(
        &t, "SELECT id, name, role, created_at, disabled_at IS NOT NULL FROM accounts ORDER BY id", "");
    while (db_next(rows))
        json_array_append_new(list,
                              json_pack("{s:I,s:s,s:s,s:s,s:b}", "id", (json_int_t)db_int(rows, 0), "name",
                                        db_text(rows, 1), "role", db_text(rows, 2), "created_at",
                                        db_text(rows, 3), "disabled", (int)db_int(rows, 4)));
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_admin_missing(struct db *db, int64_t now_ms, bool *missing, bool *invited)
{
    char now[SRV_TIME_TEXT];
    srv_time_text(now_ms, 0, now);
    *missing = false;
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t,
                 "SELECT NOT EXISTS (SELECT 1 FROM accounts WHERE role = 'admin' AND disabled_at IS NULL),"
                 " EXISTS (SELECT 1 FROM invitations WHERE purpose = 'first_admin' AND used_at IS NULL AND "
                 "expires_at > ?)",
                 "t", now);
    if (db_next(rows)) {
        *missing = db_int(rows, 0);
        *invited = db_int(rows, 1);
    }
    db_finish(rows);
    return db_end(&t);
}
