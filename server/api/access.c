#include "server/api/access.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/sha256.h"
#include "server/store/staff/store_accounts.h"

/* ---- sessions of browsers ---- */

static bool uses_https(const struct srv_config *config)
{
    return !strncmp(config->public_url, "https://", 8);
}

bool srv_access_cookie(const struct srv_config *config, const struct srv_request *request,
                       char secret[SRV_SECRET_TEXT])
{
    return srv_cookie_find(request->cookie, COOKIE_SESSION(uses_https(config)), secret, SRV_SECRET_TEXT) &&
           strspn(secret, "0123456789abcdef") == SRV_SECRET_TEXT - 1;
}

/* Made from the secret, so that nothing more is stored; nobody gets from it back to the secret. */
void srv_access_csrf_token(const char *secret, char token[SRV_DIGEST_TEXT])
{
    char text[SRV_SECRET_TEXT + 8];
    int length = snprintf(text, sizeof text, "csrf %s", secret);
    nn_sha256_hex(text, (size_t)length, token);
}

void srv_access_set_cookie(const struct srv_config *config, const char *secret, struct srv_response *response)
{
    srv_cookie_write(response->set_cookie, secret, *secret ? ACCOUNT_SESSION_S : 0, uses_https(config));
}

/* ---- requests from elsewhere ---- */

/* Without a public_url the name that the browser called us by is the only one we know. */
static bool is_ours(const struct srv_config *config, const char *origin, const char *host)
{
    if (*config->public_url) return !strcasecmp(origin, config->public_url);
    const char *authority = strstr(origin, "://");
    return authority && host && !strcasecmp(authority + 3, host);
}

bool srv_access_same_site(const struct srv_config *config, const struct srv_request *request,
                          struct srv_response *response)
{
    if (!request->origin || is_ours(config, request->origin, request->host)) return true;
    srv_respond_error(response, 403, "foreign_origin", "This request comes from a page of another site.");
    return false;
}

static bool safe_from_forgery(const struct srv_config *config, const struct srv_request *request,
                              const char *secret, struct srv_response *response)
{
    char token[SRV_DIGEST_TEXT];
    if (!strcmp(request->method, "GET")) return true;
    if (!srv_access_same_site(config, request, response)) return false;
    srv_access_csrf_token(secret, token);
    if (request->csrf_token && srv_secret_equal(request->csrf_token, token)) return true;
    srv_respond_error(response, 403, "wrong_csrf_token",
                      "X-CSRF-Token is missing or wrong; GET /api/v1/me tells the right one.");
    return false;
}

/* ---- who asks ---- */

static bool refuse_unknown(struct srv_response *response)
{
    srv_respond_error(response, 401, "not_logged_in", "Please log in.");
    return false;
}

static bool admit_operator(struct srv_app *app, const struct srv_request *request,
                           struct srv_visitor *visitor, struct srv_response *response)
{
    const char *token = srv_request_bearer(request);
    if (!token || !srv_secret_equal(token, app->admin_token)) {
        srv_respond_error(response, 401, "wrong_token", "The admin token is missing or wrong.");
        return false;
    }
    visitor->account = (struct srv_account){.name = "operator", .role = SRV_ADMIN};
    return true;
}

static bool admit_session(struct srv_app *app, const struct srv_request *request, struct srv_visitor *visitor,
                          struct srv_response *response)
{
    char secret[SRV_SECRET_TEXT];
    bool found;
    if (!srv_access_cookie(app->config, request, secret)) return refuse_unknown(response);
    nn_sha256_hex(secret, strlen(secret), visitor->session_sha256);
    enum db_status status = srv_store_account_session(app->db, visitor->session_sha256, srv_clock_utc_ms(),
                                                      &visitor->account, &found);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
        return false;
    }
    if (found) return safe_from_forgery(app->config, request, secret, response);
    refuse_unknown(response);
    srv_access_set_cookie(app->config, "", response); /* it is over: the browser need not bring it again */
    return false;
}

bool srv_access_allow(struct srv_app *app, enum srv_role role, struct srv_request *request,
                      struct srv_visitor *visitor, struct srv_response *response)
{
    if (role < SRV_STAFF) return true;
    *visitor = (struct srv_visitor){0};
    bool admitted = request->authorization ? admit_operator(app, request, visitor, response)
                                           : admit_session(app, request, visitor, response);
    if (!admitted) return false;
    request->account = &visitor->account;
    if (srv_role_allows(role, visitor->account.role)) return true;
    srv_respond_error(response, 403, "wrong_role", "This is for accounts of the role %s.",
                      srv_role_text(role));
    return false;
}
