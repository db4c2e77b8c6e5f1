#include "server/images/image_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/images/key_lru.h"

struct entry {
    struct srv_lru_entry use; /* the first member, so that a pointer to it is one to the entry */
    struct srv_blob *png;
};

struct srv_image_cache {
    size_t bytes_max;
    struct srv_image_store *store; /* or NULL */
    pthread_mutex_t mutex;         /* guards all below */
    struct srv_lru entries;
    uint64_t hits, misses, evictions;
};

/* ---- memory ---- */

/* Takes the oldest entries out until the bound holds; they are linked by `next`. The mutex is held. */
static struct srv_lru_entry *take_excess(struct srv_image_cache *c)
{
    struct srv_lru_entry *taken = NULL;
    while (c->entries.bytes > c->bytes_max) {
        struct srv_lru_entry *e = c->entries.oldest;
        srv_lru_remove(&c->entries, e);
        c->evictions++;
        e->next = taken;
        taken = e;
    }
    return taken;
}

static void free_entries(struct srv_lru_entry *e)
{
    while (e) {
        struct srv_lru_entry *next = e->next;
        srv_blob_release(((struct entry *)e)->png);
        free(e);
        e = next;
    }
}

/* Finds and makes the newest. The mutex is held. */
static struct srv_blob *use_kept(struct srv_image_cache *c, const struct srv_image_key *key)
{
    struct srv_lru_entry *e = srv_lru_find(&c->entries, key);
    if (!e) return NULL;
    srv_lru_use(&c->entries, e);
    return ((struct entry *)e)->png;
}

static void keep(struct srv_image_cache *c, const struct srv_image_key *key, struct srv_blob *png)
{
    size_t bytes = sizeof(struct entry) + sizeof *png + png->size_bytes;
    struct entry *e = bytes <= c->bytes_max ? malloc(sizeof *e) : NULL;
    if (!e) return; /* without memory it is made again when it is asked for again */
    *e = (struct entry){{.key = *key, .bytes = bytes}, srv_blob_hold(png)};
    struct srv_lru_entry *excess = &e->use;
    pthread_mutex_lock(&c->mutex);
    e->use.next = NULL;
    if (!use_kept(c, key)) {
        srv_lru_add(&c->entries, &e->use);
        excess = take_excess(c);
    }
    pthread_mutex_unlock(&c->mutex);
    free_entries(excess); /* giving megabytes back to the system takes time that nobody should wait for */
}

/* ---- life ---- */

nn_status srv_cache_open(struct srv_image_cache **cache, size_t memory_bytes, struct srv_image_store *store,
                         struct nn_error *err)
{
    *cache = NULL;
    struct srv_image_cache *c = calloc(1, sizeof *c);
    if (!c) return nn_fail(err, NN_ERR_MEMORY, "no memory for the cache of images");
    nn_status status = srv_lru_init(&c->entries, memory_bytes, err);
    if (status) {
        free(c);
        return status;
    }
    pthread_mutex_init(&c->mutex, NULL);
    c->bytes_max = memory_bytes;
    c->store = store;
    *cache = c;
    return NN_OK;
}

void srv_cache_close(struct srv_image_cache *c)
{
    if (!c) return;
    c->bytes_max = 0;
    free_entries(take_excess(c));
    srv_lru_release(&c->entries);
    pthread_mutex_destroy(&c->mutex);
    free(c);
}

/* ---- use ---- */

struct srv_blob *srv_cache_find(struct srv_image_cache *c, const struct srv_image_key *key)
{
    pthread_mutex_lock(&c->mutex);
    struct srv_blob *png = use_kept(c, key);
    if (png) {
        srv_blob_hold(png);
        c->hits++;
    }
    pthread_mutex_unlock(&c->mutex);
    if (png) return png;
    if (c->store) png = srv_image_store_find(c->store, key);
    if (png) {
        keep(c, key, png);
        return png;
    }
    pthread_mutex_lock(&c->mutex);
    c->misses++;
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

void srv_cache_put(struct srv_image_cache *c, const struct srv_image_key *key, struct srv_blob *png)
{
    keep(c, key, png);
    if (c->store) srv_image_store_put(c->store, key, png);
}

void srv_cache_count(struct srv_image_cache *c, struct srv_cache_counts *counts)
{
    pthread_mutex_lock(&c->mutex);
    *counts = (struct srv_cache_counts){
        .memory_hits = c->hits,
        .misses = c->misses,
        .memory_evictions = c->evictions,
        .memory_bytes = c->entries.bytes,
    };
    pthread_mutex_unlock(&c->mutex);
    if (c->store) srv_image_store_count(c->store, &counts->disk);
}
