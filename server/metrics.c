#include "server/metrics.h"

#include <stddef.h>
#include <string.h>

/* The codes are few and each is constant text, so each takes a place in the table when it first comes. */
static void count_error(struct srv_metrics *metrics, const char *code)
{
    for (int i = 0; i < METRICS_ERRORS_MAX; i++) {
        const char *none = NULL;
        atomic_compare_exchange_strong(&metrics->errors[i].code, &none, code);
        if (none && strcmp(none, code)) continue;
        atomic_fetch_add(&metrics->errors[i].count, 1);
        return;
    }
}

void srv_metrics_count(struct srv_metrics *metrics, int route, int status, const char *error,
                       int64_t duration_us)
{
    int line = route < 0 || route >= METRICS_ROUTES_MAX ? METRICS_ROUTES_MAX : route;
    int class = status / 100 < METRICS_CLASSES ? status / 100 : 0;
    atomic_fetch_add(&metrics->requests[line][class], 1);
    srv_histogram_observe(&metrics->seconds[line], duration_us);
    if (error) count_error(metrics, error);
}
