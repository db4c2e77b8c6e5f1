#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "server/log.h"
#include "server/store/decks/store_decks.h"
#include "server/store/decks/store_library.h"
#include "server/store/sessions/store_items.h"
#include "server/store/studies/store_participants.h"

/* ---- creating ---- */

static int64_t first_id(struct db_transaction *t, struct db_rows *rows)
{
    int64_t id = 0;
    if (db_next(rows))
        id = db_int(rows, 0);
    else
        db_abandon(t, DB_FAILED);
    db_finish(rows);
    return id;
}

static int64_t model_id(struct db_transaction *t, const struct nn_model_info *model, const char *now)
{
    db_run(t,
           "INSERT INTO models (sha256, name, resolution, training_data, provenance, first_used_at)"
           " VALUES (?,?,?,?,?,?) ON CONFLICT (sha256) DO NOTHING",
           "ttittt", model->sha256, model->name, (int64_t)model->resolution,
           model->simulated ? "simulated" : "real", model->provenance, now);
    return first_id(t, db_query(t, "SELECT id FROM models WHERE sha256 = ?", "t", model->sha256));
}

/* What is in the table is the image of a session that nobody has begun, or all of its images. */
static void add_items(struct db_transaction *t, const struct srv_store_session *session,
                      const struct srv_session_item *items)
{
    if (srv_deck_stepwise(&session->deck)) {
        if (!srv_store_item_decide(t, session, NULL, 0)) db_abandon(t, DB_FAILED);
        return;
    }
    for (int i = 0; i < session->deck.items; i++) srv_store_item_add(t, session, i + 1, &items[i], "");
}

/* The conditions may have changed since the session was asked for. */
static void join_study(struct db_transaction *t, const struct srv_store_session *session)
{
    const struct srv_session_study *study = &session->study;
    struct db_rows *rows = db_query(
        t,
        "INSERT INTO participant_sessions (session_id, participant_id, phase, tests, closes_at)"
        " SELECT ?, p.id, ?, ?, nullif(?, '') FROM participants p JOIN studies s ON s.id = p.study_id"
        " WHERE p.id = ? AND p.ended_at IS NULL AND s.state <> 'frozen' RETURNING 1",
        "ttiti", session->id, study->phase, (int64_t)study->tests, study->closes_at, study->participant_id);
    if (!db_next(rows)) db_abandon(t, DB_CONFLICT);
    db_finish(rows);
}

/* Images are chosen in the transaction that keeps them, so that of two sessions of one learner that start at
 * once neither shows what the other does. */
static const struct srv_drawn_item *give_images(struct db_transaction *t,
                                                const struct srv_store_session *session,
                                                const struct srv_checked_list *checked,
                                                struct srv_session_item *items, int count)
{
    const struct srv_deck *deck = &session->deck;
    const struct srv_session_study *study = &session->study;
    const struct srv_library_asker asker = {.learner_id = deck->fixed ? 0 : session->learner_id,
                                            .shown_again = study->participant_id,
                                            .checked = checked};
    if (study->tests) return srv_store_study_give(t, study->study_id, session->deck_version_id, items, count);
    return srv_store_library_give(t, &asker, deck, items, count);
}

static void add(struct db_transaction *t, const struct srv_store_session *session,
                const struct srv_session_item *items, const struct nn_model_info *models)
{
    char key[24];
    snprintf(key, sizeof key, "%" PRIu64, session->key);
    db_run(t, "UPDATE deck_versions SET first_used_at = ? WHERE id = ? AND first_used_at IS NULL", "ti",
           session->created_at, session->deck_version_id);
    db_run(t,
           "INSERT INTO sessions (id, secret_sha256, deck_version_id, server_version, created_at, draw_seed,"
           " simulated) VALUES (?,?,?,?,?,?, EXISTS (SELECT 1 FROM learners WHERE id = ? AND simulated))",
           "ttittti", session->id, session->secret_sha256, session->deck_version_id, ROENTGYM_VERSION,
           session->created_at, key, session->learner_id);
    for (int i = 0; i < session->deck.model_count; i++)
        db_run(t, "INSERT INTO session_models (session_id, place, model_id) VALUES (?,?,?)", "tii",
               session->id, (int64_t)i, model_id(t, &models[i], session->created_at));
    if (session->learner_id || session->class_id)
        db_run(t,
               "INSERT INTO session_learners (session_id, learner_id, class_id)"
               " VALUES (?, nullif(?, 0), nullif(?, 0))",
               "tii", session->id, session->learner_id, session->class_id);
    if (session->study.participant_id) join_study(t, session);
    add_items(t, session, items);
}

