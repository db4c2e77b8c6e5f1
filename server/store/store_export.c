#include "server/store/store_export.h"

#include <stdio.h>
#include <string.h>

#include "server/export/export_columns.h"
#include "server/secrets.h"

/* The item answered before this one, and how often the same picture was answered before in the session. */
#define PREV_ITEM                                                                                            \
    "(SELECT p.item FROM answers p WHERE p.session_id = a.session_id AND p.id < a.id ORDER BY p.id DESC "    \
    "LIMIT 1)"
#define PRIOR_EXPOSURES                                                                                      \
    "(SELECT count(*) FROM answers p JOIN items j ON j.session_id = p.session_id AND j.n = p.item"           \
    " WHERE p.session_id = a.session_id AND p.id < a.id AND CASE i.source WHEN 'library'"                    \
    " THEN j.library_image_id = i.library_image_id"                                                          \
    " ELSE j.source = 'gan' AND j.class = i.class AND j.seed = i.seed END)"
#define ONSET "round((julianday(a.received_at) - julianday(s.created_at)) * 86400 - a.response_ms / 1000, 3)"

/* As srv_export_columns has them; the first two are counted while the rows go by. CROSS JOIN keeps SQLite at
 * the sessions in their order, so that it sorts one session at a time. What a class is taken from is the
 * basis of the truth. Behind an image of a library there is a drawn one, which nobody saw. */
static const char select_rows[] =
    "SELECT '', '', a.session_id, d.name, a.item, CASE i.source WHEN 'gan' THEN m.sha256 END,"
    " coalesce(l.class, i.class),"
    " CASE i.source WHEN 'gan' THEN i.seed END, CASE i.source WHEN 'gan' THEN i.strength END,"
    " CASE i.source WHEN 'gan' THEN i.truncation END,"
    " i.image_sha256, i.truth, a.choice, a.rating, a.correct, a.response_ms, a.received_at, " ONSET ","
    " a.response_ms / 1000, coalesce(k.training_data, m.training_data), s.server_version, v.version,"
    " CASE WHEN i.source = 'gan' THEN 'class given to the generator' WHEN k.training_data = 'simulated'"
    " THEN 'the phantom, by the label of its data set' ELSE 'label of the data set' END,"
    " " PREV_ITEM ", " PRIOR_EXPOSURES ", c.timed_out, c.blur_ms, c.viewer_actions, c.wl_centre, c.wl_width,"
    " c.zoom_max, c.viewport_px, c.dpr, c.input_type, c.ui_version, i.pair, a.at_item_ms, i.source, k.name,"
    " l.sha256"
    " FROM sessions s CROSS JOIN answers a ON a.session_id = s.id"
    " CROSS JOIN items i ON i.session_id = a.session_id AND i.n = a.item"
    " JOIN deck_versions v ON v.id = s.deck_version_id JOIN decks d ON d.id = v.deck_id"
    " JOIN session_models w ON w.session_id = i.session_id AND w.place = i.model"
    " JOIN models m ON m.id = w.model_id"
    " LEFT JOIN library_images l ON l.id = i.library_image_id"
    " LEFT JOIN collections k ON k.id = l.collection_id"
    " LEFT JOIN answer_context c ON c.answer_id = a.id"
    " WHERE (?1 IS NULL OR d.name = ?1) AND (?2 IS NULL OR substr(a.received_at, 1, 10) >= ?2)"
    " AND (?3 IS NULL OR substr(a.received_at, 1, 10) <= ?3) ORDER BY s.id, a.id";

void srv_export_begin(struct srv_export_log *log, struct db *db, const struct srv_export_filter *filter)
{
    log->filter = *filter;
    db_begin(&log->transaction, db);
}

enum db_status srv_export_end(struct srv_export_log *log)
{
    return db_end(&log->transaction);
}

bool srv_export_deck_known(struct srv_export_log *log)
{
    if (!log->filter.deck) return true;
    struct db_rows *rows =
        db_query(&log->transaction, "SELECT 1 FROM decks WHERE name = ? LIMIT 1", "t", log->filter.deck);
    bool known = db_next(rows);
    db_finish(rows);
    return known;
}

void srv_export_question(struct srv_export_log *log, const char *deck, const char *version,
                         char question[DECK_SENTENCE_TEXT])
{
    struct db_rows *rows =
        db_query(&log->transaction,
                 "SELECT v.definition ->> 'question' FROM deck_versions v JOIN decks d ON d.id = v.deck_id"
                 " WHERE d.name = ? AND v.version = CAST(? AS INTEGER)",
                 "tt", deck, version);
    snprintf(question, DECK_SENTENCE_TEXT, "%s", db_next(rows) ? db_text(rows, 0) : "");
    db_finish(rows);
}

bool srv_export_each(struct srv_export_log *log, srv_export_row *row, void *context)
{
    long long number = 0, participants = 0;
    char session[SRV_ID_TEXT] = "", row_id[24], participant_id[32] = "";
    const char *cells[EXPORT_COLUMNS];
    bool wanted = true;
    struct db_rows *rows =
        db_query(&log->transaction, select_rows, "ttt", log->filter.deck, log->filter.from, log->filter.to);
    while (wanted && db_next(rows)) {
        for (int i = 0; i < EXPORT_COLUMNS; i++) cells[i] = db_text(rows, i);
        if (strcmp(session, cells[EXPORT_SESSION])) {
            snprintf(session, sizeof session, "%s", cells[EXPORT_SESSION]);
            snprintf(participant_id, sizeof participant_id, "sub-%04lld", ++participants);
        }
        snprintf(row_id, sizeof row_id, "%lld", ++number);
        cells[EXPORT_ROW_ID] = row_id;
        cells[EXPORT_PARTICIPANT] = participant_id;
        wanted = row(context, cells);
    }
    db_finish(rows);
    return wanted && log->transaction.status == DB_OK;
}
