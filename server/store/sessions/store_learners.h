/* Learners who keep a code, and which sessions are theirs. Each function is one transaction; any thread may
 * call. */
#ifndef SRV_STORE_LEARNERS_H
#define SRV_STORE_LEARNERS_H

#include "server/clock.h"
#include "server/database/db.h"
#include "server/secrets.h"

enum { LEARNER_SESSIONS_MAX = 100 };

enum db_status srv_store_learner_add(struct db *db, const char *code_sha256, int64_t now_ms) NN_MUST_CHECK;

/* *id is 0 when nobody has that code. */
enum db_status srv_store_learner_find(struct db *db, const char *code_sha256, int64_t *id) NN_MUST_CHECK;

/* Whether the session is that of the learner with this code. */
enum db_status srv_store_learner_has(struct db *db, const char *code_sha256, const char *session_id,
                                     bool *has) NN_MUST_CHECK;

/* The ids of the learner's newest sessions, the newest first. */
enum db_status srv_store_learner_sessions(struct db *db, int64_t learner_id,
                                          char ids[LEARNER_SESSIONS_MAX][SRV_ID_TEXT],
                                          int *count) NN_MUST_CHECK;

#endif
