#include "server/api/start_session.h"

#include <stdio.h>
#include <string.h>

#include "engine/sha256.h"
#include "server/log.h"
#include "server/store/store_library.h"

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
                                                     srv_draw_count(deck), &lacking);
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

static bool start_drawn(struct srv_app *app, const struct api_start *start, struct srv_model *model,
                        struct srv_store_session *session, char secret[SRV_SECRET_TEXT],
                        struct srv_response *response)
{
    const struct nn_model_info *info = srv_model_info(model);
    struct srv_session_item items[DECK_ITEMS_MAX];
    srv_random_hex(secret, SRV_SECRET_TEXT);
    *session = (struct srv_store_session){.learner_id = start->learner_id, .class_id = start->class_id};
    fill_session(session, &start->newest, info, secret);
    srv_session_draw(&session->deck, items);
    if (!choose_from_library(app, session, items, response)) return false;
    enum db_status status = srv_store_session_create(app->db, session, items, info);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
        return false;
    }
    srv_model_for_session(model);
    srv_read_ahead_answered(app->read_ahead, session->id, 0, srv_clock_monotonic_us());
    api_read_ahead(app, model, session->id, 0, info->resolution);
    return true;
}

/* A model that is gone for good, or has not the classes that the deck shows, is told by its name; one that
 * may come back is waited for. */
bool api_start_session(struct srv_app *app, const struct api_start *start, struct srv_store_session *session,
                       char secret[SRV_SECRET_TEXT], struct srv_response *response)
{
    struct srv_model_entry entry;
    bool started = false;
    const struct srv_deck *deck = &start->newest.deck;
    if (!srv_models_find(app->models, deck->model, &entry)) {
        srv_respond_error(response, 409, "deck_unavailable",
                          "This deck cannot be started: its model \"%s\" is not here.", deck->model);
        return false;
    }
    struct srv_model *model = api_model(app, deck->model, response);
    if (!model) return false;
    const char *missing = srv_deck_class_missing(deck, srv_model_info(model));
    if (missing)
        srv_respond_error(response, 409, "deck_unavailable",
                          "This deck cannot be started: its model \"%s\" has no class \"%s\".", deck->model,
                          missing);
    else
        started = start_drawn(app, start, model, session, secret, response);
    srv_model_release(model);
    return started;
}