enum db_status srv_store_session_create(struct db *db, const struct srv_store_session *session,
                                        const struct srv_checked_list *checked,
                                        struct srv_session_item *items, int count,
                                        const struct nn_model_info *models,
                                        const struct srv_drawn_item **lacking)
{
    struct db_transaction t;
    db_begin_write(&t, db);
    *lacking = give_images(&t, session, checked, items, count);
    if (!*lacking) add(&t, session, items, models);
    return db_end(&t);
}

/* ---- finding ---- */

static void read_study(struct db_transaction *t, struct srv_store_session *session)
{
    struct srv_session_study *study = &session->study;
    struct db_rows *rows =
        db_query(t,
                 "SELECT k.participant_id, s.name, (SELECT definition ->> '$.title'"
                 " FROM study_versions WHERE study_id = s.id ORDER BY version DESC LIMIT 1),"
                 " k.phase, k.tests, k.closes_at FROM participant_sessions k"
                 " JOIN participants p ON p.id = k.participant_id"
                 " JOIN studies s ON s.id = p.study_id WHERE k.session_id = ?",
                 "t", session->id);
    if (db_next(rows)) {
        study->participant_id = db_int(rows, 0);
        db_copy(rows, 1, study->study, sizeof study->study);
        db_copy(rows, 2, study->title, sizeof study->title);
        db_copy(rows, 3, study->phase, sizeof study->phase);
        study->tests = db_int(rows, 4);
        db_copy(rows, 5, study->closes_at, sizeof study->closes_at);
    }
    db_finish(rows);
}

static void read_answered(struct db_transaction *t, struct srv_store_session *session)
{
    struct db_rows *rows = db_query(t, "SELECT item FROM answers WHERE session_id = ?", "t", session->id);
    while (db_next(rows)) {
        int64_t item = db_int(rows, 0);
        if (item < 1 || item > DECK_ITEMS_MAX) continue;
        session->answered[item - 1] = true;
        session->answered_count++;
    }
    db_finish(rows);
}

static int read_models(struct db_transaction *t, const char *session_id,
                       struct srv_store_model models[DECK_SOURCES_MAX])
{
    int count = 0;
    struct db_rows *rows =
        db_query(t,
                 "SELECT m.name, m.sha256, m.training_data = 'simulated' FROM session_models s"
                 " JOIN models m ON m.id = s.model_id WHERE s.session_id = ? ORDER BY s.place",
                 "t", session_id);
    for (; count < DECK_SOURCES_MAX && db_next(rows); count++) {
        db_copy(rows, 0, models[count].name, sizeof models->name);
        db_copy(rows, 1, models[count].sha256, sizeof models->sha256);
        models[count].simulated = db_int(rows, 2);
    }
    db_finish(rows);
    return count;
}

enum db_status srv_store_session_find(struct db *db, const char *id, struct srv_store_session *session,
                                      bool *found)
{
    struct db_transaction t;
    *session = (struct srv_store_session){0};
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t,
                 "SELECT s.id, s.secret_sha256, s.created_at, v.definition, v.id, s.draw_seed"
                 " FROM sessions s JOIN deck_versions v ON v.id = s.deck_version_id WHERE s.id = ?",
                 "t", id);
    *found = db_next(rows);
    if (*found) {
        db_copy(rows, 0, session->id, sizeof session->id);
        db_copy(rows, 1, session->secret_sha256, sizeof session->secret_sha256);
        db_copy(rows, 2, session->created_at, sizeof session->created_at);
        session->deck_version_id = db_int(rows, 4);
        session->key = strtoull(db_text(rows, 5), NULL, 10);
        if (!srv_store_deck_parse(db_text(rows, 3), &session->deck)) db_abandon(&t, DB_FAILED);
    }
    db_finish(rows);
    if (*found) {
        session->model_count = read_models(&t, session->id, session->models);
        session->item_count =
            srv_deck_stepwise(&session->deck) ? srv_store_item_count(&t, session->id) : session->deck.items;
        read_answered(&t, session);
        read_study(&t, session);
    }
    return db_end(&t);
}

/* A session's items are looked through only where something was ever removed. SQLite works out both sides of
 * an AND that is a value. */
#define GONE                                                                                                 \
    "CASE WHEN EXISTS (SELECT 1 FROM collections WHERE removed_at IS NOT NULL) THEN"                         \
    " EXISTS (SELECT 1 FROM items r JOIN library_images x ON x.id = r.library_image_id"                      \
    " JOIN collections g ON g.id = x.collection_id WHERE r.session_id = i.session_id"                        \
    " AND g.removed_at IS NOT NULL"                                                                          \
    " AND (r.n = i.n OR (r.image_sha256 IS NULL AND i.image_sha256 IS NULL))) END"
/* What a study tests with: also in sessions that began before it was opened. Those of a study keep what they
 * were drawn, as their participants could not begin another; those of its own show none of its tests'. */
#define RESERVED                                                                                             \
    "(EXISTS (SELECT 1 FROM reserved_pictures r WHERE r.sha256 = l.sha256)"                                  \
    " AND NOT EXISTS (SELECT 1 FROM participant_sessions p WHERE p.session_id = i.session_id))"

