#include "server/api/api.h"

#include <string.h>

#include "server/metrics_text.h"

void api_healthz(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    (void)app, (void)request;
    srv_respond_json(response, 200, json_pack("{s:s}", "status", "ok"));
}

static bool is_ready(struct srv_app *app)
{
    return !atomic_load(&app->stopping) && srv_models_ready(app->models);
}

void api_readyz(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    bool ready = is_ready(app);
    (void)request;
    const char *otherwise = atomic_load(&app->stopping) ? "stopping" : "loading";
    srv_respond_json(response, ready ? 200 : 503, json_pack("{s:s}", "status", ready ? "ready" : otherwise));
    if (!ready) response->retry_after_s = 1;
}

void api_metrics(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_connections_counts connections;
    struct srv_queue_counts queue;
    struct srv_cache_counts cache;
    struct srv_models_counts models;
    (void)request;
    srv_connections_count(app->connections, &connections);
    srv_queue_count(app->queue, &queue);
    srv_cache_count(app->cache, &cache);
    srv_models_count(app->models, &models);
    char *text = srv_metrics_text(&app->metrics, &(struct srv_metrics_sources){
                                                     .routes = api_routes,
                                                     .route_count = api_route_count,
                                                     .ready = is_ready(app),
                                                     .connections = &connections,
                                                     .queue = &queue,
                                                     .cache = &cache,
                                                     .models = &models,
                                                     .database = db_counts(app->db),
                                                 });
    if (text)
        srv_respond_bytes(response, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
    else
        srv_respond_error(response, 500, "internal", "Out of memory.");
}
