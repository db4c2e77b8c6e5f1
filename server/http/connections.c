#include "server/http/connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/clock.h"

enum {
    WAITING_MS = 15000,
    WAITING_CROWDED_MS = 2000,
    WAITING_FULL_MS = 250,
    WAITING_LAST_MS = 1000,
    RECEIVING_MS = 20000,
    SENDING_MS = 30000,
    SENDING_BYTES_PER_S = 16 * 1024,
    FULL_PAUSE_MS = 25,
    TURN_MS = 250,
    ARRIVING_MS = 5000,
    BACKLOG = 1024,
    OTHER_FILES_MAX = 256, /* data base, checkpoints, cache, pages */
};

struct srv_connection {
    struct srv_connections *all;
    struct srv_connection *next, *previous;
    int socket;
    bool probed;
    atomic_int phase;
    _Atomic int64_t since_us, limit_us; /* the phase's begin and longest time */
};

struct srv_connections {
    int listening, wake;
    char address[SRV_ADDRESS_TEXT];
    srv_connections_take *take;
    void *context;
    pthread_t thread;
    bool started;
    atomic_bool shut, ending;
    pthread_mutex_t lock; /* for all below; a socket stays open while its connection is in the list */
    struct srv_connection *first;
    int count, arriving; /* arriving: handed over and not yet added */
    int64_t arrived_us;  /* the last that was handed over */
    struct srv_connections_counts counts;
};

/* ---- listening ---- */

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

static nn_status start_listening(struct srv_connections *all, const char *bind_to, int port,
                                 struct nn_error *err)
{
    struct sockaddr_storage address;
    socklen_t size = parse_address(bind_to, port, &address);
    if (size == 0) return nn_fail(err, NN_ERR_ARGUMENT, "%s: is not a numeric address to listen on", bind_to);
    const int on = 1;
    all->listening = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (all->listening < 0 || setsockopt(all->listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(all->listening, (struct sockaddr *)&address, size) || listen(all->listening, BACKLOG))
        return nn_fail(err, NN_ERR_IO, "%s port %d: cannot listen: %s", bind_to, port, strerror(errno));
    srv_connections_address_text(bind_to, bound_port(all->listening), all->address);
    return NN_OK;
}

void srv_connections_address_text(const char *bind_to, int port, char text[SRV_ADDRESS_TEXT])
{
    snprintf(text, SRV_ADDRESS_TEXT, strchr(bind_to, ':') ? "http://[%s]:%d" : "http://%s:%d", bind_to, port);
}

/* A process that runs out of file descriptors cannot even refuse a connection. */
static int places_for_files(void)
{
    struct rlimit files;
    const rlim_t wanted = CONNECTIONS_MAX + OTHER_FILES_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files)) return CONNECTIONS_MAX;
    if (files.rlim_cur < wanted) {
        files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
        if (setrlimit(RLIMIT_NOFILE, &files)) getrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur >= wanted) return CONNECTIONS_MAX;
    return files.rlim_cur > 2 * OTHER_FILES_MAX ? (int)files.rlim_cur - OTHER_FILES_MAX
                                                : (int)files.rlim_cur / 2;
}

nn_status srv_connections_open(struct srv_connections **out, const char *bind_to, int port,
                               struct nn_error *err)
{
    *out = NULL;
    struct srv_connections *all = calloc(1, sizeof *all);
    if (!all) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    pthread_mutex_init(&all->lock, NULL);
    all->counts.limit = places_for_files();
    all->listening = -1;
    all->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    nn_status status = all->wake < 0 ? nn_fail(err, NN_ERR_IO, "cannot make an event: %s", strerror(errno))
                                     : start_listening(all, bind_to, port, err);
    if (status)
        srv_connections_close(all);
    else
        *out = all;
    return status;
}

const char *srv_connections_address(const struct srv_connections *all)
{
    return all->address;
}

/* ---- the thread at the door ---- */

