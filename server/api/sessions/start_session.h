/* Starts a session, for all who do: the one way in which items are drawn, chosen from the library and stored.
 */
#ifndef SRV_START_SESSION_H
#define SRV_START_SESSION_H

#include "server/api/api.h"

/* What is to be started, and for whom. */
struct api_start {
    struct api_deck_version newest;
    int64_t learner_id, class_id; /* 0 for none */
    struct srv_session_study
        study; /* participant_id 0: of none; else also study_id, phase, tests, closes_at */
};

enum api_started {
    STARTED,         /* *session is stored under that secret, and its first images are being made */
    START_ELSEWHERE, /* of a study: DB_CONFLICT of srv_store_session_create; `response` is as it was */
    START_REFUSED,   /* the error is in `response`: which deck and model it names is not for participants */
};
enum api_started api_start_session(struct srv_app *app, const struct api_start *start,
                                   struct srv_store_session *session, char secret[SRV_SECRET_TEXT],
                                   struct srv_response *response);

#endif
