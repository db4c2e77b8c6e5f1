/* What the daemon counts itself: requests and errors. Any thread may count. Everything that operators see is
 * put together in metrics_text.h. Labels are ours alone (routes' patterns, codes of errors), never a
 * client's: nothing here tells of a learner, and no client can make lines. */
#ifndef SRV_METRICS_H
#define SRV_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "server/histogram.h"

enum {
    METRICS_ROUTES_MAX = 192,
    METRICS_CLASSES = 6, /* status classes 1xx .. 5xx, by index */
    METRICS_ERRORS_MAX = 128
};

struct srv_metrics {
    int64_t started_us; /* on the steady clock */
    /* One line more than routes: files and paths that no route has. */
    atomic_ullong requests[METRICS_ROUTES_MAX + 1][METRICS_CLASSES];
    struct srv_histogram seconds[METRICS_ROUTES_MAX + 1]; /* until the answer is handed over for sending */
    struct {
        const char *_Atomic code;
        atomic_ullong count;
    } errors[METRICS_ERRORS_MAX];
    atomic_ullong answers;
};

/* `route` is an index into the routes, or -1; `error` the code of an error's body, constant text, or NULL. */
void srv_metrics_count(struct srv_metrics *metrics, int route, int status, const char *error,
                       int64_t duration_us);

#endif
