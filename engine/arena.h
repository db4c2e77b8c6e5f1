/* A bump allocator over a backend's memory: many tensors, freed all at once.
 *
 * A training step asks for the same sizes in the same order each time, so after the first step the arena
 * is one block, no allocation happens in the loop, and tensors keep their addresses from step to step. */
#ifndef NN_ARENA_H
#define NN_ARENA_H

#include <stddef.h>

struct nn_backend;
struct nn_arena_block;

struct nn_arena {
    struct nn_backend *backend;    /* borrowed */
    struct nn_arena_block *blocks; /* newest first */
    size_t used_bytes;             /* since the last reset, over all blocks */
    size_t peak_bytes;             /* largest used_bytes ever */
};

void nn_arena_init(struct nn_arena *a, struct nn_backend *backend);
void nn_arena_release(struct nn_arena *a);

/* 64-byte aligned, uninitialised; NULL when the backend has no memory left (the arena is then unchanged). */
void *nn_arena_alloc(struct nn_arena *a, size_t size_bytes);

/* Everything allocated before is dead. Several blocks become one that would have held them all. */
void nn_arena_reset(struct nn_arena *a);

#endif
