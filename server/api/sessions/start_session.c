#include "server/api/sessions/start_session.h"

#include <stdio.h>
#include <string.h>

#include "engine/sha256.h"
#include "server/api/decks/checked_lists.h"
#include "server/api/sessions/item_images.h"
#include "server/log.h"
#include "server/store/sessions/store_simulated.h"

static void fill_session(struct srv_store_session *session, const struct api_deck_version *deck,
                         const struct nn_model_info *models, const char *secret)
{
    srv_random_hex(session->id, sizeof session->id);
    nn_sha256_hex(secret, strlen(secret), session->secret_sha256);
    srv_clock_format(srv_clock_utc_ms(), session->created_at);
    session->deck = deck->deck;
    session->deck_version_id = deck->id;
    session->model_count = deck->deck.model_count;
    for (int i = 0; i < session->model_count; i++) {
        snprintf(session->models[i].name, sizeof session->models->name, "%s", models[i].name);
        session->models[i].simulated = models[i].simulated;
    }
}

/* Nothing of it is said to the learner but that there is a fault: the log tells the operator. */
static void respond_lacking(const struct api_start *start, const struct srv_drawn_item *lacking,
                            struct srv_response *response)
{
    char gap[DECK_GAP_TEXT];
    api_images_missing(&start->newest.deck, lacking, gap);
    srv_log_error("deck %s: %s%s", start->newest.deck.id, gap,
                  start->learner_id && !start->study.participant_id ? " that the learner has not seen" : "");
    srv_respond_error(response, 409, "images_missing", "There are not enough images for this deck.");
}

static enum api_started start_drawn(struct srv_app *app, const struct api_start *start,
                                    const struct nn_model_info *models, struct srv_store_session *session,
                                    char secret[SRV_SECRET_TEXT], struct srv_response *response)
{
    bool found;
    struct srv_store_item first;
    struct srv_session_item items[DECK_ITEMS_MAX];
    struct api_checked_lists lists;
    const struct srv_drawn_item *lacking;
    srv_random_hex(secret, SRV_SECRET_TEXT);
    *session = (struct srv_store_session){
        .learner_id = start->learner_id, .class_id = start->class_id, .study = start->study};
    fill_session(session, &start->newest, models, secret);
    session->key = srv_session_key(&session->deck);
    if (start->learner_id && !session->deck.fixed) {
        enum db_status looked = srv_store_simulated_key(app->db, start->learner_id, &session->key);
        if (looked != DB_OK) {
            srv_respond_db_error(response, looked);
            return START_REFUSED;
        }
    }
    int count = srv_session_draw(&session->deck, session->key, items);
    if (!api_checked_lists(app, &session->deck, models, &lists, response)) return START_REFUSED;
    enum db_status status =
        srv_store_session_create(app->db, session, lists.of, items, count, models, &lacking);
    api_checked_lists_release(&lists);
    if (status == DB_CONFLICT && session->study.participant_id) return START_ELSEWHERE;
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (lacking)
        respond_lacking(start, lacking, response);
    if (status != DB_OK || lacking) return START_REFUSED;
    srv_read_ahead_answered(app->read_ahead, session->id, 0, srv_clock_monotonic_us());
    if (srv_store_item_find(app->db, session->id, 1, &first, &found) == DB_OK && found)
        api_read_ahead_if_loaded(app, &first, 0, models[0].resolution);
    return STARTED;
}

/* The newest version of one of the deck's models, which stays for the session. A model that is gone for good,
 * or has not the classes that the deck shows, is told by its name; one that may come back is waited for. */
static bool look_up_model(struct srv_app *app, const struct srv_deck *deck, int place,
                          struct nn_model_info *info, struct srv_response *response)
{
    struct srv_model_entry entry;
    const char *name = deck->models[place];
    if (!srv_models_find(app->models, name, &entry)) {
        srv_respond_error(response, 409, "deck_unavailable",
                          "This deck cannot be started: its model \"%s\" is not here.", name);
        return false;
    }
    struct srv_model *model = api_model(app, name, response);
    if (!model) return false;
    *info = *srv_model_info(model);
    srv_model_for_session(model);
    srv_model_release(model);
    const char *missing = srv_deck_class_missing(deck, place, info);
    if (!missing) return true;
    srv_respond_error(response, 409, "deck_unavailable",
                      "This deck cannot be started: its model \"%s\" has no class \"%s\".", name, missing);
    return false;
}

enum api_started api_start_session(struct srv_app *app, const struct api_start *start,
                                   struct srv_store_session *session, char secret[SRV_SECRET_TEXT],
                                   struct srv_response *response)
{
    char gap[DECK_GAP_TEXT];
    struct nn_model_info models[DECK_SOURCES_MAX];
    const struct srv_deck *deck = &start->newest.deck;
    for (int i = 0; i < deck->model_count; i++)
        if (!look_up_model(app, deck, i, &models[i], response)) return START_REFUSED;
    if (deck->model_count == 1 || !api_deck_gap(app, deck, gap))
        return start_drawn(app, start, models, session, secret, response);
    srv_respond_error(response, 409, "deck_unavailable", "This deck cannot be started. %s", gap);
    return START_REFUSED;
}
