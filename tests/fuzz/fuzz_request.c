/* Any bytes as a request: the first line is the path, the rest the body of an answer. Refused with a JSON
 * error of one sentence, or read; never more than the buffers hold. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"

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
        must(!strcmp(copy.question, deck.question) && copy.truncation == deck.truncation);
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
    check_body(&request);
    check_deck(&request);
    free(path);
    return 0;
}
