/* Learners that a program plays, to rehearse a deck or a study. All their sessions are marked, and exports
 * and results leave them out unless they are of nothing else. Each function is one transaction; any thread
 * may call. */
#ifndef SRV_STORE_SIMULATED_H
#define SRV_STORE_SIMULATED_H

#include <stdbool.h>
#include <stdint.h>

#include "server/accounts/account.h"
#include "server/database/db.h"

/* Adds one, whose sessions are drawn by that seed, and says so in the audit log. */
enum db_status srv_store_simulated_add(struct db *db, const struct srv_account *actor,
                                       const char *code_sha256, uint64_t seed, int64_t now_ms) NN_MUST_CHECK;

/* For a simulated learner makes *key what its next session is drawn by: a pure function of its seed and of
 * how many sessions it has had. Leaves *key to anybody else. */
enum db_status srv_store_simulated_key(struct db *db, int64_t learner_id, uint64_t *key) NN_MUST_CHECK;

/* One item's truth. */
struct srv_store_truth {
    int n;
    const char *truth, *class_name, *source; /* borrowed for the time of the call; "gan" or "library" */
};
typedef void srv_store_truth_row(void *context, const struct srv_store_truth *truth);
/* Calls `row` for each item that has been decided, in order. *simulated is false, and `row` not called, when
 * the session is no simulated learner's or there is none. */
enum db_status srv_store_truths(struct db *db, const char *session_id, srv_store_truth_row *row,
                                void *context, bool *simulated) NN_MUST_CHECK;

#endif
