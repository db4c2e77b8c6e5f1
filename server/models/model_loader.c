/* The thread that opens and closes models. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/sha256.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/models/model_registry.h"

enum { HASH_BLOCK_BYTES = 256 * 1024 };

char *models_path(const struct srv_models *m, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s.safetensors", m->setup.folder, name) < 0 ? NULL : path;
}

/* Engine texts start with the path, which is nobody's business outside. */
static const char *without_path(const struct srv_models *m, const char *name, const char *text)
{
    char *path = models_path(m, name);
    size_t length = path ? strlen(path) : 0;
    bool starts = path && !strncmp(text, path, length) && !strncmp(text + length, ": ", 2);
    free(path);
    return starts ? text + length + 2 : text;
}

void models_refuse(struct srv_models *m, struct model_entry *e, const struct nn_error *err)
{
    bool files_fault = err->status == NN_ERR_FORMAT || srv_file_stamp_none(&e->stamp);
    pthread_mutex_lock(&m->mutex);
    snprintf(e->reason, sizeof e->reason, "%.*s", MODEL_REASON_TEXT - 1, without_path(m, e->name, err->text));
    e->retry_us = files_fault ? 0 : srv_clock_monotonic_us() + MODEL_RETRY_US;
    e->wanted_us = 0;
    e->due = false;
    m->counts.failures++;
    bool starting = e->needed && m->readiness == MODELS_STARTING;
    if (starting) {
        m->refusal = *err;
        m->readiness = MODELS_REFUSED;
    }
    pthread_cond_broadcast(&m->news);
    pthread_mutex_unlock(&m->mutex);
    if (!starting && strcmp(e->told, e->reason))
        srv_log_error("model %s: %s%s", e->name, e->reason,
                      e->current ? "; the version in memory goes on" : "");
    memcpy(e->told, e->reason, sizeof e->told);
}

/* ---- closing; the mutex is held, and let go of meanwhile ---- */

static void close_version(struct srv_models *m, struct srv_model *version)
{
    struct srv_model **at = &m->versions;
    while (*at != version) at = &(*at)->next;
    *at = version->next;
    if (version->entry) version->entry->current = NULL;
    m->memory_wanted = false;
    pthread_mutex_unlock(&m->mutex);
    nn_model_close(version->engine);
    free(version);
    pthread_mutex_lock(&m->mutex);
}

void models_set_current(struct model_entry *e, struct srv_model *version)
{
    if (e->current) e->current->entry = NULL;
    e->current = version;
    if (version) version->entry = e;
}

/* Versions that no name stands for and no session has asked for lately. True when there was one. */
static bool close_abandoned(struct srv_models *m)
{
    int64_t since_us = srv_clock_monotonic_us() - m->setup.session_keep_us;
    for (struct srv_model *v = m->versions; v; v = v->next)
        if (!v->entry && v->holders == 0 && (v->session_us == 0 || v->session_us < since_us)) {
            close_version(m, v);
            return true;
        }
    return false;
}

bool models_can_be_loaded_again(const struct srv_model *v)
{
    return v->entry && !v->entry->reason[0] && !strcmp(v->entry->sha256, nn_model_info(v->engine)->sha256);
}

/* The next to go, or NULL. */
static struct srv_model *find_victim(const struct srv_models *m, const struct srv_model *spared)
{
    struct srv_model *victim = NULL;
    for (struct srv_model *v = m->versions; v; v = v->next) {
        if (v->holders || v == spared) continue;
        bool easier = victim && models_can_be_loaded_again(v) > models_can_be_loaded_again(victim);
        bool older = victim && models_can_be_loaded_again(v) == models_can_be_loaded_again(victim) &&
                     v->used_us < victim->used_us;
        if (!victim || easier || older) victim = v;
    }
    return victim;
}

/* Whether there is room for so many bytes more; closes what has to go. `spared` stays. */
static bool make_room(struct srv_models *m, size_t bytes, const struct srv_model *spared)
{
    struct srv_model *victim;
    while (models_memory(m) + bytes > m->setup.memory_bytes && (victim = find_victim(m, spared))) {
        m->counts.evictions++;
        close_version(m, victim);
    }
    return models_memory(m) + bytes <= m->setup.memory_bytes;
}

void models_close_all(struct srv_models *m)
{
    pthread_mutex_lock(&m->mutex);
    while (m->versions) close_version(m, m->versions);
    pthread_mutex_unlock(&m->mutex);
    while (m->entries) {
        struct model_entry *e = m->entries;
        m->entries = e->next;
        free(e);
    }
    srv_model_look_release(&m->look);
}

/* ---- hashing ---- */

