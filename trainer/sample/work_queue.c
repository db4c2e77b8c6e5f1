#include "trainer/sample/work_queue.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS_MAX = 16, BUFFERS_MAX = 2 * THREADS_MAX };

struct job {
    int index;
    uint8_t *buffer;
};

struct tr_work_queue {
    tr_work *work;
    void *context;
    pthread_mutex_t mutex;
    pthread_cond_t news; /* a job, a free buffer, or the end */
    pthread_t threads[THREADS_MAX];
    int thread_count;
    uint8_t *memory;
    uint8_t *idle[BUFFERS_MAX];
    int idle_count;
    struct job jobs[BUFFERS_MAX]; /* as many as buffers: there is always room; the oldest first */
    int job_count;
    bool closing;
    struct nn_error failure; /* of the first that failed; status NN_OK when none did */
};

/* False when there will be no more. */
static bool next_job(struct tr_work_queue *q, struct job *job)
{
    while (!q->job_count && !q->closing) pthread_cond_wait(&q->news, &q->mutex);
    if (!q->job_count) return false;
    *job = q->jobs[0];
    memmove(q->jobs, q->jobs + 1, (size_t)--q->job_count * sizeof *q->jobs);
    return true;
}

static void *serve(void *argument)
{
    struct tr_work_queue *q = argument;
    struct job job;
    pthread_mutex_lock(&q->mutex);
    while (next_job(q, &job)) {
        struct nn_error err = {.status = NN_OK};
        bool wanted = q->failure.status == NN_OK;
        pthread_mutex_unlock(&q->mutex);
        nn_status status = wanted ? q->work(q->context, job.index, job.buffer, &err) : NN_OK;
        pthread_mutex_lock(&q->mutex);
        if (status != NN_OK && q->failure.status == NN_OK) q->failure = err;
        q->idle[q->idle_count++] = job.buffer;
        pthread_cond_broadcast(&q->news);
    }
    pthread_mutex_unlock(&q->mutex);
    return NULL;
}

nn_status tr_work_queue_open(struct tr_work_queue **queue, size_t buffer_bytes, tr_work *work, void *context,
                             struct nn_error *err)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int threads = processors < 1 ? 1 : processors > THREADS_MAX ? THREADS_MAX : (int)processors;
    struct tr_work_queue *q = calloc(1, sizeof *q);
    if (q) q->memory = malloc((size_t)threads * 2 * buffer_bytes);
    if (!q || !q->memory) {
        free(q);
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d buffers of %zu KiB", threads * 2,
                       buffer_bytes >> 10);
    }
    q->work = work;
    q->context = context;
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->news, NULL);
    for (int i = 0; i < threads * 2; i++) q->idle[q->idle_count++] = q->memory + (size_t)i * buffer_bytes;
    while (q->thread_count < threads && !pthread_create(&q->threads[q->thread_count], NULL, serve, q))
        q->thread_count++;
    *queue = q;
    if (q->thread_count) return NN_OK;
    *queue = NULL;
    nn_status none = tr_work_queue_close(q, NULL);
    (void)none;
    return nn_fail(err, NN_ERR_MEMORY, "no thread to write images with");
}

void *tr_work_queue_take(struct tr_work_queue *q)
{
    void *buffer = NULL;
    pthread_mutex_lock(&q->mutex);
    while (!q->idle_count && q->failure.status == NN_OK) pthread_cond_wait(&q->news, &q->mutex);
    if (q->failure.status == NN_OK) buffer = q->idle[--q->idle_count];
    pthread_mutex_unlock(&q->mutex);
    return buffer;
}

void tr_work_queue_put(struct tr_work_queue *q, int index, void *buffer)
{
    pthread_mutex_lock(&q->mutex);
    q->jobs[q->job_count++] = (struct job){index, buffer};
    pthread_cond_broadcast(&q->news);
    pthread_mutex_unlock(&q->mutex);
}

nn_status tr_work_queue_close(struct tr_work_queue *q, struct nn_error *err)
{
    if (!q) return NN_OK;
    pthread_mutex_lock(&q->mutex);
    q->closing = true;
    pthread_cond_broadcast(&q->news);
    pthread_mutex_unlock(&q->mutex);
    for (int i = 0; i < q->thread_count; i++) pthread_join(q->threads[i], NULL);
    nn_status status = q->failure.status;
    if (status != NN_OK && err) *err = q->failure;
    pthread_cond_destroy(&q->news);
    pthread_mutex_destroy(&q->mutex);
    free(q->memory);
    free(q);
    return status;
}
