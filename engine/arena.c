#include "engine/arena.h"

#include <stdbool.h>
#include <stdlib.h>

#include "engine/backend.h"

enum { ALIGNMENT = 64, BLOCK_MIN_BYTES = 16 << 20 };

struct nn_arena_block {
    struct nn_arena_block *older;
    char *data; /* backend memory */
    size_t size_bytes;
    struct nn_arena_piece *first; /* by address; they fill the block */
};

void nn_arena_init(struct nn_arena *a, struct nn_backend *backend)
{
    *a = (struct nn_arena){.backend = backend};
}

/* ---- pieces ------------------------------------------------------------------------------------- */

static void list_free(struct nn_arena *a, struct nn_arena_piece *p)
{
    p->previous = NULL;
    p->next = a->free_pieces;
    if (p->next) p->next->previous = p;
    a->free_pieces = p;
}

static void unlist(struct nn_arena *a, struct nn_arena_piece *p)
{
    if (p->next) p->next->previous = p->previous;
    *(p->previous ? &p->previous->next : &a->free_pieces) = p->next;
}

/* `p` takes in its free neighbour `q`, which comes right after it. */
static void merge_after(struct nn_arena *a, struct nn_arena_piece *p, struct nn_arena_piece *q)
{
    unlist(a, q);
    p->size_bytes += q->size_bytes;
    p->after = q->after;
    if (p->after) p->after->before = p;
    free(q);
}

/* Cuts what is left over off the end of `p`. Without memory for that, `p` stays larger than asked for. */
static void split(struct nn_arena *a, struct nn_arena_piece *p, size_t size_bytes)
{
    struct nn_arena_piece *rest = p->size_bytes > size_bytes ? malloc(sizeof *rest) : NULL;
    if (!rest) return;
    *rest = (struct nn_arena_piece){.data = (char *)p->data + size_bytes,
                                    .size_bytes = p->size_bytes - size_bytes,
                                    .before = p,
                                    .after = p->after};
    if (rest->after) rest->after->before = rest;
    p->after = rest;
    p->size_bytes = size_bytes;
    list_free(a, rest);
}

/* ---- blocks ------------------------------------------------------------------------------------- */

static void free_pieces_of(struct nn_arena_block *block)
{
    while (block->first) {
        struct nn_arena_piece *p = block->first;
        block->first = p->after;
        free(p);
    }
}

static void free_blocks(struct nn_arena *a)
{
    while (a->blocks) {
        struct nn_arena_block *block = a->blocks;
        a->blocks = block->older;
        free_pieces_of(block);
        a->backend->free(a->backend, block->data);
        free(block);
    }
    a->free_pieces = NULL;
}

void nn_arena_release(struct nn_arena *a)
{
    if (a->backend) free_blocks(a);
    *a = (struct nn_arena){0};
}

/* The block as one free piece. */
static struct nn_arena_piece *add_block(struct nn_arena *a, size_t size_bytes)
{
    struct nn_arena_block *block = malloc(sizeof *block);
    struct nn_arena_piece *piece = malloc(sizeof *piece);
    char *data = block && piece ? a->backend->alloc(a->backend, size_bytes) : NULL;
    if (!data) {
        free(block);
        free(piece);
        return NULL;
    }
    *piece = (struct nn_arena_piece){.data = data, .size_bytes = size_bytes};
    *block = (struct nn_arena_block){a->blocks, data, size_bytes, piece};
    list_free(a, piece);
    a->blocks = block;
    return piece;
}

/* ---- taking and dropping ------------------------------------------------------------------------ */

/* The smallest free piece that is large enough; of several the one with the lowest address. */
static struct nn_arena_piece *best_fit(const struct nn_arena *a, size_t size_bytes)
{
    struct nn_arena_piece *best = NULL;
    for (struct nn_arena_piece *p = a->free_pieces; p; p = p->next) {
        if (p->size_bytes < size_bytes) continue;
        bool better = !best || p->size_bytes < best->size_bytes ||
                      (p->size_bytes == best->size_bytes && (char *)p->data < (char *)best->data);
        if (better) best = p;
    }
    return best;
}

struct nn_arena_piece *nn_arena_take(struct nn_arena *a, size_t size_bytes)
{
    if (size_bytes > SIZE_MAX / 2) return NULL;
    size_bytes = size_bytes ? (size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
    struct nn_arena_piece *piece = best_fit(a, size_bytes);
    if (!piece) piece = add_block(a, size_bytes > BLOCK_MIN_BYTES ? size_bytes : BLOCK_MIN_BYTES);
    if (!piece) return NULL;
    unlist(a, piece);
    split(a, piece, size_bytes);
    piece->users = 1;
    a->used_bytes += piece->size_bytes;
    if (a->used_bytes > a->peak_bytes) a->peak_bytes = a->used_bytes;
    return piece;
}

void nn_arena_drop(struct nn_arena *a, struct nn_arena_piece *p)
{
    if (!p || --p->users > 0) return;
    a->used_bytes -= p->size_bytes;
    list_free(a, p);
    if (p->after && p->after->users == 0) merge_after(a, p, p->after);
    if (p->before && p->before->users == 0) merge_after(a, p->before, p);
}

/* Pieces given back leave gaps, so that a block of peak_bytes may prove too small; then the next reset adds
 * to it what was missing. */
void nn_arena_reset(struct nn_arena *a)
{
    size_t largest = 0, extra = 0;
    for (struct nn_arena_block *block = a->blocks; block; block = block->older) {
        if (block->size_bytes > largest) largest = block->size_bytes;
        extra += block->size_bytes;
        free_pieces_of(block);
    }
    extra -= largest;
    a->free_pieces = NULL;
    a->used_bytes = 0;
    if (!a->blocks) return;
    size_t wanted = largest >= a->peak_bytes ? largest + extra : a->peak_bytes;
    bool many = a->blocks->older != NULL;
    struct nn_arena_piece *whole = many ? NULL : malloc(sizeof *whole);
    if (!whole) { /* failing here is harmless: the next piece starts a block of its own */
        free_blocks(a);
        add_block(a, wanted);
        return;
    }
    *whole = (struct nn_arena_piece){.data = a->blocks->data, .size_bytes = a->blocks->size_bytes};
    a->blocks->first = whole;
    list_free(a, whole);
}
