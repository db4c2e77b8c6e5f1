#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/store/sessions/store_items.h"

#define ANSWER_COLUMNS                                                                                       \
    "a.id, a.key, a.item, a.choice, a.confidence, a.rating, a.correct, a.response_ms, a.received_at"

static void read_answer(struct db_rows *rows, struct srv_store_answer *answer)
{
    answer->id = db_int(rows, 0);
    snprintf(answer->key, sizeof answer->key, "%s", db_text(rows, 1));
    answer->item = (int)db_int(rows, 2);
    snprintf(answer->choice, sizeof answer->choice, "%s", db_text(rows, 3));
    answer->confidence = (int)db_int(rows, 4);
    answer->rating = (int)db_int(rows, 5);
    answer->correct = db_int(rows, 6);
    answer->response_ms = db_real(rows, 7);
    snprintf(answer->received_at, sizeof answer->received_at, "%s", db_text(rows, 8));
}

/* ---- adding ---- */

static bool same_content(const struct srv_store_answer *a, const struct srv_store_answer *b)
{
    return a->item == b->item && a->confidence == b->confidence && a->response_ms == b->response_ms &&
           !strcmp(a->choice, b->choice);
}

static bool find_key(struct db_transaction *t, const char *session_id, const char *key,
                     struct srv_store_answer *found)
{
    struct db_rows *rows =
        db_query(t, "SELECT " ANSWER_COLUMNS " FROM answers a WHERE a.session_id = ? AND a.key = ?", "tt",
                 session_id, key);
    bool any = db_next(rows);
    if (any) read_answer(rows, found);
    db_finish(rows);
    return any;
}

static bool item_taken(struct db_transaction *t, const char *session_id, int item)
{
    struct db_rows *rows = db_query(t, "SELECT 1 FROM answers WHERE session_id = ? AND item = ?", "ti",
                                    session_id, (int64_t)item);
    bool any = db_next(rows);
    db_finish(rows);
    return any;
}

/* What a model draws afresh was never seen. */
static bool is_first(struct db_transaction *t, const struct srv_store_session *session, int item)
{
    const struct srv_deck *deck = &session->deck;
    bool fresh = !deck->fixed && deck->list_count == 0;
    for (int i = 0; i < deck->source_count; i++)
        fresh = fresh && !*deck->sources[i].collection && !deck->sources[i].checked;
    return fresh || srv_store_showings(t, session->id, item).answered == 0;
}

static void insert(struct db_transaction *t, const struct srv_store_session *session,
                   struct srv_store_answer *a)
{
    int64_t first = is_first(t, session, a->item);
    db_run(t,
           "INSERT INTO answers (session_id, item, key, choice, confidence, rating, correct, response_ms, "
           "received_at, at_item_ms, first_attempt, feedback_shown)"
           " VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
           "tittiiirtrit", session->id, (int64_t)a->item, a->key, a->choice, (int64_t)a->confidence,
           (int64_t)a->rating, (int64_t)a->correct, a->response_ms, a->received_at, a->at_item_ms, first,
           srv_deck_feedbacks[a->feedback]);
    a->id = db_last_id(t);
}

/* Where all items were there from the start none comes back. */
static void count_answers(struct db_transaction *t, const struct srv_store_session *session,
                          int64_t last_answer, struct srv_store_progress *progress)
{
    struct db_rows *rows =
        db_query(t, "SELECT count(*), total(correct) FROM answers WHERE session_id = ? AND id <= ?", "ti",
                 session->id, last_answer);
    if (db_next(rows)) {
        progress->answered = (int)db_int(rows, 0);
        progress->correct = (int)db_int(rows, 1);
    }
    db_finish(rows);
    progress->finished = progress->answered >= session->deck.items;
}

/* Where items are decided one at a time: also decides the one after an answer that was `added`. */
static void go_on(struct db_transaction *t, const struct srv_store_session *session, int64_t last_answer,
                  bool added, struct srv_store_progress *progress)
{
    struct srv_past past[DECK_ITEMS_MAX];
    progress->answered = srv_store_past(t, session->id, last_answer, past);
    if (added) srv_store_item_decide(t, session, past, progress->answered);
    for (int i = 0; i < progress->answered; i++)
        progress->correct += past[i].correct && !srv_past_again(past, i);
    progress->mastery_hits = srv_mastery_hits(&session->deck, past, progress->answered);
    progress->finished = progress->answered >= srv_store_item_count(t, session->id);
}

