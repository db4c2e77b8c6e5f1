#include "server/accounts/learner_code.h"
#include "server/api/api.h"
#include "server/store/sessions/store_learners.h"

void api_learner_create(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    char code[LEARNER_CODE_TEXT], sha256[SRV_DIGEST_TEXT];
    (void)request;
    srv_learner_code_make(code);
    srv_learner_code_hash(code, sha256);
    enum db_status status = srv_store_learner_add(app->db, sha256, srv_clock_utc_ms());
    if (status == DB_OK)
        srv_respond_json(response, 201, json_pack("{s:{s:s}}", "learner", "code", code));
    else
        srv_respond_db_error(response, status);
}

bool api_learner(struct srv_app *app, const char *code, int64_t *id, struct srv_response *response)
{
    char sha256[SRV_DIGEST_TEXT];
    *id = 0;
    if (!code || !srv_learner_code_hash(code, sha256)) return true;
    enum db_status status = srv_store_learner_find(app->db, sha256, id);
    if (status != DB_OK) srv_respond_db_error(response, status);
    return status == DB_OK;
}

bool api_learner_of(struct srv_app *app, const struct srv_request *request, int64_t *id,
                    struct srv_response *response)
{
    if (!api_learner(app, srv_request_bearer(request), id, response)) return false;
    if (*id) return true;
    srv_respond_error(response, 401, "wrong_code", "The learner's code is missing or wrong.");
    return false;
}

/* A session that was withdrawn since the list was made is left out. */
static enum db_status list_sessions(struct db *db, char ids[LEARNER_SESSIONS_MAX][SRV_ID_TEXT], int count,
                                    json_t *list)
{
    for (int i = 0; i < count; i++) {
        struct srv_store_session session;
        bool found;
        enum db_status status = srv_store_session_find(db, ids[i], &session, &found);
        if (status != DB_OK) return status;
        if (found) json_array_append_new(list, api_session_json(&session));
    }
    return DB_OK;
}

void api_learner_read(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    int64_t id;
    int count;
    char ids[LEARNER_SESSIONS_MAX][SRV_ID_TEXT];
    if (!api_learner_of(app, request, &id, response)) return;
    json_t *list = json_array();
    enum db_status status = srv_store_learner_sessions(app->db, id, ids, &count);
    if (status == DB_OK) status = list_sessions(app->db, ids, count, list);
    if (status == DB_OK) {
        srv_respond_json(response, 200, json_pack("{s:o}", "sessions", list));
    } else {
        json_decref(list);
        srv_respond_db_error(response, status);
    }
}
