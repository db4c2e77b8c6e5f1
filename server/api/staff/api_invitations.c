#include <string.h>

#include "engine/sha256.h"
#include "server/accounts/invitation_link.h"
#include "server/api/access.h"
#include "server/api/api.h"
#include "server/store/staff/store_accounts.h"

static void respond_gone(struct srv_response *response)
{
    srv_respond_error(
        response, 404, "unknown_invitation",
        "This link is not valid: it was used already, has expired or was replaced by a newer one.");
}

/* ---- making ---- */

static void make(struct srv_app *app, const struct srv_request *request, struct srv_invitation *invitation,
                 struct srv_response *response)
{
    char secret[SRV_SECRET_TEXT], sha256[SRV_DIGEST_TEXT], link[INVITATION_LINK_TEXT];
    enum srv_account_outcome outcome;
    api_secret_new(secret, sha256);
    enum db_status status =
        srv_store_invitation_add(app->db, request->account, sha256, srv_clock_utc_ms(), invitation, &outcome);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
    } else if (outcome != ACCOUNT_DONE) {
        api_respond_account_outcome(outcome, response);
    } else {
        srv_invitation_link(app->config->public_url, secret, link);
        srv_respond_json(
            response, 201,
            json_pack("{s:{s:I,s:s,s:s,s:s?,s:s,s:s}}", "invitation", "id", (json_int_t)invitation->id,
                      "purpose", srv_invitation_purpose_text(invitation->purpose), "role",
                      srv_role_text(invitation->role), "name", *invitation->name ? invitation->name : NULL,
                      "expires_at", invitation->expires_at, "link", link));
    }
}

void api_invitation_create(struct srv_app *app, const struct srv_request *request,
                           struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"role", 's', true}};
    struct srv_invitation invitation = {.purpose = INVITATION_INVITE};
    json_t *body = srv_request_json(request, fields, 1, response);
    if (body && api_role(body, &invitation.role, response)) make(app, request, &invitation, response);
    json_decref(body);
}

void api_account_reset(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_invitation invitation = {.purpose = INVITATION_RESET};
    if (api_number(request, 0, &invitation.account_id))
        make(app, request, &invitation, response);
    else
        api_respond_account_outcome(ACCOUNT_UNKNOWN, response);
}

void api_invitations(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    json_t *list = json_array();
    (void)request;
    enum db_status status = srv_store_invitation_list(app->db, srv_clock_utc_ms(), list);
    if (status == DB_OK) {
        srv_respond_json(response, 200, json_pack("{s:o}", "invitations", list));
    } else {
        json_decref(list);
        srv_respond_db_error(response, status);
    }
}

void api_invitation_revoke(struct srv_app *app, const struct srv_request *request,
                           struct srv_response *response)
{
    int64_t id;
    enum srv_account_outcome outcome;
    api_number(request, 0, &id);
    enum db_status status =
        srv_store_invitation_revoke(app->db, request->account, id, srv_clock_utc_ms(), &outcome);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (outcome == ACCOUNT_UNKNOWN)
        respond_gone(response);
    else
        api_respond_account_outcome(outcome, response);
}

/* ---- using: by whoever has the link ---- */

/* Fills `invitation`; 404 for a link that is no use. */
static bool look(struct srv_app *app, const char *token, char sha256[SRV_DIGEST_TEXT],
                 struct srv_invitation *invitation, struct srv_response *response)
{
    bool found;
    nn_sha256_hex(token, strlen(token), sha256);
    enum db_status status =
        srv_store_invitation_find(app->db, sha256, srv_clock_utc_ms(), invitation, &found);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!found)
        respond_gone(response);
    return status == DB_OK && found;
}

void api_invitation_look(struct srv_app *app, const struct srv_request *request,
                         struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"token", 's', true}};
    struct srv_invitation invitation;
    char sha256[SRV_DIGEST_TEXT];
    json_t *body = srv_request_json(request, fields, 1, response);
    if (!body) return;
    if (look(app, json_string_value(json_object_get(body, "token")), sha256, &invitation, response))
        srv_respond_json(response, 200,
                         json_pack("{s:{s:s,s:s,s:s?,s:s}}", "invitation", "purpose",
                                   srv_invitation_purpose_text(invitation.purpose), "role",
                                   srv_role_text(invitation.role), "name",
                                   *invitation.name ? invitation.name : NULL, "expires_at",
                                   invitation.expires_at));
    json_decref(body);
}

/* The password is hashed before the transaction, which nobody then waits for, and after the look, so that
 * nobody without a link makes us hash. */
static void use(struct srv_app *app, const char *token, const char *name, const char *password,
                struct srv_response *response)
{
    struct srv_invitation invitation;
    struct srv_account account;
    enum srv_account_outcome outcome;
    char link_sha256[SRV_DIGEST_TEXT], secret[SRV_SECRET_TEXT], sha256[SRV_DIGEST_TEXT];
    char hash[PASSWORD_HASH_TEXT];
    if (!look(app, token, link_sha256, &invitation, response)) return;
    bool names = invitation.purpose != INVITATION_RESET;
    const char *wrong = srv_account_password_wrong(password);
    if (!wrong && names) wrong = name ? srv_account_name_wrong(name) : "A name is missing.";
    if (wrong) {
        srv_respond_error(response, 422, "out_of_range", "%s", wrong);
        return;
    }
    if (!api_password_ok(srv_password_hash(password, hash), response)) return;
    api_secret_new(secret, sha256);
    enum db_status status = srv_store_invitation_use(app->db, link_sha256, names ? name : "", hash, sha256,
                                                     srv_clock_utc_ms(), &account, &outcome);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
    } else if (outcome == ACCOUNT_UNKNOWN) { /* somebody else was quicker */
        respond_gone(response);
    } else if (outcome != ACCOUNT_DONE) {
        api_respond_account_outcome(outcome, response);
    } else {
        srv_throttle_clear(app->throttle, account.name);
        api_respond_logged_in(app, &account, secret, response);
    }
}

void api_invitation_use(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct srv_json_field fields[] = {
        {"token", 's', true}, {"name", 's', false}, {"password", 's', true}};
    if (!srv_access_same_site(app->config, request, response)) return;
    json_t *body = srv_request_json(request, fields, 3, response);
    if (!body) return;
    use(app, json_string_value(json_object_get(body, "token")),
        json_string_value(json_object_get(body, "name")),
        json_string_value(json_object_get(body, "password")), response);
    json_decref(body);
}
