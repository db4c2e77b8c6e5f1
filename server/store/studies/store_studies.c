#include "server/store/studies/store_studies.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sha256.h"
#include "server/log.h"
#include "server/store/store_audit.h"

const char *const srv_study_states[] = {"draft", "open", "closed", "frozen"};

static enum srv_study_state state_of(const char *text)
{
    int state = STUDY_FROZEN;
    while (state > STUDY_DRAFT && strcmp(text, srv_study_states[state])) state--;
    return (enum srv_study_state)state;
}

/* ---- reading ---- */

static bool parse(const char *definition, struct srv_study *study)
{
    struct nn_error err = {0};
    json_t *json = json_loads(definition, 0, NULL);
    nn_status status = json ? srv_study_read(json, "definition", study, &err) : NN_ERR_FORMAT;
    json_decref(json);
    if (status) srv_log_error("database: a study's definition cannot be read: %s", err.text);
    return status == NN_OK;
}

static void read_row(struct db_rows *rows, struct srv_store_study *study)
{
    study->id = db_int(rows, 0);
    study->state = state_of(db_text(rows, 1));
    study->seed = strtoull(db_text(rows, 2), NULL, 10);
    db_copy(rows, 3, study->opened_at, sizeof study->opened_at);
    db_copy(rows, 4, study->closed_at, sizeof study->closed_at);
    db_copy(rows, 5, study->frozen_at, sizeof study->frozen_at);
    db_copy(rows, 6, study->export_sha256, sizeof study->export_sha256);
    study->version = (int)db_int(rows, 7);
    study->consent_text_id = db_int(rows, 9);
    study->consent_version = (int)db_int(rows, 10);
    db_copy(rows, 11, study->consent_sha256, sizeof study->consent_sha256);
}

static bool find(struct db_transaction *t, const char *name, struct srv_store_study *study)
{
    *study = (struct srv_store_study){0};
    struct db_rows *rows = db_query(
        t,
        "SELECT s.id, s.state, s.seed, s.opened_at, s.closed_at, s.frozen_at, s.export_sha256, v.version,"
        " v.definition, c.id, c.version, c.sha256 FROM studies s JOIN study_versions v ON v.study_id = s.id"
        " AND v.version = (SELECT max(version) FROM study_versions WHERE study_id = s.id)"
        " LEFT JOIN consent_texts c ON c.study_id = s.id"
        " AND c.version = (SELECT max(version) FROM consent_texts WHERE study_id = s.id) WHERE s.name = ?",
        "t", name);
    bool found = db_next(rows);
    if (found) {
        read_row(rows, study);
        if (!parse(db_text(rows, 8), &study->study)) db_abandon(t, DB_FAILED);
    }
    db_finish(rows);
    return found;
}

enum db_status srv_store_study_find(struct db *db, const char *name, struct srv_store_study *study,
                                    bool *found)
{
    struct db_transaction t;
    db_begin(&t, db);
    *found = find(&t, name, study);
    return db_end(&t);
}

static json_t *text_or_null(struct db_rows *rows, int column)
{
    const char *text = db_text(rows, column);
    return *text ? json_string(text) : json_null();
}

/* The seed is told when nothing can be gained from it any more. */
enum db_status srv_store_studies(struct db *db, json_t *list)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows = db_query(
        &t,
        "SELECT s.name, v.definition ->> '$.title', s.state, v.version, s.opened_at, s.closed_at, "
        "s.frozen_at,"
        " CASE s.state WHEN 'frozen' THEN s.seed END, s.export_sha256,"
        " (SELECT count(*) FROM participants p WHERE p.study_id = s.id AND NOT p.simulated)"
        " FROM studies s JOIN study_versions v ON v.study_id = s.id"
        " AND v.version = (SELECT max(version) FROM study_versions WHERE study_id = s.id) ORDER BY s.id",
        "");
    while (db_next(rows)) {
        json_t *json =
            json_pack("{s:s,s:s,s:s,s:I,s:o,s:o}", "id", db_text(rows, 0), "title", db_text(rows, 1), "state",
                      db_text(rows, 2), "version", (json_int_t)db_int(rows, 3), "opened_at",
                      text_or_null(rows, 4), "closed_at", text_or_null(rows, 5));
        json_object_set_new(json, "frozen_at", text_or_null(rows, 6));
        json_object_set_new(json, "seed", text_or_null(rows, 7));
        json_object_set_new(json, "export_sha256", text_or_null(rows, 8));
        json_object_set_new(json, "participants", json_integer(db_int(rows, 9)));
        json_array_append_new(list, json);
    }
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_study_versions(struct db *db, const char *name, json_t *list)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows = db_query(
        &t,
        "SELECT v.version, v.created_at, a.name FROM study_versions v JOIN studies s ON s.id = v.study_id"
        " LEFT JOIN accounts a ON a.id = v.account_id WHERE s.name = ? ORDER BY v.version DESC",
        "t", name);
    while (db_next(rows))
        json_array_append_new(list,
                              json_pack("{s:I,s:s,s:o}", "version", (json_int_t)db_int(rows, 0), "saved_at",
                                        db_text(rows, 1), "saved_by", text_or_null(rows, 2)));
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_study_version(struct db *db, const char *name, int *version, json_t **definition)
{
    struct db_transaction t;
    *definition = NULL;
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t,
                                    "SELECT v.version, v.definition FROM study_versions v JOIN studies s"
                                    " ON s.id = v.study_id WHERE s.name = ?1 AND ?2 IN (0, v.version)"
                                    " ORDER BY v.version DESC LIMIT 1",
                                    "ti", name, (int64_t)*version);
    if (db_next(rows)) {
        *version = (int)db_int(rows, 0);
        *definition = json_loads(db_text(rows, 1), 0, NULL);
    }
    db_finish(rows);
    return db_end(&t);
}

