/* Starts a session, for all who do: the one way in which items are drawn, chosen from the library and stored.
 */
#ifndef SRV_START_SESSION_H
#define SRV_START_SESSION_H

#include "server/api/api.h"

/* What is to be started, and for whom. */
struct api_start {
    struct api_deck_version newest;
    int64_t learner_id, class_id; /* 0 for none */
};

/* Starts it: *session is then stored under that secret, and its first images are being made. False, with the
 * error in `response`, when it cannot be started. */
bool api_start_session(struct srv_app *app, const struct api_start *start, struct srv_store_session *session,
                       char secret[SRV_SECRET_TEXT], struct srv_response *response);

#endif
