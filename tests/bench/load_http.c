#include "tests/bench/load_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load_png.h"

enum { EVENTS = 256, RECEIVE_BYTES = 256 * 1024, HEAD_MAX = 8 * 1024 };

struct timer {
    double due;
    uint64_t order; /* equal times: first set, first called */
    load_call *call;
    void *context;
};

struct load_loop {
    int epoll, port;
    bool stop;
    struct timer *timers; /* a binary heap, the earliest first */
    size_t timer_count, timer_room;
    uint64_t orders, generations;
    struct load_traffic traffic;
    struct connection *all, *dead; /* dead: freed after the round of events that may still name them */
    char received[RECEIVE_BYTES];
};

struct request {
    struct request *next;
    char *text; /* head and body as sent */
    size_t size;
    double asked, timeout_s;
    load_done *done;
    void *context;
    int tag;
    bool again; /* on its second connection */
};

struct connection {
    struct connection *next, *previous;
    struct load_client *client;
    int fd;
    bool connecting, used;
    uint64_t generation; /* of the request, for its deadline */
    struct request *request;
    size_t sent;
    /* the reply */
    char head[HEAD_MAX];
    size_t head_size;
    bool in_body, is_png, close_after;
    struct load_reply reply;
    size_t length, got;
    char *text;
    struct load_png png;
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void *need(void *memory)
{
    if (!memory) fail("load_learners");
    return memory;
}

double load_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- timers ---- */

static bool earlier(const struct timer *a, const struct timer *b)
{
    return a->due < b->due || (a->due == b->due && a->order < b->order);
}

static void swap(struct timer *a, struct timer *b)
{
    struct timer kept = *a;
    *a = *b;
    *b = kept;
}

void load_after(struct load_loop *loop, double seconds, load_call *call, void *context)
{
    if (loop->timer_count == loop->timer_room) {
        loop->timer_room = loop->timer_room ? 2 * loop->timer_room : 256;
        loop->timers = need(realloc(loop->timers, loop->timer_room * sizeof *loop->timers));
    }
    size_t at = loop->timer_count++;
    loop->timers[at] = (struct timer){load_now() + seconds, loop->orders++, call, context};
    for (; at > 0 && earlier(&loop->timers[at], &loop->timers[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&loop->timers[at], &loop->timers[(at - 1) / 2]);
}

static struct timer take_first(struct load_loop *loop)
{
    struct timer first = loop->timers[0];
    loop->timers[0] = loop->timers[--loop->timer_count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < loop->timer_count; child++)
            if (earlier(&loop->timers[child], &loop->timers[least])) least = child;
        if (least == at) return first;
        swap(&loop->timers[at], &loop->timers[least]);
        at = least;
    }
}

/* ---- connections ---- */

static void next_request(struct load_client *client);

static void watch(struct connection *c, int what, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(c->client->loop->epoll, what, c->fd, &event)) fail("epoll_ctl");
}

static struct connection *connect_client(struct load_client *client)
{
    struct load_loop *loop = client->loop;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)loop->port)};
    const int on = 1;
    struct connection *c = need(calloc(1, sizeof *c));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->client = client;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0) fail("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->connecting = true;
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) fail("connect");
    watch(c, EPOLL_CTL_ADD, EPOLLOUT);
    c->next = loop->all;
    if (c->next) c->next->previous = c;
    loop->all = c;
    if (++loop->traffic.connections > loop->traffic.most_connections)
        loop->traffic.most_connections = loop->traffic.connections;
    return c;
}

static void drop(struct connection *c)
{
    struct load_loop *loop = c->client->loop;
    for (int i = 0; i < c->client->connections; i++)
        if (c->client->open[i] == c) c->client->open[i] = NULL;
    if (c->previous)
        c->previous->next = c->next;
    else
        loop->all = c->next;
    if (c->next) c->next->previous = c->previous;
    close(c->fd);
    c->fd = -1;
    c->next = loop->dead;
    loop->dead = c;
    loop->traffic.connections--;
}

static void free_dead(struct load_loop *loop)
{
    while (loop->dead) {
        struct connection *c = loop->dead;
        loop->dead = c->next;
        free(c->text);
        free(c);
    }
}

static void free_request(struct request *r)
{
    free(r->text);
    free(r);
}

