#include "server/api/sessions/feedback.h"

#include <inttypes.h>
#include <stdio.h>

static const char *other_class(const struct srv_store_session *session, const struct srv_store_item *item)
{
    return srv_deck_other_class(&session->deck, item->model, item->class_name);
}

enum srv_deck_feedback api_feedback_of(const struct srv_store_session *session,
                                       const struct srv_store_item *item)
{
    const struct srv_deck *deck = &session->deck;
    if (session->study.tests) return DECK_TELLS_NOTHING;
    if (deck->feedback != DECK_TELLS_LOCATION) return deck->feedback;
    bool shown = srv_deck_choice_find(deck, item->truth) == DECK_YES &&
                 (item->library.width ? *item->mask.sha256 != '\0' : other_class(session, item) != NULL);
    return shown ? DECK_TELLS_LOCATION : DECK_TELLS_TRUTH;
}

static json_t *location_json(const struct srv_store_item *item)
{
    char url[96];
    snprintf(url, sizeof url, "/api/v1/sessions/%s/items/%d/location.png", item->session_id, item->n);
    return json_pack("{s:s,s:s}", "image", url, "basis", item->library.width ? "mask" : "difference");
}

/* By which the page can draw the pair, and what lies between its images. Where a deck has images of a library
 * too, it would tell where the others are from, and a participant of a study their arm; and where the pair's
 * other image is still to come, what that one shows. */
static json_t *sample_json(const struct srv_store_session *session, const struct srv_store_item *item)
{
    char seed[24];
    const char *other = other_class(session, item);
    if (!other || item->twin || session->study.participant_id || srv_deck_has_collection(&session->deck))
        return json_null();
    snprintf(seed, sizeof seed, "%" PRIu64, item->seed);
    return json_pack("{s:s,s:s,s:s,s:s,s:f,s:f}", "model", session->deck.models[item->model], "class",
                     item->class_name, "other_class", other, "seed", seed, "strength", item->strength,
                     "truncation", item->truncation);
}

json_t *api_feedback_json(const struct srv_store_session *session, const struct srv_store_item *item,
                          bool correct)
{
    enum srv_deck_feedback told = api_feedback_of(session, item);
    bool truth = told >= DECK_TELLS_TRUTH;
    if (told == DECK_TELLS_NOTHING) return json_null();
    return json_pack("{s:o,s:b,s:o,s:o}", "truth", truth ? json_string(item->truth) : json_null(), "correct",
                     (int)correct, "location",
                     told == DECK_TELLS_LOCATION ? location_json(item) : json_null(), "sample",
                     truth ? sample_json(session, item) : json_null());
}
