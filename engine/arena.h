/* Memory for many tensors in a few blocks of a backend's memory. Pieces are freed one by one, or all at once.
 *
 * A training step asks for the same sizes in the same order each time, so after the first steps the arena
 * is one block, no allocation happens in the loop, and tensors keep their addresses from step to step. */
#ifndef NN_ARENA_H
#define NN_ARENA_H

#include <stddef.h>

struct nn_backend;
struct nn_arena_block;

/* A run of bytes, one tensor's or free. */
struct nn_arena_piece {
    void *data; /* backend memory, 64-byte aligned, uninitialised */
    size_t size_bytes;
    int users;                              /* 0: free */
    struct nn_arena_piece *before, *after;  /* its neighbours in the block */
    struct nn_arena_piece *previous, *next; /* in the list of free pieces */
};

struct nn_arena {
    struct nn_backend *backend;         /* borrowed */
    struct nn_arena_block *blocks;      /* newest first */
    struct nn_arena_piece *free_pieces; /* the latest freed first */
    size_t used_bytes;                  /* in pieces with users */
    size_t peak_bytes;                  /* largest used_bytes ever */
};

void nn_arena_init(struct nn_arena *a, struct nn_backend *backend);
void nn_arena_release(struct nn_arena *a);

/* A piece of at least `size_bytes` with one user; NULL when the backend has no memory left (the arena is then
 * unchanged). */
struct nn_arena_piece *nn_arena_take(struct nn_arena *a, size_t size_bytes);

/* One user less; without users the piece is free and the pointer dead. NULL is harmless. */
void nn_arena_drop(struct nn_arena *a, struct nn_arena_piece *piece);

/* Frees every piece. Several blocks become one that would have held them all. */
void nn_arena_reset(struct nn_arena *a);

#endif
