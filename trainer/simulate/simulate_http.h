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

/* What came back. */
struct tr_http_reply {
    int status;
    json_t *json; /* NULL where the body is none; the caller's */
};

/* POSTs `body` (borrowed), or GETs where it is NULL, with the secret as bearer where there is one. NN_ERR_IO:
 * the server could not be reached, or did not stop being busy; the text names address and cause. */
nn_status tr_http_call(struct tr_http *http, const char *path, const char *bearer, const json_t *body,
                       struct tr_http_reply *reply, struct nn_error *err) NN_MUST_CHECK;

/* The same where nothing but `wanted` will do: *json is the caller's; else NN_ERR_FORMAT with what the server
 * said instead. */
nn_status tr_http_get(struct tr_http *http, const char *path, const char *bearer, json_t **json,
                      struct nn_error *err) NN_MUST_CHECK;
nn_status tr_http_post(struct tr_http *http, const char *path, const char *bearer, const json_t *body,
                       json_t **json, struct nn_error *err) NN_MUST_CHECK;

/* Says what the server answered instead of what was wanted; returns NN_ERR_FORMAT. */
nn_status tr_http_refused(const char *path, const struct tr_http_reply *reply, struct nn_error *err);

#endif
