#include "server/images/queue_threads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/background.h"
#include "server/clock.h"
#include "server/images/encode.h"
#include "server/log.h"

/* Of the seconds per image, so that one slow batch among many does not turn learners away. */
static const double NEWEST_WEIGHT = 0.1;

/* On the CPU two: each of two threads makes one and waits for nothing. A class that comes in at once got
 * 1,060, 966 and 992 images in 12 s one by one and 1,088, 1,163 and 1,157 in pairs (1024x1024, two cores that
 * others shared), for 13.2 and 11.8 ms of processor time each. */
static int batch_max(const struct nn_model_info *model)
{
    return strncmp(model->device, "cpu", 3) ? QUEUE_BATCH_MAX : QUEUE_CPU_BATCH_MAX;
}

static void end_job(struct srv_image_queue *q, struct srv_job *job, enum srv_queue_result result,
                    struct srv_made made)
{
    if (made.png)
        q->counts.made[job->priority]++;
    else
        q->counts.failed++;
    q->ended++;
    srv_jobs_end(&q->jobs, job, result, made);
}

/* ---- the engine's thread ---- */

static void give_back(struct srv_image_queue *q, struct srv_batch *batch)
{
    batch->next = q->free_batches;
    q->free_batches = batch;
    pthread_cond_signal(&q->work);
}

static void fill_batch(struct srv_image_queue *q, struct srv_batch *batch, struct srv_job *first,
                       int64_t now_us)
{
    size_t side;
    batch->info = q->sampler->info(q->sampler->context, &first->request);
    side = (size_t)batch->info->resolution;
    batch->image_bytes = side * side * (size_t)(first->request.depth / 8);
    batch->count = batch->left = srv_jobs_take(&q->jobs, first, batch_max(batch->info), batch->jobs);
    batch->begun = 0;
    batch->priority = batch->jobs[0]->priority;
    for (int i = 0; i < batch->count; i++) {
        const struct srv_job *job = batch->jobs[i];
        srv_histogram_observe(&q->counts.waited[job->priority], now_us - job->asked_us);
    }
    srv_histogram_observe(&q->counts.batches, batch->count);
}

/* Waits for work and for a batch to do it in; what is next is decided when both are there. NULL to stop.
 * *cycle_us is since when the engine has had work: unchanged if it never had to wait for some. */
static struct srv_batch *next_batch(struct srv_image_queue *q, int64_t *cycle_us)
{
    while (!q->stop) {
        int64_t now_us = srv_clock_monotonic_us();
        struct srv_job *first = srv_jobs_next(&q->jobs, now_us);
        struct srv_batch *batch = q->free_batches;
        if (!first)
            *cycle_us = 0;
        else if (*cycle_us == 0)
            *cycle_us = now_us;
        if (first && batch) {
            q->free_batches = batch->next;
            fill_batch(q, batch, first, now_us);
            return batch;
        }
        pthread_cond_wait(&q->work, &q->mutex);
    }
    return NULL;
}

/* Without the mutex: nobody but the threads touches the request of a job under way. */
static nn_status sample(struct srv_image_queue *q, struct srv_batch *batch, struct nn_error *err)
{
    const struct srv_image_request *requests[QUEUE_BATCH_MAX];
    size_t needed = batch->image_bytes * (size_t)batch->count;
    if (needed > batch->room_bytes) {
        uint8_t *pixels = realloc(batch->pixels, needed);
        if (!pixels) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d images", batch->count);
        batch->pixels = pixels;
        batch->room_bytes = needed;
    }
    for (int i = 0; i < batch->count; i++) requests[i] = &batch->jobs[i]->request;
    return q->sampler->sample(q->sampler->context, requests, batch->count, batch->pixels, err);
}

static void fail_batch(struct srv_image_queue *q, struct srv_batch *batch, const struct nn_error *err)
{
    srv_log_error("sampling failed: %s", err->text);
    for (int i = 0; i < batch->count; i++) end_job(q, batch->jobs[i], QUEUE_FAILED, (struct srv_made){0});
    give_back(q, batch);
}

/* A learner's image takes less than a tenth of the time that an atlas image takes to be deflated, and does
 * not stand behind two of them. */
static void pass_on(struct srv_image_queue *q, struct srv_batch *batch)
{
    struct srv_batch **at = &q->to_encode;
    while (*at && (*at)->priority <= batch->priority) at = &(*at)->next;
    batch->next = *at;
    *at = batch;
    if (batch->count > 1)
        pthread_cond_broadcast(&q->sampled);
    else
        pthread_cond_signal(&q->sampled);
}

/* The time between two batches' ends counts, waiting for a free buffer included: where the encoders are the
 * narrow part, they set the rate. */
static void note_rate(struct srv_image_queue *q, const struct srv_batch *batch, int64_t *cycle_us,
                      int64_t now_us)
{
    double seconds = (double)(now_us - *cycle_us) / 1e6 / batch->count;
    q->seconds_per_image += (q->seconds_per_image > 0 ? NEWEST_WEIGHT : 1) * (seconds - q->seconds_per_image);
    *cycle_us = now_us;
}

