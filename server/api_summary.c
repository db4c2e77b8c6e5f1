#include <stdio.h>
#include <string.h>

#include "server/api.h"
#include "server/statistics.h"

/* A session's trials, in the order of answering. */
struct tally {
    int count, correct;
    struct srv_store_trial trials[DECK_ITEMS_MAX];
    struct srv_stat_trial ratings[DECK_ITEMS_MAX];
    double response_ms[DECK_ITEMS_MAX];
};

static void count_up(const struct srv_deck *deck, struct tally *tally)
{
    for (int i = 0; i < tally->count; i++) {
        const struct srv_store_trial *trial = &tally->trials[i];
        tally->correct += trial->answer.correct;
        tally->ratings[i].signal = !strcmp(trial->truth, deck->choices[DECK_YES].id);
        tally->ratings[i].rating = trial->answer.rating;
        tally->response_ms[i] = trial->answer.response_ms;
    }
}

static json_t *real_or_null(bool known, double value)
{
    return known ? json_real(value) : json_null();
}

static json_t *rate(int part, int rest)
{
    return real_or_null(part + rest > 0, (double)part / (part + rest));
}

/* All that follows from the truths; every value null when `told` is false. */
static json_t *score(const struct tally *tally, bool told)
{
    double auc = 0, d_prime = 0, criterion = 0;
    int count = told ? tally->count : 0;
    struct srv_stat_counts c = srv_stat_count(tally->ratings, count);
    bool has_auc = srv_stat_auc(tally->ratings, count, &auc);
    bool has_d = srv_stat_detection(c, &d_prime, &criterion);
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "correct",
                     told ? json_integer(tally->correct) : json_null(), "accuracy",
                     real_or_null(count > 0, count ? (double)tally->correct / count : 0), "auc",
                     real_or_null(has_auc, auc), "d_prime", real_or_null(has_d, d_prime), "criterion",
                     real_or_null(has_d, criterion), "sensitivity", rate(c.hits, c.misses), "specificity",
                     rate(c.correct_rejections, c.false_alarms));
}

static json_t *curve(const struct tally *tally, bool told)
{
    int correct = 0;
    json_t *list = json_array();
    for (int i = 0; told && i < tally->count; i++) {
        correct += tally->trials[i].answer.correct;
        json_array_append_new(list,
                              json_pack("{s:i,s:f}", "n", i + 1, "accuracy", (double)correct / (i + 1)));
    }
    return list;
}

static json_t *items(const struct tally *tally, bool told)
{
    json_t *list = json_array();
    for (int i = 0; i < tally->count; i++) {
        char url[96];
        const struct srv_store_trial *trial = &tally->trials[i];
        snprintf(url, sizeof url, "/api/v1/images/%s.png", trial->image);
        json_array_append_new(
            list, json_pack("{s:i,s:s,s:o,s:o,s:i,s:f,s:s}", "n", trial->answer.item, "choice",
                            trial->answer.choice, "truth", told ? json_string(trial->truth) : json_null(),
                            "correct", told ? json_boolean(trial->answer.correct) : json_null(), "rating",
                            trial->answer.rating, "response_ms", trial->answer.response_ms, "image", url));
    }
    return list;
}

void api_summary(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_store_session session;
    struct tally tally = {0};
    if (!api_session(app, request, &session, response)) return;
    enum db_status status = srv_store_trials(app->db, session.id, tally.trials, &tally.count);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
        return;
    }
    count_up(&session.deck, &tally);
    bool told = session.deck.feedback || tally.count == session.deck.items;
    bool any = tally.count > 0;
    json_t *summary =
        json_pack("{s:i,s:i,s:o,s:o,s:o}", "answered", tally.count, "of", session.deck.items,
                  "median_response_ms", real_or_null(any, srv_stat_median(tally.response_ms, tally.count)),
                  "curve", curve(&tally, told), "items", items(&tally, told));
    json_t *known = score(&tally, told);
    if (summary && known) json_object_update(summary, known);
    json_decref(known);
    srv_respond_json(response, 200, summary ? json_pack("{s:o}", "summary", summary) : NULL);
}
