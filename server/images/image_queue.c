#include "server/images/image_queue.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "server/clock.h"
#include "server/images/queue_threads.h"

/* How often an asker looks whether their client is still there. */
enum { LOOK_US = 200 * 1000 };

/* ---- life ---- */

static void release(struct srv_image_queue *q)
{
    pthread_condattr_destroy(&q->steady);
    pthread_cond_destroy(&q->work);
    pthread_cond_destroy(&q->sampled);
    pthread_cond_destroy(&q->answered);
    pthread_mutex_destroy(&q->mutex);
    free(q);
}

nn_status srv_queue_start(struct srv_image_queue **out, const struct srv_sampler *sampler,
                          struct srv_image_cache *cache, struct nn_error *err)
{
    *out = NULL;
    struct srv_image_queue *q = calloc(1, sizeof *q);
    if (!q) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    q->sampler = sampler;
    q->cache = cache;
    q->counts.batches.scale = HISTOGRAM_COUNT;
    pthread_condattr_init(&q->steady);
    pthread_condattr_setclock(&q->steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->work, NULL);
    pthread_cond_init(&q->sampled, NULL);
    pthread_cond_init(&q->answered, NULL);
    nn_status status = srv_queue_threads_start(q, err);
    if (status)
        release(q);
    else
        *out = q;
    return status;
}

void srv_queue_stop(struct srv_image_queue *q)
{
    if (!q) return;
    pthread_mutex_lock(&q->mutex);
    q->stop = true;
    srv_jobs_refuse_waiting(&q->jobs);
    pthread_cond_signal(&q->work);
    pthread_mutex_unlock(&q->mutex);
    srv_queue_threads_join(q);
    pthread_mutex_lock(&q->mutex);
    while (q->askers > 0) pthread_cond_wait(&q->answered, &q->mutex);
    pthread_mutex_unlock(&q->mutex);
    release(q);
}

/* ---- finding and admitting; the mutex is held ---- */

/* The file, if it has been made; lets the mutex go while it looks. A job that ended meanwhile may have been
 * this one's, its file kept after the look: then it is looked for again. */
static struct srv_blob *find_made(struct srv_image_queue *q, const struct srv_image_key *key)
{
    struct srv_blob *png;
    uint64_t ended;
    do {
        ended = q->ended;
        pthread_mutex_unlock(&q->mutex);
        png = srv_cache_find(q->cache, key);
        pthread_mutex_lock(&q->mutex);
    } while (!png && ended != q->ended && !srv_jobs_find(&q->jobs, key));
    return png;
}

static double seconds_before(const struct srv_image_queue *q, enum srv_priority priority)
{
    return q->seconds_per_image * srv_jobs_before(&q->jobs, priority);
}

/* When half of what waits now has been made: a full queue then has room again. */
static int retry_after_s(const struct srv_image_queue *q, enum srv_priority priority)
{
    double seconds = ceil(seconds_before(q, priority) / 2);
    return seconds < 1 ? 1 : seconds > QUEUE_RETRY_MAX_S ? QUEUE_RETRY_MAX_S : (int)seconds;
}

static struct srv_job *admit(struct srv_image_queue *q, const struct srv_image_request *request,
                             const struct srv_image_key *key, enum srv_priority priority, int distance)
{
    if (q->stop || seconds_before(q, priority) * 1000 > QUEUE_ADMIT_MS) return NULL;
    struct srv_job *job = srv_jobs_add(&q->jobs, request, key, priority, distance, srv_clock_monotonic_us());
    if (job) pthread_cond_signal(&q->work);
    return job;
}

/* ---- waiting; the mutex is held ---- */

static enum srv_priority look(struct srv_image_queue *q, const struct srv_asker *asker)
{
    pthread_mutex_unlock(&q->mutex);
    enum srv_priority priority = asker->urgency(asker->client);
    pthread_mutex_lock(&q->mutex);
    return priority;
}

static void wait_until(struct srv_image_queue *q, struct srv_waiter *waiter, int64_t until_us)
{
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    while (!waiter->done && srv_clock_monotonic_us() < until_us)
        pthread_cond_timedwait(&waiter->news, &q->mutex, &until);
}

