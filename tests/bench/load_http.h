/* What plays browsers for load_learners: one thread, one epoll, timers, and HTTP/1.1 over keep-alive
 * connections. Everything here is used from the thread that runs the loop. */
#ifndef LOAD_HTTP_H
#define LOAD_HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LOAD_CONNECTIONS_MAX = 6, /* to one server, as browsers have it */
    LOAD_TEXT_MAX = 1024 * 1024,
};

/* ---- the loop ---- */

struct load_loop;

/* Ends the program with a line when the machine refuses (descriptors, memory). */
struct load_loop *load_loop_new(int port); /* 127.0.0.1 */
void load_loop_free(struct load_loop *loop);
/* Until load_loop_stop, or `limit_s` seconds have passed. */
void load_loop_run(struct load_loop *loop, double limit_s);
void load_loop_stop(struct load_loop *loop);
double load_now(void); /* seconds of the monotonic clock */

typedef void load_call(void *context);
/* Calls once, `seconds` from now. */
void load_after(struct load_loop *loop, double seconds, load_call *call, void *context);

/* ---- a browser ---- */

/* Requests take an idle connection, or a new one while there are fewer than `connections`, or wait their
 * turn. Lives until the loop is freed. */
struct load_client {
    struct load_loop *loop;
    int connections;
    struct connection *open[LOAD_CONNECTIONS_MAX];
    struct request *first, *last; /* that wait for a connection */
};
void load_client_init(struct load_client *client, struct load_loop *loop, int connections);

enum load_failure {
    LOAD_ANSWERED,
    LOAD_REFUSED, /* no connection */
    LOAD_BROKEN,  /* closed or reset before the end */
    LOAD_TIMEOUT,
    LOAD_GARBLED, /* not HTTP/1.1 with a length */
};

struct load_reply {
    enum load_failure failure;
    int status;           /* 0 unless LOAD_ANSWERED */
    double retry_after_s; /* negative without the header */
    double seconds;       /* since load_send */
    size_t size_bytes;    /* of the body */
    const char *text;     /* the body, NUL-terminated; NULL of a PNG image */
    int png_side;         /* 0 unless the body is a whole square PNG */
};
typedef void load_done(void *context, int tag, const struct load_reply *reply);

/* `head` is the request up to the empty line, without Host and Content-Length; `body` may be NULL. Both are
 * copied. A connection that the server closed while idle is replaced without a word, as browsers do. */
void load_send(struct load_client *client, const char *head, const char *body, double timeout_s,
               load_done *done, void *context, int tag);

struct load_traffic {
    unsigned long long received_bytes, replies;
    int connections, most_connections, reopened;
};
struct load_traffic load_loop_traffic(const struct load_loop *loop);

#endif
