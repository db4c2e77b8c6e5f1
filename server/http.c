#include "server/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 200,
    SILENCE_MAX_S = 30,
    HEADERS_MAX = 32 * 1024,
    /* A body past REQUEST_BODY_MAX is still read, and dropped, so that the client gets to see its 413; past
     * this the connection is closed. */
    DRAIN_MAX = 1024 * 1024,
    BACKLOG = 128,
    STOP_WAIT_MS = 10000,
    STREAM_BLOCK = 16 * 1024,
};

struct srv_http {
    struct MHD_Daemon *daemon;
    int socket;
    char address[96];
    srv_http_answer *answer;
    void *context;
    atomic_int under_way;
};

/* From a request's first byte until MHD reports it completed. */
struct exchange {
    char *body;
    size_t size, dropped;
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
    if (response->etag[0]) MHD_add_response_header(out, MHD_HTTP_HEADER_ETAG, response->etag);
    if (response->allow[0]) MHD_add_response_header(out, MHD_HTTP_HEADER_ALLOW, response->allow);
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
        reader->piece = reader->stream.next(reader->stream.context, &reader->size, &failed);
        /* An error cuts the chunked body short of its end mark, so the client knows it is not whole. */
        if (!reader->piece)
            return failed ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    }
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

static struct MHD_Response *stream_response(struct srv_response *response)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
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

static enum MHD_Result send_response(struct MHD_Connection *connection, struct srv_response *response)
{
    struct MHD_Response *out = response->stream.next ? stream_response(response) : blob_response(response);
    if (!out) return MHD_NO;
    add_headers(out, response);
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

static enum MHD_Result answer(struct srv_http *http, struct MHD_Connection *connection, const char *url,
                              const char *method, const struct exchange *exchange)
{
    struct srv_request request = {
        .method = strcmp(method, "HEAD") ? method : "GET", /* MHD leaves the body out */
        .path = url,
        .authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
        .content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        .if_none_match = header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH),
        .body = exchange->body ? exchange->body : "",
        .body_size = exchange->size,
        .body_too_large = exchange->dropped > 0,
    };
    struct srv_response response = {0};
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query, &request);
    http->answer(http->context, &request, &response);
    enum MHD_Result result = send_response(connection, &response);
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

/* MHD calls this first with *context NULL, then for each piece of the body, then once more to be answered. */
static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data, size_t *data_size,
                              void **context)
{
    struct srv_http *http = cls;
    struct exchange *exchange = *context;
    (void)version;
    if (!exchange) {
        *context = exchange = calloc(1, sizeof *exchange);
        if (!exchange) return MHD_NO;
        atomic_fetch_add(&http->under_way, 1);
        const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
        if (!length || strtoull(length, NULL, 10) <= DRAIN_MAX) return MHD_YES;
        exchange->dropped = 1; /* answered before the body is read; MHD closes the connection after it */
        return answer(http, connection, url, method, exchange);
    }
    if (*data_size > 0) {
        bool taken = take_body(exchange, data, *data_size);
        *data_size = 0;
        return taken ? MHD_YES : MHD_NO;
    }
    return answer(http, connection, url, method, exchange);
}

static void completed(void *cls, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code)
{
    struct srv_http *http = cls;
    struct exchange *exchange = *context;
    (void)connection, (void)code;
    if (!exchange) return;
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

static socklen_t parse_address(const char *bind_to, int port, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, bind_to, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, bind_to, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        return sizeof *v6;
    }
    return 0;
}

static int bound_port(int socket_fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(socket_fd, (struct sockaddr *)&address, &size)) return 0;
    return ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                              : ((struct sockaddr_in6 *)&address)->sin6_port);
}

/* The socket is made here, not by MHD, because MHD does not tell why it could not. */
static nn_status open_socket(struct srv_http *http, const char *bind_to, int port, struct nn_error *err)
{
    struct sockaddr_storage address;
    socklen_t size = parse_address(bind_to, port, &address);
    if (size == 0) return nn_fail(err, NN_ERR_ARGUMENT, "%s: is not a numeric address to listen on", bind_to);
    const int on = 1;
    http->socket = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (http->socket < 0 || setsockopt(http->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(http->socket, (struct sockaddr *)&address, size) || listen(http->socket, BACKLOG))
        return nn_fail(err, NN_ERR_IO, "%s port %d: cannot listen: %s", bind_to, port, strerror(errno));
    snprintf(http->address, sizeof http->address, strchr(bind_to, ':') ? "http://[%s]:%d" : "http://%s:%d",
             bind_to, bound_port(http->socket));
    return NN_OK;
}

nn_status srv_http_start(struct srv_http **out, const char *bind_to, int port, srv_http_answer *answer_with,
                         void *context, struct nn_error *err)
{
    *out = NULL;
    struct srv_http *http = calloc(1, sizeof *http);
    if (!http) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    http->socket = -1;
    http->answer = answer_with;
    http->context = context;
    nn_status status = open_socket(http, bind_to, port, err);
    if (!status) {
        http->daemon = MHD_start_daemon(
            MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC, 0,
            NULL, NULL, handle, http, MHD_OPTION_LISTEN_SOCKET, http->socket, MHD_OPTION_NOTIFY_COMPLETED,
            completed, http, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_CONNECTION_LIMIT,
            (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_MAX_S,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX, MHD_OPTION_END);
        if (!http->daemon)
            status = nn_fail(err, NN_ERR_IO, "%s: cannot start the HTTP server: %s", http->address,
                             strerror(errno));
    }
    if (status) {
        if (http->socket >= 0) close(http->socket);
        free(http);
        return status;
    }
    *out = http;
    return NN_OK;
}

const char *srv_http_address(const struct srv_http *http)
{
    return http->address;
}

void srv_http_stop(struct srv_http *http)
{
    if (!http) return;
    MHD_socket listening = MHD_quiesce_daemon(http->daemon);
    if (listening != MHD_INVALID_SOCKET) close(listening);
    for (int waited_ms = 0; atomic_load(&http->under_way) > 0 && waited_ms < STOP_WAIT_MS; waited_ms += 10)
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    MHD_stop_daemon(http->daemon);
    free(http);
}
