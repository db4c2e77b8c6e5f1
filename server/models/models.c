#include "server/models/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/clock.h"
#include "server/models/model_registry.h"

/* ---- finding; the mutex is held ---- */

struct model_entry *models_find(struct srv_models *m, const char *name)
{
    for (struct model_entry *e = m->entries; e; e = e->next)
        if (!strcmp(e->name, name)) return e;
    return NULL;
}

struct srv_model *models_find_version(struct srv_models *m, const char *sha256)
{
    for (struct srv_model *v = m->versions; v; v = v->next)
        if (!strcmp(nn_model_info(v->engine)->sha256, sha256)) return v;
    return NULL;
}

size_t models_memory(const struct srv_models *m)
{
    size_t bytes = 0;
    for (const struct srv_model *v = m->versions; v; v = v->next) bytes += v->memory_bytes;
    return bytes;
}

/* ---- holding ---- */

static struct srv_model *hold(struct srv_model *v)
{
    v->holders++;
    return v;
}

/* Whether the memory of `v` is another's by now, who has waited long enough for it. */
static bool must_give_way(const struct srv_models *m, const struct srv_model *v)
{
    if (!models_can_be_loaded_again(v)) return false;
    for (const struct model_entry *e = m->entries; e; e = e->next)
        if (e->wanted_us && e->no_room && srv_clock_monotonic_us() - e->wanted_us > m->setup.turn_us)
            return true;
    return false;
}

/* MODELS_LOADING when it must give way; what it gives way to will be news. */
static enum srv_models_result take(struct srv_models *m, struct srv_model *v, struct srv_model **model)
{
    if (must_give_way(m, v)) return MODELS_LOADING;
    *model = hold(v);
    return MODELS_OK;
}

static void want(struct srv_models *m, struct model_entry *e)
{
    if (e->wanted_us) return;
    e->wanted_us = srv_clock_monotonic_us();
    pthread_cond_signal(&m->work);
}

/* False when the time is over. */
static bool wait_for_news(struct srv_models *m, int64_t deadline_us)
{
    if (m->stopping || srv_clock_monotonic_us() >= deadline_us) return false;
    struct timespec until = {deadline_us / 1000000, deadline_us % 1000000 * 1000};
    pthread_cond_timedwait(&m->news, &m->mutex, &until);
    return true;
}

enum srv_models_result srv_models_hold(struct srv_models *m, const char *name, int64_t deadline_us,
                                       struct srv_model **model)
{
    enum srv_models_result result = MODELS_LOADING;
    *model = NULL;
    pthread_mutex_lock(&m->mutex);
    do {
        struct model_entry *e = models_find(m, name);
        if (!e)
            result = MODELS_UNKNOWN;
        else if (e->current)
            result = take(m, e->current, model);
        else if (e->reason[0])
            result = MODELS_BROKEN;
        else
            want(m, e);
    } while (result == MODELS_LOADING && wait_for_news(m, deadline_us));
    pthread_mutex_unlock(&m->mutex);
    return result;
}

/* Asks for the file that has this content, as far as is known. MODELS_GONE when none can have it. */
static enum srv_models_result ask_for_version(struct srv_models *m, const char *sha256)
{
    enum srv_models_result result = MODELS_GONE;
    for (struct model_entry *e = m->entries; e; e = e->next) {
        if (e->reason[0] || (e->sha256[0] && strcmp(e->sha256, sha256))) continue;
        result = MODELS_LOADING;
        if (e->sha256[0])
            want(m, e);
        else
            m->hashes_wanted = true;
    }
    if (m->hashes_wanted) pthread_cond_signal(&m->work);
    return result;
}

enum srv_models_result srv_models_hold_version(struct srv_models *m, const char *sha256, int64_t deadline_us,
                                               struct srv_model **model)
{
    enum srv_models_result result;
    *model = NULL;
    pthread_mutex_lock(&m->mutex);
    do {
        struct srv_model *v = models_find_version(m, sha256);
        result = v ? take(m, v, model) : ask_for_version(m, sha256);
        if (v) v->session_us = srv_clock_monotonic_us();
    } while (result == MODELS_LOADING && wait_for_news(m, deadline_us));
    pthread_mutex_unlock(&m->mutex);
    return result;
}

struct srv_model *srv_model_hold_again(struct srv_model *model)
{
    if (!model) return NULL;
    pthread_mutex_lock(&model->owner->mutex);
    hold(model);
    pthread_mutex_unlock(&model->owner->mutex);
    return model;
}

void srv_model_release(struct srv_model *model)
{
    if (!model) return;
    struct srv_models *m = model->owner;
    pthread_mutex_lock(&m->mutex);
    model->used_us = srv_clock_monotonic_us();
    if (--model->holders == 0 && (m->memory_wanted || !model->entry)) {
        m->memory_wanted = false;
        pthread_cond_signal(&m->work);
    }
    pthread_mutex_unlock(&m->mutex);
}