/* ---- writing ---- */

/* One change of a study: its transaction, what it found, and what is then written. */
struct work {
    struct db_transaction t;
    const struct srv_account *actor;
    char now[SRV_TIME_TEXT];
    struct srv_store_study found;
    struct srv_study_change *change;
};

enum { ANY_VERSION = 0 }; /* versions count from 1, and what is no version at all matches none */

/* Begins to change the study of that name, which must be in a state that `states` has as a bit and, unless
 * `edited` is ANY_VERSION, have that as its newest version. */
static bool begin(struct work *w, struct db *db, const struct srv_account *actor, const char *name,
                  unsigned states, int edited, struct srv_study_change *change)
{
    w->actor = actor;
    w->change = change;
    srv_clock_format(srv_clock_utc_ms(), w->now);
    db_begin_write(&w->t, db);
    bool found = find(&w->t, name, &w->found);
    change->version = w->found.version;
    change->state = w->found.state;
    change->outcome = !found                                                ? STUDY_UNKNOWN
                      : !(states & 1u << w->found.state)                    ? STUDY_OTHER_STATE
                      : edited != ANY_VERSION && edited != w->found.version ? STUDY_OUTDATED
                                                                            : STUDY_DONE;
    return change->outcome == STUDY_DONE;
}

static void note(struct work *w, const char *action, const char *name)
{
    char object[DECK_ID_TEXT + 8];
    snprintf(object, sizeof object, "study:%s", name);
    srv_audit_add(&w->t, w->actor, action, object, json_pack("{s:i}", "version", w->change->version));
}

/* Heap text; NULL when memory ran out. */
static char *definition_text(const struct srv_study *study)
{
    json_t *json = srv_study_definition(study);
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(json);
    return text;
}

/* False when it is what the newest version says already. */
static bool add_version(struct work *w, const struct srv_study *study)
{
    bool same = false;
    char *text = definition_text(study), *before = w->found.version ? definition_text(&w->found.study) : NULL;
    if (!text || (w->found.version && !before))
        db_abandon(&w->t, DB_FAILED);
    else
        same = before && !strcmp(text, before);
    if (text && !same)
        db_run(&w->t,
               "INSERT INTO study_versions (study_id, version, definition, account_id, created_at)"
               " VALUES (?,?,?,nullif(?, 0),?)",
               "iitit", w->found.id, (int64_t)++w->change->version, text, w->actor->id, w->now);
    free(before);
    free(text);
    return !same;
}

enum db_status srv_store_study_add(struct db *db, const struct srv_account *actor,
                                   const struct srv_study *study, struct srv_study_change *change)
{
    struct work w;
    begin(&w, db, actor, study->id, 0, ANY_VERSION, change);
    change->outcome = w.found.id ? STUDY_NAME_TAKEN : STUDY_DONE;
    if (change->outcome == STUDY_DONE) {
        db_run(
            &w.t,
            "INSERT INTO studies (name, state, account_id, created_at) VALUES (?, 'draft', nullif(?, 0), ?)",
            "tit", study->id, actor->id, w.now);
        w.found.id = db_last_id(&w.t);
        add_version(&w, study);
        note(&w, "study.create", study->id);
    }
    return db_end(&w.t);
}

enum db_status srv_store_study_save(struct db *db, const struct srv_account *actor,
                                    const struct srv_study *study, int edited,
                                    struct srv_study_change *change)
{
    struct work w;
    if (begin(&w, db, actor, study->id, 1u << STUDY_DRAFT, edited, change) && add_version(&w, study))
        note(&w, "study.save", study->id);
    return db_end(&w.t);
}