/* The participant's last word on the study's newest text; 0 when there is none. */
#define AGREED                                                                                               \
    "coalesce((SELECT c.agreed FROM study_participants w JOIN consents c ON c.learner_id = w.learner_id"     \
    " WHERE w.participant_id = p.id AND c.consent_text_id = (SELECT n.id FROM consent_texts n"               \
    " WHERE n.study_id = p.study_id ORDER BY n.version DESC LIMIT 1) ORDER BY c.id DESC LIMIT 1), 0)"

/* Whether the session still takes answers: STORE_ADDED, or why not. *of_study: a participant's. */
static enum srv_store_outcome standing(struct db_transaction *t, const char *session_id, const char *now,
                                       bool *of_study)
{
    enum srv_store_outcome outcome = STORE_ADDED;
    struct db_rows *rows = db_query(t,
                                    "SELECT k.session_id IS NOT NULL, p.ended_at IS NOT NULL OR"
                                    " y.state = 'frozen', k.closes_at <= ?2, " AGREED " FROM sessions s"
                                    " LEFT JOIN participant_sessions k ON k.session_id = s.id"
                                    " LEFT JOIN participants p ON p.id = k.participant_id"
                                    " LEFT JOIN studies y ON y.id = p.study_id WHERE s.id = ?1",
                                    "tt", session_id, now);
    *of_study = false;
    if (!db_next(rows)) {
        outcome = STORE_GONE;
    } else if ((*of_study = db_int(rows, 0))) {
        if (!db_int(rows, 3)) outcome = STORE_UNAGREED;
        if (db_int(rows, 2)) outcome = STORE_LATE;
        if (db_int(rows, 1)) outcome = STORE_OVER;
    }
    db_finish(rows);
    return outcome;
}

/* A phase of a study is over with the last answer of its session. */
static void note_finished(struct db_transaction *t, const char *session_id, const char *now)
{
    db_run(t, "UPDATE participant_sessions SET finished_at = ? WHERE session_id = ?", "tt", now, session_id);
}

enum db_status srv_store_answer_add(struct db *db, const struct srv_store_session *session,
                                    struct srv_store_answer *answer, const struct srv_answer_context *context,
                                    enum srv_store_outcome *outcome, struct srv_store_progress *progress)
{
    struct db_transaction t;
    struct srv_store_answer before;
    bool of_study = false;
    *progress = (struct srv_store_progress){0};
    db_begin_write(&t, db);
    if (find_key(&t, session->id, answer->key, &before)) {
        *outcome = same_content(answer, &before) ? STORE_REPEATED : STORE_KEY_REUSED;
        if (*outcome == STORE_REPEATED) *answer = before;
    } else if (item_taken(&t, session->id, answer->item)) {
        *outcome = STORE_ITEM_TAKEN;
    } else if ((*outcome = standing(&t, session->id, answer->received_at, &of_study)) == STORE_ADDED) {
        insert(&t, session, answer);
        if (context) srv_context_insert(&t, answer->id, context);
    }
    /* Counted up to the answer itself, so that a repeated request gets the very reply of the first. */
    if (*outcome == STORE_ADDED || *outcome == STORE_REPEATED) {
        if (srv_deck_stepwise(&session->deck))
            go_on(&t, session, answer->id, *outcome == STORE_ADDED, progress);
        else
            count_answers(&t, session, answer->id, progress);
    }
    if (of_study && progress->finished) note_finished(&t, session->id, answer->received_at);
    return db_end(&t);
}

/* ---- reading ---- */

enum db_status srv_store_trials(struct db *db, const char *session_id, struct srv_store_trial *trials,
                                struct srv_past *past, int *count)
{
    struct db_transaction t;
    *count = 0;
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t,
                 "SELECT " ANSWER_COLUMNS ", i.image, i.truth, " STORE_PAST_COLUMNS " FROM answers a"
                 " JOIN items i ON i.session_id = a.session_id AND i.n = a.item"
                 " WHERE a.session_id = ? ORDER BY a.id",
                 "t", session_id);
    while (*count < DECK_ITEMS_MAX && db_next(rows)) {
        struct srv_store_trial *trial = &trials[*count];
        read_answer(rows, &trial->answer);
        snprintf(trial->image, sizeof trial->image, "%s", db_text(rows, 9));
        snprintf(trial->truth, sizeof trial->truth, "%s", db_text(rows, 10));
        past[(*count)++] = srv_store_past_read(rows, 11);
    }
    db_finish(rows);
    return db_end(&t);
}
