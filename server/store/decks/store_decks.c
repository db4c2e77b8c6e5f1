#include "server/store/decks/store_decks.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "server/log.h"
#include "server/store/store_audit.h"

bool srv_store_deck_parse(const char *definition, struct srv_deck *deck)
{
    struct nn_error err = {0};
    json_t *json = json_loads(definition, 0, NULL);
    nn_status status = json ? srv_deck_read(json, "definition", deck, &err) : NN_ERR_FORMAT;
    json_decref(json);
    if (status) srv_log_error("database: a deck's definition cannot be read: %s", err.text);
    return status == NN_OK;
}

/* Heap text; NULL when memory ran out. */
static char *definition_text(const struct srv_deck *deck)
{
    json_t *json = srv_deck_definition(deck);
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(json);
    return text;
}

/* ---- reading ---- */

#define VERSIONS                                                                                             \
    "SELECT v.id, d.name, v.definition, v.created_at, coalesce(a.name, ''), v.version, d.built_in,"          \
    " d.archived_at IS NOT NULL, v.first_used_at IS NOT NULL, EXISTS (SELECT 1 FROM study_decks k"           \
    " JOIN studies y ON y.id = k.study_id JOIN deck_versions o ON o.id = k.deck_version_id"                  \
    " WHERE o.deck_id = d.id AND k.tests AND y.state IN ('open', 'closed')) FROM decks d"                    \
    " JOIN deck_versions v ON v.deck_id = d.id LEFT JOIN accounts a ON a.id = v.account_id "
#define NEWEST "(SELECT max(n.version) FROM deck_versions n WHERE n.deck_id = d.id)"

/* Takes the rows. */
static void give_rows(struct db_rows *rows, srv_store_deck_row *row, void *context)
{
    while (db_next(rows))
        row(context, &(struct srv_store_deck){
                         .version_id = db_int(rows, 0),
                         .name = db_text(rows, 1),
                         .definition = db_text(rows, 2),
                         .saved_at = db_text(rows, 3),
                         .saved_by = db_text(rows, 4),
                         .version = (int)db_int(rows, 5),
                         .built_in = db_int(rows, 6),
                         .archived = db_int(rows, 7),
                         .used = db_int(rows, 8),
                         .tests = db_int(rows, 9),
                     });
    db_finish(rows);
}

enum db_status srv_store_decks(struct db *db, srv_store_deck_row *row, void *context)
{
    struct db_transaction t;
    db_begin(&t, db);
    give_rows(db_query(&t, VERSIONS "WHERE v.version = " NEWEST " ORDER BY d.built_in DESC, d.id", ""), row,
              context);
    return db_end(&t);
}

enum db_status srv_store_deck_versions(struct db *db, const char *name, srv_store_deck_row *row,
                                       void *context)
{
    struct db_transaction t;
    db_begin(&t, db);
    give_rows(db_query(&t, VERSIONS "WHERE d.name = ? ORDER BY v.version DESC", "t", name), row, context);
    return db_end(&t);
}

enum db_status srv_store_deck_version(struct db *db, const char *name, int version, srv_store_deck_row *row,
                                      void *context)
{
    struct db_transaction t;
    db_begin(&t, db);
    give_rows(db_query(&t, VERSIONS "WHERE d.name = ? AND v.version = coalesce(nullif(?, 0), " NEWEST ")",
                       "ti", name, (int64_t)version),
              row, context);
    return db_end(&t);
}

enum db_status srv_store_study_deck(struct db *db, int64_t study_id, const char *name,
                                    srv_store_deck_row *row, void *context)
{
    struct db_transaction t;
    db_begin(&t, db);
    give_rows(db_query(&t,
                       VERSIONS "JOIN study_decks h ON h.deck_version_id = v.id WHERE h.study_id = ?"
                                " AND d.name = ?",
                       "it", study_id, name),
              row, context);
    return db_end(&t);
}

/* ---- writing ---- */

/* A deck as it lies in the file; id 0: there is none. */
struct kept {
    int64_t id;
    int newest;
    bool built_in, archived;
    bool same; /* the newest definition is the one that was asked about */
};

static struct kept find(struct db_transaction *t, const char *name, const char *definition)
{
    struct kept kept = {0};
    struct db_rows *rows =
        db_query(t,
                 "SELECT d.id, v.version, d.built_in, d.archived_at IS NOT NULL, v.definition FROM decks d"
                 " JOIN deck_versions v ON v.deck_id = d.id WHERE d.name = ? AND v.version = " NEWEST,
                 "t", name);
    if (db_next(rows))
        kept = (struct kept){
            .id = db_int(rows, 0),
            .newest = (int)db_int(rows, 1),
            .built_in = db_int(rows, 2),
            .archived = db_int(rows, 3),
            .same = definition && !strcmp(db_text(rows, 4), definition),
        };
    db_finish(rows);
    return kept;
}

/* `account_id` 0: the configuration or the operator. */
static int64_t add_deck(struct db_transaction *t, const char *name, bool built_in, int64_t account_id,
                        const char *now)
{
    db_run(t, "INSERT INTO decks (name, built_in, account_id, created_at) VALUES (?,?,nullif(?, 0),?)",
           "tiit", name, (int64_t)built_in, account_id, now);
    return db_last_id(t);
}

