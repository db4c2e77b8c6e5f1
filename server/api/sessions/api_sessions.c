#include "server/api/sessions/start_session.h"
#include "server/store/decks/store_classes.h"

void api_keep_deck(void *context, const struct srv_store_deck *row)
{
    struct api_deck_version *version = context;
    if (srv_store_deck_parse(row->definition, &version->deck)) version->id = row->version_id;
    version->archived = row->archived;
    version->tests = row->tests;
}

bool api_deck(struct srv_app *app, const char *name, struct api_deck_version *newest,
              struct srv_response *response)
{
    *newest = (struct api_deck_version){0};
    enum db_status status = srv_store_deck_version(app->db, name, 0, api_keep_deck, newest);
    bool there = newest->id != 0 && !newest->archived;
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!there)
        srv_respond_error(response, 422, "unknown_deck", "There is no such deck; /api/v1/decks lists them.");
    else if (newest->tests)
        srv_respond_error(response, 409, "deck_in_study",
                          "A study tests with this deck; only those who take part get it.");
    return status == DB_OK && there && !newest->tests;
}

/* Participants of a study are not told what the images are drawn from, nor by which deck, as these tell the
 * arm. */
static json_t *deck_json(const struct srv_store_session *session)
{
    const struct srv_session_study *study = &session->study;
    json_t *json = srv_deck_public(&session->deck);
    if (!study->participant_id) return json;
    json_object_set_new(json, "id", json_string(study->study));
    json_object_set_new(json, "title", json_string(study->title));
    json_object_set_new(json, "description", json_string(""));
    json_object_set_new(json, "models", json_array());
    json_object_set_new(json, "images", json_null());
    json_object_set_new(json, "order", json_null());
    return json;
}

static json_t *models_json(const struct srv_store_session *session)
{
    json_t *list = json_array();
    for (int i = 0; i < session->model_count && !session->study.participant_id; i++)
        json_array_append_new(list, json_pack("{s:s,s:s}", "name", session->models[i].name, "training_data",
                                              session->models[i].simulated ? "simulated" : "real"));
    return list;
}

/* ---- reading a request to start ---- */

static bool read_learner(struct srv_app *app, const json_t *code, struct api_start *start,
                         struct srv_response *response)
{
    if (!api_learner(app, json_string_value(code), &start->learner_id, response)) return false;
    if (!code || start->learner_id) return true;
    srv_respond_error(response, 422, "unknown_learner", "Nobody has this learner's code.");
    return false;
}

/* Results of a class are counted by learners, so each of its sessions is somebody's. */
static bool read_class(struct srv_app *app, const char *code, struct api_start *start,
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

static bool read_start(struct srv_app *app, const json_t *body, struct api_start *start,
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
    struct api_start start = {0};
    struct srv_store_session session;
    char secret[SRV_SECRET_TEXT];
    json_t *body = srv_request_json(request, fields, 3, response);
    if (!body) return;
    bool known = read_start(app, body, &start, response);
    json_decref(body);
    if (known && api_start_session(app, &start, &session, secret, response) == STARTED)
        srv_respond_json(response, 201,
                         json_pack("{s:{s:s,s:s,s:o,s:o,s:s}}", "session", "id", session.id, "secret", secret,
                                   "deck", srv_deck_public(&session.deck), "models", models_json(&session),
                                   "created_at", session.created_at));
}

json_t *api_session_json(const struct srv_store_session *session)
{
    json_t *answered = json_array();
    for (int i = 0; i < session->deck.items; i++)
        if (session->answered[i]) json_array_append_new(answered, json_integer(i + 1));
    const char *study = session->study.study;
    return json_pack("{s:s,s:o,s:o,s:s?,s:s,s:o,s:b}", "id", session->id, "deck", deck_json(session),
                     "models", models_json(session), "study", *study ? study : NULL, "created_at",
                     session->created_at, "answered", answered, "finished",
                     session->answered_count == session->item_count);
}

void api_session_read(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_store_session session;
    if (!api_session(app, request, &session, response)) return;
    srv_respond_json(response, 200, json_pack("{s:o}", "session", api_session_json(&session)));
}
