/* Work on many files by processes of their own: a file at which a decoder crashes, or never ends, costs that
 * file and nothing else. */
#ifndef TR_WORKER_POOL_H
#define TR_WORKER_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

enum { TR_WORKERS_MAX = 64, TR_WORKER_RESULT_MAX = 16384 };

/* KILLED: by SIGKILL or SIGTERM, which somebody else sent; the job may be without fault. */
enum tr_worker_end { TR_WORKER_DONE, TR_WORKER_CRASHED, TR_WORKER_KILLED, TR_WORKER_TOO_LONG };

struct tr_worker_pool {
    int workers;    /* processes, 1 .. TR_WORKERS_MAX */
    int count;      /* of jobs, 0 .. count-1 */
    double limit_s; /* for one job */
    size_t result_bytes;
    /* In a worker: does a job and fills the zeroed result. It may use what was in memory at the start of the
     * pool; what it changes there is lost. It must not use OpenMP. */
    void (*work)(void *context, int job, void *result);
    /* In the caller's process, for each job once, in any order; the result is all zeros unless `end` is DONE.
     * Returning false stops: no more jobs are begun, those that run are still told. */
    bool (*done)(void *context, int job, enum tr_worker_end end, const void *result);
    void *context;
};

/* NN_ERR_IO when no process can be made. After a signal (trainer/interrupt.h) it stops likewise. The caller
 * has no threads. */
nn_status tr_worker_pool_run(const struct tr_worker_pool *pool, struct nn_error *err) NN_MUST_CHECK;

#endif