/* Waits until somebody knocks, or the wake event, or the time is over. True for a knock. */
static bool wait_for_knock(struct srv_connections *all, int door, int timeout_ms)
{
    struct pollfd events[2] = {{.fd = all->wake, .events = POLLIN}, {.fd = door, .events = POLLIN}};
    eventfd_t ignored;
    poll(events, 2, timeout_ms);
    if (events[0].revents) eventfd_read(all->wake, &ignored);
    return events[1].revents != 0;
}

/* False when the system lacks what a connection needs, and the newcomer stays in its queue. */
static bool let_in(struct srv_connections *all)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int socket = accept4(all->listening, (struct sockaddr *)&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0) return errno == EAGAIN || errno == ECONNABORTED || errno == EINTR;
    pthread_mutex_lock(&all->lock);
    all->arriving++;
    all->arrived_us = srv_clock_monotonic_us();
    pthread_mutex_unlock(&all->lock);
    all->take(all->context, socket, (struct sockaddr *)&address, size);
    return true;
}

/* Only reading is shut: what is being sent to it is still sent. */
static void show_out(struct srv_connection *one, int64_t now_us)
{
    shutdown(one->socket, SHUT_RD);
    atomic_store(&one->since_us, now_us); /* once is enough */
}

/* Closes the one that has waited longest. */
static void make_room(struct srv_connections *all, int64_t now_us)
{
    struct srv_connection *oldest = NULL;
    int64_t since_us = now_us - WAITING_FULL_MS * 1000;
    pthread_mutex_lock(&all->lock);
    for (struct srv_connection *one = all->first; one; one = one->next)
        if (atomic_load(&one->phase) == CONNECTION_WAITING && atomic_load(&one->since_us) < since_us) {
            oldest = one;
            since_us = atomic_load(&one->since_us);
        }
    if (oldest) {
        show_out(oldest, now_us);
        all->counts.made_room++;
    }
    pthread_mutex_unlock(&all->lock);
}

static int64_t waiting_limit_us(const struct srv_connections *all)
{
    if (atomic_load(&all->shut)) return (int64_t)WAITING_LAST_MS * 1000;
    bool crowded = all->count > all->counts.limit * 3 / 4;
    return (int64_t)(crowded ? WAITING_CROWDED_MS : WAITING_MS) * 1000;
}

static void close_overstepped(struct srv_connections *all, int64_t now_us)
{
    pthread_mutex_lock(&all->lock);
    for (struct srv_connection *one = all->first; one; one = one->next) {
        int phase = atomic_load(&one->phase);
        int64_t limit_us = phase == CONNECTION_WAITING ? waiting_limit_us(all) : atomic_load(&one->limit_us);
        if (phase == CONNECTION_ANSWERING || now_us - atomic_load(&one->since_us) <= limit_us) continue;
        if (phase == CONNECTION_SENDING) shutdown(one->socket, SHUT_RDWR);
        show_out(one, now_us);
        all->counts.overstepped[phase]++;
    }
    pthread_mutex_unlock(&all->lock);
}

/* One that was handed over and never added, because memory ran out on the way, gives its place back late. */
static bool is_full(struct srv_connections *all, int64_t now_us)
{
    pthread_mutex_lock(&all->lock);
    if (now_us - all->arrived_us > ARRIVING_MS * 1000) all->arriving = 0;
    bool full = all->count + all->arriving >= all->counts.limit;
    pthread_mutex_unlock(&all->lock);
    return full;
}

/* After a knock that nobody could be let in for, a pause keeps the poll from becoming a spin. */
static void *keep_door(void *context)
{
    struct srv_connections *all = context;
    int64_t turned_us = 0;
    while (!atomic_load(&all->ending)) {
        if (atomic_load(&all->shut) && all->listening >= 0) {
            close(all->listening);
            all->listening = -1;
        }
        bool knock = wait_for_knock(all, all->listening, TURN_MS);
        int64_t now_us = srv_clock_monotonic_us();
        bool full = is_full(all, now_us);
        if (knock && full) make_room(all, now_us);
        if (knock && full) wait_for_knock(all, -1, FULL_PAUSE_MS);
        if (knock && !full && !let_in(all)) wait_for_knock(all, -1, TURN_MS);
        if (now_us - turned_us >= TURN_MS * 1000) {
            close_overstepped(all, now_us);
            turned_us = now_us;
        }
    }
    return NULL;
}

