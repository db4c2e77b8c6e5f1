/* What the files store_account*.c and store_invitations.c share: steps of a transaction that the caller has
 * begun. */
#ifndef SRV_STORE_ACCOUNT_ROWS_H
#define SRV_STORE_ACCOUNT_ROWS_H

#include "server/store/staff/store_accounts.h"

/* The text of a time `ago_s` seconds before now_ms. */
void srv_time_text(int64_t now_ms, int64_t ago_s, char text[SRV_TIME_TEXT]);

/* From columns id, name, role. */
void srv_account_read(struct db_rows *rows, struct srv_account *account);

/* Starts a session and ends every expired one. */
void srv_account_session_add(struct db_transaction *t, int64_t account_id, const char *token_sha256,
                             int64_t now_ms);
void srv_account_sessions_end(struct db_transaction *t, int64_t account_id);

/* Whether the actor is an administrator at this moment. */
bool srv_account_may_administer(struct db_transaction *t, const struct srv_account *actor);

#endif
