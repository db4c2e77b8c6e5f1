/* The HTTP side of the daemon: the only module that includes microhttpd.h.
 *
 * One thread per connection: handlers wait for images and the database, and with a thread each a slow
 * client or a slow image holds up nobody else. Who may connect, and how long each step may take, is in
 * connections.h; besides, 32 KiB of headers and REQUEST_BODY_MAX of body. */
#ifndef SRV_HTTP_H
#define SRV_HTTP_H

#include "engine/error.h"
#include "server/http/connections.h"
#include "server/http/request.h"
#include "server/http/response.h"

struct srv_http;

/* Fills a zeroed response. Called on many threads at once. */
typedef void srv_http_answer(void *context, struct srv_request *request, struct srv_response *response);

/* Answers whoever comes through the door, at once. Borrows `connections` until srv_http_stop, which the
 * caller closes afterwards. */
nn_status srv_http_start(struct srv_http **http, struct srv_connections *connections, srv_http_answer *answer,
                         void *context, struct nn_error *err) NN_MUST_CHECK;

/* The first step of a stop: no new connections, and every answer from now on is its connection's last. */
void srv_http_shut(struct srv_http *http);

/* Requests whose head has come and whose answer is not yet sent. */
int srv_http_under_way(struct srv_http *http);

/* Closes every connection, whatever it is at, and waits for the handlers: they see that their clients left.
 * NULL is harmless. */
void srv_http_stop(struct srv_http *http);

#endif