static nn_status hash_file(const char *path, char hex[SRV_DIGEST_TEXT], struct nn_error *err)
{
    struct nn_sha256 hash;
    nn_status status = NN_OK;
    ssize_t got = 0;
    uint8_t *block = malloc(HASH_BLOCK_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    nn_sha256_init(&hash);
    while (fd >= 0 && block && ((got = read(fd, block, HASH_BLOCK_BYTES)) > 0 || (got < 0 && errno == EINTR)))
        if (got > 0) nn_sha256_add(&hash, block, (size_t)got);
    if (!block)
        status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    else if (fd < 0 || got < 0)
        status = nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    nn_sha256_finish(&hash, hex);
    if (fd >= 0) close(fd);
    free(block);
    return status;
}

/* Fills e->sha256; false when the file is not the one that the entry is about, or is refused. */
static bool find_hash(struct srv_models *m, struct model_entry *e, const char *path)
{
    char hex[SRV_DIGEST_TEXT];
    struct nn_error err = {0};
    if (e->sha256[0]) return true;
    nn_status status = hash_file(path, hex, &err);
    struct srv_file_stamp after = srv_file_stamp_of(path);
    e->stale = !srv_file_stamp_same(&after, &e->stamp);
    if (e->stale) return false;
    if (status) {
        models_refuse(m, e, &err);
        return false;
    }
    pthread_mutex_lock(&m->mutex);
    memcpy(e->sha256, hex, sizeof e->sha256);
    pthread_cond_broadcast(&m->news);
    pthread_mutex_unlock(&m->mutex);
    return true;
}

/* Learners of a version that is no longer in memory want to know whether a file still has it. */
static void hash_next(struct srv_models *m)
{
    for (struct model_entry *e = m->entries; e; e = e->next) {
        if (e->sha256[0] || e->reason[0] || e->stale) continue;
        char *path = models_path(m, e->name);
        if (path) find_hash(m, e, path);
        free(path);
        return;
    }
    pthread_mutex_lock(&m->mutex);
    m->hashes_wanted = false;
    pthread_mutex_unlock(&m->mutex);
}

/* ---- loading ---- */

struct opening {
    const char *path, *device;
    struct nn_model *model;
    nn_status status;
    struct nn_error err;
};

/* The first sample compiles kernels and takes several times longer than the next: better now than in a
 * learner's response time. */
static void *open_and_warm_up(void *context)
{
    struct opening *o = context;
    o->status = nn_model_open(&o->model, o->path, o->device, &o->err);
    if (o->status) return NULL;
    size_t side = (size_t)nn_model_info(o->model)->resolution;
    uint8_t *pixels = malloc(side * side);
    if (pixels)
        o->status = nn_model_sample(o->model, &(struct nn_sample_request){0}, 1, pixels, &o->err);
    else
        o->status = nn_fail(&o->err, NN_ERR_MEMORY, "%s: out of memory", o->path);
    free(pixels);
    if (o->status) nn_model_close(o->model);
    return NULL;
}

/* On a thread that ends afterwards, because OpenMP keeps a team of threads for every thread that has ever
 * computed: the loader's would stay beside that of the thread which draws. */
static nn_status open_model(const struct srv_models *m, const char *path, struct nn_model **model,
                            struct nn_error *err)
{
    pthread_t thread;
    struct opening opening = {.path = path, .device = m->setup.device};
    if (pthread_create(&thread, NULL, open_and_warm_up, &opening))
        return nn_fail(err, NN_ERR_MEMORY, "%s: cannot start a thread to load it", path);
    pthread_join(thread, NULL);
    *model = opening.model;
    return opening.status ? nn_fail(err, opening.status, "%s", opening.err.text) : NN_OK;
}

static void tell_loaded(struct srv_models *m, const struct model_entry *e, const struct srv_model *v)
{
    const struct nn_model_info *info = nn_model_info(v->engine);
    srv_log("model %s: loaded, %dx%d, %zu MB, on %s", e->name, info->resolution, info->resolution,
            v->memory_bytes >> 20, info->device);
    if (info->device_note[0] && !m->note_told) srv_log("%s", info->device_note);
    m->note_told = m->note_told || info->device_note[0];
}

/* The mutex is held. */
static void loaded(struct srv_models *m, struct model_entry *e, struct srv_model *version)
{
    models_set_current(e, version);
    memcpy(e->sha256, nn_model_info(version->engine)->sha256, sizeof e->sha256);
    e->wanted_us = 0;
    e->due = false;
    e->told[0] = '\0';
    if (m->readiness == MODELS_STARTING) {
        m->readiness = MODELS_READY;
        for (const struct model_entry *other = m->entries; other; other = other->next)
            if (other->needed && other->due) m->readiness = MODELS_STARTING;
    }
    pthread_cond_broadcast(&m->news);
}

/* When the file's content is in memory already, because the file was only touched or was put back. False
 * when it has to be loaded. */
static bool adopt(struct srv_models *m, struct model_entry *e, const char *path)
{
    bool left_to_sessions = false;
    for (const struct srv_model *v = m->versions; v; v = v->next) left_to_sessions |= !v->entry;
    if (!e->current && !left_to_sessions) return false;
    if (!find_hash(m, e, path)) return true;
    pthread_mutex_lock(&m->mutex);
    struct srv_model *v = models_find_version(m, e->sha256);
    bool ours = v && (!v->entry || v->entry == e);
    if (ours) loaded(m, e, v);
    pthread_mutex_unlock(&m->mutex);
    return ours;
}

/* False when the load is to wait or is refused. */
static bool find_room(struct srv_models *m, struct model_entry *e, const char *path)
{
    struct nn_error err = {0};
    size_t least = e->memory_bytes + (e->current ? e->current->memory_bytes : 0);
    if (least > m->setup.memory_bytes) {
        nn_fail(
            &err, NN_ERR_MEMORY,
            "%s: needs about %zu MB beside the version in memory, more than the %zu MB of model_memory_mb",
            path, e->memory_bytes >> 20, m->setup.memory_bytes >> 20);
        models_refuse(m, e, &err);
        return false;
    }
    pthread_mutex_lock(&m->mutex);
    bool room = make_room(m, e->memory_bytes, e->current);
    m->memory_wanted = !room;
    e->no_room = !room;
    pthread_mutex_unlock(&m->mutex);
    return room;
}

static nn_status open_version(struct srv_models *m, const char *path, struct srv_model **version,
                              struct nn_error *err)
{
    struct srv_model *v = *version = calloc(1, sizeof *v);
    if (!v) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    nn_status status = open_model(m, path, &v->engine, err);
    if (!status) {
        v->owner = m;
        v->memory_bytes = nn_model_memory_bytes(v->engine);
        v->used_us = srv_clock_monotonic_us();
        return NN_OK;
    }
    free(v);
    *version = NULL;
    return status;
}

static void load_file(struct srv_models *m, struct model_entry *e, const char *path)
{
    struct nn_error err = {0};
    struct srv_model *version;
    if (adopt(m, e, path) || !find_room(m, e, path)) return;
    nn_status status = open_version(m, path, &version, &err);
    /* What was read while the file changed is worth nothing, whether it looked good or not. */
    struct srv_file_stamp after = srv_file_stamp_of(path);
    e->stale = !srv_file_stamp_same(&after, &e->stamp);
    if (e->stale && !status) {
        nn_model_close(version->engine);
        free(version);
    }
    if (e->stale) return;
    if (status) {
        models_refuse(m, e, &err);
        return;
    }
    tell_loaded(m, e, version);
    pthread_mutex_lock(&m->mutex);
    version->next = m->versions;
    m->versions = version;
    m->counts.loads++;
    loaded(m, e, version);
    make_room(m, 0, version); /* the estimate may have been too small */
    pthread_mutex_unlock(&m->mutex);
}

static void load(struct srv_models *m, struct model_entry *e)
{
    char *path = models_path(m, e->name);
    struct srv_file_stamp before = path ? srv_file_stamp_of(path) : (struct srv_file_stamp){0};
    e->stale = !srv_file_stamp_same(&before, &e->stamp);
    if (!e->stale) load_file(m, e, path);
    free(path);
}

/* ---- the thread; the mutex is held ---- */

static struct model_entry *next_to_load(const struct srv_models *m)
{
    struct model_entry *due = NULL, *wanted = NULL;
    if (m->memory_wanted) return NULL;
    for (struct model_entry *e = m->entries; e; e = e->next) {
        if (e->stale || e->reason[0]) continue;
        if (e->wanted_us && !e->current && (!wanted || e->wanted_us < wanted->wanted_us)) wanted = e;
        if (e->due && !due) due = e;
    }
    return wanted ? wanted : due;
}

static void wait_for_work(struct srv_models *m)
{
    struct timespec until = {m->look_us / 1000000, m->look_us % 1000000 * 1000};
    pthread_cond_timedwait(&m->work, &m->mutex, &until);
}

/* What takes time, without the mutex. */
static void work(struct srv_models *m, bool look, struct model_entry *e)
{
    pthread_mutex_unlock(&m->mutex);
    if (look)
        models_look_again(m);
    else if (e)
        load(m, e);
    else
        hash_next(m);
    pthread_mutex_lock(&m->mutex);
}

void *models_loader(void *registry)
{
    struct srv_models *m = registry;
    pthread_mutex_lock(&m->mutex);
    while (!m->stopping) {
        if (close_abandoned(m)) continue;
        int64_t now_us = srv_clock_monotonic_us();
        bool look = now_us >= m->look_us;
        if (look) {
            m->look_us = now_us + m->setup.look_us;
            m->memory_wanted = false;
        }
        struct model_entry *e = next_to_load(m);
        if (look || e || m->hashes_wanted)
            work(m, look, e);
        else
            wait_for_work(m);
    }
    pthread_mutex_unlock(&m->mutex);
    return NULL;
}
