#include "server/store/results/store_export.h"

#include <stdio.h>
#include <string.h>

#include "server/export/export_columns.h"
#include "server/secrets.h"

/* The item answered before this one, where days that are not asked for may have left it out; else the row
 * before tells it: to look for it took three quarters of the time of an export of long sessions. */
#define PREV_ITEM                                                                                            \
    "CASE WHEN ?2 IS NOT NULL OR ?3 IS NOT NULL THEN (SELECT p.item FROM answers p"                          \
    " WHERE p.session_id = a.session_id AND p.id < a.id ORDER BY p.id DESC LIMIT 1) END"
#define ONSET "round((julianday(a.received_at) - julianday(s.created_at)) * 86400 - a.response_ms / 1000, 3)"

/* As srv_export_columns has them, from the third on; the first two and the trial are counted while the rows
 * go by. CROSS JOIN keeps SQLite at the sessions in their order, so that it sorts one session at a time. What
 * a class is taken from is the basis of the truth. Behind an image of a library there is a drawn one, which
 * nobody saw. */
#define CELLS(prev_item)                                                                                     \
    "a.session_id, d.name, a.item, CASE i.source WHEN 'gan' THEN m.sha256 END,"                              \
    " coalesce(l.class, i.class),"                                                                           \
    " CASE i.source WHEN 'gan' THEN i.seed END, CASE i.source WHEN 'gan' THEN i.strength END,"               \
    " CASE i.source WHEN 'gan' THEN i.truncation END,"                                                       \
    " i.image_sha256, i.truth, a.choice, a.rating, a.correct, a.response_ms, a.received_at, " ONSET ","      \
    " a.response_ms / 1000, coalesce(k.training_data, m.training_data), s.server_version, v.version,"        \
    " CASE WHEN i.source = 'gan' THEN '" EXPORT_BASIS_CLASS "' WHEN k.training_data = 'simulated'"           \
    " THEN '" EXPORT_BASIS_PHANTOM "' ELSE '" EXPORT_BASIS_LABEL "' END,"                                    \
    " " prev_item ", i.prior_exposures"                                                                      \
    ", c.timed_out, c.blur_ms, c.viewer_actions, c.wl_centre, c.wl_width,"                                   \
    " c.zoom_max, c.viewport_px, c.dpr, c.input_type, c.ui_version, i.pair, a.at_item_ms, i.source, k.name," \
    " l.sha256, coalesce(v.definition ->> '$.order.rule', 'random'), i.schedule_state, s.draw_seed,"         \
    " a.first_attempt, s.simulated, CASE i.source WHEN 'gan' THEN i.device END, a.feedback_shown,"           \
    " coalesce(v.definition ->> '$.rating', 'confidence') = 'confidence'"
#define LOG_CELLS CELLS(PREV_ITEM)
#define STUDY_CELLS CELLS("''")
#define JOINS                                                                                                \
    " CROSS JOIN answers a ON a.session_id = s.id"                                                           \
    " CROSS JOIN items i ON i.session_id = a.session_id AND i.n = a.item"                                    \
    " JOIN deck_versions v ON v.id = s.deck_version_id JOIN decks d ON d.id = v.deck_id"                     \
    " JOIN session_models w ON w.session_id = i.session_id AND w.place = i.model"                            \
    " JOIN models m ON m.id = w.model_id"                                                                    \
    " LEFT JOIN library_images l ON l.id = i.library_image_id"                                               \
    " LEFT JOIN collections k ON k.id = l.collection_id"                                                     \
    " LEFT JOIN answer_context c ON c.answer_id = a.id"

/* What was answered in a study is the study's, which alone exports it, without sessions and dates. */
static const char select_rows[] =
    "SELECT '', '', " LOG_CELLS ", '', '', '', '', '', '' FROM sessions s" JOINS
    " WHERE (?1 IS NULL OR d.name = ?1) AND (?2 IS NULL OR substr(a.received_at, 1, 10) >= ?2)"
    " AND (?3 IS NULL OR substr(a.received_at, 1, 10) <= ?3) AND s.simulated = ?4"
    " AND NOT EXISTS (SELECT 1 FROM participant_sessions e WHERE e.session_id = s.id) ORDER BY s.id, a.id";

