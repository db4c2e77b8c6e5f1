/* What answers say about the readers of a deck, together, and about a learner. */
#include "server/api/api.h"
#include "server/api/results/readings_json.h"
#include "server/api/results/score_json.h"
#include "server/store/decks/store_classes.h"
#include "server/store/results/store_statistics.h"

/* The query parameters `version`, 0 when absent, and `simulated`; 422. */
static bool read_wanted(const struct srv_request *request, struct srv_deck_practice *practice,
                        struct srv_response *response)
{
    uint64_t number = 0;
    static const char *const known[] = {"version", "simulated"};
    if (!srv_request_query_known(request, known, 2, response) ||
        !srv_request_query_flag(request, "simulated", &practice->simulated, response))
        return false;
    const char *text = srv_request_query(request, "version");
    bool good = !text || (srv_request_read_u64(text, &number) && number >= 1 && number <= INT32_MAX);
    practice->version = (int)number;
    if (!good) srv_respond_error(response, 422, "out_of_range", "version: must be the number of a version.");
    return good;
}

/* Researchers and administrators see single answers in the export; those who teach see none. */
static int fewest_for(const struct srv_account *account)
{
    return account->role == SRV_EDUCATOR ? CLASS_LEARNERS_MIN : 1;
}

void api_deck_statistics(struct srv_app *app, const struct srv_request *request,
                         struct srv_response *response)
{
    struct srv_deck_practice practice = {0};
    struct srv_readings_means means;
    if (!read_wanted(request, &practice, response)) return;
    int fewest = fewest_for(request->account);
    enum db_status status = srv_store_deck_practice(app->db, request->params[0], &practice);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (practice.version == 0)
        srv_respond_error(response, 404, "unknown_deck", "There is no such deck, or no such version of it.");
    else if (practice.readings.failed)
        srv_respond_error(response, 503, "too_many_answers", "There are too many answers to count here.");
    else
        srv_respond_json(response, 200,
                         json_pack("{s:{s:s,s:i,s:O,s:i,s:o}}", "statistics", "deck", request->params[0],
                                   "version", practice.version, "versions", practice.versions, "fewest_shown",
                                   fewest, "score", srv_readings_json(&practice.readings, fewest, &means)));
    json_decref(practice.versions);
    srv_readings_release(&practice.readings);
}

void api_learner_statistics(struct srv_app *app, const struct srv_request *request,
                            struct srv_response *response)
{
    int64_t learner_id;
    struct srv_readings readings = {0};
    static const char *const known[] = {"deck"};
    if (!api_learner_of(app, request, &learner_id, response) ||
        !srv_request_query_known(request, known, 1, response))
        return;
    const char *deck = srv_request_query(request, "deck");
    if (!deck || !srv_deck_id_valid(deck)) {
        srv_respond_error(response, 422, "out_of_range", "deck: must be the id of a deck.");
        return;
    }
    enum db_status status = srv_store_learner_practice(app->db, learner_id, deck, &readings);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (readings.failed)
        srv_respond_error(response, 503, "too_many_answers", "There are too many answers to count here.");
    else
        srv_respond_json(response, 200,
                         json_pack("{s:{s:s,s:o}}", "statistics", "deck", deck, "score",
                                   srv_score_json(readings.trials, readings.count)));
    srv_readings_release(&readings);
}
