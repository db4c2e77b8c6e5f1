#include <stdio.h>
#include <string.h>

#include "server/api/api.h"
#include "server/api/results/score_json.h"
#include "server/statistics/response_times.h"

/* A session's trials, in the order of answering. */
struct tally {
    int count, correct;
    struct srv_store_trial trials[DECK_ITEMS_MAX];
    struct srv_past past[DECK_ITEMS_MAX];
    struct srv_stat_trial rated[DECK_ITEMS_MAX]; /* of each image the first answer */
    int rated_count;
};

static void count_up(const struct srv_deck *deck, struct tally *tally)
{
    for (int i = 0; i < tally->count; i++) {
        const struct srv_store_trial *trial = &tally->trials[i];
        if (srv_past_again(tally->past, i)) continue;
        tally->correct += trial->answer.correct;
        tally->rated[tally->rated_count++] =
            (struct srv_stat_trial){.signal = !strcmp(trial->truth, deck->choices[DECK_YES].id),
                                    .rating = trial->answer.rating,
                                    .response_ms = trial->answer.response_ms};
    }
}

static json_t *median_time(const struct tally *tally)
{
    struct srv_stat_quartiles all = srv_stat_response_times(tally->rated, tally->rated_count).all;
    return all.gap == SRV_STAT_WHOLE ? json_real(all.median) : json_null();
}

static json_t *items(const struct tally *tally, bool told)
{
    json_t *list = json_array();
    for (int i = 0; i < tally->count; i++) {
        char url[96];
        const struct srv_store_trial *trial = &tally->trials[i];
        snprintf(url, sizeof url, "/api/v1/images/%s.png", trial->image);
        json_array_append_new(
            list, json_pack("{s:i,s:s,s:o,s:o,s:i,s:f,s:s,s:b}", "n", trial->answer.item, "choice",
                            trial->answer.choice, "truth", told ? json_string(trial->truth) : json_null(),
                            "correct", told ? json_boolean(trial->answer.correct) : json_null(), "rating",
                            trial->answer.rating, "response_ms", trial->answer.response_ms, "image", url,
                            "counts", !srv_past_again(tally->past, i)));
    }
    return list;
}

/* Before the end it would tell about how strong the next image is, and participants their arm. */
static json_t *threshold(const struct srv_store_session *session, const struct tally *tally, bool finished)
{
    struct srv_quest_estimate e;
    const struct srv_deck *deck = &session->deck;
    if (deck->order != DECK_STAIRCASE || !finished || session->study.participant_id) return json_null();
    if (!srv_staircase_threshold(deck, tally->past, tally->count, &e)) return NULL;
    return json_pack("{s:f,s:f,s:f,s:i}", "value", e.value, "low", e.low, "high", e.high, "trials",
                     tally->count);
}

void api_summary(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_store_session session;
    struct tally tally = {0};
    if (!api_session(app, request, &session, response)) return;
    enum db_status status = srv_store_trials(app->db, session.id, tally.trials, tally.past, &tally.count);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
        return;
    }
    count_up(&session.deck, &tally);
    /* By the session's reading alone: another request may have answered since, and where the next item comes
     * with the answer, there would be as many answers now as items then. */
    bool finished = session.answered_count == session.item_count;
    /* The images of a study's test are shown again in another. */
    bool told = !session.study.tests && (session.deck.feedback || finished);
    srv_respond_json(response, 200,
                     json_pack("{s:{s:i,s:i,s:b,s:o,s:o,s:o,s:o,s:o}}", "summary", "answered", tally.count,
                               "of", finished ? tally.count : session.deck.items, "finished", (int)finished,
                               "median_response_ms", median_time(&tally), "correct",
                               told ? json_integer(tally.correct) : json_null(), "score",
                               told ? srv_score_json(tally.rated, tally.rated_count) : json_null(),
                               "threshold", threshold(&session, &tally, finished), "items",
                               items(&tally, told)));
}