static void add_version(struct db_transaction *t, int64_t deck_id, int version, const char *definition,
                        int64_t account_id, const char *now)
{
    db_run(t,
           "INSERT INTO deck_versions (deck_id, version, definition, account_id, created_at)"
           " VALUES (?,?,?,nullif(?, 0),?)",
           "iitit", deck_id, (int64_t)version, definition, account_id, now);
}

static void set_archived(struct db_transaction *t, int64_t deck_id, const char *now_or_null)
{
    db_run(t, "UPDATE decks SET archived_at = ? WHERE id = ?", "ti", now_or_null, deck_id);
}

static void configure_deck(struct db_transaction *t, const struct srv_deck *deck, const char *now)
{
    char *text = definition_text(deck);
    if (!text) {
        db_abandon(t, DB_FAILED);
        return;
    }
    struct kept kept = find(t, deck->id, text);
    if (kept.id && !kept.built_in) {
        srv_log("deck %s of the configuration is left out: an educator's deck has this name", deck->id);
    } else {
        if (!kept.id) kept.id = add_deck(t, deck->id, true, 0, now);
        if (!kept.same) add_version(t, kept.id, kept.newest + 1, text, 0, now);
        if (kept.archived) set_archived(t, kept.id, NULL);
    }
    free(text);
}

/* Built-in decks that are not among those of the configuration. */
static void archive_others(struct db_transaction *t, const struct srv_deck *decks, int count, const char *now)
{
    json_t *names = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(names, json_string(decks[i].id));
    char *text = json_dumps(names, JSON_COMPACT);
    json_decref(names);
    if (text)
        db_run(t,
               "UPDATE decks SET archived_at = ? WHERE built_in AND archived_at IS NULL"
               " AND name NOT IN (SELECT value FROM json_each(?))",
               "tt", now, text);
    else
        db_abandon(t, DB_FAILED);
    free(text);
}

enum db_status srv_store_decks_configure(struct db *db, const struct srv_deck *decks, int count)
{
    struct db_transaction t;
    char now[SRV_TIME_TEXT];
    srv_clock_format(srv_clock_utc_ms(), now);
    db_begin_write(&t, db);
    for (int i = 0; i < count; i++) configure_deck(&t, &decks[i], now);
    archive_others(&t, decks, count, now);
    return db_end(&t);
}

static void note(struct db_transaction *t, const struct srv_account *actor, const char *action,
                 const char *name, int version)
{
    char object[DECK_ID_TEXT + 8];
    snprintf(object, sizeof object, "deck:%s", name);
    srv_audit_add(t, actor, action, object, json_pack("{s:i}", "version", version));
}

enum db_status srv_store_deck_add(struct db *db, const struct srv_account *actor, const struct srv_deck *deck,
                                  enum srv_deck_outcome *outcome)
{
    struct db_transaction t;
    char now[SRV_TIME_TEXT], *text = definition_text(deck);
    srv_clock_format(srv_clock_utc_ms(), now);
    db_begin_write(&t, db);
    if (!text) db_abandon(&t, DB_FAILED);
    *outcome = find(&t, deck->id, NULL).id ? DECK_NAME_TAKEN : DECK_DONE;
    if (text && *outcome == DECK_DONE) {
        add_version(&t, add_deck(&t, deck->id, false, actor->id, now), 1, text, actor->id, now);
        note(&t, actor, "deck.create", deck->id, 1);
    }
    free(text);
    return db_end(&t);
}

enum db_status srv_store_deck_save(struct db *db, const struct srv_account *actor,
                                   const struct srv_deck *deck, int edited, int *newest,
                                   enum srv_deck_outcome *outcome)
{
    struct db_transaction t;
    char now[SRV_TIME_TEXT], *text = definition_text(deck);
    srv_clock_format(srv_clock_utc_ms(), now);
    db_begin_write(&t, db);
    if (!text) db_abandon(&t, DB_FAILED);
    struct kept kept = find(&t, deck->id, text);
    *newest = kept.newest;
    *outcome = !kept.id                ? DECK_UNKNOWN
               : kept.built_in         ? DECK_BUILT_IN
               : kept.newest != edited ? DECK_OUTDATED
                                       : DECK_DONE;
    if (text && *outcome == DECK_DONE && !kept.same) {
        add_version(&t, kept.id, ++*newest, text, actor->id, now);
        note(&t, actor, "deck.save", deck->id, *newest);
    }
    free(text);
    return db_end(&t);
}

enum db_status srv_store_deck_archive(struct db *db, const struct srv_account *actor, const char *name,
                                      bool archived, enum srv_deck_outcome *outcome)
{
    struct db_transaction t;
    char now[SRV_TIME_TEXT];
    srv_clock_format(srv_clock_utc_ms(), now);
    db_begin_write(&t, db);
    struct kept kept = find(&t, name, NULL);
    *outcome = !kept.id ? DECK_UNKNOWN : kept.built_in ? DECK_BUILT_IN : DECK_DONE;
    if (*outcome == DECK_DONE && kept.archived != archived) {
        set_archived(&t, kept.id, archived ? now : NULL);
        note(&t, actor, archived ? "deck.archive" : "deck.restore", name, kept.newest);
    }
    return db_end(&t);
}
