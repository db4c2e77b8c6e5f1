#include <stdio.h>
#include <string.h>

#include "server/store/staff/store_account_rows.h"
#include "server/store/store_audit.h"

static const char *const purposes[] = {"first_admin", "invite", "reset"};

const char *srv_invitation_purpose_text(enum srv_invitation_purpose purpose)
{
    return purposes[purpose];
}

/* ---- making ---- */

/* Whether a link may be made; fills in the role and the name of a reset's account. */
static enum srv_account_outcome check(struct db_transaction *t, const struct srv_account *actor,
                                      struct srv_invitation *invitation)
{
    struct srv_account account;
    if (!srv_account_may_administer(t, actor)) return ACCOUNT_NOT_ALLOWED;
    if (invitation->purpose != INVITATION_RESET) return ACCOUNT_DONE;
    struct db_rows *rows =
        db_query(t, "SELECT id, name, role FROM accounts WHERE id = ? AND disabled_at IS NULL", "i",
                 invitation->account_id);
    bool found = db_next(rows);
    if (found) {
        srv_account_read(rows, &account);
        invitation->role = account.role;
        memcpy(invitation->name, account.name, sizeof invitation->name);
    }
    db_finish(rows);
    return found ? ACCOUNT_DONE : ACCOUNT_UNKNOWN;
}

static void make_older_void(struct db_transaction *t, const struct srv_invitation *invitation)
{
    if (invitation->purpose == INVITATION_FIRST_ADMIN)
        db_run(t, "DELETE FROM invitations WHERE purpose = 'first_admin' AND used_at IS NULL", "");
    if (invitation->purpose == INVITATION_RESET)
        db_run(t, "DELETE FROM invitations WHERE purpose = 'reset' AND used_at IS NULL AND account_id = ?",
               "i", invitation->account_id);
}

enum db_status srv_store_invitation_add(struct db *db, const struct srv_account *actor,
                                        const char *token_sha256, int64_t now_ms,
                                        struct srv_invitation *invitation, enum srv_account_outcome *outcome)
{
    char now[SRV_TIME_TEXT];
    const char *purpose = purposes[invitation->purpose];
    srv_time_text(now_ms, 0, now);
    srv_time_text(now_ms, invitation->purpose == INVITATION_INVITE ? -INVITATION_S : -RESET_S,
                  invitation->expires_at);
    struct db_transaction t;
    db_begin_write(&t, db);
    *outcome = check(&t, actor, invitation);
    if (*outcome == ACCOUNT_DONE) {
        make_older_void(&t, invitation);
        db_run(&t,
               "INSERT INTO invitations"
               " (token_sha256, purpose, role, account_id, created_at, expires_at, made_by)"
               " VALUES (?, ?, ?, nullif(?, 0), ?, ?, nullif(?, 0))",
               "tttitti", token_sha256, purpose, srv_role_text(invitation->role), invitation->account_id, now,
               invitation->expires_at, actor->id);
        invitation->id = db_last_id(&t);
        srv_audit_add_id(&t, actor, "invitation.create", "invitation", invitation->id,
                         json_pack("{s:s,s:s,s:I}", "purpose", purpose, "role",
                                   srv_role_text(invitation->role), "account",
                                   (json_int_t)invitation->account_id));
    }
    return db_end(&t);
}

/* ---- finding ---- */

#define COLUMNS                                                                                              \
    "SELECT i.id, i.purpose, i.role, coalesce(i.account_id, 0), coalesce(a.name, ''), i.expires_at"          \
    " FROM invitations i LEFT JOIN accounts a ON a.id = i.account_id "

static void read_invitation(struct db_rows *rows, struct srv_invitation *invitation)
{
    *invitation = (struct srv_invitation){.id = db_int(rows, 0), .account_id = db_int(rows, 3)};
    while (invitation->purpose < INVITATION_RESET && strcmp(purposes[invitation->purpose], db_text(rows, 1)))
        invitation->purpose++;
    if (!srv_role_read(db_text(rows, 2), &invitation->role)) invitation->role = SRV_ANYONE;
    db_copy(rows, 4, invitation->name, sizeof invitation->name);
    db_copy(rows, 5, invitation->expires_at, sizeof invitation->expires_at);
}

static bool find(struct db_transaction *t, const char *token_sha256, int64_t now_ms,
                 struct srv_invitation *invitation)
{
    char now[SRV_TIME_TEXT];
    srv_time_text(now_ms, 0, now);
    struct db_rows *rows =
        db_query(t, COLUMNS "WHERE i.token_sha256 = ? AND i.used_at IS NULL AND i.expires_at > ?", "tt",
                 token_sha256, now);
    bool found = db_next(rows);
    if (found) read_invitation(rows, invitation);
    db_finish(rows);
    return found;
}

