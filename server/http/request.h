/* One HTTP request as handlers see it: nothing in it knows the HTTP library. All text is borrowed for the
 * time of the handler's call. */
#ifndef SRV_REQUEST_H
#define SRV_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/accounts/account.h"
#include "server/http/connections.h"
#include "server/http/json_fields.h"
#include "server/http/response.h"

enum {
    REQUEST_BODY_MAX = 64 * 1024,
    REQUEST_PARAMS_MAX = 3,
    REQUEST_PARAM_TEXT = 80, /* longer than any id, class or number that a route takes */
    REQUEST_QUERY_MAX = 8,
    REQUEST_ID_TEXT = 17, /* 64 random bits as hex, and the NUL */
};

struct srv_query {
    const char *name, *value;
};

struct srv_request {
    char id[REQUEST_ID_TEXT]; /* made here, for the log and the X-Request-Id of the response; says nothing */
    int malformed;            /* 0, or the status that its head must be refused with: 400, 501 */
    const char *method;       /* GET for a HEAD too */
    const char *path;         /* decoded, without the query */
    char params[REQUEST_PARAMS_MAX][REQUEST_PARAM_TEXT]; /* what the route's {...} matched, in order */
    struct srv_query query[REQUEST_QUERY_MAX];
    int query_count;
    bool query_too_long;
    const char *authorization, *content_type, *if_none_match, *if_match; /* NULL when absent */
    const char *cookie, *host, *origin, *csrf_token;                     /* NULL when absent */
    bool takes_gzip;                                                     /* says Accept-Encoding */
    const struct srv_account *account; /* who asks, on routes for the staff; NULL on all others */
    const char *body;
    size_t body_size;
    bool body_too_large;
    struct srv_connection *connection; /* NULL where no client can leave */
    bool interim;                      /* the client understands "100 Continue" (HTTP/1.1) */
};

/* Whether the client is gone, so that nobody would read the answer; the rule is in connections.h. By the
 * thread that handles the request. Costs a system call: ask a few times a second, not in a loop. */
bool srv_request_client_left(const struct srv_request *request);

/* The JSON in the body, whatever it is, or NULL with the error in `response`: 413, 415, or 400. New
 * reference. */
json_t *srv_request_document(const struct srv_request *request, struct srv_response *response);

/* The JSON object in the body, with exactly these fields, or NULL with the error in `response`: 413, 415,
 * or 400. New reference. */
json_t *srv_request_json(const struct srv_request *request, const struct srv_json_field *fields,
                         int field_count, struct srv_response *response);

/* Whether every query parameter is one of `names` and none comes twice; else 400 in `response`. */
bool srv_request_query_known(const struct srv_request *request, const char *const *names, int count,
                             struct srv_response *response);
const char *srv_request_query(const struct srv_request *request, const char *name); /* NULL when absent */
/* A parameter that is true or false, false when absent; else 422 in `response`. */
bool srv_request_query_flag(const struct srv_request *request, const char *name, bool *flag,
                            struct srv_response *response);

/* The secret of `Authorization: Bearer SECRET`, or NULL. */
const char *srv_request_bearer(const struct srv_request *request);

/* Whether If-None-Match names `etag` (with its quotes) or is "*". */
bool srv_request_matches_etag(const struct srv_request *request, const char *etag);

/* Whole-text readers without locale, spaces, hexadecimal, infinities. False when the text is not one. */
bool srv_request_read_u64(const char *text, uint64_t *value); /* decimal digits, at most 2^64-1 */
bool srv_request_read_share(const char *text, double *value); /* decimal number in [0,1] */

#endif
