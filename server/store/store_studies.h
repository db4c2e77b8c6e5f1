/* Studies, for researchers: their versions and what becomes of them. Each function is one transaction, with
 * its entry in the audit log; any thread may call. */
#ifndef SRV_STORE_STUDIES_H
#define SRV_STORE_STUDIES_H

#include <stdbool.h>
#include <stdint.h>

#include "server/accounts/account.h"
#include "server/clock.h"
#include "server/database/db.h"
#include "server/secrets.h"
#include "server/studies/study.h"

enum srv_study_state { STUDY_DRAFT, STUDY_OPEN, STUDY_CLOSED, STUDY_FROZEN };
extern const char *const srv_study_states[4]; /* "draft", "open", "closed", "frozen" */

/* A study as it stands. Some 70 kB. */
struct srv_store_study {
    int64_t id;
    enum srv_study_state state;
    int version;            /* of its definition, the newest */
    struct srv_study study; /* with the newest text of consent */
    uint64_t seed; /* of the randomisation, except of a draft; for nobody's eyes before it is frozen */
    int64_t consent_text_id;
    int consent_version;                                                               /* 0: a draft */
    char consent_sha256[SRV_DIGEST_TEXT];                                              /* "" of a draft */
    char opened_at[SRV_TIME_TEXT], closed_at[SRV_TIME_TEXT], frozen_at[SRV_TIME_TEXT]; /* or "" */
    char export_sha256[SRV_DIGEST_TEXT];                                               /* or "" */
};

enum db_status srv_store_study_find(struct db *db, const char *name, struct srv_store_study *study,
                                    bool *found) NN_MUST_CHECK;
/* The same in an open transaction. */
bool srv_study_find(struct db_transaction *t, const char *name, struct srv_store_study *study);

/* Records what a frozen study exports, once; a later call changes nothing. */
enum db_status srv_store_study_exported(struct db *db, int64_t study_id, const char *sha256) NN_MUST_CHECK;

#endif
