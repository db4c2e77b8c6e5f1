#include "server/api/sessions/start_session.h"

#include <stdio.h>
#include <string.h>

#include "engine/sha256.h"
#include "server/api/decks/checked_lists.h"
#include "server/api/sessions/item_images.h"
#include "server/log.h"
#include "server/store/decks/store_library.h"
#include "server/store/sessions/store_simulated.h"
#include "server/store/studies/store_participants.h"

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

/* The images of a test are those that were chosen when its study was opened. */
static enum db_status choose(struct srv_app *app, const struct api_start *start,
                             const struct srv_checked_list *checked, struct srv_session_item *items,
                             int count, const struct srv_drawn_item **lacking)
{
    const struct srv_deck *deck = &start->newest.deck;
    const struct srv_library_asker asker = {.learner_id = deck->fixed ? 0 : start->learner_id,
                                            .shown_again = start->study_id,
                                            .checked = checked};
    if (start->study.tests)
        return srv_store_study_choose(app->db, start->study_id, start->newest.id, items, count, lacking);
    return srv_store_library_choose(app->db, &asker, deck, items, count, lacking);
}

/* Nothing of it is said to the learner but that there is a fault: the log tells the operator. */
static bool choose_images(struct srv_app *app, const struct api_start *start,
                          const struct nn_model_info *models, struct srv_session_item *items, int count,
                          struct srv_response *response)
{
    char gap[DECK_GAP_TEXT];
    struct api_checked_lists lists;
    const struct srv_drawn_item *lacking;
    if (!api_checked_lists(app, &start->newest.deck, models, &lists, response)) return false;
    enum db_status status = choose(app, start, lists.of, items, count, &lacking);
    api_checked_lists_release(&lists);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
        return false;
    }
    if (!lacking) return true;
    api_images_missing(&start->newest.deck, lacking, gap);
    srv_log_error("deck %s: %s%s", start->newest.deck.id, gap,
                  start->learner_id && !start->study_id ? " that the learner has not seen" : "");
    srv_respond_error(response, 409, "images_missing", "There are not enough images for this deck.");
    return false;
}

static bool start_drawn(struct srv_app *app, const struct api_start *start,
                        const struct nn_model_info *models, struct srv_store_session *session,
                        char secret[SRV_SECRET_TEXT], struct srv_response *response)
{
    bool found;
    struct srv_store_item first;
    struct srv_session_item items[DECK_ITEMS_MAX];
    srv_random_hex(secret, SRV_SECRET_TEXT);
    *session = (struct srv_store_session){
        .learner_id = start->learner_id, .class_id = start->class_id, .study = start->study};
    fill_session(session, &start->newest, models, secret);
    session->key = srv_session_key(&session->deck);
    if (start->learner_id && !session->deck.fixed) {
        enum db_status looked = srv_store_simulated_key(app->db, start->learner_id, &session->key);
        if (looked != DB_OK) {
            srv_respond_db_error(response, looked);
            return false;
        }
    }
    int count = srv_session_draw(&session->deck, session->key, items);
    if (!choose_images(app, start, models, items, count, response)) return false;
    enum db_status status = srv_store_session_create(app->db, session, items, models);
    if (status == DB_CONFLICT && start->study_id)
        srv_respond_error(response, 409, "started_elsewhere", "This was started elsewhere.");
    else if (status != DB_OK)
        srv_respond_db_error(response, status);
    if (status != DB_OK) return false;
    srv_read_ahead_answered(app->read_ahead, session->id, 0, srv_clock_monotonic_us());
    if (srv_store_item_find(app->db, session->id, 1, &first, &found) == DB_OK && found)
        api_read_ahead_if_loaded(app, &first, 0, models[0].resolution);
    return true;
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

bool api_start_session(struct srv_app *app, const struct api_start *start, struct srv_store_session *session,
                       char secret[SRV_SECRET_TEXT], struct srv_response *response)
{
    char gap[DECK_GAP_TEXT];
    struct nn_model_info models[DECK_SOURCES_MAX];
    const struct srv_deck *deck = &start->newest.deck;
    for (int i = 0; i < deck->model_count; i++)
        if (!look_up_model(app, deck, i, &models[i], response)) return false;
    if (deck->model_count == 1 || !api_deck_gap(app, deck, gap))
        return start_drawn(app, start, models, session, secret, response);
    srv_respond_error(response, 409, "deck_unavailable", "This deck cannot be started. %s", gap);
    return false;
}
