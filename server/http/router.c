#include "server/http/router.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static size_t segment_length(const char *text)
{
    return strcspn(text, "/");
}

/* Matches one segment; a capture goes to `param` when that is not NULL. */
static bool match_segment(const char *pattern, size_t pattern_length, const char *text, size_t length,
                          char *param)
{
    if (*pattern != '{') return pattern_length == length && !memcmp(pattern, text, length);
    const char *suffix = (const char *)memchr(pattern, '}', pattern_length) + 1;
    size_t suffix_length = (size_t)(pattern + pattern_length - suffix);
    if (length <= suffix_length || memcmp(text + length - suffix_length, suffix, suffix_length)) return false;
    length -= suffix_length;
    if (length >= REQUEST_PARAM_TEXT) return false;
    if (param) {
        memcpy(param, text, length);
        param[length] = '\0';
    }
    return true;
}

static bool match(const char *pattern, const char *path, char (*params)[REQUEST_PARAM_TEXT])
{
    int captured = 0;
    while (*pattern == '/' && *path == '/') {
        pattern++, path++;
        size_t pattern_length = segment_length(pattern), length = segment_length(path);
        bool capture = *pattern == '{';
        if (capture && captured == REQUEST_PARAMS_MAX) return false;
        if (!match_segment(pattern, pattern_length, path, length, params ? params[captured] : NULL))
            return false;
        captured += capture;
        pattern += pattern_length, path += length;
    }
    return *pattern == '\0' && *path == '\0';
}

const struct srv_route *srv_router_find(const struct srv_route *routes, size_t count,
                                        struct srv_request *request)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(routes[i].method, request->method) &&
            match(routes[i].pattern, request->path, request->params))
            return &routes[i];
    return NULL;
}

void srv_router_allow(const struct srv_route *routes, size_t count, const struct srv_request *request,
                      char allow[RESPONSE_ALLOW_TEXT])
{
    size_t used = 0;
    allow[0] = '\0';
    for (size_t i = 0; i < count && used < RESPONSE_ALLOW_TEXT; i++) {
        if (!match(routes[i].pattern, request->path, NULL)) continue;
        const char *method = strcmp(routes[i].method, "GET") ? routes[i].method : "GET, HEAD";
        used += (size_t)snprintf(allow + used, RESPONSE_ALLOW_TEXT - used, "%s%s", used ? ", " : "", method);
    }
}
