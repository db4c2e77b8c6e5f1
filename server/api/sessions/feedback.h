/* What a learner is told of an item once it is answered, as the deck says. */
#ifndef SRV_FEEDBACK_H
#define SRV_FEEDBACK_H

#include "server/api/api.h"

/* The most that is told of this item: DECK_TELLS_LOCATION only where there is a place to show. */
enum srv_deck_feedback api_feedback_of(const struct srv_store_session *session,
                                       const struct srv_store_item *item);

/* New reference: null, or {truth, correct, location, sample}, each null when it is not told. */
json_t *api_feedback_json(const struct srv_store_session *session, const struct srv_store_item *item,
                          bool correct);

#endif
