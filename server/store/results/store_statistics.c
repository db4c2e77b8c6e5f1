#include "server/store/results/store_statistics.h"

#include "server/store/results/readings_rows.h"

/* Whether anybody practised; answers of a study are the study's. `whose` is 1 for simulated learners, 0 for
 * people. */
#define PRACTISED(whose)                                                                                     \
    "EXISTS (SELECT 1 FROM sessions s JOIN answers a ON a.session_id = s.id WHERE s.deck_version_id = v.id"  \
    " AND s.simulated = " whose                                                                              \
    " AND NOT EXISTS (SELECT 1 FROM participant_sessions p WHERE p.session_id = s.id))"

/* The newest version that has answers, else the newest. */
static const char find_version[] =
    "SELECT v.id, v.version FROM deck_versions v JOIN decks d ON d.id = v.deck_id"
    " WHERE d.name = ?1 AND (?2 = 0 OR v.version = ?2) ORDER BY " PRACTISED(
        "?3") " DESC, v.version DESC LIMIT 1";

static const char list_versions[] =
    "SELECT v.version FROM deck_versions v JOIN decks d ON d.id = v.deck_id WHERE d.name = ?1 AND " PRACTISED(
        "?2") " ORDER BY v.version DESC";

/* A learner is one reader in all sessions; who keeps no code is a new one in each. */
static const char practice_rows[] =
    "SELECT coalesce('l' || k.learner_id, s.id) AS reader, " READINGS_CELLS
    " FROM sessions s CROSS JOIN answers a ON a.session_id = s.id"
    " CROSS JOIN items i ON i.session_id = a.session_id AND i.n = a.item"
    " LEFT JOIN session_learners k ON k.session_id = s.id WHERE s.deck_version_id = ?1"
    " AND a.first_attempt AND s.simulated = ?2"
    " AND NOT EXISTS (SELECT 1 FROM participant_sessions p WHERE p.session_id = s.id)"
    " ORDER BY reader, a.id";

enum db_status srv_store_deck_practice(struct db *db, const char *deck, struct srv_deck_practice *practice)
{
    struct db_transaction t;
    int64_t id = 0, wanted = practice->version, whose = practice->simulated;
    *practice = (struct srv_deck_practice){.simulated = whose, .versions = json_array()};
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t, find_version, "tii", deck, wanted, whose);
    if (db_next(rows)) id = db_int(rows, 0), practice->version = (int)db_int(rows, 1);
    db_finish(rows);
    rows = db_query(&t, list_versions, "ti", deck, whose);
    while (db_next(rows)) json_array_append_new(practice->versions, json_integer(db_int(rows, 0)));
    db_finish(rows);
    if (id) srv_readings_take(db_query(&t, practice_rows, "ii", id, whose), &practice->readings);
    return db_end(&t);
}

/* A session at its end has no item without an answer. */
static const char learner_rows[] =
    "SELECT 'learner', " READINGS_CELLS
    " FROM session_learners k CROSS JOIN sessions s ON s.id = k.session_id"
    " JOIN deck_versions v ON v.id = s.deck_version_id JOIN decks d ON d.id = v.deck_id AND d.name = ?2"
    " CROSS JOIN answers a ON a.session_id = s.id CROSS JOIN items i ON i.session_id = a.session_id AND i.n "
    "= a.item"
    " WHERE k.learner_id = ?1 AND a.first_attempt"
    " AND NOT EXISTS (SELECT 1 FROM participant_sessions p WHERE p.session_id = s.id)"
    " AND (v.definition ->> '$.feedback' <> 'none' OR NOT EXISTS (SELECT 1 FROM items j WHERE j.session_id = "
    "s.id"
    " AND NOT EXISTS (SELECT 1 FROM answers b WHERE b.session_id = s.id AND b.item = j.n))) ORDER BY a.id";

enum db_status srv_store_learner_practice(struct db *db, int64_t learner_id, const char *deck,
                                          struct srv_readings *readings)
{
    struct db_transaction t;
    *readings = (struct srv_readings){0};
    db_begin(&t, db);
    srv_readings_take(db_query(&t, learner_rows, "it", learner_id, deck), readings);
    return db_end(&t);
}
