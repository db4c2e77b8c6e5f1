/* The door of the daemon: accepts connections and sees that none keeps its place for longer than its work
 * takes. What is said over a connection is http.c's affair; here it is a socket in one of four phases, each
 * with a limit on its whole time. (The HTTP library's own time-out is about silence: a client that sends one
 * byte every few seconds never meets it.)
 *
 *   waiting     from the accept, or the end of an answer, to the end of the next request's head: 15 s; 2 s
 *               when three quarters of the places are taken
 *   receiving   the request's body: 20 s
 *   answering   no limit: the handler has its own
 *   sending     30 s and 1 s for each 16 KiB; a stream starts anew with each block
 *
 * Who oversteps is closed. When every place is taken, newcomers wait in the system's queue, and whoever has
 * waited longest, a quarter second at least, is closed to make room; connections with a request under way
 * stay. There is no limit per address: a class often shares one, and behind a proxy everybody does.
 *
 * All times are on the steady clock. */
#ifndef SRV_CONNECTIONS_H
#define SRV_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "engine/error.h"

enum { CONNECTIONS_MAX = 1000, SRV_ADDRESS_TEXT = 96 };

enum srv_connection_phase {
    CONNECTION_WAITING,
    CONNECTION_RECEIVING,
    CONNECTION_ANSWERING,
    CONNECTION_SENDING,
    CONNECTION_PHASES
};

struct srv_connections; /* all of them, and the thread at the door */
struct srv_connection;  /* one of them */

struct srv_connections_counts {
    int limit;                   /* CONNECTIONS_MAX, or less where the system allows fewer open files */
    int open[CONNECTION_PHASES]; /* now */
    uint64_t accepted;
    uint64_t overstepped[CONNECTION_PHASES]; /* closed for the time they took */
    uint64_t made_room;                      /* closed for a newcomer */
};

/* Takes the connection's socket over, on the door's thread. */
typedef void srv_connections_take(void *context, int socket, const struct sockaddr *address, socklen_t size);

/* Listens on the numeric address `bind`, port 0 taking a free one, and raises the limit of open files as far
 * as needed and allowed. Accepts from srv_connections_start on. */
nn_status srv_connections_open(struct srv_connections **connections, const char *bind, int port,
                               struct nn_error *err) NN_MUST_CHECK;
nn_status srv_connections_start(struct srv_connections *connections, srv_connections_take *take,
                                void *context, struct nn_error *err) NN_MUST_CHECK;

/* "http://127.0.0.1:8080", or "http://[::1]:8080"; as it came to be, and of what was configured. */
const char *srv_connections_address(const struct srv_connections *connections);
void srv_connections_address_text(const char *bind, int port, char text[SRV_ADDRESS_TEXT]);

/* Stops listening. Those that wait get one second for a last request. */
void srv_connections_shut(struct srv_connections *connections);

/* Ends the thread: nobody is let in any more, no time is kept. */
void srv_connections_end(struct srv_connections *connections);

/* Ends and frees; every connection has been removed before. NULL is harmless. */
void srv_connections_close(struct srv_connections *connections);

/* Any thread. */
void srv_connections_count(struct srv_connections *connections, struct srv_connections_counts *counts);

/* Enters a socket, as waiting; NULL when memory ran out. It must stay open until it is removed. */
struct srv_connection *srv_connection_add(struct srv_connections *connections, int socket);
void srv_connection_remove(struct srv_connection *connection);

/* By the connection's own thread, when a phase begins. `size_bytes`: of what is sent, 0 where nobody knows.
 */
void srv_connection_enter(struct srv_connection *connection, enum srv_connection_phase phase,
                          size_t size_bytes);

/* Whether the client is gone. By the connection's own thread, in the answering phase only.
 *
 * A reset or a socket shut on both sides is a client that left. The client's end of sending alone is not: it
 * comes from those who closed, and from those who said all they had to say and wait for the answer. They are
 * told apart once with "100 Continue", which `may_probe` allows (HTTP/1.1 lets a server send it at any time
 * before the answer, and clients skip it): the system of a client who closed answers it with a reset, which
 * the next call sees. Without it (HTTP/1.0) such a client counts as there. */
bool srv_connection_left(struct srv_connection *connection, bool may_probe);

#endif
