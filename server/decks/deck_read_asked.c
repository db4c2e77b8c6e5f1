#include "server/decks/deck_fields.h"
#include "server/decks/deck_parts.h"

nn_status srv_deck_read_asking(const json_t *json, const char *where, struct srv_deck *deck,
                               struct nn_error *err)
{
    static const char *const ratings[] = {"confidence", "two_buttons"};
    int two_buttons = 0, feedback = DECK_TELLS_TRUTH, limit = 0;
    nn_status status = srv_deck_field_name(json, where, "rating", ratings, 2, &two_buttons, err);
    if (!status) status = srv_deck_field_name(json, where, "feedback", srv_deck_feedbacks, 4, &feedback, err);
    if (!status)
        status = srv_deck_field_whole(json, where, "time_limit_s", 0, DECK_TIME_LIMIT_MAX_S, &limit, err);
    if (!status && limit > 0 && limit < DECK_TIME_LIMIT_MIN_S)
        status = nn_fail(err, NN_ERR_FORMAT, "%s.time_limit_s: must be 0 for none, or at least %d", where,
                         DECK_TIME_LIMIT_MIN_S);
    deck->two_buttons = two_buttons;
    deck->feedback = (enum srv_deck_feedback)feedback;
    deck->time_limit_s = limit;
    return status;
}
