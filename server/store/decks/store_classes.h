/* Classes: an educator's link to a deck, and what came of it for all learners together. Each function is one
 * transaction, with its entry in the audit log; any thread may call. */
#ifndef SRV_STORE_CLASSES_H
#define SRV_STORE_CLASSES_H

#include <jansson.h>

#include "server/accounts/account.h"
#include "server/clock.h"
#include "server/database/db.h"
#include "server/decks/deck.h"
#include "server/secrets.h"

enum {
    CLASS_CODE_TEXT = 11,
    CLASS_TITLE_TEXT = 121,
    CLASS_LEARNERS_MIN = 5, /* results of fewer are not shown: they would tell of single learners */
};

struct srv_class {
    int64_t id;
    char code[CLASS_CODE_TEXT];
    char title[CLASS_TITLE_TEXT];
    char deck[DECK_ID_TEXT];
    char created_at[SRV_TIME_TEXT];
    bool closed;
    int64_t account_id;            /* whose it is; 0: the operator's */
    char owner[ACCOUNT_NAME_TEXT]; /* that account's name, or "" */
};

/* `class` gives code, title and deck, and gets the rest. */
enum db_status srv_store_class_add(struct db *db, const struct srv_account *actor, int64_t now_ms,
                                   struct srv_class *class) NN_MUST_CHECK;

enum db_status srv_store_class_find(struct db *db, const char *code, struct srv_class *class,
                                    bool *found) NN_MUST_CHECK;

/* Calls `take` with each class, or with those of one account unless owner_id is negative, the newest first.
 */
typedef void srv_store_class_take(void *context, const struct srv_class *class);
enum db_status srv_store_class_list(struct db *db, int64_t owner_id, srv_store_class_take *take,
                                    void *context) NN_MUST_CHECK;

/* No session can be started through it any more; those that run go on. */
enum db_status srv_store_class_close(struct db *db, const struct srv_account *actor, int64_t id,
                                     int64_t now_ms) NN_MUST_CHECK;

struct srv_class_results {
    int64_t learners;    /* who started */
    int64_t answered_by; /* of these, who answered anything */
    int64_t answers;     /* of all */
    double accuracy;     /* mean over those who answered of each one's share correct */
};

enum db_status srv_store_class_results(struct db *db, int64_t id,
                                       struct srv_class_results *results) NN_MUST_CHECK;

#endif
