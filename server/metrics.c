#include "server/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "server/clock.h"

void srv_metrics_count(struct srv_metrics *metrics, int route, int status, int64_t duration_us)
{
    int line = route < 0 || route >= METRICS_ROUTES_MAX ? METRICS_ROUTES_MAX : route;
    int class = status / 100 < METRICS_CLASSES ? status / 100 : 0;
    atomic_fetch_add(&metrics->requests[line][class], 1);
    atomic_fetch_add(&metrics->busy_us[line], (unsigned long long)duration_us);
}

/* One family of the format: its type, then all its lines together. */
static void print_one(FILE *out, const char *name, const char *type, double value)
{
    fprintf(out, "# TYPE roentgymd_%s %s\nroentgymd_%s %.15g\n", name, type, name, value);
}

/* The last line is for what has no route. */
static struct srv_route route_of(const struct srv_route *routes, int line)
{
    return line < METRICS_ROUTES_MAX ? routes[line] : (struct srv_route){"any", "static", NULL};
}

static void print_requests(FILE *out, struct srv_metrics *metrics, const struct srv_route *routes, int line)
{
    struct srv_route route = route_of(routes, line);
    for (int class = 1; class < METRICS_CLASSES; class ++) {
        unsigned long long count = atomic_load(&metrics->requests[line][class]);
        if (count)
            fprintf(out, "roentgymd_requests_total{method=\"%s\",route=\"%s\",status=\"%dxx\"} %llu\n",
                    route.method, route.pattern, class, count);
    }
}

static void print_seconds(FILE *out, struct srv_metrics *metrics, const struct srv_route *routes, int line)
{
    struct srv_route route = route_of(routes, line);
    unsigned long long busy_us = atomic_load(&metrics->busy_us[line]);
    if (busy_us)
        fprintf(out, "roentgymd_request_seconds_total{method=\"%s\",route=\"%s\"} %.6f\n", route.method,
                route.pattern, (double)busy_us / 1e6);
}

static void print_routes(FILE *out, struct srv_metrics *metrics, const struct srv_route *routes,
                         int route_count)
{
    fputs("# TYPE roentgymd_requests_total counter\n", out);
    for (int i = 0; i < route_count; i++) print_requests(out, metrics, routes, i);
    print_requests(out, metrics, routes, METRICS_ROUTES_MAX);
    fputs("# TYPE roentgymd_request_seconds_total counter\n", out);
    for (int i = 0; i < route_count; i++) print_seconds(out, metrics, routes, i);
    print_seconds(out, metrics, routes, METRICS_ROUTES_MAX);
}

static void print_queue(FILE *out, const struct srv_queue_counts *c)
{
    double made = 0, refused = 0, waiting = 0;
    for (int p = 0; p < PRIORITIES; p++) {
        made += (double)c->made[p];
        refused += (double)c->refused[p];
        waiting += c->waiting[p];
    }
    print_one(out, "images_made_total", "counter", made);
    print_one(out, "images_failed_total", "counter", (double)c->failed);
    print_one(out, "images_from_cache_total", "counter", (double)c->from_cache);
    print_one(out, "images_refused_total", "counter", refused);
    print_one(out, "image_seconds_total", "counter", (double)(c->sampling.sum + c->encoding.sum) / 1e6);
    print_one(out, "images_waiting", "gauge", waiting);
}

static void print_models(FILE *out, const struct srv_models_counts *c)
{
    print_one(out, "model_loads_total", "counter", (double)c->loads);
    print_one(out, "model_failures_total", "counter", (double)c->failures);
    print_one(out, "model_evictions_total", "counter", (double)c->evictions);
    print_one(out, "models_loaded", "gauge", c->loaded);
    print_one(out, "model_memory_bytes", "gauge", (double)c->memory_bytes);
    print_one(out, "model_memory_limit_bytes", "gauge", (double)c->memory_limit_bytes);
}

char *srv_metrics_text(struct srv_metrics *metrics, const struct srv_route *routes, int route_count,
                       const struct srv_queue_counts *queue, const struct srv_models_counts *models)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fprintf(out, "# TYPE roentgymd_info gauge\nroentgymd_info{version=\"%s\"} 1\n", ROENTGYM_VERSION);
    print_one(out, "uptime_seconds", "gauge", (double)(srv_clock_monotonic_us() - metrics->started_us) / 1e6);
    print_one(out, "answers_total", "counter", (double)atomic_load(&metrics->answers));
    print_routes(out, metrics, routes, route_count);
    print_queue(out, queue);
    print_models(out, models);
    if (fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}