static void *run_engine(void *context)
{
    struct srv_image_queue *q = context;
    struct srv_batch *batch;
    int64_t cycle_us = 0;
    srv_background("engine");
    pthread_mutex_lock(&q->mutex);
    while ((batch = next_batch(q, &cycle_us))) {
        struct nn_error err = {0};
        pthread_mutex_unlock(&q->mutex);
        int64_t started_us = srv_clock_monotonic_us();
        nn_status status = sample(q, batch, &err);
        int64_t now_us = srv_clock_monotonic_us();
        pthread_mutex_lock(&q->mutex);
        srv_histogram_observe(&q->counts.sampling, now_us - started_us);
        note_rate(q, batch, &cycle_us, now_us);
        batch->info = q->sampler->info(q->sampler->context, &batch->jobs[0]->request);
        if (status)
            fail_batch(q, batch, &err);
        else
            pass_on(q, batch);
    }
    q->engine_ended = true;
    pthread_cond_broadcast(&q->sampled);
    pthread_mutex_unlock(&q->mutex);
    return NULL;
}

/* ---- encoders ---- */

/* The next image to be encoded; NULL to stop. */
static struct srv_batch *next_sampled(struct srv_image_queue *q, int *index)
{
    while (!q->to_encode && !q->engine_ended) pthread_cond_wait(&q->sampled, &q->mutex);
    struct srv_batch *batch = q->to_encode;
    if (!batch) return NULL;
    *index = batch->begun++;
    if (batch->begun == batch->count) q->to_encode = batch->next;
    return batch;
}

/* Keeps the file before its job ends, so that who finds no job finds the file. The key is made anew: the
 * device, which is part of it, may have changed since the request came. */
static struct srv_blob *encode(struct srv_image_queue *q, const struct srv_batch *batch, int index)
{
    struct nn_error err = {0};
    struct srv_blob *png = NULL;
    struct srv_image_key key;
    const struct srv_image_request *request = &batch->jobs[index]->request;
    void *pixels = batch->pixels + (size_t)index * batch->image_bytes;
    nn_status status = NN_OK;
    if (request->library.width > 0)
        status = q->sampler->replace(q->sampler->context, request, batch->info, pixels, &err);
    if (!status) status = srv_encode(pixels, batch->info, request, &png, &err);
    if (status) {
        srv_log_error("encoding failed: %s", err.text);
        return NULL;
    }
    srv_image_key_of(batch->info, request, &key);
    srv_cache_put(q->cache, &key, png);
    return png;
}

static void sleep_until(int64_t at_us)
{
    const struct timespec at = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) continue;
}

static void *run_encoder(void *context)
{
    struct srv_image_queue *q = context;
    struct srv_batch *batch;
    int index;
    srv_background("encoder");
    pthread_mutex_lock(&q->mutex);
    while ((batch = next_sampled(q, &index))) {
        pthread_mutex_unlock(&q->mutex);
        int64_t started_us = srv_clock_monotonic_us();
        struct srv_blob *png = encode(q, batch, index);
        if (batch->jobs[index]->request.held) sleep_until(started_us + QUEUE_HELD_US);
        int64_t now_us = srv_clock_monotonic_us();
        pthread_mutex_lock(&q->mutex);
        srv_histogram_observe(&q->counts.encoding, now_us - started_us);
        end_job(q, batch->jobs[index], png ? QUEUE_OK : QUEUE_FAILED, (struct srv_made){png, batch->info});
        if (--batch->left == 0) give_back(q, batch);
        srv_blob_release(png);
    }
    pthread_mutex_unlock(&q->mutex);
    return NULL;
}

/* ---- life ---- */

/* The sampler's own threads leave room for one where there are two cores; with many cores the images come
 * from a GPU, or so slowly that most encoders sleep. */
static int wanted_encoders(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores <= 2) return 1;
    return cores - 1 < QUEUE_ENCODERS_MAX ? (int)cores - 1 : QUEUE_ENCODERS_MAX;
}

static void join_encoders(struct srv_image_queue *q)
{
    for (int i = 0; i < q->encoder_count; i++) pthread_join(q->encoders[i], NULL);
}

nn_status srv_queue_threads_start(struct srv_image_queue *q, struct nn_error *err)
{
    int wanted = wanted_encoders();
    for (int i = 0; i < QUEUE_BATCHES; i++) give_back(q, &q->batches[i]);
    while (q->encoder_count < wanted && !pthread_create(&q->encoders[q->encoder_count], NULL, run_encoder, q))
        q->encoder_count++;
    if (q->encoder_count > 0 && !pthread_create(&q->engine, NULL, run_engine, q)) return NN_OK;
    pthread_mutex_lock(&q->mutex);
    q->engine_ended = true;
    pthread_cond_broadcast(&q->sampled);
    pthread_mutex_unlock(&q->mutex);
    join_encoders(q);
    return nn_fail(err, NN_ERR_MEMORY, "cannot start the threads that make images");
}

void srv_queue_threads_join(struct srv_image_queue *q)
{
    pthread_join(q->engine, NULL);
    join_encoders(q);
    for (int i = 0; i < QUEUE_BATCHES; i++) free(q->batches[i].pixels);
}
