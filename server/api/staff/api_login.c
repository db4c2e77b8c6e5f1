#include <string.h>

#include "engine/sha256.h"
#include "server/api/access.h"
#include "server/api/api.h"
#include "server/store/staff/store_accounts.h"

enum { HASHING_RETRY_S = 2 };

/* ---- what a log-in, a used link and a new password have in common ---- */

void api_secret_new(char secret[SRV_SECRET_TEXT], char sha256[SRV_DIGEST_TEXT])
{
    srv_random_hex(secret, SRV_SECRET_TEXT);
    nn_sha256_hex(secret, SRV_SECRET_TEXT - 1, sha256);
}

static void respond_me(const struct srv_account *account, const char *secret, struct srv_response *response)
{
    char token[SRV_DIGEST_TEXT];
    if (*secret) srv_access_csrf_token(secret, token);
    srv_respond_json(response, 200,
                     json_pack("{s:{s:I,s:s,s:s},s:s?}", "account", "id", (json_int_t)account->id, "name",
                               account->name, "role", srv_role_text(account->role), "csrf_token",
                               *secret ? token : NULL));
}

void api_respond_logged_in(struct srv_app *app, const struct srv_account *account, const char *secret,
                           struct srv_response *response)
{
    respond_me(account, secret, response);
    srv_access_set_cookie(app->config, secret, response);
}

bool api_password_ok(enum srv_password_result result, struct srv_response *response)
{
    if (result == PASSWORD_RIGHT) return true;
    if (result == PASSWORD_BUSY) {
        srv_respond_error(response, 503, "busy", "Too many people are logging in.");
        response->retry_after_s = HASHING_RETRY_S;
    } else {
        srv_respond_error(response, 500, "internal",
                          "The password could not be worked on; nothing was changed.");
    }
    return false;
}

/* ---- logging in ---- */

/* The same words for every reason, and, but for a database that fails, after the same work. */
static void refuse(struct srv_response *response)
{
    srv_respond_error(response, 401, "wrong_login", "Name or password is wrong.");
}

static bool may_try(struct srv_app *app, const char *name, struct srv_response *response)
{
    int wait_s = srv_throttle_attempt(app->throttle, name, srv_clock_monotonic_us());
    if (wait_s == 0) return true;
    srv_respond_error(response, 429, "too_many_attempts",
                      "There were too many attempts with this name. Please wait %d seconds.", wait_s);
    response->retry_after_s = wait_s;
    return false;
}

/* False with the error in `response`, and the attempt not counted where nobody looked at the password. */
static bool check_password(struct srv_app *app, const char *name, const char *password, const char *hash,
                           struct srv_response *response)
{
    if (strlen(password) > ACCOUNT_PASSWORD_MAX) {
        refuse(response);
        return false;
    }
    enum srv_password_result result = srv_password_check(password, hash);
    if (result == PASSWORD_WRONG)
        refuse(response);
    else if (!api_password_ok(result, response))
        srv_throttle_withdraw(app->throttle, name);
    return result == PASSWORD_RIGHT;
}

static void start_session(struct srv_app *app, const struct srv_account *account, const char *password,
                          const char *hash, struct srv_response *response)
{
    char secret[SRV_SECRET_TEXT], sha256[SRV_DIGEST_TEXT], rehashed[PASSWORD_HASH_TEXT];
    enum srv_account_outcome outcome;
    bool stale = srv_password_stale(hash) && srv_password_hash(password, rehashed) == PASSWORD_RIGHT;
    api_secret_new(secret, sha256);
    enum db_status status = srv_store_account_login(app->db, account->id, hash, stale ? rehashed : NULL,
                                                    sha256, srv_clock_utc_ms(), &outcome);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
    } else if (outcome != ACCOUNT_DONE) { /* disabled, or its password changed, a moment ago */
        refuse(response);
    } else {
        srv_throttle_clear(app->throttle, account->name);
        api_respond_logged_in(app, account, secret, response);
    }
}

static void log_in(struct srv_app *app, const char *name, const char *password, struct srv_response *response)
{
    struct srv_account account;
    char hash[PASSWORD_HASH_TEXT];
    bool found;
    if (!may_try(app, name, response)) return;
    enum db_status status = srv_store_account_find(app->db, name, &account, hash, &found);
    if (status != DB_OK) {
        srv_throttle_withdraw(app->throttle, name);
        srv_respond_db_error(response, status);
    } else if (check_password(app, name, password, hash, response)) {
        start_session(app, &account, password, hash, response);
    }
}

void api_login(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"name", 's', true}, {"password", 's', true}};
    if (!srv_access_same_site(app->config, request, response)) return;
    json_t *body = srv_request_json(request, fields, 2, response);
    if (!body) return;
    log_in(app, json_string_value(json_object_get(body, "name")),
           json_string_value(json_object_get(body, "password")), response);
    json_decref(body);
}

/* ---- the one who is logged in ---- */

void api_logout(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    char secret[SRV_SECRET_TEXT], sha256[SRV_DIGEST_TEXT];
    if (request->account->id && srv_access_cookie(app->config, request, secret)) {
        nn_sha256_hex(secret, strlen(secret), sha256);
        enum db_status status = srv_store_account_logout(app->db, sha256);
        if (status != DB_OK) {
            srv_respond_db_error(response, status);
            return;
        }
    }
    srv_respond_json(response, 200, json_pack("{s:s}", "status", "ok"));
    srv_access_set_cookie(app->config, "", response);
}

void api_me(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    char secret[SRV_SECRET_TEXT] = "";
    if (request->account->id) srv_access_cookie(app->config, request, secret);
    respond_me(request->account, secret, response);
}

static void change_password(struct srv_app *app, const struct srv_account *account, const char *before,
                            const char *after, struct srv_response *response)
{
    struct srv_account found_account;
    enum srv_account_outcome outcome;
    char hash[PASSWORD_HASH_TEXT], new_hash[PASSWORD_HASH_TEXT], secret[SRV_SECRET_TEXT],
        sha256[SRV_DIGEST_TEXT];
    bool found;
    if (!may_try(app, account->name, response)) return;
    enum db_status status = srv_store_account_find(app->db, account->name, &found_account, hash, &found);
    if (status == DB_OK) {
        if (!check_password(app, account->name, before, hash, response)) return;
        if (!api_password_ok(srv_password_hash(after, new_hash), response)) return;
        api_secret_new(secret, sha256);
        status = srv_store_account_password(app->db, account, hash, new_hash, sha256, srv_clock_utc_ms(),
                                            &outcome);
    }
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
    } else if (outcome != ACCOUNT_DONE) {
        refuse(response);
    } else {
        srv_throttle_clear(app->throttle, account->name);
        api_respond_logged_in(app, account, secret, response);
    }
}

void api_password(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"current", 's', true}, {"new", 's', true}};
    json_t *body = srv_request_json(request, fields, 2, response);
    if (!body) return;
    const char *after = json_string_value(json_object_get(body, "new"));
    const char *wrong = srv_account_password_wrong(after);
    if (request->account->id == 0)
        srv_respond_error(response, 409, "no_account", "The operator's token has no password.");
    else if (wrong)
        srv_respond_error(response, 422, "out_of_range", "%s", wrong);
    else
        change_password(app, request->account, json_string_value(json_object_get(body, "current")), after,
                        response);
    json_decref(body);
}