/* By the participants' codes, so that the order tells nothing of who came first. */
static const char select_study_rows[] =
    "SELECT '', q.code, " STUDY_CELLS
    ", y.name, q.arm, e.phase, '', CAST(julianday(a.received_at) - julianday(q.enrolled_at) AS INTEGER),"
    " q.stratum FROM participants q"
    " CROSS JOIN studies y ON y.id = q.study_id AND y.name = ?1"
    " CROSS JOIN participant_sessions e ON e.participant_id = q.id AND (?2 IS NULL OR e.phase = ?2)"
    " CROSS JOIN sessions s ON s.id = e.session_id" JOINS " WHERE q.simulated = ?3 ORDER BY q.code, a.id";

/* By the learner, whom consents have and answers do not: of whoever was made anonymous there is none. */
#define CONSENTS                                                                                             \
    "FROM study_participants k JOIN consents c ON c.learner_id = k.learner_id AND c.agreed"                  \
    " JOIN consent_texts x ON x.id = c.consent_text_id AND x.study_id = q.study_id"                          \
    " WHERE k.participant_id = q.id"
#define NOT_TAKEN_BACK                                                                                       \
    " AND NOT EXISTS (SELECT 1 FROM consents n WHERE n.learner_id = c.learner_id"                            \
    " AND n.consent_text_id = c.consent_text_id AND n.id > c.id)"

static const char select_people[] =
    "SELECT q.code, q.arm, q.stratum, q.ended_how,"
    " (SELECT count(*) FROM participant_sessions e WHERE e.participant_id = q.id"
    " AND e.finished_at IS NOT NULL),"
    " (SELECT min(x.version) " CONSENTS "),"
    " (SELECT max(x.version) " CONSENTS NOT_TAKEN_BACK "),"
    " (SELECT json_group_object(w.question, w.answer) FROM participant_answers w"
    " WHERE w.participant_id = q.id)"
    " FROM participants q JOIN studies y ON y.id = q.study_id"
    " WHERE y.name = ? AND q.simulated = ? ORDER BY q.code";

enum { PARTICIPANT_TEXT = 32 };

unsigned srv_export_published(const struct srv_export_filter *filter)
{
    if (!filter->study) return IN_PACKAGE;
    return filter->strata ? IN_STUDY | IN_STRATA : IN_STUDY;
}

void srv_export_begin(struct srv_export_log *log, struct db *db, const struct srv_export_filter *filter)
{
    *log = (struct srv_export_log){.filter = *filter};
    db_begin(&log->transaction, db);
}

enum db_status srv_export_end(struct srv_export_log *log)
{
    json_decref(log->study);
    log->study = NULL;
    return db_end(&log->transaction);
}

static bool deck_known(struct srv_export_log *log)
{
    struct db_rows *rows =
        db_query(&log->transaction, "SELECT 1 FROM decks WHERE name = ? LIMIT 1", "t", log->filter.deck);
    bool known = db_next(rows);
    db_finish(rows);
    return known;
}

json_t *srv_export_decks(struct srv_export_log *log)
{
    json_t *list = json_array();
    struct db_rows *rows = db_query(
        &log->transaction,
        "SELECT d.name, v.version, v.definition FROM study_decks w JOIN studies y ON y.id = w.study_id"
        " JOIN deck_versions v ON v.id = w.deck_version_id JOIN decks d ON d.id = v.deck_id"
        " WHERE y.name = ? ORDER BY d.name, v.version",
        "t", log->filter.study);
    while (db_next(rows))
        json_array_append_new(list, json_pack("{s:s,s:I,s:o*}", "deck", db_text(rows, 0), "version",
                                              db_int(rows, 1), "definition",
                                              json_loads(db_text(rows, 2), 0, NULL)));
    db_finish(rows);
    return list;
}

