#include <stdio.h>
#include <string.h>

#include "engine/sha256.h"
#include "server/api.h"

static const struct srv_deck *find_deck(const struct srv_config *config, const char *id)
{
    for (int i = 0; i < config->deck_count; i++)
        if (!strcmp(config->decks[i].id, id)) return &config->decks[i];
    return NULL;
}

static json_t *model_json(const struct srv_store_session *session)
{
    return json_pack("{s:s,s:s}", "name", session->model_name, "training_data",
                     session->simulated ? "simulated" : "real");
}

static void fill_session(struct srv_store_session *session, const struct srv_deck *deck,
                         const struct nn_model_info *model, const char *secret)
{
    srv_random_hex(session->id, sizeof session->id);
    nn_sha256_hex(secret, strlen(secret), session->secret_sha256);
    srv_clock_format(srv_clock_utc_ms(), session->created_at);
    session->deck = *deck;
    snprintf(session->model_name, sizeof session->model_name, "%s", model->name);
    session->simulated = model->simulated;
}

static void start_session(struct srv_app *app, const struct srv_deck *deck, int64_t learner_id,
                          struct srv_model *model, struct srv_response *response)
{
    const struct nn_model_info *info = srv_model_info(model);
    struct srv_store_session session = {0};
    struct srv_session_item items[DECK_ITEMS_MAX];
    char secret[SRV_SECRET_TEXT];
    srv_random_hex(secret, sizeof secret);
    fill_session(&session, deck, info, secret);
    session.learner_id = learner_id;
    srv_session_draw(deck, items);
    enum db_status status = srv_store_session_create(app->db, &session, items, info);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
        return;
    }
    srv_model_for_session(model);
    srv_read_ahead_answered(app->read_ahead, session.id, 0, srv_clock_monotonic_us());
    api_read_ahead(app, model, session.id, 0, info->resolution);
    srv_respond_json(response, 201,
                     json_pack("{s:{s:s,s:s,s:o,s:o,s:s}}", "session", "id", session.id, "secret", secret,
                               "deck", srv_deck_public(deck), "model", model_json(&session), "created_at",
                               session.created_at));
}

void api_session_create(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"deck", 's', true}, {"learner", 's', false}};
    int64_t learner_id;
    json_t *body = srv_request_json(request, fields, 2, response);
    if (!body) return;
    const struct srv_deck *deck = find_deck(app->config, json_string_value(json_object_get(body, "deck")));
    const json_t *learner = json_object_get(body, "learner");
    bool looked = api_learner(app, json_string_value(learner), &learner_id, response);
    bool unknown_learner = learner && learner_id == 0;
    json_decref(body);
    if (!looked) return;
    if (unknown_learner) {
        srv_respond_error(response, 422, "unknown_learner", "Nobody has this learner's code.");
        return;
    }
    if (!deck) {
        srv_respond_error(response, 422, "unknown_deck", "There is no such deck; /api/v1/decks lists them.");
        return;
    }
    struct srv_model *model = api_model(app, deck->model, response);
    if (model) start_session(app, deck, learner_id, model, response);
    srv_model_release(model);
}

json_t *api_session_json(const struct srv_store_session *session)
{
    json_t *answered = json_array();
    for (int i = 0; i < session->deck.items; i++)
        if (session->answered[i]) json_array_append_new(answered, json_integer(i + 1));
    return json_pack("{s:s,s:o,s:o,s:s,s:o,s:b}", "id", session->id, "deck", srv_deck_public(&session->deck),
                     "model", model_json(session), "created_at", session->created_at, "answered", answered,
                     "finished", session->answered_count == session->deck.items);
}

void api_session_read(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_store_session session;
    if (!api_session(app, request, &session, response)) return;
    srv_respond_json(response, 200, json_pack("{s:o}", "session", api_session_json(&session)));
}