void srv_model_for_session(struct srv_model *model)
{
    pthread_mutex_lock(&model->owner->mutex);
    model->session_us = srv_clock_monotonic_us();
    pthread_mutex_unlock(&model->owner->mutex);
}

const struct nn_model_info *srv_model_info(const struct srv_model *model)
{
    return nn_model_info(model->engine);
}

struct nn_model *srv_model_engine(const struct srv_model *model)
{
    return model->engine;
}

/* ---- telling ---- */

static enum srv_model_state state_of(const struct srv_models *m, const struct model_entry *e)
{
    if (e->current) return MODEL_LOADED;
    if (e->reason[0]) return MODEL_BROKEN;
    return e->wanted_us || (e->needed && m->readiness == MODELS_STARTING) ? MODEL_LOADING : MODEL_AVAILABLE;
}

static void tell(const struct srv_models *m, const struct model_entry *e, struct srv_model_entry *out)
{
    *out = (struct srv_model_entry){.state = state_of(m, e), .described = e->current || !e->reason[0]};
    memcpy(out->name, e->name, sizeof out->name);
    memcpy(out->reason, e->reason, sizeof out->reason);
    if (e->current) {
        out->info = *nn_model_info(e->current->engine);
        out->memory_bytes = e->current->memory_bytes;
    } else if (out->described) {
        out->info = e->info;
        out->memory_bytes = e->memory_bytes;
        memcpy(out->info.sha256, e->sha256, sizeof out->info.sha256);
    }
}

int srv_models_list(struct srv_models *m, struct srv_model_entry **entries)
{
    int count = 0;
    pthread_mutex_lock(&m->mutex);
    for (const struct model_entry *e = m->entries; e; e = e->next) count++;
    *entries = calloc((size_t)count + 1, sizeof **entries);
    if (!*entries) count = 0;
    const struct model_entry *e = m->entries;
    for (int i = 0; i < count; i++, e = e->next) tell(m, e, &(*entries)[i]);
    pthread_mutex_unlock(&m->mutex);
    return count;
}

bool srv_models_find(struct srv_models *m, const char *name, struct srv_model_entry *entry)
{
    pthread_mutex_lock(&m->mutex);
    const struct model_entry *e = models_find(m, name);
    if (e) tell(m, e, entry);
    pthread_mutex_unlock(&m->mutex);
    return e;
}

void srv_models_count(struct srv_models *m, struct srv_models_counts *counts)
{
    pthread_mutex_lock(&m->mutex);
    *counts = m->counts;
    counts->memory_limit_bytes = m->setup.memory_bytes;
    counts->memory_bytes = models_memory(m);
    for (const struct srv_model *v = m->versions; v; v = v->next) counts->loaded++;
    pthread_mutex_unlock(&m->mutex);
}

/* ---- life ---- */

/* The loader has ended, or was never started. */
static void release(struct srv_models *m)
{
    models_close_all(m);
    pthread_cond_destroy(&m->work);
    pthread_cond_destroy(&m->news);
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

nn_status srv_models_start(struct srv_models **out, const struct srv_models_setup *setup,
                           struct nn_error *err)
{
    *out = NULL;
    struct srv_models *m = calloc(1, sizeof *m);
    if (!m) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&m->mutex, NULL);
    pthread_cond_init(&m->work, &steady);
    pthread_cond_init(&m->news, &steady);
    pthread_condattr_destroy(&steady);
    m->setup = *setup;
    nn_status status = models_look_first(m, err);
    if (!status && pthread_create(&m->thread, NULL, models_loader, m))
        status = nn_fail(err, NN_ERR_MEMORY, "cannot start the thread that loads models");
    if (status)
        release(m);
    else
        *out = m;
    return status;
}

nn_status srv_models_wait_ready(struct srv_models *m, struct nn_error *err)
{
    pthread_mutex_lock(&m->mutex);
    while (m->readiness == MODELS_STARTING && !m->stopping) pthread_cond_wait(&m->news, &m->mutex);
    bool refused = m->readiness == MODELS_REFUSED;
    if (refused) *err = m->refusal;
    pthread_mutex_unlock(&m->mutex);
    return refused ? err->status : NN_OK;
}

bool srv_models_ready(struct srv_models *m)
{
    pthread_mutex_lock(&m->mutex);
    bool ready = m->readiness == MODELS_READY;
    pthread_mutex_unlock(&m->mutex);
    return ready;
}

void srv_models_stop(struct srv_models *m)
{
    if (!m) return;
    pthread_mutex_lock(&m->mutex);
    m->stopping = true;
    pthread_cond_signal(&m->work);
    pthread_cond_broadcast(&m->news);
    pthread_mutex_unlock(&m->mutex);
    pthread_join(m->thread, NULL);
    release(m);
}
