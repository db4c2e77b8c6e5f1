/* Starts a session, for all who do: the one way in which items are drawn, chosen from the library and stored.
 */
#ifndef SRV_START_SESSION_H
#define SRV_START_SESSION_H

#include "server/api/api.h"

/* What is to be started, and for whom. */
struct api_start {
    struct api_deck_version newest;
    int64_t learner_id, class_id; /* 0 for none */
    int64_t study_id;             /* 0 for none; else `study` gives participant_id, phase, tests, closes_at */
    struct srv_session_study study;
};

/* Starts it: *session is then stored under that secret, and its first images are being made. False, with the
 * error in `response`, when it cannot be started; of a study, 409 started_elsewhere for DB_CONFLICT of
 * srv_store_session_create. Which deck and model are named in it is not for participants. */
bool api_start_session(struct srv_app *app, const struct api_start *start, struct srv_store_session *session,
                       char secret[SRV_SECRET_TEXT], struct srv_response *response);

#endif
