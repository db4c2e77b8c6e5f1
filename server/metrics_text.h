/* All that the daemon counts, in the text format of Prometheus (version 0.0.4). Alerts that are worth setting
 * are in deploy/README.md. */
#ifndef SRV_METRICS_TEXT_H
#define SRV_METRICS_TEXT_H

#include "server/database/db.h"
#include "server/http/connections.h"
#include "server/http/router.h"
#include "server/images/image_cache.h"
#include "server/images/image_queue.h"
#include "server/metrics.h"
#include "server/models/models.h"

/* All borrowed. */
struct srv_metrics_sources {
    const struct srv_route *routes;
    int route_count;
    bool ready;
    const struct srv_connections_counts *connections;
    const struct srv_queue_counts *queue;
    const struct srv_cache_counts *cache;
    const struct srv_models_counts *models;
    const struct db_counts *database;
};

/* Heap text, or NULL. */
char *srv_metrics_text(const struct srv_metrics *metrics, const struct srv_metrics_sources *sources);

#endif
