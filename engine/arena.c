#include "engine/arena.h"

#include <stdlib.h>

#include "engine/backend.h"

enum { ALIGNMENT = 64, BLOCK_MIN_BYTES = 16 << 20 };

struct nn_arena_block {
    struct nn_arena_block *older;
    char *data; /* backend memory */
    size_t size_bytes, used_bytes;
};

void nn_arena_init(struct nn_arena *a, struct nn_backend *backend)
{
    *a = (struct nn_arena){.backend = backend};
}

static void free_blocks(struct nn_arena *a)
{
    while (a->blocks) {
        struct nn_arena_block *block = a->blocks;
        a->blocks = block->older;
        a->backend->free(a->backend, block->data);
        free(block);
    }
}

void nn_arena_release(struct nn_arena *a)
{
    if (a->backend) free_blocks(a);
    *a = (struct nn_arena){0};
}

static struct nn_arena_block *add_block(struct nn_arena *a, size_t size_bytes)
{
    struct nn_arena_block *block = malloc(sizeof *block);
    char *data = block ? a->backend->alloc(a->backend, size_bytes) : NULL;
    if (!data) {
        free(block);
        return NULL;
    }
    *block = (struct nn_arena_block){.older = a->blocks, .data = data, .size_bytes = size_bytes};
    return a->blocks = block;
}

void *nn_arena_alloc(struct nn_arena *a, size_t size_bytes)
{
    if (size_bytes > SIZE_MAX / 2) return NULL;
    size_bytes = (size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct nn_arena_block *block = a->blocks;
    if (!block || block->size_bytes - block->used_bytes < size_bytes) {
        block = add_block(a, size_bytes > BLOCK_MIN_BYTES ? size_bytes : BLOCK_MIN_BYTES);
        if (!block) return NULL;
    }
    void *data = block->data + block->used_bytes;
    block->used_bytes += size_bytes;
    a->used_bytes += size_bytes;
    if (a->used_bytes > a->peak_bytes) a->peak_bytes = a->used_bytes;
    return data;
}

void nn_arena_reset(struct nn_arena *a)
{
    if (a->blocks && a->blocks->older) {
        free_blocks(a);
        /* Failing here is harmless: the next allocation starts a block of its own. */
        add_block(a, a->peak_bytes);
    }
    if (a->blocks) a->blocks->used_bytes = 0;
    a->used_bytes = 0;
}
