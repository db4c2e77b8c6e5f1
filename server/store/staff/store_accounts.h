/* Accounts, who is logged in, and links that are good for one use. Each function is one transaction, with its
 * entries in the audit log; any thread may call. Secrets come in as their SHA-256, times as milliseconds of
 * srv_clock_utc_ms. */
#ifndef SRV_STORE_ACCOUNTS_H
#define SRV_STORE_ACCOUNTS_H

#include <jansson.h>

#include "server/accounts/account.h"
#include "server/accounts/password.h"
#include "server/clock.h"
#include "server/database/db.h"
#include "server/secrets.h"

enum {
    ACCOUNT_IDLE_S = 12 * 60 * 60,        /* logged out after so long without a request */
    ACCOUNT_SESSION_S = 7 * 24 * 60 * 60, /* and after so long in any case */
    INVITATION_S = 7 * 24 * 60 * 60,
    RESET_S = 24 * 60 * 60, /* links for new passwords, and for the first administrator */
};

enum srv_account_outcome {
    ACCOUNT_DONE,
    ACCOUNT_UNKNOWN, /* no such account, or no such link */
    ACCOUNT_NAME_TAKEN,
    ACCOUNT_LAST_ADMIN,  /* nobody would be left to administer */
    ACCOUNT_NOT_ALLOWED, /* who asks is no administrator any more */
    ACCOUNT_CHANGED,     /* the password is not the one that was checked any more */
};

/* ---- logging in ---- */

/* By name, as it was typed. *found is false, and `password` "", for a disabled account too. */
enum db_status srv_store_account_find(struct db *db, const char *name, struct srv_account *account,
                                      char password[PASSWORD_HASH_TEXT], bool *found) NN_MUST_CHECK;

/* Starts a session, if the account still has the hash `password` and may log in, else ACCOUNT_CHANGED.
 * `rehashed` replaces it unless it is NULL. Ends every session that has expired. */
enum db_status srv_store_account_login(struct db *db, int64_t account_id, const char *password,
                                       const char *rehashed, const char *token_sha256, int64_t now_ms,
                                       enum srv_account_outcome *outcome) NN_MUST_CHECK;

/* Who has that session. An expired one, or one of a disabled account, is not found. Notes its use. */
enum db_status srv_store_account_session(struct db *db, const char *token_sha256, int64_t now_ms,
                                         struct srv_account *account, bool *found) NN_MUST_CHECK;

enum db_status srv_store_account_logout(struct db *db, const char *token_sha256) NN_MUST_CHECK;

/* Sets an account's own new password, if it still has the hash `before`, else ACCOUNT_CHANGED. Ends all its
 * sessions and starts a new one. */
enum db_status srv_store_account_password(struct db *db, const struct srv_account *account,
                                          const char *before, const char *password, const char *token_sha256,
                                          int64_t now_ms, enum srv_account_outcome *outcome) NN_MUST_CHECK;

/* ---- administering: `actor` must be an administrator, or the operator ---- */

/* Appends every account to `list`, as the interface shows them, in the order of their making. */
enum db_status srv_store_account_list(struct db *db, json_t *list) NN_MUST_CHECK;

/* A disabled account is logged out at once, and links for its password are void. So are the links that it has
 * made as an administrator and nobody has used, as when it gets another role. */
enum db_status srv_store_account_disable(struct db *db, const struct srv_account *actor, int64_t id,
                                         int64_t now_ms, enum srv_account_outcome *outcome) NN_MUST_CHECK;
enum db_status srv_store_account_enable(struct db *db, const struct srv_account *actor, int64_t id,
                                        enum srv_account_outcome *outcome) NN_MUST_CHECK;
enum db_status srv_store_account_role(struct db *db, const struct srv_account *actor, int64_t id,
                                      enum srv_role role, enum srv_account_outcome *outcome) NN_MUST_CHECK;
enum db_status srv_store_account_end_sessions(struct db *db, const struct srv_account *actor, int64_t id,
                                              enum srv_account_outcome *outcome) NN_MUST_CHECK;

/* ---- links ---- */

enum srv_invitation_purpose { INVITATION_FIRST_ADMIN, INVITATION_INVITE, INVITATION_RESET };

struct srv_invitation {
    int64_t id;
    enum srv_invitation_purpose purpose;
    enum srv_role role;
    int64_t account_id;           /* of a reset */
    char name[ACCOUNT_NAME_TEXT]; /* of a reset's account, else "" */
    char expires_at[SRV_TIME_TEXT];
};

/* "first_admin", "invite", "reset". */
const char *srv_invitation_purpose_text(enum srv_invitation_purpose purpose);

/* Makes a link; `invitation` gives purpose, and role or account_id, and gets the rest. A new link for the
 * first administrator, or for the password of the same account, makes the older ones void. */
enum db_status srv_store_invitation_add(struct db *db, const struct srv_account *actor,
                                        const char *token_sha256, int64_t now_ms,
                                        struct srv_invitation *invitation,
                                        enum srv_account_outcome *outcome) NN_MUST_CHECK;

/* A link that can be used. */
enum db_status srv_store_invitation_find(struct db *db, const char *token_sha256, int64_t now_ms,
                                         struct srv_invitation *invitation, bool *found) NN_MUST_CHECK;

/* Uses a link, once: makes the account, with `name`, or gives the one there is its new password, ending its
 * sessions; and starts a session. All of it or nothing. */
enum db_status srv_store_invitation_use(struct db *db, const char *link_sha256, const char *name,
                                        const char *password, const char *token_sha256, int64_t now_ms,
                                        struct srv_account *account,
                                        enum srv_account_outcome *outcome) NN_MUST_CHECK;

/* Appends every link that can be used to `list`, as the interface shows them, without their secrets. */
enum db_status srv_store_invitation_list(struct db *db, int64_t now_ms, json_t *list) NN_MUST_CHECK;

enum db_status srv_store_invitation_revoke(struct db *db, const struct srv_account *actor, int64_t id,
                                           int64_t now_ms, enum srv_account_outcome *outcome) NN_MUST_CHECK;

/* Whether nobody can administer: no enabled account is an administrator's; and whether a link to make the
 * first one is open. */
enum db_status srv_store_admin_missing(struct db *db, int64_t now_ms, bool *missing,
                                       bool *invited) NN_MUST_CHECK;

#endif