nn_status srv_connections_start(struct srv_connections *all, srv_connections_take *take, void *context,
                                struct nn_error *err)
{
    all->take = take;
    all->context = context;
    int error = pthread_create(&all->thread, NULL, keep_door, all);
    if (error) return nn_fail(err, NN_ERR_IO, "cannot start a thread: %s", strerror(error));
    all->started = true;
    return NN_OK;
}

static void wake(struct srv_connections *all)
{
    if (eventfd_write(all->wake, 1)) return; /* its count is at the maximum: it is awake */
}

void srv_connections_shut(struct srv_connections *all)
{
    atomic_store(&all->shut, true);
    pthread_mutex_lock(&all->lock);
    int64_t now_us = srv_clock_monotonic_us();
    for (struct srv_connection *one = all->first; one; one = one->next)
        if (atomic_load(&one->phase) == CONNECTION_WAITING) atomic_store(&one->since_us, now_us);
    pthread_mutex_unlock(&all->lock);
    wake(all);
}

void srv_connections_end(struct srv_connections *all)
{
    atomic_store(&all->ending, true);
    wake(all);
    if (all->started) pthread_join(all->thread, NULL);
    all->started = false;
}

void srv_connections_close(struct srv_connections *all)
{
    if (!all) return;
    srv_connections_end(all);
    if (all->listening >= 0) close(all->listening);
    if (all->wake >= 0) close(all->wake);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

void srv_connections_count(struct srv_connections *all, struct srv_connections_counts *counts)
{
    pthread_mutex_lock(&all->lock);
    *counts = all->counts;
    for (struct srv_connection *one = all->first; one; one = one->next)
        counts->open[atomic_load(&one->phase)]++;
    pthread_mutex_unlock(&all->lock);
}

/* ---- one connection ---- */

struct srv_connection *srv_connection_add(struct srv_connections *all, int socket)
{
    struct srv_connection *one = calloc(1, sizeof *one);
    if (!one) return NULL;
    one->all = all;
    one->socket = socket;
    srv_connection_enter(one, CONNECTION_WAITING, 0);
    pthread_mutex_lock(&all->lock);
    one->next = all->first;
    if (one->next) one->next->previous = one;
    all->first = one;
    all->count++;
    if (all->arriving > 0) all->arriving--;
    all->counts.accepted++;
    pthread_mutex_unlock(&all->lock);
    return one;
}

void srv_connection_remove(struct srv_connection *one)
{
    struct srv_connections *all = one->all;
    pthread_mutex_lock(&all->lock);
    if (one->next) one->next->previous = one->previous;
    *(one->previous ? &one->previous->next : &all->first) = one->next;
    all->count--;
    bool was_full = all->count + all->arriving == all->counts.limit - 1;
    pthread_mutex_unlock(&all->lock);
    if (was_full) wake(all);
    free(one);
}

void srv_connection_enter(struct srv_connection *one, enum srv_connection_phase phase, size_t size_bytes)
{
    int64_t limit_ms = phase == CONNECTION_SENDING
                           ? SENDING_MS + (int64_t)(size_bytes / SENDING_BYTES_PER_S) * 1000
                           : RECEIVING_MS;
    /* The door may look between these: with the new begin first, it is late by a turn at most. */
    atomic_store(&one->since_us, srv_clock_monotonic_us());
    atomic_store(&one->limit_us, limit_ms * 1000);
    atomic_store(&one->phase, phase);
    one->probed = false;
}

bool srv_connection_left(struct srv_connection *one, bool may_probe)
{
    static const char probe[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct pollfd event = {.fd = one->socket, .events = POLLRDHUP};
    if (poll(&event, 1, 0) <= 0) return false;
    if (event.revents & (POLLERR | POLLHUP | POLLNVAL)) return true;
    if (!may_probe || one->probed) return false;
    one->probed = true;
    ssize_t sent = send(one->socket, probe, sizeof probe - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == sizeof probe - 1 || (sent < 0 && errno == EAGAIN)) return false;
    shutdown(one->socket, SHUT_RDWR); /* dead, or so full of an earlier answer that half a line went out */
    return true;
}
