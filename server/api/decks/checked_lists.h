/* The lists of checked images that a deck draws from (checked_list.h), read anew each time: a list is small,
 * and one that is replaced counts from the next session on. */
#ifndef SRV_CHECKED_LISTS_H
#define SRV_CHECKED_LISTS_H

#include "server/api/api.h"
#include "server/decks/checked_list.h"

/* By the place of the model among the deck's; empty where no source is checked. */
struct api_checked_lists {
    struct srv_checked_list of[DECK_SOURCES_MAX];
};

/* Of these versions of the deck's models, or with NULL of those that their names stand for. False with 409
 * deck_unavailable, or what api_model responds, when a list is missing, broken or another model's; the log
 * tells its path and what is wrong. On true the caller releases. */
bool api_checked_lists(struct srv_app *app, const struct srv_deck *deck, const struct nn_model_info *models,
                       struct api_checked_lists *lists, struct srv_response *response);
void api_checked_lists_release(struct api_checked_lists *lists);

#endif
