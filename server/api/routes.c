#include <string.h>

#include "server/api/access.h"
#include "server/api/api.h"
#include "server/clock.h"
#include "server/http/static_files.h"
#include "server/log.h"
#include "server/metrics.h"

const struct srv_route api_routes[] = {
    {"GET", "/healthz", api_healthz, SRV_ANYONE},
    {"GET", "/readyz", api_readyz, SRV_ANYONE},
    {"GET", "/metrics", api_metrics, SRV_ANYONE},
    {"GET", "/api/v1/models", api_models, SRV_ANYONE},
    {"GET", "/api/v1/models/{model}/card", api_model_card, SRV_ANYONE},
    {"GET", "/api/v1/samples/{model}/{class}/{seed}.png", api_sample, SRV_ANYONE},
    {"GET", "/api/v1/decks", api_decks, SRV_ANYONE},
    {"POST", "/api/v1/decks", api_deck_create, SRV_EDUCATOR},
    {"GET", "/api/v1/decks/{deck}", api_deck_read, SRV_STAFF},
    {"POST", "/api/v1/decks/{deck}", api_deck_save, SRV_EDUCATOR},
    {"GET", "/api/v1/decks/{deck}/versions", api_deck_versions, SRV_STAFF},
    {"GET", "/api/v1/decks/{deck}/statistics", api_deck_statistics, SRV_STAFF},
    {"GET", "/api/v1/decks/{deck}/moodle.xml", api_deck_moodle, SRV_EDUCATOR},
    {"POST", "/api/v1/decks/{deck}/archive", api_deck_archive, SRV_EDUCATOR},
    {"POST", "/api/v1/decks/{deck}/restore", api_deck_restore, SRV_EDUCATOR},
    {"GET", "/api/v1/catalogue", api_catalogue, SRV_STAFF},
    {"POST", "/api/v1/preview", api_deck_preview, SRV_EDUCATOR},
    {"POST", "/api/v1/sessions", api_session_create, SRV_ANYONE},
    {"GET", "/api/v1/sessions/{session}", api_session_read, SRV_LEARNER},
    {"GET", "/api/v1/sessions/{session}/items/{n}", api_item, SRV_LEARNER},
    {"GET", "/api/v1/sessions/{session}/items/{n}/location.png", api_location, SRV_LEARNER},
    {"POST", "/api/v1/sessions/{session}/answers", api_answer, SRV_LEARNER},
    {"GET", "/api/v1/sessions/{session}/summary", api_summary, SRV_LEARNER},
    {"GET", "/api/v1/sessions/{session}/truths", api_truths, SRV_ADMIN},
    {"GET", "/api/v1/images/{image}.png", api_image, SRV_ANYONE},
    {"GET", "/api/v1/library", api_library, SRV_STAFF},
    {"GET", "/api/v1/library/{collection}/images", api_library_images, SRV_STAFF},
    {"GET", "/api/v1/library/{collection}/images/{id}.png", api_library_image, SRV_STAFF},
    {"GET", "/api/v1/export/responses.csv", api_export_csv, SRV_RESEARCHER},
    {"GET", "/api/v1/export/responses.jsonl", api_export_jsonl, SRV_RESEARCHER},
    {"GET", "/api/v1/export/package.zip", api_export_package, SRV_RESEARCHER},
    {"GET", "/api/v1/export/imrmc.zip", api_export_imrmc, SRV_RESEARCHER},
    {"GET", "/api/v1/export/xapi.jsonl", api_export_xapi, SRV_RESEARCHER},
    {"GET", "/api/v1/codebook", api_codebook, SRV_RESEARCHER},
    {"GET", "/api/v1/studies/{study}/flow", api_study_flow, SRV_RESEARCHER},
    {"GET", "/api/v1/studies/{study}/statistics", api_study_statistics, SRV_RESEARCHER},
    {"GET", "/api/v1/studies/{study}/participants", api_study_participants, SRV_RESEARCHER},
    {"POST", "/api/v1/studies/{study}/participants/{code}/withdraw", api_study_withdraw, SRV_RESEARCHER},
    {"GET", "/api/v1/studies/{study}/export/responses.csv", api_study_export_csv, SRV_RESEARCHER},
    {"GET", "/api/v1/studies/{study}/export/responses.jsonl", api_study_export_jsonl, SRV_RESEARCHER},
    {"GET", "/api/v1/studies/{study}/export/package.zip", api_study_export_package, SRV_RESEARCHER},
    {"GET", "/api/v1/studies/{study}/export/imrmc.zip", api_study_export_imrmc, SRV_RESEARCHER},
    {"GET", "/api/v1/studies/{study}/export/xapi.jsonl", api_study_export_xapi, SRV_RESEARCHER},
    {"POST", "/api/v1/learners", api_learner_create, SRV_ANYONE},
    {"POST", "/api/v1/simulated-learners", api_simulated_create, SRV_ADMIN},
    {"GET", "/api/v1/learner", api_learner_read, SRV_LEARNER},
    {"GET", "/api/v1/learner/statistics", api_learner_statistics, SRV_LEARNER},
    {"GET", "/api/v1/classes", api_classes, SRV_EDUCATOR},
    {"POST", "/api/v1/classes", api_class_create, SRV_EDUCATOR},
    {"GET", "/api/v1/classes/{class}", api_class, SRV_ANYONE},
    {"POST", "/api/v1/classes/{class}/close", api_class_close, SRV_EDUCATOR},
    {"GET", "/api/v1/classes/{class}/results", api_class_results, SRV_EDUCATOR},
    {"GET", "/api/v1/studies", api_studies, SRV_RESEARCHER},
    {"POST", "/api/v1/studies", api_study_create, SRV_RESEARCHER},
    {"GET", "/api/v1/studies/{study}", api_study_read, SRV_RESEARCHER},
    {"POST", "/api/v1/studies/{study}", api_study_save, SRV_RESEARCHER},
    {"GET", "/api/v1/studies/{study}/versions", api_study_versions, SRV_RESEARCHER},
    {"GET", "/api/v1/studies/{study}/warnings", api_study_warnings, SRV_RESEARCHER},
    {"POST", "/api/v1/studies/{study}/open", api_study_open, SRV_RESEARCHER},
    {"POST", "/api/v1/studies/{study}/consent", api_study_consent, SRV_RESEARCHER},
    {"POST", "/api/v1/studies/{study}/close", api_study_close, SRV_RESEARCHER},
    {"POST", "/api/v1/studies/{study}/freeze", api_study_freeze, SRV_RESEARCHER},
    {"GET", "/api/v1/studies/{study}/invitation", api_study_invitation, SRV_ANYONE},
    {"POST", "/api/v1/studies/{study}/participants", api_participant_enrol, SRV_LEARNER},
    {"GET", "/api/v1/studies/{study}/participant", api_participant_read, SRV_LEARNER},
    {"POST", "/api/v1/studies/{study}/participant/consent", api_participant_consent, SRV_LEARNER},
    {"POST", "/api/v1/studies/{study}/participant/session", api_participant_session, SRV_LEARNER},
    {"POST", "/api/v1/studies/{study}/participant/questions", api_participant_questions, SRV_LEARNER},
    {"POST", "/api/v1/studies/{study}/participant/withdraw", api_participant_withdraw, SRV_LEARNER},
    {"POST", "/api/v1/login", api_login, SRV_ANYONE},
    {"POST", "/api/v1/logout", api_logout, SRV_STAFF},
    {"GET", "/api/v1/me", api_me, SRV_STAFF},
    {"POST", "/api/v1/me/password", api_password, SRV_STAFF},
    {"GET", "/api/v1/accounts", api_accounts, SRV_ADMIN},
    {"POST", "/api/v1/accounts/{account}/disable", api_account_disable, SRV_ADMIN},
    {"POST", "/api/v1/accounts/{account}/enable", api_account_enable, SRV_ADMIN},
    {"POST", "/api/v1/accounts/{account}/role", api_account_role, SRV_ADMIN},
    {"POST", "/api/v1/accounts/{account}/reset", api_account_reset, SRV_ADMIN},
    {"POST", "/api/v1/accounts/{account}/end-sessions", api_account_end_sessions, SRV_ADMIN},
    {"GET", "/api/v1/invitations", api_invitations, SRV_ADMIN},
    {"POST", "/api/v1/invitations", api_invitation_create, SRV_ADMIN},
    {"POST", "/api/v1/invitations/{invitation}/revoke", api_invitation_revoke, SRV_ADMIN},
    {"POST", "/api/v1/invitation/look", api_invitation_look, SRV_ANYONE},
    {"POST", "/api/v1/invitation/use", api_invitation_use, SRV_ANYONE},
    {"GET", "/api/v1/audit", api_audit, SRV_ADMIN},
};
const int api_route_count = sizeof api_routes / sizeof *api_routes;
_Static_assert(sizeof api_routes / sizeof *api_routes <= METRICS_ROUTES_MAX, "every route has its counters");

