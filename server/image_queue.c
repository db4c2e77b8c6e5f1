#include "server/image_queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/image.h"
#include "server/clock.h"
#include "server/encode.h"
#include "server/log.h"

enum slot_state { SLOT_EMPTY, SLOT_QUEUED, SLOT_RUNNING, SLOT_READY, SLOT_FAILED };

/* One request from being asked for until its file is evicted. */
struct slot {
    enum slot_state state;
    struct srv_image_request request;
    bool ahead;      /* nobody waits yet */
    int waiters;     /* a slot with waiters is never reused */
    uint64_t ticket; /* order of asking while queued, of use once ready */
    struct srv_blob *png;
};

enum model_state { MODEL_LOADING, MODEL_OPEN, MODEL_REFUSED };

struct srv_image_queue {
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t work;   /* for the thread: something is queued, or stop */
    pthread_cond_t news;   /* for askers: a slot is done, or the model's state changed */
    bool stop;
    enum model_state model_state;
    struct nn_error refusal;
    const struct nn_model_info *info;
    struct slot slots[QUEUE_SLOTS];
    uint64_t tickets;
    struct srv_queue_counts counts; /* without `waiting` */

    /* The thread's own. */
    const char *path, *device;
    struct nn_model *model;
    uint8_t *pixels; /* resolution^2 */
};

/* ---- slots; the mutex is held ---- */

static bool same_request(const struct srv_image_request *a, const struct srv_image_request *b)
{
    return a->sample.seed == b->sample.seed && a->sample.class_index == b->sample.class_index &&
           a->sample.strength == b->sample.strength && a->sample.truncation == b->sample.truncation &&
           a->size == b->size && a->depth == b->depth && a->labelled == b->labelled;
}

static struct slot *find_slot(struct srv_image_queue *s, const struct srv_image_request *request)
{
    for (int i = 0; i < QUEUE_SLOTS; i++) {
        struct slot *slot = &s->slots[i];
        if (slot->state != SLOT_EMPTY && slot->state != SLOT_FAILED && same_request(&slot->request, request))
            return slot;
    }
    return NULL;
}

static int count_queued(const struct srv_image_queue *s)
{
    int count = 0;
    for (int i = 0; i < QUEUE_SLOTS; i++) count += s->slots[i].state == SLOT_QUEUED;
    return count;
}

static void empty_slot(struct slot *slot)
{
    srv_blob_release(slot->png);
    *slot = (struct slot){0};
}

/* An empty slot, or the file that was used longest ago; NULL when all are queued or waited for. */
static struct slot *free_slot(struct srv_image_queue *s)
{
    struct slot *oldest = NULL;
    for (int i = 0; i < QUEUE_SLOTS; i++) {
        struct slot *slot = &s->slots[i];
        if (slot->state == SLOT_EMPTY) return slot;
        if (slot->state == SLOT_READY && slot->waiters == 0 && (!oldest || slot->ticket < oldest->ticket))
            oldest = slot;
    }
    if (oldest) empty_slot(oldest);
    return oldest;
}

static struct slot *enqueue(struct srv_image_queue *s, const struct srv_image_request *request, bool ahead,
                            int queue_max)
{
    struct slot *slot = count_queued(s) < queue_max ? free_slot(s) : NULL;
    if (!slot) return NULL;
    *slot = (struct slot){.state = SLOT_QUEUED, .request = *request, .ahead = ahead, .ticket = s->tickets++};
    pthread_cond_signal(&s->work);
    return slot;
}

/* What somebody waits for goes before read-ahead; among equals the first asked. */
static struct slot *next_queued(struct srv_image_queue *s)
{
    struct slot *best = NULL;
    for (int i = 0; i < QUEUE_SLOTS; i++) {
        struct slot *slot = &s->slots[i];
        if (slot->state != SLOT_QUEUED) continue;
        if (!best || slot->ahead < best->ahead || (slot->ahead == best->ahead && slot->ticket < best->ticket))
            best = slot;
    }
    return best;
}

