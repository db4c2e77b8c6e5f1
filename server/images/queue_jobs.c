#include "server/images/queue_jobs.h"

#include <limits.h>
#include <string.h>

static const int waiting_max[PRIORITIES] = {
    [PRIORITY_LEARNER] = QUEUE_LEARNERS_MAX,
    [PRIORITY_NEXT] = QUEUE_NEXT_MAX,
    [PRIORITY_AHEAD] = QUEUE_AHEAD_MAX,
    [PRIORITY_ATLAS] = QUEUE_ATLAS_MAX,
};

/* ---- places ---- */

struct srv_job *srv_jobs_find(struct srv_jobs *jobs, const struct srv_image_key *key)
{
    for (int i = 0; i < jobs->end; i++) {
        struct srv_job *job = &jobs->jobs[i];
        if (job->state != JOB_FREE && !memcmp(job->key.hex, key->hex, sizeof key->hex)) return job;
    }
    return NULL;
}

static void free_place(struct srv_jobs *jobs, struct srv_job *job)
{
    if (job->state == JOB_WAITING)
        jobs->waiting[job->priority]--;
    else
        jobs->under_way--;
    srv_model_release(job->request.model);
    *job = (struct srv_job){0};
    while (jobs->end > 0 && jobs->jobs[jobs->end - 1].state == JOB_FREE) jobs->end--;
}

static void drop(struct srv_jobs *jobs, struct srv_job *job)
{
    jobs->dropped[job->priority]++;
    free_place(jobs, job);
}

static struct srv_job *free_job(struct srv_jobs *jobs)
{
    for (int i = 0; i < jobs->end; i++)
        if (jobs->jobs[i].state == JOB_FREE) return &jobs->jobs[i];
    return jobs->end < JOBS_MAX ? &jobs->jobs[jobs->end++] : NULL;
}

static struct srv_job *furthest_ahead(struct srv_jobs *jobs)
{
    struct srv_job *far = NULL;
    for (int i = 0; i < jobs->end; i++) {
        struct srv_job *job = &jobs->jobs[i];
        if (job->state == JOB_WAITING && job->priority == PRIORITY_AHEAD &&
            (!far || job->distance > far->distance))
            far = job;
    }
    return far;
}

struct srv_job *srv_jobs_add(struct srv_jobs *jobs, const struct srv_image_request *request,
                             const struct srv_image_key *key, enum srv_priority priority, int distance,
                             int64_t now_us)
{
    bool ahead = priority == PRIORITY_AHEAD;
    if (jobs->waiting[priority] >= waiting_max[priority]) {
        struct srv_job *far = ahead ? furthest_ahead(jobs) : NULL;
        if (!far || far->distance <= distance) return NULL;
        drop(jobs, far);
    }
    struct srv_job *job = free_job(jobs);
    if (!job) return NULL;
    *job = (struct srv_job){
        .state = JOB_WAITING,
        .priority = priority,
        .ahead = ahead,
        .distance = distance,
        .ticket = jobs->tickets++,
        .asked_us = now_us,
        .request = *request,
        .key = *key,
    };
    srv_model_hold_again(job->request.model);
    jobs->waiting[priority]++;
    return job;
}

/* ---- reasons to make it ---- */

static void set_priority(struct srv_jobs *jobs, struct srv_job *job, enum srv_priority priority)
{
    jobs->waiting[job->priority]--;
    jobs->waiting[priority]++;
    job->priority = priority;
}

void srv_jobs_near(struct srv_job *job, int distance)
{
    if (!job->ahead || distance < job->distance) job->distance = distance;
    job->ahead = true;
}

/* Who comes to a job of their own priority joins its place in the order; who lifts it goes behind those who
 * waited at that priority before. */
void srv_jobs_join(struct srv_jobs *jobs, struct srv_job *job, struct srv_waiter *waiter, int64_t now_us)
{
    waiter->next = job->waiters;
    job->waiters = waiter;
    srv_jobs_lift(jobs, job, waiter, waiter->priority, now_us);
}

void srv_jobs_lift(struct srv_jobs *jobs, struct srv_job *job, struct srv_waiter *waiter,
                   enum srv_priority priority, int64_t now_us)
{
    waiter->priority = priority;
    if (job->state != JOB_WAITING || priority >= job->priority) return;
    set_priority(jobs, job, priority);
    job->ticket = jobs->tickets++;
    job->asked_us = now_us;
}

