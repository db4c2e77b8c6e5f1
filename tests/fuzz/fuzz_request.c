/* Any bytes as a request: the first line is the path, and each header that we read ourselves, and a query;
 * the rest is the body of an answer. Refused with a JSON error of one sentence, or read; never more than the
 * buffers hold. */
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/api.h"
#include "server/http/static_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) abort();
}

static void check_path(struct srv_request *request)
{
    static const char *const methods[] = {"GET", "POST", "PUT"};
    for (int m = 0; m < 3; m++) {
        char allow[RESPONSE_ALLOW_TEXT];
        request->method = methods[m];
        const struct srv_route *route = srv_router_find(api_routes, (size_t)api_route_count, request);
        srv_router_allow(api_routes, (size_t)api_route_count, request, allow);
        must(!route || (!strcmp(route->method, methods[m]) && strstr(allow, methods[m])));
        for (int i = 0; i < REQUEST_PARAMS_MAX; i++)
            must(memchr(request->params[i], '\0', REQUEST_PARAM_TEXT) != NULL &&
                 !strchr(request->params[i], '/'));
    }
}

static void check_numbers(const char *text)
{
    char back[24];
    uint64_t value;
    double share;
    if (srv_request_read_u64(text, &value)) {
        snprintf(back, sizeof back, "%" PRIu64, value);
        const char *digits = text + strspn(text, "0");
        must(!strcmp(back, *digits ? digits : "0"));
    }
    must(!srv_request_read_share(text, &share) || (share >= 0 && share <= 1));
}

static void check_bearer(struct srv_request *request, const char *text)
{
    request->authorization = text;
    const char *secret = srv_request_bearer(request);
    must(!secret || (secret >= text + strlen("Bearer ") && secret <= text + strlen(text) && *secret != ' '));
}

/* A tag that is listed stands in the text, alone or after what may precede it. */
static void check_etag(struct srv_request *request, const char *text)
{
    static const char tag[] = "\"0123\"";
    request->if_none_match = text;
    if (srv_request_matches_etag(request, tag)) {
        const char *at = strstr(text, tag);
        must(strchr(text, '*') || (at && (at == text || strchr(" \t,/", at[-1]))));
    } else {
        must(strcmp(text, tag) != 0 && strcmp(text, "*") != 0);
    }
}

/* The text cut at '&' and '=', as the HTTP library cuts it. */
static void check_query(struct srv_request *request, const char *text)
{
    static const char *const known[] = {"size", "strength"};
    struct srv_response response = {0};
    char *copy = strdup(text), *rest = copy, *pair;
    must(copy != NULL);
    while ((pair = strsep(&rest, "&"))) {
        char *value = pair;
        const char *name = strsep(&value, "=");
        if (request->query_count == REQUEST_QUERY_MAX)
            request->query_too_long = true;
        else
            request->query[request->query_count++] = (struct srv_query){name, value ? value : ""};
    }
    if (srv_request_query_known(request, known, 2, &response))
        must(request->query_count <= 2 && !request->query_too_long && response.status == 0);
    else
        must(response.status == 400 && response.body && !strcmp(response.error, "malformed_query"));
    srv_response_release(&response);
    request->query_count = 0;
    request->query_too_long = false;
    free(copy);
}

/* Only what lies in the folder comes out, and by its own name. */
static void check_file(struct srv_request *request)
{
    static int folder = -1;
    struct srv_response response = {0};
    if (folder < 0) folder = open("web", O_PATH | O_DIRECTORY | O_CLOEXEC);
    srv_static_file(folder, request, &response);
    must(response.status == 200 || response.status == 304 || response.status == 404);
    must(response.status == 404 || (!strstr(request->path, "..") && !strstr(request->path, "//")));
    srv_response_release(&response);
}

static void check_error(const struct srv_response *response)
{
    must(response->status >= 400 && response->body);
    json_t *json = json_loadb((const char *)response->body->bytes, response->body->size_bytes, 0, NULL);
    json_t *error = json_object_get(json, "error");
    must(json_is_string(json_object_get(error, "code")) && json_is_string(json_object_get(error, "message")));
    json_decref(json);
}

static void check_body(const struct srv_request *request)
{
    static const struct srv_json_field fields[] = {
        {"key", 's', true},        {"item", 'i', true},        {"choice", 's', true},
        {"confidence", 'i', true}, {"response_ms", 'n', true},
    };
    struct srv_response response = {0};
    json_t *json = srv_request_json(request, fields, 5, &response);
    if (json)
        must(json_object_size(json) == 5 && json_is_string(json_object_get(json, "key")) &&
             json_is_integer(json_object_get(json, "item")) && response.status == 0);
    else
        check_error(&response);
    json_decref(json);
    srv_response_release(&response);
}

static void check_deck(const struct srv_request *request)
{
    struct srv_deck deck;
    struct nn_error err = {0};
    json_t *json = json_loadb(request->body, request->body_size, 0, NULL);
    if (json && !srv_deck_read(json, "deck", &deck, &err)) {
        json_t *definition = srv_deck_definition(&deck);
        struct srv_deck copy;
        must(deck.items >= 1 && deck.items <= DECK_ITEMS_MAX && deck.prevalence >= 0 && deck.prevalence <= 1);
        must(definition && !srv_deck_read(definition, "copy", &copy, &err));
        must(!strcmp(copy.question, deck.question) &&
             copy.sources[0].truncation.low == deck.sources[0].truncation.low);
        json_decref(definition);
    } else if (json) {
        must(!strncmp(err.text, "deck", 4));
    }
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line_end = size ? memchr(data, '\n', size) : NULL;
    size_t path_size = line_end ? (size_t)(line_end - data) : size;
    char *path = calloc(path_size + 1, 1);
    must(path != NULL);
    if (path_size) memcpy(path, data, path_size);
    struct srv_request request = {.path = path, .content_type = "application/json", .body = ""};
    if (line_end) {
        request.body = (const char *)line_end + 1;
        request.body_size = size - path_size - 1;
    }
    check_path(&request);
    check_numbers(path);
    check_bearer(&request, path);
    check_etag(&request, path);
    check_query(&request, path);
    check_file(&request);
    check_body(&request);
    check_deck(&request);
    free(path);
    return 0;
}
