/* What every handler can reach. Made by main, alive as long as the daemon. */
#ifndef SRV_APP_H
#define SRV_APP_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/accounts/login_throttle.h"
#include "server/config.h"
#include "server/database/db.h"
#include "server/http/connections.h"
#include "server/images/image_queue.h"
#include "server/images/read_ahead.h"
#include "server/metrics.h"
#include "server/models/models.h"
#include "server/secrets.h"

struct srv_app {
    const struct srv_config *config;
    struct db *db;
    struct srv_models *models;
    struct srv_image_store *image_store; /* NULL: images are not kept on disk */
    struct srv_image_cache *cache;
    struct srv_image_queue *queue;
    struct srv_read_ahead *read_ahead;
    struct srv_connections *connections;
    struct srv_throttle *throttle;
    atomic_bool stopping;
    pthread_mutex_t export_turn; /* one export at a time: it has a reader of the data base to itself */
    int web_folder;              /* file descriptor, or -1 when there are no pages */
    char admin_token[SRV_SECRET_TEXT];
    struct srv_metrics metrics;
};

#endif
