/* Studies, for researchers: drafts are edited as decks are, then opened, closed and frozen. */
#include <stdio.h>
#include <string.h>

#include "server/api/api.h"
#include "server/api/studies/study_check.h"
#include "server/store/studies/store_studies.h"

static void respond_unknown(struct srv_response *response)
{
    srv_respond_error(response, 404, "unknown_study", "There is no such study, or no such version of it.");
}

static void set_version(struct srv_response *response, int version)
{
    snprintf(response->etag, sizeof response->etag, "\"%d\"", version);
}

/* ---- reading ---- */

void api_studies(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    (void)request;
    json_t *list = json_array();
    enum db_status status = srv_store_studies(app->db, list);
    if (status == DB_OK)
        srv_respond_json(response, 200, json_pack("{s:O}", "studies", list));
    else
        srv_respond_db_error(response, status);
    json_decref(list);
}

void api_study_versions(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    json_t *list = json_array();
    enum db_status status = srv_store_study_versions(app->db, request->params[0], list);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (json_array_size(list) == 0)
        respond_unknown(response);
    else
        srv_respond_json(response, 200, json_pack("{s:O}", "versions", list));
    json_decref(list);
}

static bool read_version(const struct srv_request *request, int *version, struct srv_response *response)
{
    static const char *const known[] = {"version"};
    uint64_t number = 0;
    const char *text = srv_request_query(request, "version");
    if (!srv_request_query_known(request, known, 1, response)) return false;
    *version = 0;
    if (!text) return true;
    if (srv_request_read_u64(text, &number) && number >= 1 && number <= INT32_MAX) {
        *version = (int)number;
        return true;
    }
    respond_unknown(response);
    return false;
}

void api_study_read(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    int version;
    char etag[RESPONSE_ETAG_TEXT];
    json_t *definition = NULL;
    if (!read_version(request, &version, response)) return;
    enum db_status status = srv_store_study_version(app->db, request->params[0], &version, &definition);
    snprintf(etag, sizeof etag, "\"%d\"", version);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
    } else if (!definition) {
        respond_unknown(response);
    } else {
        if (srv_request_matches_etag(request, etag))
            response->status = 304;
        else
            srv_respond_json(response, 200, json_incref(definition));
        memcpy(response->etag, etag, sizeof etag);
    }
    json_decref(definition);
}

/* A study that is open already was looked at then. */
void api_study_warnings(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    bool found;
    struct srv_store_study study;
    json_t *warnings = json_array();
    enum db_status status = srv_store_study_find(app->db, request->params[0], &study, &found);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!found)
        respond_unknown(response);
    else if (study.state != STUDY_DRAFT || api_study_check(app, &study.study, NULL, warnings, response))
        srv_respond_json(response, 200, json_pack("{s:O}", "warnings", warnings));
    json_decref(warnings);
}

/* ---- changing ---- */

static void respond_other_state(enum srv_study_state state, struct srv_response *response)
{
    static const char *const sentences[] = {
        "The study is a draft: open it first.",
        "The study is open: only its text of consent may change now, and it can be closed.",
        "The study is closed: only its text of consent may change now, and it can be frozen.",
        "The study is frozen: nothing changes any more.",
    };
    srv_respond_error(response, 409, state == STUDY_FROZEN ? "study_frozen" : "wrong_state", "%s",
                      sentences[state]);
}

/* Takes `warnings`, or NULL for a change that has none. */
static void respond_change(const struct srv_study_change *change, const char *name, int success,
                           json_t *warnings, struct srv_response *response)
{
    switch (change->outcome) {
    case STUDY_DONE:
        srv_respond_json(response, success,
                         json_pack("{s:{s:s,s:i,s:s},s:O}", "study", "id", name, "version", change->version,
                                   "state", srv_study_states[change->state], "warnings", warnings));
        set_version(response, change->version);
        break;
    case STUDY_NAME_TAKEN:
        srv_respond_error(response, 409, "study_exists", "There is a study with the id \"%s\" already.",
                          name);
        break;
    case STUDY_IMAGES_GONE:
        srv_respond_error(response, 409, "images_missing",
                          "A collection of the library that its decks show was removed meanwhile.");
        break;
    case STUDY_OUTDATED:
        srv_respond_error(response, 412, "outdated", "Version %d was saved since you began to edit.",
                          change->version);
        set_version(response, change->version);
        break;
    case STUDY_OTHER_STATE:
        respond_other_state(change->state, response);
        break;
    default:
        respond_unknown(response);
    }
}

