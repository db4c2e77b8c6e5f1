/* Decks and their versions. A version never changes; a deck's newest one is what sessions start under. Each
 * function is one transaction, with its entry in the audit log; any thread may call. */
#ifndef SRV_STORE_DECKS_H
#define SRV_STORE_DECKS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/accounts/account.h"
#include "server/database/db.h"
#include "server/decks/deck.h"

enum srv_deck_outcome {
    DECK_DONE,
    DECK_UNKNOWN,
    DECK_NAME_TAKEN,
    DECK_OUTDATED, /* another version was saved since the one that was edited */
    DECK_BUILT_IN, /* only the configuration changes it */
};

/* Reads a definition that was stored; false, with a line in the log, when it cannot be read. */
bool srv_store_deck_parse(const char *definition, struct srv_deck *deck);

/* Makes the decks of the configuration the newest versions of built-in ones, and archives built-in decks that
 * it does not have any more. A name that an educator's deck has stays the educator's, with a line in the log.
 */
enum db_status srv_store_decks_configure(struct db *db, const struct srv_deck *decks,
                                         int count) NN_MUST_CHECK;

/* A version of a deck; texts are borrowed for the time of the call. */
struct srv_store_deck {
    int64_t version_id;
    const char *name, *definition, *saved_at;
    const char *saved_by; /* an account's name; "": the configuration or the operator */
    int version;
    bool built_in, archived, used;
    bool tests; /* a study that runs tests with it: nobody else may start it */
};
typedef void srv_store_deck_row(void *context, const struct srv_store_deck *deck);

/* Calls `row` with the newest version of each deck, built-in ones first. */
enum db_status srv_store_decks(struct db *db, srv_store_deck_row *row, void *context) NN_MUST_CHECK;
/* With all versions of one deck, newest first; never when there is no such deck. */
enum db_status srv_store_deck_versions(struct db *db, const char *name, srv_store_deck_row *row,
                                       void *context) NN_MUST_CHECK;
/* With one version, 0 being the newest; not at all when there is none. */
enum db_status srv_store_deck_version(struct db *db, const char *name, int version, srv_store_deck_row *row,
                                      void *context) NN_MUST_CHECK;

/* With the version of that deck which the study holds on to. */
enum db_status srv_store_study_deck(struct db *db, int64_t study_id, const char *name,
                                    srv_store_deck_row *row, void *context) NN_MUST_CHECK;

/* Makes a deck of the name deck->id, its version 1. */
enum db_status srv_store_deck_add(struct db *db, const struct srv_account *actor, const struct srv_deck *deck,
                                  enum srv_deck_outcome *outcome) NN_MUST_CHECK;
/* Saves the version after `edited`, which must be the newest. *newest is the newest version afterwards,
 * whatever the outcome, or 0. */
enum db_status srv_store_deck_save(struct db *db, const struct srv_account *actor,
                                   const struct srv_deck *deck, int edited, int *newest,
                                   enum srv_deck_outcome *outcome) NN_MUST_CHECK;
/* An archived deck starts no sessions; those under way go on. */
enum db_status srv_store_deck_archive(struct db *db, const struct srv_account *actor, const char *name,
                                      bool archived, enum srv_deck_outcome *outcome) NN_MUST_CHECK;

#endif