json_t *srv_export_consent_texts(struct srv_export_log *log)
{
    json_t *list = json_array();
    struct db_rows *rows =
        db_query(&log->transaction,
                 "SELECT x.version, x.sha256, x.text FROM consent_texts x JOIN studies y ON y.id = x.study_id"
                 " WHERE y.name = ? ORDER BY x.version",
                 "t", log->filter.study);
    while (db_next(rows))
        json_array_append_new(list, json_pack("{s:I,s:s,s:s}", "version", db_int(rows, 0), "sha256",
                                              db_text(rows, 1), "text", db_text(rows, 2)));
    db_finish(rows);
    return list;
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

static void read_study(struct srv_export_log *log)
{
    struct db_rows *rows =
        db_query(&log->transaction,
                 "SELECT v.definition FROM study_versions v JOIN studies y ON y.id = v.study_id"
                 " WHERE y.name = ? ORDER BY v.version DESC LIMIT 1",
                 "t", log->filter.study);
    if (db_next(rows)) log->study = json_loads(db_text(rows, 0), 0, NULL);
    db_finish(rows);
}

static bool phase_known(const struct srv_export_log *log)
{
    size_t i;
    const json_t *phase;
    json_array_foreach(json_object_get(log->study, "phases"), i, phase)
    {
        if (!strcmp(json_string_value(json_object_get(phase, "id")), log->filter.phase)) return true;
    }
    return false;
}

const char *srv_export_unknown(struct srv_export_log *log)
{
    if (log->filter.deck && !deck_known(log)) return "deck";
    if (!log->filter.study) return NULL;
    read_study(log);
    if (!log->study) return "study";
    return log->filter.phase && !phase_known(log) ? "phase" : NULL;
}

void srv_export_people_begin(struct srv_export_people *people, struct srv_export_log *log)
{
    *people = (struct srv_export_people){.rows = db_query(&log->transaction, select_people, "ti",
                                                          log->filter.study, (int64_t)log->filter.simulated)};
}

bool srv_export_people_next(struct srv_export_people *people)
{
    struct srv_export_person *person = &people->person;
    struct db_rows *rows = people->rows;
    if (!db_next(rows)) return false;
    json_decref(person->answers);
    db_copy(rows, 0, person->code, sizeof person->code);
    db_copy(rows, 1, person->arm, sizeof person->arm);
    db_copy(rows, 2, person->stratum, sizeof person->stratum);
    db_copy(rows, 3, person->ended_how, sizeof person->ended_how);
    person->phases_finished = (int)db_int(rows, 4);
    db_copy(rows, 5, person->consent_first, sizeof person->consent_first);
    db_copy(rows, 6, person->consent_latest, sizeof person->consent_latest);
    person->answers = json_loads(db_text(rows, 7), 0, NULL);
    return true;
}

void srv_export_people_end(struct srv_export_people *people)
{
    db_finish(people->rows);
    json_decref(people->person.answers);
}

static struct db_rows *query(struct srv_export_log *log)
{
    const struct srv_export_filter *filter = &log->filter;
    if (filter->study)
        return db_query(&log->transaction, select_study_rows, "tti", filter->study, filter->phase,
                        (int64_t)filter->simulated);
    return db_query(&log->transaction, select_rows, "ttti", filter->deck, filter->from, filter->to,
                    (int64_t)filter->simulated);
}

/* What the rows do not say themselves: counted while they go by. */
struct counted {
    char session[SRV_ID_TEXT], participant[PARTICIPANT_TEXT], row_id[24], trial[24];
    char item[24], prev_item[24];
    long long rows, sessions, trials;
};

static void count_row(const struct srv_export_log *log, struct counted *c, const char **cells)
{
    if (strcmp(c->session, cells[EXPORT_SESSION])) {
        snprintf(c->session, sizeof c->session, "%s", cells[EXPORT_SESSION]);
        c->sessions++;
        c->trials = 0;
        *c->item = '\0';
    }
    if (!log->filter.from && !log->filter.to) {
        snprintf(c->prev_item, sizeof c->prev_item, "%s", c->item);
        cells[EXPORT_PREV_ITEM] = c->prev_item;
    }
    snprintf(c->item, sizeof c->item, "%s", cells[EXPORT_ITEM]);
    if (log->filter.study) {
        snprintf(c->participant, PARTICIPANT_TEXT, "%s%s", log->bids ? "sub-" : "",
                 cells[EXPORT_PARTICIPANT]);
        snprintf(c->trial, sizeof c->trial, "%lld", ++c->trials);
        cells[EXPORT_TRIAL] = c->trial;
    } else {
        snprintf(c->participant, PARTICIPANT_TEXT, "sub-%04lld", c->sessions);
    }
    snprintf(c->row_id, sizeof c->row_id, "%lld", ++c->rows);
    cells[EXPORT_ROW_ID] = c->row_id;
    cells[EXPORT_PARTICIPANT] = c->participant;
}

bool srv_export_each(struct srv_export_log *log, srv_export_row *row, void *context)
{
    const char *cells[EXPORT_COLUMNS];
    struct counted counted = {0};
    bool wanted = true;
    struct db_rows *rows = query(log);
    while (wanted && db_next(rows)) {
        for (int i = 0; i < EXPORT_COLUMNS; i++) cells[i] = db_text(rows, i);
        count_row(log, &counted, cells);
        wanted = row(context, cells) && !(log->stop && atomic_load(log->stop));
    }
    db_finish(rows);
    return wanted && log->transaction.status == DB_OK;
}