/* The connection is idle or dropped again before the asker hears, so that it may send the next at once. */
static void finish(struct connection *c, enum load_failure failure)
{
    struct request *r = c->request;
    struct load_client *client = c->client;
    struct load_reply reply = c->reply;
    char *text = c->text;
    if (failure) reply = (struct load_reply){.retry_after_s = -1};
    reply.failure = failure;
    reply.seconds = load_now() - r->asked;
    reply.size_bytes = c->got;
    reply.text = c->is_png ? NULL : text ? text : "";
    reply.png_side = c->is_png ? load_png_side(&c->png) : 0;
    c->request = NULL;
    c->text = NULL;
    c->used = true;
    client->loop->traffic.replies++;
    if (failure || c->close_after) drop(c);
    r->done(r->context, r->tag, &reply);
    free(text);
    free_request(r);
    next_request(client);
}

/* A reused connection may have been closed while the request was on its way: then once more on a new one. */
static void broken(struct connection *c)
{
    struct request *r = c->request;
    struct load_client *client = c->client;
    if (!r) {
        drop(c);
    } else if (c->used && c->head_size == 0 && !r->again) {
        r->again = true;
        c->request = NULL;
        drop(c);
        client->loop->traffic.reopened++;
        r->next = client->first;
        client->first = r;
        if (!client->last) client->last = r;
        next_request(client);
    } else {
        finish(c, c->connecting ? LOAD_REFUSED : LOAD_BROKEN);
    }
}

/* ---- sending ---- */

static void write_more(struct connection *c)
{
    struct request *r = c->request;
    while (c->sent < r->size) {
        ssize_t count = send(c->fd, r->text + c->sent, r->size - c->sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) return;
        if (count < 0) {
            broken(c);
            return;
        }
        c->sent += (size_t)count;
    }
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

struct deadline {
    struct load_client *client;
    int slot;
    uint64_t generation;
};

static void check_deadline(void *context)
{
    struct deadline *d = context;
    struct connection *c = d->client->open[d->slot];
    if (c && c->request && c->generation == d->generation) finish(c, LOAD_TIMEOUT);
    free(d);
}

static void begin(struct connection *c, int slot)
{
    struct load_loop *loop = c->client->loop;
    struct deadline *d = need(malloc(sizeof *d));
    c->sent = c->head_size = c->length = c->got = 0;
    c->in_body = c->is_png = c->close_after = false;
    c->reply = (struct load_reply){.retry_after_s = -1};
    c->generation = ++loop->generations;
    *d = (struct deadline){c->client, slot, c->generation};
    load_after(loop, c->request->asked + c->request->timeout_s - load_now(), check_deadline, d);
    if (!c->connecting) write_more(c);
}

static void next_request(struct load_client *client)
{
    for (int i = 0; client->first && i < client->connections; i++) {
        struct connection *c = client->open[i];
        if (c && c->request) continue;
        if (!c) c = client->open[i] = connect_client(client);
        c->request = client->first;
        client->first = c->request->next;
        if (!client->first) client->last = NULL;
        begin(c, i);
    }
}

void load_client_init(struct load_client *client, struct load_loop *loop, int connections)
{
    *client = (struct load_client){.loop = loop, .connections = connections};
}

void load_send(struct load_client *client, const char *head, const char *body, double timeout_s,
               load_done *done, void *context, int tag)
{
    struct request *r = need(calloc(1, sizeof *r));
    char length[64] = "";
    if (body) snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    int size = asprintf(&r->text, "%sHost: 127.0.0.1:%d\r\n%s\r\n%s", head, client->loop->port, length,
                        body ? body : "");
    if (size < 0) fail("load_learners");
    r->size = (size_t)size;
    r->asked = load_now();
    r->timeout_s = timeout_s;
    r->done = done;
    r->context = context;
    r->tag = tag;
    if (client->last)
        client->last->next = r;
    else
        client->first = r;
    client->last = r;
    next_request(client);
}

/* ---- receiving ---- */

static const char *header(const char *head, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (!strncasecmp(line, name, length) && line[length] == ':')
            return line + length + 1 + strspn(line + length + 1, " ");
    }
    return NULL;
}

static bool read_head(struct connection *c)
{
    const char *length, *value;
    if (sscanf(c->head, "HTTP/1.1 %3d", &c->reply.status) != 1) return false;
    bool empty = c->reply.status == 304 || c->reply.status == 204;
    length = header(c->head, "Content-Length");
    if (!length && !empty) return false;
    c->length = length && !empty ? strtoul(length, NULL, 10) : 0;
    if ((value = header(c->head, "Retry-After"))) c->reply.retry_after_s = strtod(value, NULL);
    if ((value = header(c->head, "Connection"))) c->close_after = !strncasecmp(value, "close", 5);
    value = header(c->head, "Content-Type");
    c->is_png = value && !strncmp(value, "image/png", 9);
    if (c->is_png)
        load_png_start(&c->png);
    else if (c->length > LOAD_TEXT_MAX)
        return false;
    else
        c->text = need(calloc(1, c->length + 1));
    c->in_body = true;
    return true;
}