/* ---- the thread ---- */

static void open_model(struct srv_image_queue *s)
{
    struct nn_error err = {0};
    nn_status status = nn_model_open(&s->model, s->path, s->device, &err);
    if (!status) {
        size_t side = (size_t)nn_model_info(s->model)->resolution;
        s->pixels = malloc(side * side);
        if (!s->pixels) status = nn_fail(&err, NN_ERR_MEMORY, "%s: out of memory", s->path);
    }
    /* The first sample compiles kernels and takes several times longer than the next: better now than in
     * a learner's response time. */
    if (!status) status = nn_model_sample(s->model, &(struct nn_sample_request){0}, 1, s->pixels, &err);
    pthread_mutex_lock(&s->mutex);
    s->refusal = err;
    s->info = status ? NULL : nn_model_info(s->model);
    s->model_state = status ? MODEL_REFUSED : MODEL_OPEN;
    pthread_cond_broadcast(&s->news);
    pthread_mutex_unlock(&s->mutex);
}

static struct srv_blob *make(struct srv_image_queue *s, const struct srv_image_request *request)
{
    struct nn_error err = {0};
    struct srv_blob *png = NULL;
    nn_status status = nn_model_sample(s->model, &request->sample, 1, s->pixels, &err);
    if (!status) status = srv_encode(s->pixels, s->info, request, &png, &err);
    if (status) srv_log("sampling failed: %s", err.text);
    return png;
}

static void finish(struct srv_image_queue *s, struct slot *slot, struct srv_blob *png, int64_t started_us)
{
    s->counts.seconds += (double)(srv_clock_monotonic_us() - started_us) / 1e6;
    if (png)
        s->counts.made++;
    else
        s->counts.failed++;
    slot->png = png;
    slot->state = png ? SLOT_READY : SLOT_FAILED;
    slot->ticket = s->tickets++;
    if (slot->state == SLOT_FAILED && slot->waiters == 0) empty_slot(slot);
    pthread_cond_broadcast(&s->news);
}

/* Sampling may have moved from the GPU to the CPU. The mutex is held. */
static void look_at_device(struct srv_image_queue *s)
{
    const struct nn_model_info *info = nn_model_info(s->model);
    if (info != s->info) srv_log("%s; now on %s", info->device_note, info->device);
    s->info = info;
}

static void *run(void *context)
{
    struct srv_image_queue *s = context;
    open_model(s);
    pthread_mutex_lock(&s->mutex);
    while (!s->stop && s->model_state == MODEL_OPEN) {
        struct slot *slot = next_queued(s);
        if (!slot) {
            pthread_cond_wait(&s->work, &s->mutex);
            continue;
        }
        slot->state = SLOT_RUNNING; /* nobody but this thread touches a running slot's request */
        pthread_mutex_unlock(&s->mutex);
        int64_t started_us = srv_clock_monotonic_us();
        struct srv_blob *png = make(s, &slot->request);
        pthread_mutex_lock(&s->mutex);
        look_at_device(s);
        finish(s, slot, png, started_us);
    }
    pthread_mutex_unlock(&s->mutex);
    nn_model_close(s->model);
    free(s->pixels);
    return NULL;
}

/* ---- life ---- */

nn_status srv_queue_start(struct srv_image_queue **out, const char *path, const char *device,
                          struct nn_error *err)
{
    *out = NULL;
    struct srv_image_queue *s = calloc(1, sizeof *s);
    if (!s) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->work, NULL);
    pthread_cond_init(&s->news, &steady);
    pthread_condattr_destroy(&steady);
    s->path = path;
    s->device = device;
    if (pthread_create(&s->thread, NULL, run, s)) {
        free(s);
        return nn_fail(err, NN_ERR_MEMORY, "cannot start the engine's thread");
    }
    *out = s;
    return NN_OK;
}

