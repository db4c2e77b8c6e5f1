/* The audit log: who changed or took out what. Entries are only ever added, each in the transaction of the
 * change that it tells of. */
#ifndef SRV_STORE_AUDIT_H
#define SRV_STORE_AUDIT_H

#include <jansson.h>

#include "server/accounts/account.h"
#include "server/clock.h"
#include "server/database/db.h"

/* Adds an entry to the open transaction of writing. `action` is "account.disable", `object` "account:12";
 * `detail` is a JSON object that says what else there is to know, secrets never. Takes `detail`; NULL is {}.
 */
void srv_audit_add(struct db_transaction *t, const struct srv_account *actor, const char *action,
                   const char *object, json_t *detail);
/* The same with the object's id: "account" and 12 make "account:12". */
void srv_audit_add_id(struct db_transaction *t, const struct srv_account *actor, const char *action,
                      const char *kind, int64_t id, json_t *detail);

/* A transaction with nothing but the entry, for what changes nothing here, such as an export. */
enum db_status srv_audit_note(struct db *db, const struct srv_account *actor, const char *action,
                              const char *object, json_t *detail) NN_MUST_CHECK;

/* Appends the entries before id `before`, newest first, at most `limit`, to `list`, as the interface shows
 * them. */
enum db_status srv_audit_list(struct db *db, int64_t before, int limit, json_t *list) NN_MUST_CHECK;

#endif