static void garbled(struct connection *c)
{
    fprintf(stderr, "load_learners: reply of %zu of %zu bytes begins: %.120s\n", c->got, c->length, c->head);
    finish(c, LOAD_GARBLED);
}

/* How many of the bytes belong to the head; the body, or after an interim reply another head, may begin in
 * the same piece. */
static size_t take_head(struct connection *c, const char *bytes, size_t size)
{
    size_t room = sizeof c->head - 1 - c->head_size, before = c->head_size;
    size_t count = size < room ? size : room;
    memcpy(c->head + before, bytes, count);
    c->head[before + count] = '\0';
    const char *end = strstr(before > 3 ? c->head + before - 3 : c->head, "\r\n\r\n");
    c->head_size = end ? (size_t)(end - c->head) + 4 : before + count;
    c->head[c->head_size] = '\0';
    size_t taken = c->head_size - before;
    if (end && !strncmp(c->head, "HTTP/1.1 1", 10))
        c->head_size = 0;
    else if ((end && !read_head(c)) || (!end && count == room))
        garbled(c);
    return taken;
}

static void take(struct connection *c, const char *bytes, size_t size)
{
    while (!c->in_body && size > 0 && c->request) {
        size_t head = take_head(c, bytes, size);
        bytes += head, size -= head;
    }
    if (!c->request || !c->in_body) return;
    size_t count = size < c->length - c->got ? size : c->length - c->got;
    if (c->is_png)
        load_png_take(&c->png, (const unsigned char *)bytes, count);
    else
        memcpy(c->text + c->got, bytes, count);
    c->got += count;
    if (size > count)
        garbled(c); /* more than was asked for */
    else if (c->got == c->length)
        finish(c, LOAD_ANSWERED);
}

static void read_more(struct connection *c)
{
    struct load_loop *loop = c->client->loop;
    ssize_t count = recv(c->fd, loop->received, sizeof loop->received, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0 || !c->request) {
        broken(c);
        return;
    }
    loop->traffic.received_bytes += (unsigned long long)count;
    take(c, loop->received, (size_t)count);
}

static void on_event(struct connection *c, uint32_t events)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (c->fd < 0) return; /* dropped in this round */
    if (c->connecting) {
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) {
            broken(c);
            return;
        }
        c->connecting = false;
    }
    if (events & EPOLLOUT && c->request)
        write_more(c);
    else
        read_more(c);
}

/* ---- the loop ---- */

struct load_loop *load_loop_new(int port)
{
    struct load_loop *loop = need(calloc(1, sizeof *loop));
    loop->port = port;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) fail("epoll_create1");
    return loop;
}

void load_loop_free(struct load_loop *loop)
{
    while (loop->all) {
        if (loop->all->request) free_request(loop->all->request);
        drop(loop->all);
    }
    free_dead(loop);
    for (size_t i = 0; i < loop->timer_count; i++)
        if (loop->timers[i].call == check_deadline) free(loop->timers[i].context);
    close(loop->epoll);
    free(loop->timers);
    free(loop);
}

void load_loop_stop(struct load_loop *loop)
{
    loop->stop = true;
}

void load_loop_run(struct load_loop *loop, double limit_s)
{
    struct epoll_event events[EVENTS];
    double end = load_now() + limit_s;
    loop->stop = false;
    for (double now = load_now(); !loop->stop && now < end; now = load_now()) {
        double until = loop->timer_count && loop->timers[0].due < end ? loop->timers[0].due : end;
        double wait_ms = until > now ? (until - now) * 1e3 : 0;
        int count = epoll_wait(loop->epoll, events, EVENTS, wait_ms < 1e6 ? (int)(wait_ms + 0.999) : 1000000);
        for (int i = 0; i < count; i++) on_event(events[i].data.ptr, events[i].events);
        while (loop->timer_count && loop->timers[0].due <= load_now()) {
            struct timer timer = take_first(loop);
            timer.call(timer.context);
        }
        free_dead(loop);
    }
}

struct load_traffic load_loop_traffic(const struct load_loop *loop)
{
    return loop->traffic;
}
