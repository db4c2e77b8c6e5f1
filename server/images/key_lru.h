/* Entries by key and by time of use. An entry is the first member of what it stands for, which owns it. Every
 * function is O(1). One thread at a time. */
#ifndef SRV_KEY_LRU_H
#define SRV_KEY_LRU_H

#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "server/images/image_request.h"

struct srv_lru_entry {
    struct srv_image_key key;
    size_t bytes;               /* what it counts for */
    struct srv_lru_entry *next; /* in the bucket; of an entry that is in no table its owner's to use */
    struct srv_lru_entry *newer, *older;
};

struct srv_lru {
    uint64_t bytes; /* the sum over the entries */
    struct srv_lru_entry *newest, *oldest;
    struct srv_lru_entry **buckets;
    size_t bucket_count; /* a power of two */
};

/* Sizes the table for entries of together `bytes_max` bytes, which it does not enforce. */
nn_status srv_lru_init(struct srv_lru *lru, uint64_t bytes_max, struct nn_error *err) NN_MUST_CHECK;
void srv_lru_release(struct srv_lru *lru); /* without the entries; harmless on a zeroed struct */

struct srv_lru_entry *srv_lru_find(const struct srv_lru *lru, const struct srv_image_key *key); /* or NULL */
void srv_lru_add(struct srv_lru *lru, struct srv_lru_entry *entry); /* as the newest; the key must be new */
void srv_lru_use(struct srv_lru *lru, struct srv_lru_entry *entry); /* makes it the newest */
void srv_lru_remove(struct srv_lru *lru, struct srv_lru_entry *entry);

#endif
