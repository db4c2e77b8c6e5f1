/* The HTTP side of the daemon: the only module that includes microhttpd.h.
 *
 * One thread per connection: handlers wait for images and the database, and with a thread each a slow
 * client or a slow image holds up nobody else. Limits: 200 connections, 30 s of silence, 32 KiB of headers,
 * REQUEST_BODY_MAX of body. */
#ifndef SRV_HTTP_H
#define SRV_HTTP_H

#include "engine/error.h"
#include "server/request.h"
#include "server/response.h"

struct srv_http;

/* Fills a zeroed response. Called on many threads at once. */
typedef void srv_http_answer(void *context, struct srv_request *request, struct srv_response *response);

/* Listens on the numeric address `bind`, port 0 taking a free one, and answers at once. */
nn_status srv_http_start(struct srv_http **http, const char *bind, int port, srv_http_answer *answer,
                         void *context, struct nn_error *err) NN_MUST_CHECK;

/* "http://127.0.0.1:8080", or "http://[::1]:8080". */
const char *srv_http_address(const struct srv_http *http);

/* Stops listening, lets requests under way finish (10 s at most), closes the connections. NULL is harmless.
 */
void srv_http_stop(struct srv_http *http);

#endif