static void respond(enum db_status status, const struct srv_study_change *change, const char *name,
                    int success, json_t *warnings, struct srv_response *response)
{
    if (status == DB_OK)
        respond_change(change, name, success, warnings, response);
    else
        srv_respond_db_error(response, status);
}

/* The study in the body, its decks looked at. */
static bool read_study(struct srv_app *app, const struct srv_request *request, struct srv_study *study,
                       json_t *warnings, struct srv_response *response)
{
    struct nn_error err = {0};
    json_t *json = srv_request_document(request, response);
    if (!json) return false;
    nn_status status = srv_study_read(json, "study", study, &err);
    json_decref(json);
    if (status) srv_respond_error(response, 422, "wrong_study", "%s.", err.text);
    return !status && api_study_check(app, study, NULL, warnings, response);
}

void api_study_create(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_study study;
    struct srv_study_change change;
    json_t *warnings = json_array();
    if (read_study(app, request, &study, warnings, response)) {
        enum db_status status = srv_store_study_add(app->db, request->account, &study, &change);
        respond(status, &change, study.id, 201, warnings, response);
    }
    json_decref(warnings);
}

void api_study_save(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    int edited;
    struct srv_study study;
    struct srv_study_change change;
    if (!api_if_match(request, &edited, response)) return;
    json_t *warnings = json_array();
    if (read_study(app, request, &study, warnings, response)) {
        if (strcmp(study.id, request->params[0])) {
            srv_respond_error(response, 422, "wrong_study", "study.id: is not the one of the address.");
        } else {
            enum db_status status = srv_store_study_save(app->db, request->account, &study, edited, &change);
            respond(status, &change, study.id, 200, warnings, response);
        }
    }
    json_decref(warnings);
}

void api_study_consent(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"text", 's', true}};
    int edited;
    struct srv_study_change change;
    if (!api_if_match(request, &edited, response)) return;
    json_t *body = srv_request_json(request, fields, 1, response);
    if (!body) return;
    const char *text = json_string_value(json_object_get(body, "text"));
    if (strlen(text) < 1 || strlen(text) >= STUDY_CONSENT_TEXT) {
        srv_respond_error(response, 422, "out_of_range", "text: must have 1 to %d bytes.",
                          STUDY_CONSENT_TEXT - 1);
    } else {
        json_t *warnings = json_array();
        enum db_status status =
            srv_store_study_consent(app->db, request->account, request->params[0], text, edited, &change);
        respond(status, &change, request->params[0], 200, warnings, response);
        json_decref(warnings);
    }
    json_decref(body);
}

/* ---- states ---- */

static void open_checked(struct srv_app *app, const struct srv_request *request,
                         const struct srv_study *study, int edited, struct srv_response *response)
{
    struct srv_study_change change;
    struct srv_study_opening opening;
    json_t *warnings = json_array();
    if (api_study_check(app, study, &opening, warnings, response)) {
        opening.seed = srv_random_u64();
        enum db_status status =
            srv_store_study_open(app->db, request->account, study->id, edited, &opening, &change);
        respond(status, &change, study->id, 200, warnings, response);
    }
    json_decref(opening.test_items);
    json_decref(warnings);
}

void api_study_open(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    int edited;
    bool found;
    struct srv_store_study study;
    if (!api_if_match(request, &edited, response)) return;
    enum db_status status = srv_store_study_find(app->db, request->params[0], &study, &found);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!found)
        respond_unknown(response);
    else if (study.state != STUDY_DRAFT)
        respond_other_state(study.state, response);
    else /* what has been read, and not what is saved while it is looked at */
        open_checked(app, request, &study.study, edited == study.version ? edited : -1, response);
}

typedef enum db_status state_change(struct db *db, const struct srv_account *actor, const char *name,
                                    struct srv_study_change *change);

static void change_state(struct srv_app *app, const struct srv_request *request, state_change *to,
                         struct srv_response *response)
{
    struct srv_study_change change;
    json_t *warnings = json_array();
    enum db_status status = to(app->db, request->account, request->params[0], &change);
    respond(status, &change, request->params[0], 200, warnings, response);
    json_decref(warnings);
}

void api_study_close(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    change_state(app, request, srv_store_study_close, response);
}

void api_study_freeze(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    change_state(app, request, srv_store_study_freeze, response);
    if (response->status == 200) api_study_export_record(app, request->params[0]);
}
