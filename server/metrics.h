/* Counters for operators, in the Prometheus text format. Any thread may count. */
#ifndef SRV_METRICS_H
#define SRV_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "server/image_queue.h"
#include "server/models.h"
#include "server/router.h"

enum { METRICS_ROUTES_MAX = 32, METRICS_CLASSES = 6 }; /* status classes 1xx .. 5xx, by index */

struct srv_metrics {
    int64_t started_us; /* on the steady clock */
    /* One line more than routes: files and paths that no route has. */
    atomic_ullong requests[METRICS_ROUTES_MAX + 1][METRICS_CLASSES];
    atomic_ullong busy_us[METRICS_ROUTES_MAX + 1];
    atomic_ullong answers;
};

/* `route` is an index into the routes, or -1. */
void srv_metrics_count(struct srv_metrics *metrics, int route, int status, int64_t duration_us);

/* Heap text, or NULL. */
char *srv_metrics_text(struct srv_metrics *metrics, const struct srv_route *routes, int route_count,
                       const struct srv_queue_counts *queue, const struct srv_models_counts *models);

#endif
