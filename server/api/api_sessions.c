#include <stdio.h>
#include <string.h>

#include "engine/sha256.h"
#include "server/api/api.h"
#include "server/log.h"
#include "server/store/store_classes.h"
#include "server/store/store_decks.h"
#include "server/store/store_library.h"

static void keep_newest(void *context, const struct srv_store_deck *row)
{
    struct api_deck_version *newest = context;
    if (!row->archived && srv_store_deck_parse(row->definition, &newest->deck)) newest->id = row->version_id;
}

bool api_deck(struct srv_app *app, const char *name, struct api_deck_version *newest,
              struct srv_response *response)
{
    newest->id = 0;
    enum db_status status = srv_store_deck_version(app->db, name, 0, keep_newest, newest);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (newest->id == 0)
        srv_respond_error(response, 422, "unknown_deck", "There is no such deck; /api/v1/decks lists them.");
    return status == DB_OK && newest->id != 0;
}

static json_t *model_json(const struct srv_store_session *session)
{
    return json_pack("{s:s,s:s}", "name", session->model_name, "training_data",
                     session->simulated ? "simulated" : "real");
}

static void fill_session(struct srv_store_session *session, const struct api_deck_version *deck,
                         const struct nn_model_info *model, const char *secret)
{
    srv_random_hex(session->id, sizeof session->id);
    nn_sha256_hex(secret, strlen(secret), session->secret_sha256);
    srv_clock_format(srv_clock_utc_ms(), session->created_at);
    session->deck = deck->deck;
    session->deck_version_id = deck->id;
    snprintf(session->model_name, sizeof session->model_name, "%s", model->name);
    session->simulated = model->simulated;
}

/* Nothing of it is said to the learner but that there is a fault: the log tells the operator. */
static bool choose_from_library(struct srv_app *app, const struct srv_store_session *session,
                                struct srv_session_item *items, struct srv_response *response)
{
    const struct srv_deck *deck = &session->deck;
    const struct srv_drawn_item *lacking;
    enum db_status status = srv_store_library_choose(app->db, deck->fixed ? 0 : session->learner_id, items,
                                                     deck->items, &lacking);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
        return false;
    }
    if (!lacking) return true;
    srv_log_error("deck %s: the library's collection %s has too few images of class %s in its %s split%s",
                  deck->id, lacking->source->collection, lacking->class_name,
                  lacking->source->test ? "test" : "train",
                  session->learner_id ? " that the learner has not seen" : "");
    srv_respond_error(response, 409, "images_missing", "There are not enough images for this deck.");
    return false;
}

/* What is to be started, and for whom. */
struct start {
    struct api_deck_version newest;
    int64_t learner_id, class_id;
};

static void start_session(struct srv_app *app, const struct start *start, struct srv_model *model,
                          struct srv_response *response)
{
    const struct nn_model_info *info = srv_model_info(model);
    struct srv_store_session session = {0};
    struct srv_session_item items[DECK_ITEMS_MAX];
    char secret[SRV_SECRET_TEXT];
    srv_random_hex(secret, sizeof secret);
    fill_session(&session, &start->newest, info, secret);
    session.learner_id = start->learner_id;
    session.class_id = start->class_id;
    srv_session_draw(&session.deck, items);
    if (!choose_from_library(app, &session, items, response)) return;
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
                               "deck", srv_deck_public(&session.deck), "model", model_json(&session),
                               "created_at", session.created_at));
}

/* A model that is gone for good, or has not the classes that the deck shows, is told by its name; one that
 * may come back is waited for. */
static void start_with_model(struct srv_app *app, const struct start *start, struct srv_response *response)
{
    struct srv_model_entry entry;
    const struct srv_deck *deck = &start->newest.deck;
    if (!srv_models_find(app->models, deck->model, &entry)) {
        srv_respond_error(response, 409, "deck_unavailable",
                          "This deck cannot be started: its model \"%s\" is not here.", deck->model);
        return;
    }
    struct srv_model *model = api_model(app, deck->model, response);
    if (!model) return;
    const char *missing = srv_deck_class_missing(deck, srv_model_info(model));
    if (missing)
        srv_respond_error(response, 409, "deck_unavailable",
                          "This deck cannot be started: its model \"%s\" has no class \"%s\".", deck->model,
                          missing);
    else
        start_session(app, start, model, response);
    srv_model_release(model);
}

/* ---- reading a request to start ---- */

static bool read_learner(struct srv_app *app, const json_t *code, struct start *start,
                         struct srv_response *response)
{
    if (!api_learner(app, json_string_value(code), &start->learner_id, response)) return false;
    if (!code || start->learner_id) return true;
    srv_respond_error(response, 422, "unknown_learner", "Nobody has this learner's code.");
    return false;
}

/* Results of a class are counted by learners, so each of its sessions is somebody's. */
static bool read_class(struct srv_app *app, const char *code, struct start *start,
                       struct srv_response *response)
{
    struct srv_class class;
    bool found;
    enum db_status status = srv_store_class_find(app->db, code, &class, &found);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
    } else if (!found) {
        srv_respond_error(response, 422, "unknown_class", "There is no such class.");
    } else if (class.closed) {
        srv_respond_error(response, 409, "class_closed", "This class is closed.");
    } else if (start->learner_id == 0) {
        srv_respond_error(response, 422, "learner_needed",
                          "A class wants a learner's code: POST /api/v1/learners.");
    } else {
        start->class_id = class.id;
        return api_deck(app, class.deck, &start->newest, response);
    }
    return false;
}

static bool read_start(struct srv_app *app, const json_t *body, struct start *start,
                       struct srv_response *response)
{
    const char *deck = json_string_value(json_object_get(body, "deck"));
    const char *class = json_string_value(json_object_get(body, "class"));
    if (!deck == !class) {
        srv_respond_error(response, 400, "malformed_request",
                          deck ? "deck: a class has its own." : "deck: is missing.");
        return false;
    }
    if (!read_learner(app, json_object_get(body, "learner"), start, response)) return false;
    if (class) return read_class(app, class, start, response);
    return api_deck(app, deck, &start->newest, response);
}

void api_session_create(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct srv_json_field fields[] = {
        {"deck", 's', false}, {"class", 's', false}, {"learner", 's', false}};
    struct start start = {0};
    json_t *body = srv_request_json(request, fields, 3, response);
    if (!body) return;
    bool known = read_start(app, body, &start, response);
    json_decref(body);
    if (known) start_with_model(app, &start, response);
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