#define TWIN                                                                                                 \
    "EXISTS (SELECT 1 FROM items o WHERE o.session_id = i.session_id AND o.seed = i.seed AND o.n <> i.n"     \
    " AND NOT EXISTS (SELECT 1 FROM answers b WHERE b.session_id = o.session_id AND b.item = o.n))"

/* Images of a checked list come back in other sessions, those of a class the sooner the fewer it has: found
 * made by then, they would be sent faster. Where all sessions show the same images none is special. */
#define APART                                                                                                \
    "(SELECT v.definition ->> '$.draw.mode' = 'fresh' AND EXISTS (SELECT 1 FROM json_each(v.definition,"     \
    " '$.sources') d WHERE d.value ->> '$.checked') FROM sessions s JOIN deck_versions v"                    \
    " ON v.id = s.deck_version_id WHERE s.id = i.session_id)"

#define ITEM_COLUMNS                                                                                         \
    "SELECT i.session_id, i.n, i.image, i.class, i.seed, i.strength, i.truncation,"                          \
    " i.image_sha256 IS NOT NULL, i.model, i.truth, c.folder, l.sha256, l.width,"                            \
    " EXISTS (SELECT 1 FROM collections), l.mask_sha256, " GONE ","                                          \
    " (SELECT a.correct FROM answers a WHERE a.session_id = i.session_id AND a.item = i.n),"                 \
    " l.middle_x IS NOT NULL, l.middle_x, l.middle_y, " RESERVED ", " TWIN ", " APART " FROM items i"        \
    " LEFT JOIN library_images l ON l.id = i.library_image_id"                                               \
    " LEFT JOIN collections c ON c.id = l.collection_id "

/* Takes the rows. */
static bool read_item(struct db_transaction *t, struct db_rows *rows, struct srv_store_item *item)
{
    bool found = db_next(rows);
    *item = (struct srv_store_item){0};
    if (found) {
        db_copy(rows, 0, item->session_id, sizeof item->session_id);
        item->n = (int)db_int(rows, 1);
        db_copy(rows, 2, item->image, sizeof item->image);
        db_copy(rows, 3, item->class_name, sizeof item->class_name);
        item->seed = strtoull(db_text(rows, 4), NULL, 10);
        item->strength = db_real(rows, 5);
        item->truncation = db_real(rows, 6);
        item->sent = db_int(rows, 7);
        item->model = (int)db_int(rows, 8);
        db_copy(rows, 9, item->truth, sizeof item->truth);
        db_copy(rows, 10, item->library.folder, sizeof item->library.folder);
        db_copy(rows, 11, item->library.sha256, sizeof item->library.sha256);
        item->library.width = (int)db_int(rows, 12);
        item->held = db_int(rows, 13);
        item->mask = item->library;
        db_copy(rows, 14, item->mask.sha256, sizeof item->mask.sha256);
        item->gone = db_int(rows, 15);
        item->correct = db_int(rows, 16);
        item->has_middle = db_int(rows, 17);
        item->middle_x = db_real(rows, 18);
        item->middle_y = db_real(rows, 19);
        item->reserved = db_int(rows, 20);
        item->twin = db_int(rows, 21);
        if (db_int(rows, 22)) sscanf(item->image, "%16" SCNx64, &item->apart);
    }
    db_finish(rows);
    if (found) item->model_count = read_models(t, item->session_id, item->models);
    return found;
}

enum db_status srv_store_item_find(struct db *db, const char *session_id, int n, struct srv_store_item *item,
                                   bool *found)
{
    struct db_transaction t;
    db_begin(&t, db);
    *found = read_item(
        &t, db_query(&t, ITEM_COLUMNS "WHERE i.session_id = ? AND i.n = ?", "ti", session_id, (int64_t)n),
        item);
    return db_end(&t);
}

enum db_status srv_store_image_find(struct db *db, const char *image, struct srv_store_item *item,
                                    bool *found)
{
    struct db_transaction t;
    db_begin(&t, db);
    *found = read_item(&t, db_query(&t, ITEM_COLUMNS "WHERE i.image = ?", "t", image), item);
    return db_end(&t);
}

enum db_status srv_store_image_sent(struct db *db, const struct srv_store_item *item, const char *sha256,
                                    const char *device)
{
    struct db_transaction t;
    db_begin_write(&t, db);
    db_run(&t,
           "UPDATE items SET image_sha256 = ?, device = ?, prior_exposures = ? WHERE session_id = ? AND n = "
           "? AND image_sha256 IS NULL"
           " AND NOT EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id = items.session_id)",
           "ttiti", sha256, device, srv_store_showings(&t, item->session_id, item->n).sent, item->session_id,
           (int64_t)item->n);
    return db_end(&t);
}
