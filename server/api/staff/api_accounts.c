#include "server/api/api.h"
#include "server/store/staff/store_accounts.h"

void api_respond_account_outcome(enum srv_account_outcome outcome, struct srv_response *response)
{
    switch (outcome) {
    case ACCOUNT_DONE:
        srv_respond_json(response, 200, json_pack("{s:s}", "status", "ok"));
        break;
    case ACCOUNT_NAME_TAKEN:
        srv_respond_error(response, 409, "name_taken", "Another account has this name.");
        break;
    case ACCOUNT_LAST_ADMIN:
        srv_respond_error(response, 409, "last_admin", "This is the last account that can administer.");
        break;
    case ACCOUNT_NOT_ALLOWED:
        srv_respond_error(response, 403, "wrong_role", "This is for accounts of the role admin.");
        break;
    case ACCOUNT_CHANGED:
        srv_respond_error(response, 409, "changed", "Something changed meanwhile; please try again.");
        break;
    default:
        srv_respond_error(response, 404, "unknown_account", "There is no such account, or it is disabled.");
    }
}

static void respond(enum db_status status, enum srv_account_outcome outcome, struct srv_response *response)
{
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else
        api_respond_account_outcome(outcome, response);
}

bool api_number(const struct srv_request *request, int param, int64_t *id)
{
    uint64_t value;
    *id = -1; /* nothing has it */
    if (!srv_request_read_u64(request->params[param], &value) || value > INT64_MAX) return false;
    *id = (int64_t)value;
    return true;
}

void api_accounts(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    json_t *accounts = json_array();
    (void)request;
    enum db_status status = srv_store_account_list(app->db, accounts);
    if (status == DB_OK) {
        srv_respond_json(response, 200, json_pack("{s:o}", "accounts", accounts));
    } else {
        json_decref(accounts);
        srv_respond_db_error(response, status);
    }
}

void api_account_disable(struct srv_app *app, const struct srv_request *request,
                         struct srv_response *response)
{
    int64_t id;
    enum srv_account_outcome outcome;
    api_number(request, 0, &id);
    enum db_status status =
        srv_store_account_disable(app->db, request->account, id, srv_clock_utc_ms(), &outcome);
    respond(status, outcome, response);
}

void api_account_enable(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    int64_t id;
    enum srv_account_outcome outcome;
    api_number(request, 0, &id);
    enum db_status status = srv_store_account_enable(app->db, request->account, id, &outcome);
    respond(status, outcome, response);
}

void api_account_end_sessions(struct srv_app *app, const struct srv_request *request,
                              struct srv_response *response)
{
    int64_t id;
    enum srv_account_outcome outcome;
    api_number(request, 0, &id);
    enum db_status status = srv_store_account_end_sessions(app->db, request->account, id, &outcome);
    respond(status, outcome, response);
}

bool api_role(const json_t *body, enum srv_role *role, struct srv_response *response)
{
    if (srv_role_read(json_string_value(json_object_get(body, "role")), role)) return true;
    srv_respond_error(response, 422, "out_of_range", "role must be educator, researcher or admin.");
    return false;
}

void api_account_role(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"role", 's', true}};
    int64_t id;
    enum srv_role role;
    enum srv_account_outcome outcome;
    json_t *body = srv_request_json(request, fields, 1, response);
    if (!body) return;
    bool known = api_role(body, &role, response);
    json_decref(body);
    if (!known) return;
    api_number(request, 0, &id);
    enum db_status status = srv_store_account_role(app->db, request->account, id, role, &outcome);
    respond(status, outcome, response);
}
