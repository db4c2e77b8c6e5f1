/* One HTTP response as handlers make it. */
#ifndef SRV_RESPONSE_H
#define SRV_RESPONSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/blob.h"
#include "server/database/db.h"
#include "server/http/cookie.h"

enum { RESPONSE_ETAG_TEXT = 72, /* a SHA-256 and its quotes */ RESPONSE_ALLOW_TEXT = 64 };

/* A body that is made while it is sent. `next` gives the following piece as heap text, or NULL with *failed
 * telling whether that is the end or an error; `close` frees the context, whatever happened. */
struct srv_stream {
    char *(*next)(void *context, size_t *size_bytes, bool *failed);
    void (*close)(void *context);
    void *context;
};

/* Zeroed at the start of a request; srv_response_release at its end. */
struct srv_response {
    int status;
    const char *error;             /* the code of srv_respond_error, or NULL */
    const char *content_type;      /* constant text */
    const char *cache_control;     /* constant text; NULL is no-store */
    const char *disposition;       /* constant text or NULL */
    bool gzip_by_request;          /* whether `body` is gzip depends on what the request takes */
    bool gzip;                     /* `body` is gzip */
    char etag[RESPONSE_ETAG_TEXT]; /* with its quotes; "" for none */
    char allow[RESPONSE_ALLOW_TEXT];
    char set_cookie[COOKIE_SET_TEXT]; /* "" for none */
    int retry_after_s;                /* 0 for none */
    struct srv_blob *body;            /* held */
    struct srv_stream stream;         /* instead of a body when `next` is set */
};

void srv_response_release(struct srv_response *response);

/* Takes `body`; a NULL (memory ran out while it was packed) becomes a 500. */
void srv_respond_json(struct srv_response *response, int status, json_t *body);

/* Takes `bytes` (heap). */
void srv_respond_bytes(struct srv_response *response, const char *content_type, void *bytes,
                       size_t size_bytes);

/* {"error":{"code":..,"message":..}}. Replaces what the response held. `code` is constant text. */
void srv_respond_error(struct srv_response *response, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* For a database that said no: 503 with Retry-After when the storage refuses, 500 otherwise. */
void srv_respond_db_error(struct srv_response *response, enum db_status status);

#endif
