#include "server/http/http.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/secrets.h"

enum {
    HEADERS_MAX = 32 * 1024,
    /* A body past REQUEST_BODY_MAX is still read, and dropped, so that the client gets to see its 413; past
     * this the connection is closed. */
    DRAIN_MAX = 1024 * 1024,
    STREAM_BLOCK = 16 * 1024,
    /* Of address space; what is touched counts. The deepest caller is jansson, with 2048 nested arrays. */
    THREAD_STACK = 512 * 1024,
};

struct srv_http {
    struct MHD_Daemon *daemon;
    struct srv_connections *connections;
    srv_http_answer *answer;
    void *context;
    atomic_int under_way;
    atomic_bool shut;
};

/* From a request's first byte until MHD reports it completed. */
struct exchange {
    struct srv_connection *connection;
    char *body;
    size_t size, dropped;
    int malformed; /* as in a request */
};

/* ---- headers of every response ---- */

static const char *const security_headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
     "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

static void add_headers(struct MHD_Response *out, const struct srv_response *response)
{
    for (size_t i = 0; i < sizeof security_headers / sizeof *security_headers; i++)
        MHD_add_response_header(out, security_headers[i][0], security_headers[i][1]);
    MHD_add_response_header(out, MHD_HTTP_HEADER_CACHE_CONTROL,
                            response->cache_control ? response->cache_control : "no-store");
    if (response->content_type)
        MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    if (response->disposition)
        MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_DISPOSITION, response->disposition);
    if (response->gzip) MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    if (response->gzip_by_request)
        MHD_add_response_header(out, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    if (response->etag[0]) MHD_add_response_header(out, MHD_HTTP_HEADER_ETAG, response->etag);
    if (response->allow[0]) MHD_add_response_header(out, MHD_HTTP_HEADER_ALLOW, response->allow);
    if (response->set_cookie[0])
        MHD_add_response_header(out, MHD_HTTP_HEADER_SET_COOKIE, response->set_cookie);
    if (response->status == 401) MHD_add_response_header(out, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (response->retry_after_s > 0) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%d", response->retry_after_s);
        MHD_add_response_header(out, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
}

/* ---- bodies ---- */

struct reader {
    struct srv_stream stream;
    struct srv_connection *connection;
    char *piece;
    size_t size, sent;
};

static ssize_t read_stream(void *context, uint64_t position, char *buffer, size_t room)
{
    struct reader *reader = context;
    (void)position;
    if (reader->sent == reader->size) {
        bool failed = false;
        free(reader->piece);
        reader->sent = reader->size = 0;
        /* A piece may take a while to make, which is not the client's fault. */
        srv_connection_enter(reader->connection, CONNECTION_ANSWERING, 0);
        reader->piece = reader->stream.next(reader->stream.context, &reader->size, &failed);
        /* An error cuts the chunked body short of its end mark, so the client knows it is not whole. */
        if (!reader->piece)
            return failed ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    }
    srv_connection_enter(reader->connection, CONNECTION_SENDING, 0);
    size_t count = reader->size - reader->sent < room ? reader->size - reader->sent : room;
    memcpy(buffer, reader->piece + reader->sent, count);
    reader->sent += count;
    return (ssize_t)count;
}

static void close_stream(void *context)
{
    struct reader *reader = context;
    reader->stream.close(reader->stream.context);
    free(reader->piece);
    free(reader);
}

static struct MHD_Response *stream_response(struct srv_connection *connection, struct srv_response *response)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
    reader->connection = connection;
    reader->stream = response->stream;
    response->stream = (struct srv_stream){0};
    struct MHD_Response *out =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, reader, close_stream);
    if (!out) close_stream(reader);
    return out;
}

static void release_blob(void *context)
{
    srv_blob_release(context);
}

static struct MHD_Response *blob_response(struct srv_response *response)
{
    struct srv_blob *blob = response->body;
    if (!blob) return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    struct MHD_Response *out = MHD_create_response_from_buffer_with_free_callback_cls(
        blob->size_bytes, blob->bytes, release_blob, blob);
    if (out) response->body = NULL; /* the holder is now MHD */
    return out;
}

static enum MHD_Result send_response(struct srv_http *http, struct MHD_Connection *connection,
                                     const struct srv_request *request, struct srv_response *response)
{
    struct srv_connection *place = request->connection;
    size_t size_bytes = response->body ? response->body->size_bytes : 0;
    struct MHD_Response *out =
        response->stream.next ? stream_response(place, response) : blob_response(response);
    if (!out) return MHD_NO;
    add_headers(out, response);
    MHD_add_response_header(out, "X-Request-Id", request->id);
    if (atomic_load(&http->shut) || request->malformed)
        MHD_add_response_header(out, MHD_HTTP_HEADER_CONNECTION, "close");
    srv_connection_enter(place, CONNECTION_SENDING, size_bytes);
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)response->status, out);
    MHD_destroy_response(out);
    return result;
}

