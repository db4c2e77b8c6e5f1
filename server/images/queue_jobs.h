/* The queue's table of jobs: what waits, how much of it there may be, and what is next. It knows no threads
 * and no clock: its user holds the queue's mutex and says what time it is. */
#ifndef SRV_QUEUE_JOBS_H
#define SRV_QUEUE_JOBS_H

#include <pthread.h>

#include "server/images/image_queue.h"

enum {
    QUEUE_BATCHES = 3, /* under way: one being sampled, and two for the encoders */
    JOBS_MAX = QUEUE_LEARNERS_MAX + QUEUE_NEXT_MAX + QUEUE_AHEAD_MAX + QUEUE_ATLAS_MAX +
               QUEUE_BATCHES * QUEUE_BATCH_MAX,
};

enum srv_job_state { JOB_FREE, JOB_WAITING, JOB_UNDER_WAY };

/* Someone who wants a job's file; on the stack of the asking thread. */
struct srv_waiter {
    struct srv_waiter *next;
    pthread_cond_t news;
    enum srv_priority priority;
    bool done; /* then these two are set: */
    enum srv_queue_result result;
    struct srv_made made; /* its file held, on QUEUE_OK */
};

/* One file to be made. */
struct srv_job {
    enum srv_job_state state;
    enum srv_priority priority;
    bool ahead;      /* read-ahead wants it, whoever waits */
    int distance;    /* of read-ahead */
    uint64_t ticket; /* order of asking */
    int64_t asked_us;
    struct srv_image_request request; /* holds the model */
    struct srv_image_key key;
    struct srv_waiter *waiters;
};

/* Zeroed is empty. */
struct srv_jobs {
    struct srv_job jobs[JOBS_MAX];
    int end; /* no job lies from here on */
    uint64_t tickets;
    int waiting[PRIORITIES], under_way;
    int batches_since_atlas;
    uint64_t dropped[PRIORITIES];
};

/* NULL when there is none. */
struct srv_job *srv_jobs_find(struct srv_jobs *jobs, const struct srv_image_key *key);

/* A waiting job without waiters, which a job of read-ahead further away may have made room for; NULL when the
 * priority is full. `distance` counts for PRIORITY_AHEAD. */
struct srv_job *srv_jobs_add(struct srv_jobs *jobs, const struct srv_image_request *request,
                             const struct srv_image_key *key, enum srv_priority priority, int distance,
                             int64_t now_us);

/* Read-ahead has come for a job again: the nearer distance counts. */
void srv_jobs_near(struct srv_job *job, int distance);

/* Adds a waiter, and lifts a waiting job to the waiter's priority. */
void srv_jobs_join(struct srv_jobs *jobs, struct srv_job *job, struct srv_waiter *waiter, int64_t now_us);
/* The waiter has become more urgent, and lifts the job if it still waits. */
void srv_jobs_lift(struct srv_jobs *jobs, struct srv_job *job, struct srv_waiter *waiter,
                   enum srv_priority priority, int64_t now_us);
/* Takes the waiter out. A waiting job falls to what is left of its reasons; without any it is dropped. */
void srv_jobs_leave(struct srv_jobs *jobs, struct srv_job *job, struct srv_waiter *waiter);

/* The job that is to be made next; NULL when none waits. Drops read-ahead that is too old. */
struct srv_job *srv_jobs_next(struct srv_jobs *jobs, int64_t now_us);
/* Takes `first` and what can be sampled with it, at most `max`: they are under way. Returns their number. */
int srv_jobs_take(struct srv_jobs *jobs, struct srv_job *first, int max, struct srv_job **batch);

/* How many go before a new one of that priority, if no more urgent ones come. */
int srv_jobs_before(const struct srv_jobs *jobs, enum srv_priority priority);

/* Ends a job: its waiters are woken with the result and what was made, its file held by each, and its place
 * is free. */
void srv_jobs_end(struct srv_jobs *jobs, struct srv_job *job, enum srv_queue_result result,
                  struct srv_made made);
/* Ends all that wait, refusing them. */
void srv_jobs_refuse_waiting(struct srv_jobs *jobs);

#endif
