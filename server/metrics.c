#include "server/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/clock.h"
#include "server/version.h"

void srv_metrics_count(struct srv_metrics *metrics, int route, int status, int64_t duration_us)
{
    int line = route < 0 || route >= METRICS_ROUTES_MAX ? METRICS_ROUTES_MAX : route;
    int class = status / 100 < METRICS_CLASSES ? status / 100 : 0;
    atomic_fetch_add(&metrics->requests[line][class], 1);
    atomic_fetch_add(&metrics->busy_us[line], (unsigned long long)duration_us);
}

static void print_route(FILE *out, struct srv_metrics *metrics, int line, const char *method,
                        const char *pattern)
{
    unsigned long long total = 0;
    for (int class = 1; class < METRICS_CLASSES; class ++) {
        unsigned long long count = atomic_load(&metrics->requests[line][class]);
        total += count;
        if (count)
            fprintf(out, "roentgymd_requests_total{method=\"%s\",route=\"%s\",status=\"%dxx\"} %llu\n",
                    method, pattern, class, count);
    }
    if (total)
        fprintf(out, "roentgymd_request_seconds_total{method=\"%s\",route=\"%s\"} %.6f\n", method, pattern,
                (double)atomic_load(&metrics->busy_us[line]) / 1e6);
}

static void print_queue(FILE *out, const struct srv_queue_counts *c)
{
    fprintf(out,
            "roentgymd_images_made_total %" PRIu64 "\nroentgymd_images_failed_total %" PRIu64
            "\nroentgymd_images_from_cache_total %" PRIu64 "\nroentgymd_images_refused_total %" PRIu64
            "\nroentgymd_image_seconds_total %.6f\nroentgymd_images_waiting %d\n",
            c->made, c->failed, c->from_cache, c->refused, c->seconds, c->waiting);
}

char *srv_metrics_text(struct srv_metrics *metrics, const struct srv_route *routes, int route_count,
                       const struct srv_queue_counts *queue)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fprintf(out, "roentgymd_info{version=\"%s\"} 1\n", SRV_VERSION);
    fprintf(out, "roentgymd_uptime_seconds %.3f\n",
            (double)(srv_clock_monotonic_us() - metrics->started_us) / 1e6);
    fprintf(out, "roentgymd_answers_total %llu\n", (unsigned long long)atomic_load(&metrics->answers));
    for (int i = 0; i < route_count; i++) print_route(out, metrics, i, routes[i].method, routes[i].pattern);
    print_route(out, metrics, METRICS_ROUTES_MAX, "any", "static");
    print_queue(out, queue);
    if (fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}