/* ---- requests ---- */

static enum MHD_Result add_query(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct srv_request *request = context;
    (void)kind;
    if (request->query_count == REQUEST_QUERY_MAX)
        request->query_too_long = true;
    else
        request->query[request->query_count++] = (struct srv_query){name, value ? value : ""};
    return MHD_YES;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Whether Accept-Encoding names gzip. With a weight, which may mean "never" (RFC 9110 section 12.4.2) and
 * which no browser sends, it counts as not named. */
static bool takes_gzip(const char *accepted)
{
    for (const char *at = accepted; at && *at; at += strspn(at, ", \t")) {
        size_t length = strcspn(at, ",");
        if (length >= 4 && !strncasecmp(at, "gzip", 4) && strspn(at + 4, " \t") == length - 4) return true;
        at += length;
    }
    return false;
}

/* Of "http://host/path", which a server must take too (RFC 9112 section 3.2.2), the path. */
static const char *path_of(const char *url)
{
    size_t scheme = !strncasecmp(url, "http://", 7) ? 7 : !strncasecmp(url, "https://", 8) ? 8 : 0;
    if (scheme == 0) return url;
    const char *path = strchr(url + scheme, '/');
    return path ? path : "/";
}

struct framing {
    int hosts, lengths, encodings;
    bool garbled, foreign;
};

/* MHD (0.9.75) puts the rest of a value that goes on in the next line behind the name, not behind the value.
 */
static bool went_on(const char *name, const char *wanted)
{
    size_t length = strlen(wanted);
    return !strncasecmp(name, wanted, length) && name[length];
}

static enum MHD_Result note_framing(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct framing *framing = context;
    (void)kind;
    framing->hosts += !strcasecmp(name, MHD_HTTP_HEADER_HOST);
    framing->lengths += !strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH);
    framing->garbled |= strpbrk(name, " \t") != NULL || went_on(name, MHD_HTTP_HEADER_CONTENT_LENGTH) ||
                        went_on(name, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    if (!strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
        framing->encodings++;
        framing->foreign |= !value || strcasecmp(value, "chunked");
    }
    return MHD_YES;
}

/* Where the request's end or its host can be read in two ways, a proxy and we could differ on what belongs to
 * whom (RFC 9112 section 11.2). MHD takes the first of each. Returns the status to refuse it with, or 0. */
static int check_framing(struct MHD_Connection *connection, const char *version)
{
    bool needs_host = !strcmp(version, MHD_HTTP_VERSION_1_1);
    struct framing framing = {0};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, note_framing, &framing);
    if (framing.foreign) return 501;
    if (framing.hosts > 1 || (needs_host && framing.hosts == 0)) return 400;
    return framing.garbled || framing.lengths + framing.encodings > 1 ? 400 : 0;
}

static enum MHD_Result answer(struct srv_http *http, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const struct exchange *exchange)
{
    struct srv_request request = {
        .method = strcmp(method, "HEAD") ? method : "GET", /* MHD leaves the body out */
        .path = path_of(url),
        .authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
        .content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        .if_none_match = header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH),
        .if_match = header(connection, MHD_HTTP_HEADER_IF_MATCH),
        .cookie = header(connection, MHD_HTTP_HEADER_COOKIE),
        .host = header(connection, MHD_HTTP_HEADER_HOST),
        .origin = header(connection, "Origin"),
        .csrf_token = header(connection, "X-CSRF-Token"),
        .takes_gzip = takes_gzip(header(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING)),
        .body = exchange->body ? exchange->body : "",
        .body_size = exchange->size,
        .body_too_large = exchange->dropped > 0,
        .malformed = exchange->malformed,
        .connection = exchange->connection,
        .interim = !strcmp(version, MHD_HTTP_VERSION_1_1),
    };
    struct srv_response response = {0};
    srv_connection_enter(exchange->connection, CONNECTION_ANSWERING, 0);
    srv_random_hex(request.id, sizeof request.id);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query, &request);
    http->answer(http->context, &request, &response);
    enum MHD_Result result = send_response(http, connection, &request, &response);
    srv_response_release(&response);
    return result;
}