nn_status srv_queue_wait_open(struct srv_image_queue *s, struct nn_error *err)
{
    pthread_mutex_lock(&s->mutex);
    while (s->model_state == MODEL_LOADING && !s->stop) pthread_cond_wait(&s->news, &s->mutex);
    bool refused = s->model_state == MODEL_REFUSED;
    if (refused) *err = s->refusal;
    pthread_mutex_unlock(&s->mutex);
    return refused ? err->status : NN_OK;
}

void srv_queue_stop(struct srv_image_queue *s)
{
    if (!s) return;
    pthread_mutex_lock(&s->mutex);
    s->stop = true;
    pthread_cond_broadcast(&s->work);
    pthread_cond_broadcast(&s->news);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    for (int i = 0; i < QUEUE_SLOTS; i++) empty_slot(&s->slots[i]);
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->news);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

const struct nn_model_info *srv_queue_model(struct srv_image_queue *s)
{
    pthread_mutex_lock(&s->mutex);
    const struct nn_model_info *info = s->info;
    pthread_mutex_unlock(&s->mutex);
    return info;
}

int srv_queue_sizes(const struct nn_model_info *model, int sizes[QUEUE_SIZES_MAX])
{
    int count = 0;
    for (int times = QUEUE_SIZES_MAX - 1; times >= 0; times--)
        if (times == 0 || model->resolution >> times >= 64) sizes[count++] = model->resolution >> times;
    return count;
}

/* ---- asking ---- */

static struct timespec deadline_after(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    return t;
}

static enum srv_queue_result wait_for(struct srv_image_queue *s, struct slot *slot, struct srv_blob **png)
{
    struct timespec deadline = deadline_after(QUEUE_WAIT_MS);
    int timed_out = 0;
    slot->ahead = false;
    slot->waiters++;
    while ((slot->state == SLOT_QUEUED || slot->state == SLOT_RUNNING) && !s->stop && !timed_out)
        timed_out = pthread_cond_timedwait(&s->news, &s->mutex, &deadline);
    slot->waiters--;
    if (slot->state == SLOT_READY) {
        slot->ticket = s->tickets++;
        *png = srv_blob_hold(slot->png);
        return QUEUE_OK;
    }
    if (slot->state == SLOT_FAILED) {
        if (slot->waiters == 0) empty_slot(slot);
        return QUEUE_FAILED;
    }
    return QUEUE_BUSY;
}

enum srv_queue_result srv_queue_get(struct srv_image_queue *s, const struct srv_image_request *request,
                                    struct srv_blob **png)
{
    enum srv_queue_result result = QUEUE_LOADING;
    *png = NULL;
    pthread_mutex_lock(&s->mutex);
    if (s->model_state == MODEL_OPEN && !s->stop) {
        struct slot *slot = find_slot(s, request);
        if (slot && slot->state == SLOT_READY) s->counts.from_cache++;
        if (!slot) slot = enqueue(s, request, false, QUEUE_WAITING_MAX);
        result = slot ? wait_for(s, slot, png) : QUEUE_BUSY;
        if (result == QUEUE_BUSY) s->counts.refused++;
    }
    pthread_mutex_unlock(&s->mutex);
    return result;
}

void srv_queue_read_ahead(struct srv_image_queue *s, const struct srv_image_request *request)
{
    pthread_mutex_lock(&s->mutex);
    if (s->model_state == MODEL_OPEN && !s->stop && !find_slot(s, request))
        enqueue(s, request, true, QUEUE_AHEAD_MAX);
    pthread_mutex_unlock(&s->mutex);
}

void srv_queue_count(struct srv_image_queue *s, struct srv_queue_counts *counts)
{
    pthread_mutex_lock(&s->mutex);
    *counts = s->counts;
    counts->waiting = count_queued(s);
    pthread_mutex_unlock(&s->mutex);
}
