#include "server/images/key_lru.h"

#include <stdlib.h>
#include <string.h>

/* One bucket for each so many bytes of the bound; a 64x64 file has about 4 KiB. */
enum { BYTES_PER_BUCKET = 16384, BUCKETS_MIN = 64, BUCKETS_MAX = 65536 };

/* Keys are digests, so any of their bits are evenly spread. */
static struct srv_lru_entry **bucket_of(const struct srv_lru *lru, const struct srv_image_key *key)
{
    size_t hash = 0;
    for (int i = 0; i < 8; i++) hash = hash * 31 + (unsigned char)key->hex[i];
    return &lru->buckets[hash & (lru->bucket_count - 1)];
}

static void unlink_use(struct srv_lru *lru, struct srv_lru_entry *e)
{
    *(e->newer ? &e->newer->older : &lru->newest) = e->older;
    *(e->older ? &e->older->newer : &lru->oldest) = e->newer;
}

static void link_newest(struct srv_lru *lru, struct srv_lru_entry *e)
{
    e->newer = NULL;
    e->older = lru->newest;
    *(lru->newest ? &lru->newest->newer : &lru->oldest) = e;
    lru->newest = e;
}

nn_status srv_lru_init(struct srv_lru *lru, uint64_t bytes_max, struct nn_error *err)
{
    size_t count = BUCKETS_MIN;
    while (count < BUCKETS_MAX && count < bytes_max / BYTES_PER_BUCKET) count *= 2;
    *lru = (struct srv_lru){.buckets = calloc(count, sizeof *lru->buckets), .bucket_count = count};
    return lru->buckets ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "no memory for a table of images");
}

void srv_lru_release(struct srv_lru *lru)
{
    free(lru->buckets);
    *lru = (struct srv_lru){0};
}

struct srv_lru_entry *srv_lru_find(const struct srv_lru *lru, const struct srv_image_key *key)
{
    struct srv_lru_entry *e = *bucket_of(lru, key);
    while (e && memcmp(e->key.hex, key->hex, sizeof key->hex)) e = e->next;
    return e;
}

void srv_lru_add(struct srv_lru *lru, struct srv_lru_entry *e)
{
    struct srv_lru_entry **bucket = bucket_of(lru, &e->key);
    e->next = *bucket;
    *bucket = e;
    link_newest(lru, e);
    lru->bytes += e->bytes;
}

void srv_lru_use(struct srv_lru *lru, struct srv_lru_entry *e)
{
    unlink_use(lru, e);
    link_newest(lru, e);
}

void srv_lru_remove(struct srv_lru *lru, struct srv_lru_entry *e)
{
    struct srv_lru_entry **at = bucket_of(lru, &e->key);
    while (*at != e) at = &(*at)->next;
    *at = e->next;
    unlink_use(lru, e);
    lru->bytes -= e->bytes;
}