/* The job's place is free once the waiter is done, so it is not touched after that. */
static enum srv_queue_result wait_as(struct srv_image_queue *q, struct srv_job *job,
                                     struct srv_waiter *waiter, const struct srv_asker *asker)
{
    int64_t now_us;
    while (!waiter->done && (now_us = srv_clock_monotonic_us()) < asker->deadline_us) {
        int64_t look_us = now_us + LOOK_US;
        wait_until(q, waiter, look_us < asker->deadline_us ? look_us : asker->deadline_us);
        enum srv_priority priority = waiter->done ? waiter->priority : look(q, asker);
        if (waiter->done) break;
        if (priority == PRIORITIES) return QUEUE_LEFT;
        if (priority < waiter->priority) srv_jobs_lift(&q->jobs, job, waiter, priority, look_us);
    }
    if (waiter->done) return waiter->result;
    q->counts.late++;
    return QUEUE_BUSY;
}

static enum srv_queue_result wait_for(struct srv_image_queue *q, struct srv_job *job,
                                      enum srv_priority priority, const struct srv_asker *asker,
                                      struct srv_made *made)
{
    struct srv_waiter waiter = {.priority = priority};
    pthread_cond_init(&waiter.news, &q->steady);
    srv_jobs_join(&q->jobs, job, &waiter, srv_clock_monotonic_us());
    enum srv_queue_result result = wait_as(q, job, &waiter, asker);
    if (!waiter.done) srv_jobs_leave(&q->jobs, job, &waiter);
    *made = waiter.made;
    pthread_cond_destroy(&waiter.news);
    return result;
}

/* ---- asking ---- */

static void enter(struct srv_image_queue *q)
{
    pthread_mutex_lock(&q->mutex);
    q->askers++;
}

static void leave(struct srv_image_queue *q)
{
    if (--q->askers == 0) pthread_cond_signal(&q->answered);
    pthread_mutex_unlock(&q->mutex);
}

/* made->by: the model as it is now. */
static enum srv_queue_result ask(struct srv_image_queue *q, const struct srv_image_request *request,
                                 const struct srv_image_key *key, enum srv_priority priority,
                                 const struct srv_asker *asker, struct srv_made *made)
{
    struct srv_job *job = srv_jobs_find(&q->jobs, key);
    if (!job && (made->png = find_made(q, key))) {
        q->counts.from_cache++;
        return QUEUE_OK;
    }
    if (!job) job = srv_jobs_find(&q->jobs, key);
    if (job) {
        q->counts.joined++;
    } else if (!(job = admit(q, request, key, priority, 0))) {
        q->counts.refused[priority]++;
        return QUEUE_BUSY;
    }
    return wait_for(q, job, priority, asker, made);
}

enum srv_queue_result srv_queue_get(struct srv_image_queue *q, const struct srv_image_request *request,
                                    const struct srv_asker *asker, struct srv_made *made, int *retry_s)
{
    struct srv_image_key key;
    enum srv_priority priority = asker->urgency(asker->client);
    *made = (struct srv_made){0};
    *retry_s = 0;
    if (priority == PRIORITIES) return QUEUE_LEFT;
    made->by = q->sampler->info(q->sampler->context, request);
    srv_image_key_of(made->by, request, &key);
    enter(q);
    enum srv_queue_result result = ask(q, request, &key, priority, asker, made);
    if (result == QUEUE_BUSY) *retry_s = retry_after_s(q, priority);
    leave(q);
    return result;
}

void srv_queue_read_ahead(struct srv_image_queue *q, const struct srv_image_request *request, int distance)
{
    struct srv_image_key key;
    srv_image_key_of(q->sampler->info(q->sampler->context, request), request, &key);
    enter(q);
    struct srv_job *job = srv_jobs_find(&q->jobs, &key);
    struct srv_blob *png = job ? NULL : find_made(q, &key);
    if (!job) job = srv_jobs_find(&q->jobs, &key);
    if (job)
        srv_jobs_near(job, distance);
    else if (!png && !admit(q, request, &key, PRIORITY_AHEAD, distance))
        q->counts.refused[PRIORITY_AHEAD]++;
    leave(q);
    srv_blob_release(png);
}

void srv_queue_count(struct srv_image_queue *q, struct srv_queue_counts *counts)
{
    pthread_mutex_lock(&q->mutex);
    *counts = q->counts;
    for (int p = 0; p < PRIORITIES; p++) {
        counts->waiting[p] = q->jobs.waiting[p];
        counts->dropped[p] = q->jobs.dropped[p];
    }
    counts->under_way = q->jobs.under_way;
    pthread_mutex_unlock(&q->mutex);
}
