/* One client of the daemon's HTTP interface, for one thread: JSON out, JSON back, over one connection that
 * stays open. A busy server (429, 503) is asked again when it says, and one that cannot be reached some
 * times, unless the program is to end. */
#ifndef TR_SIMULATE_HTTP_H
#define TR_SIMULATE_HTTP_H

#include <jansson.h>

#include "engine/error.h"

struct tr_http;

/* Once in the program, before any thread has a client. */
nn_status tr_http_start(struct nn_error *err) NN_MUST_CHECK;

/* `server` is "http://host:port" or https, without a slash at the end. NULL when memory ran out. */
struct tr_http *tr_http_new(const char *server);
void tr_http_free(struct tr_http *http); /* NULL is harmless */

/* GETs, or POSTs `body` (borrowed), with the secret as bearer where there is one; *json is the caller's, NULL
 * after a failure and for what is no JSON object, as an image. NN_ERR_IO: the server could not be reached, or
 * did not stop being busy; the text names address and cause. NN_ERR_FORMAT: it answered with anything but
 * success; the text has what it said instead. */
nn_status tr_http_get(struct tr_http *http, const char *path, const char *bearer, json_t **json,
                      struct nn_error *err) NN_MUST_CHECK;
nn_status tr_http_post(struct tr_http *http, const char *path, const char *bearer, const json_t *body,
                       json_t **json, struct nn_error *err) NN_MUST_CHECK;

#endif