static void refuse_method(const struct srv_request *request, const char *allow, struct srv_response *response)
{
    srv_respond_error(response, 405, "method_not_allowed", "%.20s is not possible here.", request->method);
    strcpy(response->allow, allow);
}

static void refuse_malformed(const struct srv_request *request, struct srv_response *response)
{
    srv_respond_error(response, request->malformed, "malformed_head",
                      request->malformed == 501 ? "The transfer coding is unknown."
                                                : "The headers contradict each other, or there is no Host.");
}

static void serve_unrouted(struct srv_app *app, const struct srv_request *request,
                           struct srv_response *response)
{
    char allow[RESPONSE_ALLOW_TEXT];
    srv_router_allow(api_routes, (size_t)api_route_count, request, allow);
    if (*allow)
        refuse_method(request, allow, response);
    else if (!strncmp(request->path, "/api/", 5))
        srv_respond_error(response, 404, "not_found", "There is no such route.");
    else if (strcmp(request->method, "GET"))
        refuse_method(request, "GET, HEAD", response);
    else
        srv_static_file(app->web_folder, request, response);
}

/* The log names the route's pattern, not the path: paths hold session ids and image names. */
void api_serve(void *context, struct srv_request *request, struct srv_response *response)
{
    struct srv_app *app = context;
    struct srv_visitor visitor;
    int64_t started_us = srv_clock_monotonic_us();
    srv_log_about(request->id);
    const struct srv_route *route =
        request->malformed ? NULL : srv_router_find(api_routes, (size_t)api_route_count, request);
    if (request->malformed)
        refuse_malformed(request, response);
    else if (!route)
        serve_unrouted(app, request, response);
    else if (srv_access_allow(app, route->role, request, &visitor, response))
        route->handler(app, request, response);
    int64_t duration_us = srv_clock_monotonic_us() - started_us;
    srv_metrics_count(&app->metrics, route ? (int)(route - api_routes) : -1, response->status,
                      response->error, duration_us);
    srv_log_request(&(struct srv_log_request){
        .id = request->id,
        .method = request->method,
        .route = route ? route->pattern : "static",
        .status = response->status,
        .error = response->error,
        .duration_us = duration_us,
        .bytes = response->stream.next ? -1
                 : response->body      ? (int64_t)response->body->size_bytes
                                       : 0,
    });
    srv_log_about(NULL);
}