enum db_status srv_store_invitation_find(struct db *db, const char *token_sha256, int64_t now_ms,
                                         struct srv_invitation *invitation, bool *found)
{
    struct db_transaction t;
    db_begin(&t, db);
    *found = find(&t, token_sha256, now_ms, invitation);
    return db_end(&t);
}

enum db_status srv_store_invitation_list(struct db *db, int64_t now_ms, json_t *list)
{
    char now[SRV_TIME_TEXT];
    srv_time_text(now_ms, 0, now);
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t, COLUMNS "WHERE i.used_at IS NULL AND i.expires_at > ? ORDER BY i.id", "t", now);
    while (db_next(rows)) {
        struct srv_invitation invitation;
        read_invitation(rows, &invitation);
        json_array_append_new(
            list, json_pack("{s:I,s:s,s:s,s:s?,s:s}", "id", (json_int_t)invitation.id, "purpose",
                            purposes[invitation.purpose], "role", srv_role_text(invitation.role), "name",
                            *invitation.name ? invitation.name : NULL, "expires_at", invitation.expires_at));
    }
    db_finish(rows);
    return db_end(&t);
}

/* ---- using ---- */

static enum srv_account_outcome make_account(struct db_transaction *t,
                                             const struct srv_invitation *invitation, const char *name,
                                             const char *password, const char *now,
                                             struct srv_account *account)
{
    struct db_rows *rows = db_query(t, "SELECT 1 FROM accounts WHERE name = ?", "t", name);
    bool taken = db_next(rows);
    db_finish(rows);
    if (taken) return ACCOUNT_NAME_TAKEN;
    db_run(t, "INSERT INTO accounts (name, password, role, created_at) VALUES (?, ?, ?, ?)", "tttt", name,
           password, srv_role_text(invitation->role), now);
    account->id = db_last_id(t);
    account->role = invitation->role;
    snprintf(account->name, sizeof account->name, "%s", name);
    return ACCOUNT_DONE;
}

static void set_password(struct db_transaction *t, const struct srv_invitation *invitation,
                         const char *password, struct srv_account *account)
{
    *account = (struct srv_account){.id = invitation->account_id};
    struct db_rows *rows =
        db_query(t, "SELECT id, name, role FROM accounts WHERE id = ?", "i", invitation->account_id);
    if (db_next(rows)) srv_account_read(rows, account);
    db_finish(rows);
    db_run(t, "UPDATE accounts SET password = ? WHERE id = ?", "ti", password, account->id);
    srv_account_sessions_end(t, account->id);
}

enum db_status srv_store_invitation_use(struct db *db, const char *link_sha256, const char *name,
                                        const char *password, const char *token_sha256, int64_t now_ms,
                                        struct srv_account *account, enum srv_account_outcome *outcome)
{
    struct srv_invitation invitation;
    char now[SRV_TIME_TEXT];
    srv_time_text(now_ms, 0, now);
    *account = (struct srv_account){0};
    *outcome = ACCOUNT_DONE;
    struct db_transaction t;
    db_begin_write(&t, db);
    if (!find(&t, link_sha256, now_ms, &invitation))
        *outcome = ACCOUNT_UNKNOWN;
    else if (invitation.purpose == INVITATION_RESET)
        set_password(&t, &invitation, password, account);
    else
        *outcome = make_account(&t, &invitation, name, password, now, account);
    if (*outcome == ACCOUNT_DONE) {
        db_run(&t, "UPDATE invitations SET used_at = ?, account_id = ? WHERE id = ?", "tii", now, account->id,
               invitation.id);
        srv_account_session_add(&t, account->id, token_sha256, now_ms);
        srv_audit_add_id(&t, account,
                         invitation.purpose == INVITATION_RESET ? "account.password" : "account.create",
                         "account", account->id,
                         json_pack("{s:I,s:s}", "invitation", (json_int_t)invitation.id, "role",
                                   srv_role_text(account->role)));
    }
    return db_end(&t);
}

enum db_status srv_store_invitation_revoke(struct db *db, const struct srv_account *actor, int64_t id,
                                           int64_t now_ms, enum srv_account_outcome *outcome)
{
    char now[SRV_TIME_TEXT];
    srv_time_text(now_ms, 0, now);
    struct db_transaction t;
    db_begin_write(&t, db);
    *outcome = ACCOUNT_NOT_ALLOWED;
    if (srv_account_may_administer(&t, actor)) {
        struct db_rows *rows =
            db_query(&t, "SELECT 1 FROM invitations WHERE id = ? AND used_at IS NULL AND expires_at > ?",
                     "it", id, now);
        *outcome = db_next(rows) ? ACCOUNT_DONE : ACCOUNT_UNKNOWN;
        db_finish(rows);
    }
    if (*outcome == ACCOUNT_DONE) {
        db_run(&t, "DELETE FROM invitations WHERE id = ?", "i", id);
        srv_audit_add_id(&t, actor, "invitation.revoke", "invitation", id, NULL);
    }
    return db_end(&t);
}
