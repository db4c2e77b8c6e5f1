#include "server/api.h"

#include <string.h>

void api_healthz(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    (void)app, (void)request;
    srv_respond_json(response, 200, json_pack("{s:s}", "status", "ok"));
}

void api_readyz(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    bool stopping = atomic_load(&app->stopping), ready = !stopping && srv_models_ready(app->models);
    (void)request;
    srv_respond_json(response, ready ? 200 : 503,
                     json_pack("{s:s}", "status",
                               stopping ? "stopping"
                               : ready  ? "ready"
                                        : "loading"));
    if (!ready) response->retry_after_s = 1;
}

void api_metrics(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_queue_counts counts;
    struct srv_models_counts models;
    (void)request;
    srv_queue_count(app->queue, &counts);
    srv_models_count(app->models, &models);
    char *text = srv_metrics_text(&app->metrics, api_routes, api_route_count, &counts, &models);
    if (text)
        srv_respond_bytes(response, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
    else
        srv_respond_error(response, 500, "internal", "Out of memory.");
}