void srv_jobs_leave(struct srv_jobs *jobs, struct srv_job *job, struct srv_waiter *waiter)
{
    enum srv_priority left = job->ahead ? PRIORITY_AHEAD : PRIORITIES;
    struct srv_waiter **at = &job->waiters;
    while (*at != waiter) at = &(*at)->next;
    *at = waiter->next;
    for (const struct srv_waiter *w = job->waiters; w; w = w->next)
        if (w->priority < left) left = w->priority;
    if (job->state != JOB_WAITING) return;
    if (left == PRIORITIES)
        drop(jobs, job);
    else
        set_priority(jobs, job, left);
}

/* ---- order ---- */

static bool goes_before(const struct srv_job *a, const struct srv_job *b)
{
    if (a->priority != b->priority) return a->priority < b->priority;
    if (a->priority == PRIORITY_AHEAD && a->distance != b->distance) return a->distance < b->distance;
    return a->ticket < b->ticket;
}

static bool can_share(const struct srv_image_request *a, const struct srv_image_request *b)
{
    return a->model == b->model && a->depth == b->depth;
}

/* The first of those with a priority from `from` to `to` that wait and, if `like` is given, can share a batch
 * with it. */
static struct srv_job *first_waiting(struct srv_jobs *jobs, enum srv_priority from, enum srv_priority to,
                                     const struct srv_job *like)
{
    struct srv_job *best = NULL;
    for (int i = 0; i < jobs->end; i++) {
        struct srv_job *job = &jobs->jobs[i];
        if (job->state != JOB_WAITING || job->priority < from || job->priority > to) continue;
        if (like && !can_share(&job->request, &like->request)) continue;
        if (!best || goes_before(job, best)) best = job;
    }
    return best;
}

static void drop_old_ahead(struct srv_jobs *jobs, int64_t now_us)
{
    for (int i = 0; i < jobs->end; i++) {
        struct srv_job *job = &jobs->jobs[i];
        if (job->state == JOB_WAITING && job->priority == PRIORITY_AHEAD &&
            now_us - job->asked_us > QUEUE_AHEAD_MS * INT64_C(1000))
            drop(jobs, job);
    }
}

struct srv_job *srv_jobs_next(struct srv_jobs *jobs, int64_t now_us)
{
    if (jobs->waiting[PRIORITY_AHEAD] > 0) drop_old_ahead(jobs, now_us);
    if (jobs->batches_since_atlas >= QUEUE_ATLAS_TURN - 1) {
        struct srv_job *atlas = first_waiting(jobs, PRIORITY_ATLAS, PRIORITY_ATLAS, NULL);
        if (atlas && now_us - atlas->asked_us > QUEUE_PATIENCE_MS * INT64_C(1000)) return atlas;
    }
    return first_waiting(jobs, PRIORITY_LEARNER, PRIORITY_ATLAS, NULL);
}

int srv_jobs_take(struct srv_jobs *jobs, struct srv_job *first, int max, struct srv_job **batch)
{
    int count = 0;
    if (first->priority == PRIORITY_ATLAS)
        jobs->batches_since_atlas = 0;
    else if (jobs->batches_since_atlas < INT_MAX)
        jobs->batches_since_atlas++;
    while (first && count < max) {
        jobs->waiting[first->priority]--;
        jobs->under_way++;
        first->state = JOB_UNDER_WAY;
        batch[count++] = first;
        if (count < max) first = first_waiting(jobs, batch[0]->priority, batch[0]->priority, batch[0]);
    }
    return count;
}

int srv_jobs_before(const struct srv_jobs *jobs, enum srv_priority priority)
{
    int before = jobs->under_way;
    for (enum srv_priority p = PRIORITY_LEARNER; p <= priority; p++) before += jobs->waiting[p];
    return before;
}

/* ---- ends ---- */

void srv_jobs_end(struct srv_jobs *jobs, struct srv_job *job, enum srv_queue_result result,
                  struct srv_made made)
{
    for (struct srv_waiter *w = job->waiters; w; w = w->next) {
        w->result = result;
        w->made = made;
        if (made.png) srv_blob_hold(made.png);
        w->done = true;
        pthread_cond_signal(&w->news);
    }
    free_place(jobs, job);
}

void srv_jobs_refuse_waiting(struct srv_jobs *jobs)
{
    for (int i = 0; i < jobs->end; i++)
        if (jobs->jobs[i].state == JOB_WAITING)
            srv_jobs_end(jobs, &jobs->jobs[i], QUEUE_BUSY, (struct srv_made){0});
}