static bool take_body(struct exchange *exchange, const char *data, size_t size)
{
    if (exchange->dropped > 0 || exchange->size + size > REQUEST_BODY_MAX) {
        exchange->dropped += size;
        return exchange->dropped <= DRAIN_MAX;
    }
    char *body = realloc(exchange->body, exchange->size + size);
    if (!body) return false;
    memcpy(body + exchange->size, data, size);
    exchange->body = body;
    exchange->size += size;
    return true;
}

static struct srv_connection *place_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* MHD calls this first with *context NULL, then for each piece of the body, then once more to be answered. */
static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data, size_t *data_size,
                              void **context)
{
    struct srv_http *http = cls;
    struct exchange *exchange = *context;
    if (!exchange) {
        struct srv_connection *place = place_of(connection);
        *context = exchange = place ? calloc(1, sizeof *exchange) : NULL;
        if (!exchange) return MHD_NO;
        exchange->connection = place;
        srv_connection_enter(place, CONNECTION_RECEIVING, 0);
        atomic_fetch_add(&http->under_way, 1);
        exchange->malformed = check_framing(connection, version);
        if (exchange->malformed) return answer(http, connection, url, method, version, exchange);
        const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
        if (!length || strtoull(length, NULL, 10) <= DRAIN_MAX) return MHD_YES;
        exchange->dropped = 1; /* answered before the body is read; MHD closes the connection after it */
        return answer(http, connection, url, method, version, exchange);
    }
    if (*data_size > 0) {
        bool taken = take_body(exchange, data, *data_size);
        *data_size = 0;
        return taken ? MHD_YES : MHD_NO;
    }
    return answer(http, connection, url, method, version, exchange);
}

static void completed(void *cls, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code)
{
    struct srv_http *http = cls;
    struct exchange *exchange = *context;
    (void)connection, (void)code;
    if (!exchange) return;
    srv_connection_enter(exchange->connection, CONNECTION_WAITING, 0);
    free(exchange->body);
    free(exchange);
    *context = NULL;
    atomic_fetch_sub(&http->under_way, 1);
}

/* An encoded NUL would end the C string early and make one path look like another: it stays encoded. */
static size_t unescape(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls, (void)connection;
    return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

/* ---- life ---- */

static void let_in(void *context, int socket, const struct sockaddr *address, socklen_t size)
{
    struct srv_http *http = context;
    if (MHD_add_connection(http->daemon, socket, address, size) != MHD_YES) return; /* it has closed it */
}

/* The socket is open until this has returned from a CLOSED. */
static void notify(void *context, struct MHD_Connection *connection, void **place,
                   enum MHD_ConnectionNotificationCode code)
{
    struct srv_http *http = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *place = srv_connection_add(http->connections, socket);
        if (!*place) shutdown(socket, SHUT_RDWR);
    } else if (*place) {
        srv_connection_remove(*place);
        *place = NULL;
    }
}

/* MHD has no limits of its own here. Its listening thread would refuse who comes when it is full; a
 * connection added past its limit leaves a mutex locked; in the last second of its time-outs its threads spin
 * (0.9.75). */
static struct MHD_Daemon *start_daemon(struct srv_http *http)
{
    return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
                                MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET,
                            0, NULL, NULL, handle, http, MHD_OPTION_NOTIFY_COMPLETED, completed, http,
                            MHD_OPTION_NOTIFY_CONNECTION, notify, http, MHD_OPTION_UNESCAPE_CALLBACK,
                            unescape, NULL, MHD_OPTION_CONNECTION_LIMIT, UINT_MAX,
                            MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)HEADERS_MAX, MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK,
                            MHD_OPTION_END);
}

nn_status srv_http_start(struct srv_http **out, struct srv_connections *connections,
                         srv_http_answer *answer_with, void *context, struct nn_error *err)
{
    *out = NULL;
    struct srv_http *http = calloc(1, sizeof *http);
    if (!http) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    http->connections = connections;
    http->answer = answer_with;
    http->context = context;
    http->daemon = start_daemon(http);
    nn_status status = http->daemon
                           ? srv_connections_start(connections, let_in, http, err)
                           : nn_fail(err, NN_ERR_IO, "cannot start the HTTP server: %s", strerror(errno));
    if (status)
        srv_http_stop(http);
    else
        *out = http;
    return status;
}

void srv_http_shut(struct srv_http *http)
{
    atomic_store(&http->shut, true);
    srv_connections_shut(http->connections);
}

int srv_http_under_way(struct srv_http *http)
{
    return atomic_load(&http->under_way);
}

void srv_http_stop(struct srv_http *http)
{
    if (!http) return;
    srv_connections_end(http->connections);
    if (http->daemon) MHD_stop_daemon(http->daemon);
    free(http);
}
