#include "trainer/simulate/simulate_http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "trainer/interrupt.h"

enum { URL_TEXT = 1024, TRIES = 60, TIMEOUT_S = 120, RETRY_S = 1, RETRY_MAX_S = 30 };
#define BODY_MAX ((size_t)32 << 20) /* of a reply: images are the largest */

struct tr_http {
    CURL *curl;
    char *server;
    char *body; /* of the reply */
    size_t size, room;
};

nn_status tr_http_start(struct nn_error *err)
{
    if (!curl_global_init(CURL_GLOBAL_DEFAULT)) return NN_OK;
    return nn_fail(err, NN_ERR_MEMORY, "libcurl cannot be started");
}

struct tr_http *tr_http_new(const char *server)
{
    struct tr_http *http = calloc(1, sizeof *http);
    if (!http) return NULL;
    http->curl = curl_easy_init();
    http->server = strdup(server);
    if (http->curl && http->server) return http;
    tr_http_free(http);
    return NULL;
}

void tr_http_free(struct tr_http *http)
{
    if (!http) return;
    curl_easy_cleanup(http->curl);
    free(http->server);
    free(http->body);
    free(http);
}

static size_t take(char *bytes, size_t one, size_t count, void *context)
{
    struct tr_http *http = context;
    size_t need = http->size + count * one;
    if (need > BODY_MAX) return 0;
    if (need > http->room) {
        size_t room = need < 65536 ? 65536 : 2 * need;
        char *body = realloc(http->body, room);
        if (!body) return 0;
        http->body = body;
        http->room = room;
    }
    memcpy(http->body + http->size, bytes, count * one);
    http->size = need;
    return count * one;
}

/* One exchange, whatever comes of it. */
static CURLcode exchange(struct tr_http *http, const char *url, struct curl_slist *headers, const char *body)
{
    http->size = 0;
    curl_easy_reset(http->curl);
    curl_easy_setopt(http->curl, CURLOPT_URL, url);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(http->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(http->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(http->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, http);
    if (body) curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, body);
    return curl_easy_perform(http->curl);
}

static void wait_s(long seconds)
{
    for (int i = 0; i < 10 * seconds && !tr_interrupted(); i++)
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}

/* Tries until the server has answered with something else than that it is busy. */
static nn_status ask(struct tr_http *http, const char *url, struct curl_slist *headers, const char *body,
                     int *status, struct nn_error *err)
{
    CURLcode code = CURLE_OK;
    for (int i = 0; i < TRIES; i++) {
        long response = 0;
        curl_off_t retry_s = 0;
        code = exchange(http, url, headers, body);
        curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &response);
        curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &retry_s);
        *status = (int)response;
        bool busy = response == 503 || response == 429;
        if (code == CURLE_OK && !busy) return NN_OK;
        if (tr_interrupted() || (code != CURLE_OK && i == 4)) break;
        wait_s(retry_s < RETRY_S ? RETRY_S : retry_s > RETRY_MAX_S ? RETRY_MAX_S : (long)retry_s);
    }
    return nn_fail(err, NN_ERR_IO, "%s: %s", http->server,
                   code ? curl_easy_strerror(code) : "the server is busy");
}

/* Sends the request; *status is the server's, of success or not. */
static nn_status call(struct tr_http *http, const char *path, const char *bearer, const json_t *body,
                      int *status, struct nn_error *err)
{
    char url[URL_TEXT], authorization[256];
    struct curl_slist *headers = NULL;
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    if (body && !text) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    snprintf(url, sizeof url, "%s%s", http->server, path);
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", bearer ? bearer : "");
    headers = curl_slist_append(headers, "Expect:");
    if (bearer) headers = curl_slist_append(headers, authorization);
    if (body) headers = curl_slist_append(headers, "Content-Type: application/json");
    nn_status asked = ask(http, url, headers, text, status, err);
    curl_slist_free_all(headers);
    free(text);
    return asked;
}

static nn_status must(struct tr_http *http, const char *path, const char *bearer, const json_t *body,
                      json_t **json, struct nn_error *err)
{
    int answered;
    *json = NULL;
    nn_status status = call(http, path, bearer, body, &answered, err);
    if (status) return status;
    if (http->size > 0 && *http->body == '{') *json = json_loadb(http->body, http->size, 0, NULL);
    if (answered / 100 == 2) return NN_OK;
    const char *message = json_string_value(json_object_get(json_object_get(*json, "error"), "message"));
    status = nn_fail(err, NN_ERR_FORMAT, "%s: %d %s", path, answered, message ? message : "");
    json_decref(*json);
    *json = NULL;
    return status;
}

nn_status tr_http_get(struct tr_http *http, const char *path, const char *bearer, json_t **json,
                      struct nn_error *err)
{
    return must(http, path, bearer, NULL, json, err);
}

nn_status tr_http_post(struct tr_http *http, const char *path, const char *bearer, const json_t *body,
                       json_t **json, struct nn_error *err)
{
    return must(http, path, bearer, body, json, err);
}
