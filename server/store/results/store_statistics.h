/* Answers for statistics: what was rated and how, by whom without saying who. Each function is one
 * transaction; any thread may call. */
#ifndef SRV_STORE_STATISTICS_H
#define SRV_STORE_STATISTICS_H

#include <jansson.h>
#include <stdbool.h>

#include "server/database/db.h"
#include "server/statistics/readings.h"

/* The answers of the practice under a version of a deck: readers are learners who keep a code, else single
 * sessions. */
struct srv_deck_practice {
    bool simulated;               /* wanted: of simulated learners instead of people */
    int version;                  /* wanted, 0 for the newest with answers; then what is given, 0: no such */
    json_t *versions;             /* new reference: the numbers of those with answers, newest first */
    struct srv_readings readings; /* to be released */
};
enum db_status srv_store_deck_practice(struct db *db, const char *deck,
                                       struct srv_deck_practice *practice) NN_MUST_CHECK;

/* All that a learner has answered to a deck, in any version and as one reader: first attempts, in the order
 * of answering, of the sessions whose truths the learner has been told, which are those with feedback and
 * those at their end. What was answered in studies is not among it. */
enum db_status srv_store_learner_practice(struct db *db, int64_t learner_id, const char *deck,
                                          struct srv_readings *readings) NN_MUST_CHECK;

#endif
