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
    uint64_t seed;          /* of the randomisation, but of a draft; for nobody's eyes before it is frozen */
    int64_t consent_text_id;
    int consent_version;                                                               /* 0: a draft */
    char consent_sha256[SRV_DIGEST_TEXT];                                              /* "" of a draft */
    char opened_at[SRV_TIME_TEXT], closed_at[SRV_TIME_TEXT], frozen_at[SRV_TIME_TEXT]; /* or "" */
    char export_sha256[SRV_DIGEST_TEXT];                                               /* or "" */
};

enum db_status srv_store_study_find(struct db *db, const char *name, struct srv_store_study *study,
                                    bool *found) NN_MUST_CHECK;

/* Appends every study to `list`, as the interface shows them. */
enum db_status srv_store_studies(struct db *db, json_t *list) NN_MUST_CHECK;
/* Appends the versions of one study, newest first: none when there is no such study. */
enum db_status srv_store_study_versions(struct db *db, const char *name, json_t *list) NN_MUST_CHECK;
/* The definition that was saved as that version, as it was saved; 0 is the newest and gets its number. NULL
 * when there is none. New reference. */
enum db_status srv_store_study_version(struct db *db, const char *name, int *version,
                                       json_t **definition) NN_MUST_CHECK;

enum srv_study_outcome {
    STUDY_DONE,
    STUDY_UNKNOWN,
    STUDY_NAME_TAKEN,
    STUDY_IMAGES_GONE, /* a collection that its decks show has been removed */
    STUDY_OUTDATED,    /* another version was saved since the one that was edited */
    STUDY_OTHER_STATE, /* *state is not one in which this can be done */
};

/* What a change found: the newest version and the state afterwards, whatever the outcome. */
struct srv_study_change {
    enum srv_study_outcome outcome;
    int version;
    enum srv_study_state state;
};

/* Makes a draft of the name study->id, its version 1. */
enum db_status srv_store_study_add(struct db *db, const struct srv_account *actor,
                                   const struct srv_study *study,
                                   struct srv_study_change *change) NN_MUST_CHECK;
/* Saves the version of a draft after `edited`, which must be the newest. */
enum db_status srv_store_study_save(struct db *db, const struct srv_account *actor,
                                    const struct srv_study *study, int edited,
                                    struct srv_study_change *change) NN_MUST_CHECK;
/* Another text of consent for a study that is under way: everybody is asked again. */
enum db_status srv_store_study_consent(struct db *db, const struct srv_account *actor, const char *name,
                                       const char *text, int edited,
                                       struct srv_study_change *change) NN_MUST_CHECK;

/* What an opened study holds on to. */
struct srv_study_opening {
    struct {
        int64_t version_id;
        bool tests;
    } decks[STUDY_ARMS_MAX + STUDY_PHASES_MAX]; /* each version once */
    int deck_count;
    json_t *test_items; /* [[deck version id, n, library image id], ...]; borrowed */
    uint64_t seed;
};
enum db_status srv_store_study_open(struct db *db, const struct srv_account *actor, const char *name,
                                    int edited, const struct srv_study_opening *opening,
                                    struct srv_study_change *change) NN_MUST_CHECK;
/* Nobody new takes part. Of one that is closed already nothing changes. */
enum db_status srv_store_study_close(struct db *db, const struct srv_account *actor, const char *name,
                                     struct srv_study_change *change) NN_MUST_CHECK;
/* Nothing changes any more. Only a closed study can be frozen. */
enum db_status srv_store_study_freeze(struct db *db, const struct srv_account *actor, const char *name,
                                      struct srv_study_change *change) NN_MUST_CHECK;
/* Records what a frozen study exports, once; a later call changes nothing. */
enum db_status srv_store_study_exported(struct db *db, int64_t study_id, const char *sha256) NN_MUST_CHECK;

#endif
