/* What researchers take home from a study. By default nothing in it leads back to a person: random codes, no
 * dates, nothing of what was asked at enrolment, nothing in people's own words. */
#include "server/api/api.h"
#include "server/api/results/export_download.h"
#include "server/export/export_columns.h"
#include "server/log.h"
#include "server/store/store_audit.h"
#include "server/store/studies/store_studies.h"

static bool read_filter(const struct srv_request *request, bool of_a_phase, struct srv_export_filter *filter,
                        struct srv_response *response)
{
    static const char *const known[] = {"strata", "free_texts", "phase", "simulated"};
    if (!srv_request_query_known(request, known, 4, response)) return false;
    *filter =
        (struct srv_export_filter){.study = request->params[0], .phase = srv_request_query(request, "phase")};
    if (of_a_phase && !filter->phase) {
        srv_respond_error(response, 422, "wrong_filter", "phase: must name one here.");
        return false;
    }
    return srv_request_query_flag(request, "simulated", &filter->simulated, response) &&
           srv_request_query_flag(request, "strata", &filter->strata, response) &&
           srv_request_query_flag(request, "free_texts", &filter->free_texts, response);
}

static void respond(struct srv_app *app, const struct srv_request *request,
                    const struct srv_download *download, struct srv_response *response)
{
    struct srv_export_filter filter;
    if (!read_filter(request, download == &srv_download_imrmc, &filter, response)) return;
    enum db_status status =
        srv_audit_note(app->db, request->account, "export", download->name,
                       json_pack("{s:s,s:s*,s:b,s:b,s:b}", "study", filter.study, "phase", filter.phase,
                                 "strata", (int)filter.strata, "simulated", (int)filter.simulated,
                                 "free_texts", (int)filter.free_texts));
    if (status == DB_OK)
        srv_download_send(app, &filter, download, response);
    else
        srv_respond_db_error(response, status);
}

void api_study_export_csv(struct srv_app *app, const struct srv_request *request,
                          struct srv_response *response)
{
    respond(app, request, &srv_download_csv, response);
}

void api_study_export_jsonl(struct srv_app *app, const struct srv_request *request,
                            struct srv_response *response)
{
    respond(app, request, &srv_download_jsonl, response);
}

void api_study_export_package(struct srv_app *app, const struct srv_request *request,
                              struct srv_response *response)
{
    api_study_export_record(app, request->params[0]);
    respond(app, request, &srv_download_package, response);
}

void api_study_export_imrmc(struct srv_app *app, const struct srv_request *request,
                            struct srv_response *response)
{
    respond(app, request, &srv_download_imrmc, response);
}

void api_study_export_xapi(struct srv_app *app, const struct srv_request *request,
                           struct srv_response *response)
{
    respond(app, request, &srv_download_xapi, response);
}

/* ---- what a frozen study exports ---- */

void api_study_export_record(struct srv_app *app, const char *name)
{
    bool found;
    char sha256[SRV_DIGEST_TEXT];
    struct srv_store_study study;
    const struct srv_export_filter all = {.study = name};
    enum db_status status = srv_store_study_find(app->db, name, &study, &found);
    if (status != DB_OK || !found || study.state != STUDY_FROZEN || *study.export_sha256) return;
    if (!srv_download_sha256(app, &all, &srv_download_package, sha256) ||
        srv_store_study_exported(app->db, study.id, sha256) != DB_OK)
        srv_log_error("what a frozen study exports could not be recorded; its next export tries again");
}

/* ---- what the columns mean ---- */

static json_t *files_json(unsigned in)
{
    json_t *list = json_array();
    if (in & IN_LOG) json_array_append_new(list, json_string("log"));
    if (in & IN_PACKAGE) json_array_append_new(list, json_string("package"));
    if (in & (IN_STUDY | IN_STRATA)) json_array_append_new(list, json_string("study"));
    return list;
}

static json_t *column_json(const struct srv_export_column *column)
{
    static const char *const kinds[] = {"text", "integer", "number", "yes_no"};
    json_t *levels = json_array();
    for (const struct srv_column_level *level = column->levels; level->value; level++)
        json_array_append_new(levels,
                              json_pack("{s:s,s:s}", "value", level->value, "meaning", level->meaning));
    return json_pack("{s:s,s:s,s:s?,s:s,s:o,s:o,s:b}", "name", column->name, "type", kinds[column->kind],
                     "unit", column->unit, "description", column->description, "levels", levels, "files",
                     files_json(column->in), "on_request", (int)(column->in == IN_STRATA));
}

void api_codebook(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    (void)app, (void)request;
    json_t *list = json_array();
    for (int i = 0; i < EXPORT_COLUMNS; i++) json_array_append_new(list, column_json(&srv_export_columns[i]));
    srv_respond_json(response, 200, json_pack("{s:o}", "columns", list));
}
