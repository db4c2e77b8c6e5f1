#include "server/images/read_ahead.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

/* Places for sessions. Two that share one take turns in it, and then ask again for what is there already. */
enum { PLACES = 4096, COUNT_EVERY_US = 1000 * 1000 };

struct place {
    uint64_t session; /* the start of its id, which is random; 0: none */
    int64_t seen_us;
    int asked; /* up to this item */
    int at;    /* the item that the learner is at; 0: not known */
    int64_t since_us;
    int size;
};

struct srv_read_ahead {
    pthread_mutex_t mutex; /* guards all below */
    size_t memory_bytes;
    size_t running; /* sessions, as counted last */
    int64_t counted_us;
    struct place places[PLACES];
};

nn_status srv_read_ahead_open(struct srv_read_ahead **ahead, size_t memory_bytes, struct nn_error *err)
{
    struct srv_read_ahead *a = calloc(1, sizeof *a);
    *ahead = a;
    if (!a) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    pthread_mutex_init(&a->mutex, NULL);
    a->memory_bytes = memory_bytes;
    return NN_OK;
}

void srv_read_ahead_close(struct srv_read_ahead *a)
{
    if (!a) return;
    pthread_mutex_destroy(&a->mutex);
    free(a);
}

static uint64_t number_of(const char *session_id)
{
    char start[17] = "";
    for (int i = 0; i < 16 && session_id[i]; i++) start[i] = session_id[i];
    return strtoull(start, NULL, 16);
}

/* The session's place, which it takes if another has it. */
static struct place *place_of(struct srv_read_ahead *a, const char *session_id)
{
    uint64_t session = number_of(session_id);
    struct place *place = &a->places[session % PLACES];
    if (place->session != session) *place = (struct place){.session = session};
    return place;
}

static size_t count_running(struct srv_read_ahead *a, int64_t now_us)
{
    if (a->running > 0 && now_us - a->counted_us < COUNT_EVERY_US) return a->running;
    a->running = 0;
    for (int i = 0; i < PLACES; i++)
        a->running +=
            a->places[i].session != 0 && now_us - a->places[i].seen_us < READ_AHEAD_SILENT_MS * INT64_C(1000);
    if (a->running == 0) a->running = 1; /* who asks is one, whatever became of their place */
    a->counted_us = now_us;
    return a->running;
}

static int depth(struct srv_read_ahead *a, size_t image_bytes, int64_t now_us)
{
    size_t room = a->memory_bytes / (count_running(a, now_us) * image_bytes);
    return room < 1 ? 1 : room > READ_AHEAD_MAX ? READ_AHEAD_MAX : (int)room;
}

struct srv_ahead_span srv_read_ahead_move(struct srv_read_ahead *a, const char *session_id, int at, int size,
                                          size_t image_bytes, int64_t now_us)
{
    pthread_mutex_lock(&a->mutex);
    struct place *place = place_of(a, session_id);
    place->seen_us = now_us;
    if (size > 0 && size != place->size) {
        place->asked = at; /* what is ahead in another size is of no use */
        place->size = size;
    }
    struct srv_ahead_span span = {
        .first = (place->asked > at ? place->asked : at) + 1,
        .last = at + depth(a, image_bytes, now_us),
        .size = place->size,
    };
    if (span.last > place->asked) place->asked = span.last;
    pthread_mutex_unlock(&a->mutex);
    return span;
}

void srv_read_ahead_undecided(struct srv_read_ahead *a, const char *session_id, int n)
{
    pthread_mutex_lock(&a->mutex);
    struct place *place = place_of(a, session_id);
    if (place->asked >= n) place->asked = n - 1;
    pthread_mutex_unlock(&a->mutex);
}

void srv_read_ahead_answered(struct srv_read_ahead *a, const char *session_id, int answered, int64_t now_us)
{
    pthread_mutex_lock(&a->mutex);
    struct place *place = place_of(a, session_id);
    if (place->at <= answered) {
        place->since_us = now_us;
        place->at = answered + 1;
    }
    pthread_mutex_unlock(&a->mutex);
}

double srv_read_ahead_at_item_ms(struct srv_read_ahead *a, const char *session_id, int64_t now_us)
{
    uint64_t session = number_of(session_id);
    pthread_mutex_lock(&a->mutex);
    const struct place *place = &a->places[session % PLACES];
    double ms = place->session == session && place->at > 0 ? (double)(now_us - place->since_us) / 1000 : NAN;
    pthread_mutex_unlock(&a->mutex);
    return ms;
}

bool srv_read_ahead_waits(struct srv_read_ahead *a, const char *session_id, int n)
{
    uint64_t session = number_of(session_id);
    pthread_mutex_lock(&a->mutex);
    const struct place *place = &a->places[session % PLACES];
    bool early = place->session == session && place->at > 0 && n > place->at;
    pthread_mutex_unlock(&a->mutex);
    return !early;
}

void srv_read_ahead_end(struct srv_read_ahead *a, const char *session_id)
{
    pthread_mutex_lock(&a->mutex);
    *place_of(a, session_id) = (struct place){0};
    pthread_mutex_unlock(&a->mutex);
}
