#include "trainer/ingest/worker_pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trainer/interrupt.h"

enum { ASK_EVERY_MS = 200 };

struct worker {
    pid_t process;   /* 0: none */
    int socket, job; /* job -1: idle */
    double since_s;
};

struct running {
    const struct tr_worker_pool *pool;
    struct worker workers[TR_WORKERS_MAX];
    int next, busy;
    bool goes_on;
    unsigned char *result;
};

/* ---- in a worker ---------------------------------------------------------------------------------- */

/* Until the other end is closed, also by the death of the caller. */
static void work(const struct tr_worker_pool *pool, int socket, unsigned char *result)
{
    int job;
    /* Ctrl-C reaches the whole group; the caller decides what it means. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    while (recv(socket, &job, sizeof job, 0) == (ssize_t)sizeof job) {
        memset(result, 0, pool->result_bytes);
        pool->work(pool->context, job, result);
        if (send(socket, result, pool->result_bytes, MSG_NOSIGNAL) != (ssize_t)pool->result_bytes) break;
    }
    _exit(0);
}

/* ---- in the caller -------------------------------------------------------------------------------- */

static nn_status start(struct running *r, int index, struct nn_error *err)
{
    int ends[2];
    struct worker *w = &r->workers[index];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return nn_fail(err, NN_ERR_IO, "no socket for a worker: %s", strerror(errno));
    fflush(NULL); /* what is buffered is not to be written twice */
    pid_t process = fork();
    if (process == 0) {
        for (int i = 0; i < r->pool->workers; i++)
            if (r->workers[i].process > 0) close(r->workers[i].socket);
        close(ends[0]);
        work(r->pool, ends[1], r->result);
    }
    close(ends[1]);
    if (process < 0) {
        close(ends[0]);
        return nn_fail(err, NN_ERR_IO, "no process for a worker: %s", strerror(errno));
    }
    *w = (struct worker){.process = process, .socket = ends[0], .job = -1};
    return NN_OK;
}

/* Says how it ended; where it had ended by itself, kill_it changes nothing. */
static enum tr_worker_end end_worker(struct worker *w, bool kill_it)
{
    int how = 0;
    if (w->process <= 0) return TR_WORKER_DONE;
    if (kill_it) kill(w->process, SIGKILL);
    close(w->socket);
    while (waitpid(w->process, &how, 0) < 0 && errno == EINTR) continue;
    w->process = 0;
    bool killed = WIFSIGNALED(how) && (WTERMSIG(how) == SIGKILL || WTERMSIG(how) == SIGTERM);
    return killed ? TR_WORKER_KILLED : TR_WORKER_CRASHED;
}

static void tell(struct running *r, struct worker *w, enum tr_worker_end end)
{
    int job = w->job;
    w->job = -1;
    r->busy--;
    if (end != TR_WORKER_DONE) memset(r->result, 0, r->pool->result_bytes);
    if (!r->pool->done(r->pool->context, job, end, r->result)) r->goes_on = false;
}

static nn_status give(struct running *r, int index, struct nn_error *err)
{
    struct worker *w = &r->workers[index];
    nn_status status = w->process > 0 ? NN_OK : start(r, index, err);
    if (status != NN_OK) return status;
    w->job = r->next++;
    w->since_s = tr_now_s();
    r->busy++;
    if (send(w->socket, &w->job, sizeof w->job, MSG_NOSIGNAL) == (ssize_t)sizeof w->job) return NN_OK;
    tell(r, w, end_worker(w, true)); /* it died between two jobs */
    return NN_OK;
}

static void hear(struct running *r, struct worker *w)
{
    ssize_t size = recv(w->socket, r->result, r->pool->result_bytes, 0);
    if (size < 0 && errno == EINTR) return;
    tell(r, w, size == (ssize_t)r->pool->result_bytes ? TR_WORKER_DONE : end_worker(w, true));
}

/* Waits until one has something to say, or has used up its time. */
static void listen_to_all(struct running *r)
{
    struct pollfd polled[TR_WORKERS_MAX];
    for (int i = 0; i < r->pool->workers; i++) {
        const struct worker *w = &r->workers[i];
        polled[i] = (struct pollfd){.fd = w->process > 0 && w->job >= 0 ? w->socket : -1, .events = POLLIN};
    }
    poll(polled, (nfds_t)r->pool->workers, ASK_EVERY_MS);
    for (int i = 0; i < r->pool->workers; i++) {
        struct worker *w = &r->workers[i];
        if (w->job < 0) continue;
        if (polled[i].revents) {
            hear(r, w);
        } else if (tr_now_s() - w->since_s > r->pool->limit_s) {
            end_worker(w, true);
            tell(r, w, TR_WORKER_TOO_LONG);
        }
    }
}

nn_status tr_worker_pool_run(const struct tr_worker_pool *pool, struct nn_error *err)
{
    struct running r = {.pool = pool, .goes_on = true, .result = malloc(TR_WORKER_RESULT_MAX)};
    nn_status status = r.result ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for workers");
    for (int i = 0; i < TR_WORKERS_MAX; i++) r.workers[i].job = -1;
    while (status == NN_OK) {
        if (tr_interrupted()) r.goes_on = false;
        for (int i = 0; i < pool->workers && r.goes_on && r.next < pool->count && status == NN_OK; i++)
            if (r.workers[i].job < 0) status = give(&r, i, err);
        if (r.busy == 0 && (!r.goes_on || r.next >= pool->count)) break;
        if (status == NN_OK) listen_to_all(&r);
    }
    for (int i = 0; i < pool->workers; i++) end_worker(&r.workers[i], status != NN_OK);
    free(r.result);
    return status;
}
