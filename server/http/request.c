#include "server/http/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool srv_request_client_left(const struct srv_request *request)
{
    return request->connection && srv_connection_left(request->connection, request->interim);
}

/* "application/json", alone or before a parameter such as charset. */
static bool is_json(const char *content_type)
{
    static const char json[] = "application/json";
    if (!content_type || strncasecmp(content_type, json, sizeof json - 1)) return false;
    return strchr("; \t", content_type[sizeof json - 1]) != NULL; /* the NUL counts */
}

json_t *srv_request_document(const struct srv_request *request, struct srv_response *response)
{
    json_error_t where;
    if (request->body_too_large) {
        srv_respond_error(response, 413, "too_large", "The body is larger than %d bytes.", REQUEST_BODY_MAX);
        return NULL;
    }
    if (!is_json(request->content_type)) {
        srv_respond_error(response, 415, "not_json", "The Content-Type must be application/json.");
        return NULL;
    }
    json_t *json = json_loadb(request->body, request->body_size, JSON_REJECT_DUPLICATES, &where);
    if (!json)
        srv_respond_error(response, 400, "malformed_json", "Line %d, column %d: %s.", where.line,
                          where.column, where.text);
    return json;
}

json_t *srv_request_json(const struct srv_request *request, const struct srv_json_field *fields,
                         int field_count, struct srv_response *response)
{
    struct nn_error err = {0};
    json_t *json = srv_request_document(request, response);
    if (!json) return NULL;
    if (!srv_json_fields_check(json, "", fields, field_count, &err)) return json;
    srv_respond_error(response, 400, "malformed_request", "%s.", err.text);
    json_decref(json);
    return NULL;
}

static int find_query(const struct srv_request *request, const char *name)
{
    for (int i = 0; i < request->query_count; i++)
        if (!strcmp(request->query[i].name, name)) return i;
    return -1;
}

const char *srv_request_query(const struct srv_request *request, const char *name)
{
    int i = find_query(request, name);
    return i < 0 ? NULL : request->query[i].value;
}

static bool listed(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(names[i], name)) return true;
    return false;
}

bool srv_request_query_known(const struct srv_request *request, const char *const *names, int count,
                             struct srv_response *response)
{
    for (int i = 0; i < request->query_count; i++) {
        const char *name = request->query[i].name;
        bool first = find_query(request, name) == i;
        if (first && listed(name, names, count)) continue;
        srv_respond_error(response, 400, "malformed_query",
                          first ? "Unknown parameter \"%.60s\"." : "\"%.60s\" comes twice.", name);
        return false;
    }
    if (request->query_too_long) srv_respond_error(response, 400, "malformed_query", "Too many parameters.");
    return !request->query_too_long;
}

bool srv_request_query_flag(const struct srv_request *request, const char *name, bool *flag,
                            struct srv_response *response)
{
    const char *text = srv_request_query(request, name);
    *flag = text && !strcmp(text, "true");
    if (!text || *flag || !strcmp(text, "false")) return true;
    srv_respond_error(response, 422, "wrong_filter", "%s: must be true or false.", name);
    return false;
}

const char *srv_request_bearer(const struct srv_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *value = request->authorization;
    if (!value || strncasecmp(value, scheme, sizeof scheme - 1)) return NULL;
    value += sizeof scheme - 1;
    return value + strspn(value, " ");
}

/* A list of tags, each quoted, with or without W/: for GET they are compared weakly (RFC 9110
 * section 13.1.2). What follows something that is not a tag is not looked at. */
bool srv_request_matches_etag(const struct srv_request *request, const char *etag)
{
    const char *at = request->if_none_match;
    size_t length = strlen(etag);
    if (!at) return false;
    if (at[strspn(at, " \t")] == '*') return at[strspn(at, " \t*")] == '\0';
    for (;;) {
        at += strspn(at, " \t,");
        if (!strncmp(at, "W/", 2)) at += 2;
        const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (!end) return false;
        if ((size_t)(end + 1 - at) == length && !memcmp(at, etag, length)) return true;
        at = end + 1 + strspn(end + 1, " \t");
        if (*at != ',') return false;
    }
}

bool srv_request_read_u64(const char *text, uint64_t *value)
{
    uint64_t sum = 0;
    if (!*text) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        if (__builtin_mul_overflow(sum, (uint64_t)10, &sum)) return false;
        if (__builtin_add_overflow(sum, (uint64_t)(*text - '0'), &sum)) return false;
    }
    *value = sum;
    return true;
}

bool srv_request_read_share(const char *text, double *value)
{
    size_t length = strspn(text, "0123456789.");
    if (length == 0 || text[length] || length > 20 || !strpbrk(text, "0123456789")) return false;
    char *end;
    *value = strtod(text, &end);
    return *end == '\0' && *value >= 0 && *value <= 1;
}
