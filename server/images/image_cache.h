/* Encoded images that have been made, by their keys: in memory, and below that on disk. Memory is bounded in
 * bytes; what was used longest ago goes first, and so it is found on disk for longer. Any thread may call any
 * function. */
#ifndef SRV_IMAGE_CACHE_H
#define SRV_IMAGE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "server/blob.h"
#include "server/images/image_request.h"
#include "server/images/image_store.h"

struct srv_image_cache;

struct srv_cache_counts {
    uint64_t memory_hits, misses;
    uint64_t memory_evictions;
    uint64_t memory_bytes;              /* now; entries alone, not the files that only readers still hold */
    struct srv_image_store_counts disk; /* all 0 without a store */
};

/* `memory_bytes` bounds what is kept in memory; 0 keeps nothing there. `store` is borrowed; NULL: no disk. */
nn_status srv_cache_open(struct srv_image_cache **cache, size_t memory_bytes, struct srv_image_store *store,
                         struct nn_error *err) NN_MUST_CHECK;
/* No other thread may be in a function of the cache. Files that readers hold stay theirs. NULL is harmless.
 */
void srv_cache_close(struct srv_image_cache *cache);

/* The file of that key, which the caller releases; NULL when it is to be made. May read a file. */
struct srv_blob *srv_cache_find(struct srv_image_cache *cache, const struct srv_image_key *key);

/* Keeps `png` under `key`, with a hold of its own; the caller keeps theirs. Equal keys mean equal files: if
 * there is one already, it stays. A file larger than the whole cache is not kept. Never waits for the disk.
 */
void srv_cache_put(struct srv_image_cache *cache, const struct srv_image_key *key, struct srv_blob *png);

void srv_cache_count(struct srv_image_cache *cache, struct srv_cache_counts *counts);

#endif
