/* The door in front of the handlers: who asks, and may they.
 *
 * An account shows itself by the cookie of its session; what changes anything must then also carry the
 * session's token in X-CSRF-Token, and an Origin that is ours if it carries one. The operator shows the admin
 * token, `Authorization: Bearer TOKEN`, and acts as an administrator without an account, for scripts.
 * Whoever has a bearer token is taken by it alone: a request without a cookie can not be forged by a page. */
#ifndef SRV_ACCESS_H
#define SRV_ACCESS_H

#include "server/app.h"
#include "server/http/request.h"
#include "server/http/response.h"

/* Who asks, for routes of SRV_STAFF and above. */
struct srv_visitor {
    struct srv_account account;
    char session_sha256[SRV_DIGEST_TEXT]; /* "" for the operator */
};

/* Whether the request may go to a handler that wants `role`; else 401, 403 or 503 in `response`. For
 * SRV_STAFF and above fills `visitor`, to which request->account then points. */
bool srv_access_allow(struct srv_app *app, enum srv_role role, struct srv_request *request,
                      struct srv_visitor *visitor, struct srv_response *response);

/* False, with 403 in `response`, for a request that a page of another site sent. */
bool srv_access_same_site(const struct srv_config *config, const struct srv_request *request,
                          struct srv_response *response);

/* The secret of the request's cookie; false when there is none of the right form. */
bool srv_access_cookie(const struct srv_config *config, const struct srv_request *request,
                       char secret[SRV_SECRET_TEXT]);

/* What X-CSRF-Token must be for the session with that secret. */
void srv_access_csrf_token(const char *secret, char token[SRV_DIGEST_TEXT]);

/* Gives the browser the cookie of a new session, or with "" takes it back. */
void srv_access_set_cookie(const struct srv_config *config, const char *secret,
                           struct srv_response *response);

#endif
