#include "server/accounts/login_throttle.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sha256.h"
#include "server/secrets.h"

/* A name is known by its hash: a long one takes no more room, and a dump of memory shows none of those that
 * were mistyped, which are sometimes passwords. */
struct entry {
    char hash[SRV_DIGEST_TEXT]; /* "": free */
    int attempts;
    int64_t open_at_us; /* when the next attempt is let through */
    int64_t before_us;  /* the same before the last attempt */
};

struct srv_throttle {
    pthread_mutex_t mutex;
    struct entry entries[THROTTLE_NAMES_MAX];
};

nn_status srv_throttle_open(struct srv_throttle **out, struct nn_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    pthread_mutex_init(&(*out)->mutex, NULL);
    return NN_OK;
}

void srv_throttle_close(struct srv_throttle *throttle)
{
    if (!throttle) return;
    pthread_mutex_destroy(&throttle->mutex);
    free(throttle);
}

static void hash_name(const char *name, char hash[SRV_DIGEST_TEXT])
{
    char folded[256];
    size_t length = strnlen(name, sizeof folded);
    for (size_t i = 0; i < length; i++)
        folded[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
    nn_sha256_hex(folded, length, hash);
}

static struct entry *find(struct srv_throttle *throttle, const char *hash)
{
    for (int i = 0; i < THROTTLE_NAMES_MAX; i++)
        if (!strcmp(throttle->entries[i].hash, hash)) return &throttle->entries[i];
    return NULL;
}

/* A free place, or that of the name whose delay has been over for longest or ends first: a flood of names
 * cannot push out one that is being guessed without being slowed as long for each of its own. */
static struct entry *make_room(struct srv_throttle *throttle)
{
    struct entry *first = &throttle->entries[0];
    for (int i = 0; i < THROTTLE_NAMES_MAX; i++) {
        struct entry *entry = &throttle->entries[i];
        if (!entry->hash[0]) return entry;
        if (entry->open_at_us < first->open_at_us) first = entry;
    }
    return first;
}

static int delay_s(int attempts)
{
    int doublings = attempts - THROTTLE_FREE;
    if (doublings < 0) return 0;
    return doublings < 10 && 1 << doublings < THROTTLE_DELAY_MAX_S ? 1 << doublings : THROTTLE_DELAY_MAX_S;
}

static int attempt(struct srv_throttle *throttle, const char *hash, int64_t now_us)
{
    struct entry *entry = find(throttle, hash);
    if (entry && now_us < entry->open_at_us) return (int)((entry->open_at_us - now_us + 999999) / 1000000);
    bool forgotten = entry && now_us >= entry->open_at_us + THROTTLE_FORGET_S * INT64_C(1000000);
    if (!entry || forgotten) {
        if (!entry) entry = make_room(throttle);
        memcpy(entry->hash, hash, SRV_DIGEST_TEXT);
        entry->attempts = 0;
        entry->open_at_us = 0;
    }
    entry->attempts++;
    entry->before_us = entry->open_at_us;
    entry->open_at_us = now_us + delay_s(entry->attempts) * INT64_C(1000000);
    return 0;
}

int srv_throttle_attempt(struct srv_throttle *throttle, const char *name, int64_t now_us)
{
    char hash[SRV_DIGEST_TEXT];
    hash_name(name, hash);
    pthread_mutex_lock(&throttle->mutex);
    int wait_s = attempt(throttle, hash, now_us);
    pthread_mutex_unlock(&throttle->mutex);
    return wait_s;
}

void srv_throttle_clear(struct srv_throttle *throttle, const char *name)
{
    char hash[SRV_DIGEST_TEXT];
    hash_name(name, hash);
    pthread_mutex_lock(&throttle->mutex);
    struct entry *entry = find(throttle, hash);
    if (entry) *entry = (struct entry){0};
    pthread_mutex_unlock(&throttle->mutex);
}

void srv_throttle_withdraw(struct srv_throttle *throttle, const char *name)
{
    char hash[SRV_DIGEST_TEXT];
    hash_name(name, hash);
    pthread_mutex_lock(&throttle->mutex);
    struct entry *entry = find(throttle, hash);
    if (entry && entry->attempts > 0) entry->attempts--, entry->open_at_us = entry->before_us;
    pthread_mutex_unlock(&throttle->mutex);
}
