#include "server/http/response.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORAGE_RETRY_S = 10 };

void srv_response_release(struct srv_response *response)
{
    srv_blob_release(response->body);
    if (response->stream.close) response->stream.close(response->stream.context);
    *response = (struct srv_response){0};
}

void srv_respond_bytes(struct srv_response *response, const char *content_type, void *bytes,
                       size_t size_bytes)
{
    srv_blob_release(response->body);
    response->content_type = content_type;
    response->body = srv_blob_take(bytes, size_bytes);
    response->status = response->body ? 200 : 500;
}

void srv_respond_json(struct srv_response *response, int status, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(body);
    if (!text) {
        response->status = 500;
        return;
    }
    srv_respond_bytes(response, "application/json", text, strlen(text));
    if (response->body) response->status = status;
}

void srv_respond_error(struct srv_response *response, int status, const char *code, const char *format, ...)
{
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    json_t *text = json_string(message);
    if (!text) { /* a client's text, cut inside a UTF-8 character */
        for (char *c = message; *c; c++)
            if (*c & 0x80) *c = '?';
        text = json_string(message);
    }
    srv_response_release(response);
    response->error = code;
    srv_respond_json(response, status, json_pack("{s:{s:s,s:o}}", "error", "code", code, "message", text));
}

void srv_respond_db_error(struct srv_response *response, enum db_status status)
{
    if (status == DB_UNAVAILABLE) {
        srv_respond_error(response, 503, "storage_unavailable",
                          "The database cannot write now; nothing was changed.");
        response->retry_after_s = STORAGE_RETRY_S;
    } else {
        srv_respond_error(response, 500, "internal", "The database failed; nothing was changed.");
    }
}
