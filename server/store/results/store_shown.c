#include "server/store/results/store_shown.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Ids are lower-case hex digits: none sorts behind "g". */
struct srv_shown_range srv_shown_all(void)
{
    return (struct srv_shown_range){.last_session = "g"};
}

enum db_status srv_store_shown_session(struct db *db, const char *session_id, struct srv_shown_range *range,
                                       bool *found)
{
    struct db_transaction t;
    *range = (struct srv_shown_range){.last_n = INT_MAX};
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t, "SELECT id FROM sessions WHERE id = ?", "t", session_id);
    *found = db_next(rows);
    if (*found) {
        db_copy(rows, 0, range->after_session, sizeof range->after_session);
        db_copy(rows, 0, range->last_session, sizeof range->last_session);
    }
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_shown_image(struct db *db, const char *image, struct srv_shown_range *range,
                                     bool *found)
{
    struct db_transaction t;
    *range = (struct srv_shown_range){0};
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t, "SELECT session_id, n FROM items WHERE image = ?", "t", image);
    *found = db_next(rows);
    if (*found) {
        db_copy(rows, 0, range->after_session, sizeof range->after_session);
        db_copy(rows, 0, range->last_session, sizeof range->last_session);
        range->last_n = (int)db_int(rows, 1);
        range->after_n = range->last_n - 1;
    }
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_shown_model(struct db *db, const struct srv_shown_range *range,
                                     struct srv_shown_model *model, bool *found)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t,
                 "SELECT m.id, m.sha256, m.name FROM models m WHERE m.id > ?1 AND EXISTS (SELECT 1 FROM"
                 " session_models k JOIN items i ON i.session_id = k.session_id AND i.model = k.place"
                 " WHERE k.model_id = m.id AND k.session_id BETWEEN ?2 AND ?4"
                 " AND (k.session_id, i.n) > (?2, ?3) AND (k.session_id, i.n) <= (?4, ?5))"
                 " ORDER BY m.id LIMIT 1",
                 "ititi", model->id, range->after_session, (int64_t)range->after_n, range->last_session,
                 (int64_t)range->last_n);
    *found = db_next(rows);
    if (*found) {
        model->id = db_int(rows, 0);
        db_copy(rows, 1, model->sha256, sizeof model->sha256);
        db_copy(rows, 2, model->name, sizeof model->name);
    }
    db_finish(rows);
    return db_end(&t);
}

static void read_shown(struct db_rows *rows, struct srv_shown *shown)
{
    db_copy(rows, 0, shown->session_id, sizeof shown->session_id);
    shown->n = (int)db_int(rows, 1);
    db_copy(rows, 2, shown->image, sizeof shown->image);
    db_copy(rows, 3, shown->class_name, sizeof shown->class_name);
    shown->seed = strtoull(db_text(rows, 4), NULL, 10);
    shown->strength = db_real(rows, 5);
    shown->truncation = db_real(rows, 6);
    db_copy(rows, 7, shown->sha256, sizeof shown->sha256);
    db_copy(rows, 8, shown->server_version, sizeof shown->server_version);
    db_copy(rows, 9, shown->library.folder, sizeof shown->library.folder);
    db_copy(rows, 10, shown->library.sha256, sizeof shown->library.sha256);
    shown->library.width = (int)db_int(rows, 11);
    db_copy(rows, 12, shown->device, sizeof shown->device);
}

/* BETWEEN on the session alone lets SQLite start where the range does; the pairs are exact. */
enum db_status srv_store_shown(struct db *db, const struct srv_shown_range *range, int64_t model_id,
                               struct srv_shown *shown, int max, int *count)
{
    struct db_transaction t;
    *count = 0;
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t,
                 "SELECT s.id, i.n, i.image, i.class, i.seed, i.strength, i.truncation, i.image_sha256,"
                 " s.server_version, c.folder, l.sha256, l.width, i.device"
                 " FROM session_models k JOIN sessions s ON s.id = k.session_id"
                 " JOIN items i ON i.session_id = k.session_id AND i.model = k.place"
                 " LEFT JOIN library_images l ON l.id = i.library_image_id"
                 " LEFT JOIN collections c ON c.id = l.collection_id"
                 " WHERE k.model_id = ?1 AND k.session_id BETWEEN ?2 AND ?4"
                 " AND (s.id, i.n) > (?2, ?3) AND (s.id, i.n) <= (?4, ?5) ORDER BY s.id, i.n LIMIT ?6",
                 "ititii", model_id, range->after_session, (int64_t)range->after_n, range->last_session,
                 (int64_t)range->last_n, (int64_t)max);
    while (*count < max && db_next(rows)) read_shown(rows, &shown[(*count)++]);
    db_finish(rows);
    return db_end(&t);
}