static void add_consent(struct work *w, const char *text)
{
    char sha256[SRV_DIGEST_TEXT];
    nn_sha256_hex(text, strlen(text), sha256);
    db_run(&w->t,
           "INSERT INTO consent_texts (study_id, version, text, sha256, created_at) VALUES (?,?,?,?,?)",
           "iittt", w->found.id, (int64_t)w->found.consent_version + 1, text, sha256, w->now);
}

enum db_status srv_store_study_consent(struct db *db, const struct srv_account *actor, const char *name,
                                       const char *text, int edited, struct srv_study_change *change)
{
    struct work w;
    if (begin(&w, db, actor, name, 1u << STUDY_OPEN | 1u << STUDY_CLOSED, edited, change)) {
        struct srv_study study = w.found.study;
        snprintf(study.consent, sizeof study.consent, "%s", text);
        if (add_version(&w, &study)) {
            add_consent(&w, text);
            note(&w, "study.consent", name);
        }
    }
    return db_end(&w.t);
}

/* ---- states ---- */

static void hold_on(struct work *w, const struct srv_study_opening *opening)
{
    char *items = json_dumps(opening->test_items, JSON_COMPACT);
    for (int i = 0; i < opening->deck_count; i++)
        db_run(&w->t, "INSERT INTO study_decks (study_id, deck_version_id, tests) VALUES (?,?,?)", "iii",
               w->found.id, opening->decks[i].version_id, (int64_t)opening->decks[i].tests);
    if (items)
        db_run(&w->t,
               "INSERT INTO study_test_items (study_id, deck_version_id, n, library_image_id)"
               " SELECT ?, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)",
               "it", w->found.id, items);
    else
        db_abandon(&w->t, DB_FAILED);
    free(items);
}

/* The library has not been locked since the decks were looked at. */
static bool has_collections(struct work *w, const struct srv_study_opening *opening)
{
    bool has = true;
    for (int i = 0; i < opening->deck_count; i++) {
        struct db_rows *rows =
            db_query(&w->t,
                     "SELECT 1 FROM deck_versions v JOIN json_each(v.definition, '$.sources') j"
                     " WHERE v.id = ? AND j.value ->> 'kind' = 'library' AND j.value ->> 'collection' NOT IN"
                     " (SELECT name FROM collections WHERE removed_at IS NULL)",
                     "i", opening->decks[i].version_id);
        has = !db_next(rows) && has;
        db_finish(rows);
    }
    return has;
}

enum db_status srv_store_study_open(struct db *db, const struct srv_account *actor, const char *name,
                                    int edited, const struct srv_study_opening *opening,
                                    struct srv_study_change *change)
{
    struct work w;
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, opening->seed);
    bool ready = begin(&w, db, actor, name, 1u << STUDY_DRAFT, edited, change);
    if (ready && !has_collections(&w, opening)) {
        change->outcome = STUDY_IMAGES_GONE;
    } else if (ready) {
        db_run(&w.t, "UPDATE studies SET state = 'open', opened_at = ?, seed = ? WHERE id = ?", "tti", w.now,
               seed, w.found.id);
        hold_on(&w, opening);
        add_consent(&w, w.found.study.consent);
        change->state = STUDY_OPEN;
        note(&w, "study.open", name);
    }
    return db_end(&w.t);
}

enum db_status srv_store_study_close(struct db *db, const struct srv_account *actor, const char *name,
                                     struct srv_study_change *change)
{
    struct work w;
    if (begin(&w, db, actor, name, 1u << STUDY_OPEN | 1u << STUDY_CLOSED, ANY_VERSION, change) &&
        w.found.state == STUDY_OPEN) {
        db_run(&w.t, "UPDATE studies SET state = 'closed', closed_at = ? WHERE id = ?", "ti", w.now,
               w.found.id);
        change->state = STUDY_CLOSED;
        note(&w, "study.close", name);
    }
    return db_end(&w.t);
}

enum db_status srv_store_study_freeze(struct db *db, const struct srv_account *actor, const char *name,
                                      struct srv_study_change *change)
{
    struct work w;
    if (begin(&w, db, actor, name, 1u << STUDY_CLOSED, ANY_VERSION, change)) {
        db_run(&w.t, "UPDATE studies SET state = 'frozen', frozen_at = ? WHERE id = ?", "ti", w.now,
               w.found.id);
        change->state = STUDY_FROZEN;
        note(&w, "study.freeze", name);
    }
    return db_end(&w.t);
}

enum db_status srv_store_study_exported(struct db *db, int64_t study_id, const char *sha256)
{
    struct db_transaction t;
    db_begin_write(&t, db);
    db_run(&t,
           "UPDATE studies SET export_sha256 = ? WHERE id = ? AND state = 'frozen' AND export_sha256 IS NULL",
           "ti", sha256, study_id);
    return db_end(&t);
}
