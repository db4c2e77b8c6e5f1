/* What sessions of a study need besides what all sessions do. */
#include <string.h>

#include "server/store/studies/store_participants.h"

/* The images of a list may come in another order for each, and are known by their files. */
const struct srv_drawn_item *srv_store_study_give(struct db_transaction *t, int64_t study_id,
                                                  int64_t deck_version_id, struct srv_session_item *items,
                                                  int count)
{
    struct db_rows *rows = db_query(
        t,
        "SELECT k.n, k.library_image_id, i.file, c.name FROM study_test_items k"
        " JOIN library_images i ON i.id = k.library_image_id"
        " JOIN collections c ON c.id = i.collection_id WHERE k.study_id = ? AND k.deck_version_id = ?",
        "ii", study_id, deck_version_id);
    while (db_next(rows))
        for (int i = 0; i < count; i++) {
            const struct srv_drawn_item *drawn = &items[i].drawn;
            bool is = drawn->file ? !strcmp(drawn->file, db_text(rows, 2)) &&
                                        !strcmp(drawn->source->collection, db_text(rows, 3))
                                  : db_int(rows, 0) == i + 1;
            if (is) items[i].library_image = db_int(rows, 1);
        }
    db_finish(rows);
    for (int i = 0; i < count; i++)
        if (!items[i].library_image) return &items[i].drawn;
    return NULL;
}

enum db_status srv_store_session_secret(struct db *db, const char *session_id, const char *secret_sha256,
                                        bool *done)
{
    struct db_transaction t;
    db_begin_write(&t, db);
    struct db_rows *rows =
        db_query(&t,
                 "UPDATE sessions SET secret_sha256 = ? WHERE id = ? AND EXISTS (SELECT 1"
                 " FROM participant_sessions k JOIN participants p ON p.id = k.participant_id"
                 " JOIN studies s ON s.id = p.study_id WHERE k.session_id = sessions.id"
                 " AND p.ended_at IS NULL AND s.state <> 'frozen') RETURNING 1",
                 "tt", secret_sha256, session_id);
    *done = db_next(rows);
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_phase_close(struct db *db, const char *session_id)
{
    struct db_transaction t;
    char now[SRV_TIME_TEXT];
    srv_clock_format(srv_clock_utc_ms(), now);
    db_begin_write(&t, db);
    db_run(&t,
           "UPDATE participant_sessions SET closes_at = ?1 WHERE session_id = ?2 AND finished_at IS NULL"
           " AND (closes_at IS NULL OR closes_at > ?1)"
           " AND NOT EXISTS (SELECT 1 FROM frozen_sessions f WHERE f.id = session_id)",
           "tt", now, session_id);
    return db_end(&t);
}
