#include "server/image_cache.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* One bucket for each so many bytes of the bound; a 64x64 file has about 4 KiB. */
enum { BYTES_PER_BUCKET = 16384, BUCKETS_MIN = 64, BUCKETS_MAX = 65536 };

struct entry {
    struct srv_image_key key;
    struct srv_blob *png;
    struct entry *next;          /* in the bucket */
    struct entry *newer, *older; /* by time of use */
};

struct srv_image_cache {
    pthread_mutex_t mutex; /* guards all below */
    size_t bytes_max;
    struct entry *newest, *oldest;
    struct srv_cache_counts counts;
    size_t bucket_count; /* a power of two */
    struct entry *buckets[];
};

/* ---- the table; the mutex is held ---- */

/* Keys are digests, so any of their bits are evenly spread. */
static struct entry **bucket_of(struct srv_image_cache *c, const struct srv_image_key *key)
{
    size_t hash = 0;
    for (int i = 0; i < 8; i++) hash = hash * 31 + (unsigned char)key->hex[i];
    return &c->buckets[hash & (c->bucket_count - 1)];
}

/* The pointer that points to the entry, or to the end of the bucket. */
static struct entry **place_of(struct srv_image_cache *c, const struct srv_image_key *key)
{
    struct entry **at = bucket_of(c, key);
    while (*at && memcmp((*at)->key.hex, key->hex, sizeof key->hex)) at = &(*at)->next;
    return at;
}

static void unlink_use(struct srv_image_cache *c, struct entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(struct srv_image_cache *c, struct entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static struct entry *find_used(struct srv_image_cache *c, const struct srv_image_key *key)
{
    struct entry *e = *place_of(c, key);
    if (!e || e == c->newest) return e;
    unlink_use(c, e);
    link_newest(c, e);
    return e;
}

static size_t cost_of(const struct srv_blob *png)
{
    return sizeof(struct entry) + sizeof *png + png->size_bytes;
}

/* Takes the oldest entries out until the bound holds; they are linked by `next`. */
static struct entry *take_excess(struct srv_image_cache *c)
{
    struct entry *taken = NULL;
    while (c->counts.memory_bytes > c->bytes_max) {
        struct entry *e = c->oldest;
        *place_of(c, &e->key) = e->next;
        unlink_use(c, e);
        c->counts.memory_bytes -= cost_of(e->png);
        c->counts.memory_evictions++;
        e->next = taken;
        taken = e;
    }
    return taken;
}

static void free_entries(struct entry *e)
{
    while (e) {
        struct entry *next = e->next;
        srv_blob_release(e->png);
        free(e);
        e = next;
    }
}

/* ---- life ---- */

nn_status srv_cache_open(struct srv_image_cache **cache, size_t memory_bytes, struct nn_error *err)
{
    size_t count = BUCKETS_MIN;
    while (count < BUCKETS_MAX && count < memory_bytes / BYTES_PER_BUCKET) count *= 2;
    struct srv_image_cache *c = calloc(1, sizeof *c + count * sizeof *c->buckets);
    *cache = c;
    if (!c) return nn_fail(err, NN_ERR_MEMORY, "no memory for the cache of images");
    pthread_mutex_init(&c->mutex, NULL);
    c->bytes_max = memory_bytes;
    c->bucket_count = count;
    return NN_OK;
}

void srv_cache_close(struct srv_image_cache *c)
{
    if (!c) return;
    c->bytes_max = 0;
    free_entries(take_excess(c));
    pthread_mutex_destroy(&c->mutex);
    free(c);
}

/* ---- use ---- */

struct srv_blob *srv_cache_find(struct srv_image_cache *c, const struct srv_image_key *key)
{
    pthread_mutex_lock(&c->mutex);
    struct entry *e = find_used(c, key);
    struct srv_blob *png = e ? srv_blob_hold(e->png) : NULL;
    if (png)
        c->counts.memory_hits++;
    else
        c->counts.misses++;
    pthread_mutex_unlock(&c->mutex);
    return png;
}

void srv_cache_put(struct srv_image_cache *c, const struct srv_image_key *key, struct srv_blob *png)
{
    if (cost_of(png) > c->bytes_max) return;
    struct entry *e = malloc(sizeof *e), *excess = NULL;
    if (!e) return; /* then it is made again when it is asked for again */
    pthread_mutex_lock(&c->mutex);
    if (find_used(c, key)) {
        pthread_mutex_unlock(&c->mutex);
        free(e);
        return;
    }
    struct entry **bucket = bucket_of(c, key);
    *e = (struct entry){.key = *key, .png = srv_blob_hold(png), .next = *bucket};
    *bucket = e;
    link_newest(c, e);
    c->counts.memory_bytes += cost_of(png);
    excess = take_excess(c);
    pthread_mutex_unlock(&c->mutex);
    free_entries(excess); /* giving megabytes back to the system takes time that nobody should wait for */
}

void srv_cache_count(struct srv_image_cache *c, struct srv_cache_counts *counts)
{
    pthread_mutex_lock(&c->mutex);
    *counts = c->counts;
    pthread_mutex_unlock(&c->mutex);
}
