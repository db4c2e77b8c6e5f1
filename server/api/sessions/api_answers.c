#include <stdio.h>
#include <string.h>

#include "server/api/api.h"
#include "server/api/sessions/feedback.h"
#include "server/api/sessions/item_images.h"
#include "server/api/studies/participant_visit.h"

enum { RESPONSE_MS_MAX = 24 * 60 * 60 * 1000 };

/* 8-4-4-4-12 hexadecimal digits (RFC 9562), any version. */
static bool is_uuid(const char *text)
{
    if (strlen(text) != STORE_KEY_TEXT - 1) return false;
    for (int i = 0; i < STORE_KEY_TEXT - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i])) return false;
    }
    return true;
}

/* Reads the fields whose types srv_request_json has checked. NULL, or the sentence that says what is wrong.
 */
static const char *read_answer(const json_t *body, const struct srv_store_session *session,
                               struct srv_store_answer *answer)
{
    const char *key = json_string_value(json_object_get(body, "key"));
    const char *choice = json_string_value(json_object_get(body, "choice"));
    json_int_t item = json_integer_value(json_object_get(body, "item"));
    bool unasked = session->deck.two_buttons; /* what is chosen without a grade counts as sure */
    json_int_t confidence =
        unasked ? SESSION_CONFIDENCE_MAX : json_integer_value(json_object_get(body, "confidence"));
    double response_ms = json_number_value(json_object_get(body, "response_ms"));
    if (!is_uuid(key)) return "key must be a UUID.";
    if (item < 1 || item > session->deck.items) return "item is not one of the session's.";
    if (srv_deck_choice_find(&session->deck, choice) < 0) return "choice is not one of the deck's.";
    if (confidence < 1 || confidence > SESSION_CONFIDENCE_MAX) return "confidence must be 1, 2 or 3.";
    if (!(response_ms >= 0 && response_ms <= RESPONSE_MS_MAX))
        return "response_ms must be from 0 to 24 hours.";
    snprintf(answer->key, sizeof answer->key, "%s", key);
    snprintf(answer->choice, sizeof answer->choice, "%s", choice);
    answer->item = (int)item;
    answer->confidence = (int)confidence;
    answer->response_ms = response_ms;
    return NULL;
}

/* The page is believed that time ran out, and its own response time that it did when it does not say so. How
 * long the learner can have looked at most by the server's clock is kept beside it. */
static void note_time_limit(const struct srv_deck *deck, const struct srv_store_answer *answer,
                            struct srv_answer_context *context)
{
    if (deck->time_limit_s == 0 || context->timed_out == 1) return;
    context->told = true;
    context->timed_out = answer->response_ms > deck->time_limit_s * 1000.0;
}

static void mark(const struct srv_deck *deck, const struct srv_store_item *item,
                 struct srv_store_answer *answer)
{
    answer->rating = srv_session_rating(srv_deck_choice_find(deck, answer->choice), answer->confidence);
    answer->correct = !strcmp(answer->choice, item->truth);
    srv_clock_format(srv_clock_utc_ms(), answer->received_at);
}

static void send_answer(const struct srv_store_session *session, const struct srv_store_item *item,
                        const struct srv_store_answer *answer, const struct srv_store_progress *progress,
                        bool added, struct srv_response *response)
{
    const struct srv_deck *deck = &session->deck;
    json_t *correct = deck->feedback ? json_integer(progress->correct) : json_null();
    int of = progress->finished ? progress->answered : deck->items;
    json_t *hits = deck->feedback && deck->mastery.of ? json_integer(progress->mastery_hits) : json_null();
    srv_respond_json(response, added ? 201 : 200,
                     json_pack("{s:{s:i,s:s,s:i,s:s},s:o,s:{s:i,s:i,s:o,s:o,s:b}}", "answer", "item",
                               answer->item, "choice", answer->choice, "rating", answer->rating,
                               "received_at", answer->received_at, "feedback",
                               api_feedback_json(session, item, answer->correct), "progress", "answered",
                               progress->answered, "of", of, "correct", correct, "mastery_hits", hits,
                               "finished", (int)progress->finished));
}

static void refuse(enum srv_store_outcome outcome, int item, struct srv_response *response)
{
    switch (outcome) {
    case STORE_KEY_REUSED:
        srv_respond_error(response, 409, "key_reused", "This key has come with another answer.");
        break;
    case STORE_ITEM_TAKEN:
        srv_respond_error(response, 409, "already_answered", "Item %d is answered already.", item);
        break;
    case STORE_LATE:
        srv_respond_error(response, 409, "phase_closed", "The time for this part of the study is over.");
        break;
    case STORE_OVER:
        api_visit_respond_over(response);
        break;
    case STORE_UNAGREED:
        api_visit_respond_consent_changed(response);
        break;
    default:
        srv_respond_error(response, 404, "unknown_session", "There is no such session any more.");
    }
}

static void store(struct srv_app *app, const struct srv_store_session *session,
                  struct srv_store_answer *answer, const struct srv_answer_context *context,
                  struct srv_response *response)
{
    struct srv_store_item item;
    struct srv_store_progress progress;
    enum srv_store_outcome outcome;
    if (!api_session_item(app, session->id, answer->item, &item, response)) return;
    if (item.reserved && !api_item_there(&item, response)) return; /* nor told what is right */
    mark(&session->deck, &item, answer);
    answer->feedback = api_feedback_of(session, &item);
    answer->at_item_ms = srv_read_ahead_at_item_ms(app->read_ahead, session->id, srv_clock_monotonic_us());
    enum db_status status = srv_store_answer_add(app->db, session, answer, context, &outcome, &progress);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
        return;
    }
    if (outcome != STORE_ADDED && outcome != STORE_REPEATED) {
        refuse(outcome, answer->item, response);
        return;
    }
    if (outcome == STORE_ADDED) {
        atomic_fetch_add(&app->metrics.answers, 1);
        srv_read_ahead_answered(app->read_ahead, session->id, progress.answered, srv_clock_monotonic_us());
    }
    if (progress.finished)
        srv_read_ahead_end(app->read_ahead, session->id);
    else if (srv_deck_stepwise(&session->deck)) /* nobody could ask for the next image before */
        api_read_ahead_if_loaded(app, &item, progress.answered, 0);
    send_answer(session, &item, answer, &progress, outcome == STORE_ADDED, response);
}

void api_answer(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct srv_json_field needed[] = {
        {"confidence", 'i', true}, {"key", 's', true},         {"item", 'i', true},
        {"choice", 's', true},     {"response_ms", 'n', true},
    };
    enum { NEEDED = sizeof needed / sizeof *needed };
    struct srv_json_field fields[NEEDED + CONTEXT_FIELDS];
    memcpy(fields, needed, sizeof needed);
    memcpy(fields + NEEDED, srv_context_fields, sizeof srv_context_fields);
    struct srv_store_session session;
    struct srv_store_answer answer = {0};
    struct srv_answer_context context;
    if (!api_session(app, request, &session, response)) return;
    int first = session.deck.two_buttons; /* then no confidence is asked for, and none is taken */
    json_t *body =
        srv_request_json(request, fields + first, (int)(sizeof fields / sizeof *fields) - first, response);
    if (!body) return;
    const char *wrong = read_answer(body, &session, &answer);
    if (!wrong) wrong = srv_context_read(body, &context);
    if (!wrong) note_time_limit(&session.deck, &answer, &context);
    json_decref(body);
    if (wrong)
        srv_respond_error(response, 422, "out_of_range", "%s", wrong);
    else if (api_item_open(&session, answer.item, response))
        store(app, &session, &answer, &context, response);
}
