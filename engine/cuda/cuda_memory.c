/* Device memory: a caching allocator, and the scratch blocks that kernels share. */
#include "engine/cuda/cuda.h"

#include <stdlib.h>
#include <string.h>

/* Sizes come in classes, eight to each doubling, and a block is as large as its class. A training step takes
 * and gives back thousands of blocks: both cost the same however many there are. */
enum { GRAIN_BYTES = 512, SMALL = 16, STEPS = 8, CLASSES = SMALL + STEPS * 48, BUCKETS = 4096 };

struct block {
    struct block *next;  /* in its bucket */
    struct block *spare; /* the next unused one of its class */
    void *data;
    int class;
    bool used;
};

struct cuda_memory {
    struct block *buckets[BUCKETS]; /* all that were allocated and not given back, by address */
    struct block *spares[CLASSES];
    size_t size_bytes;
};

nn_status cuda_memory_open(struct cuda_backend *cuda, struct nn_error *err)
{
    cuda->memory = calloc(1, sizeof *cuda->memory);
    return cuda->memory ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for the CUDA backend");
}

/* The class of the smallest blocks that hold `size_bytes`; up to SMALL grains there is one for each number.
 */
static int class_of(size_t size_bytes)
{
    size_t grains = size_bytes ? (size_bytes - 1) / GRAIN_BYTES + 1 : 1;
    int shift = 0;
    if (grains < SMALL) return (int)grains;
    while ((grains - 1) >> shift >= 2 * STEPS) shift++;
    return SMALL + (shift - 1) * STEPS + (int)((grains - 1) >> shift) + 1 - STEPS;
}

static size_t class_bytes(int class)
{
    if (class <= SMALL) return (size_t) class * GRAIN_BYTES;
    int above = class - SMALL - 1;
    return (size_t)(STEPS + above % STEPS + 1) << (above / STEPS + 1) << 9;
}

static struct block **bucket_of(struct cuda_memory *m, const void *data)
{
    return &m->buckets[(uintptr_t)data / GRAIN_BYTES % BUCKETS];
}

/* Gives what nobody uses back to the device. Work that may still touch it is waited for by cudaFree. */
static void give_back(struct cuda_memory *m, bool all)
{
    for (int i = 0; i < BUCKETS; i++)
        for (struct block **at = &m->buckets[i]; *at;) {
            struct block *b = *at;
            if (b->used && !all) {
                at = &b->next;
                continue;
            }
            *at = b->next;
            m->size_bytes -= class_bytes(b->class);
            cudaFree(b->data);
            free(b);
        }
    memset(m->spares, 0, sizeof m->spares);
}

void cuda_memory_close(struct cuda_backend *cuda)
{
    if (!cuda->memory) return;
    give_back(cuda->memory, true);
    free(cuda->memory);
}

/* An unused block of the class, or of one that wastes no more than as much again. */
static struct block *take_unused(struct cuda_memory *m, int class)
{
    for (int i = class; i < CLASSES && i <= class + STEPS; i++) {
        struct block *b = m->spares[i];
        if (!b) continue;
        m->spares[i] = b->spare;
        return b;
    }
    return NULL;
}

static struct block *add_block(struct cuda_memory *m, int class)
{
    struct block *b = malloc(sizeof *b);
    void *data = NULL;
    if (!b) return NULL;
    if (cudaMalloc(&data, class_bytes(class)) != cudaSuccess) {
        cudaGetLastError(); /* else the next launch would report it */
        give_back(m, false);
        if (cudaMalloc(&data, class_bytes(class)) != cudaSuccess) {
            cudaGetLastError();
            free(b);
            return NULL;
        }
    }
    struct block **bucket = bucket_of(m, data);
    *b = (struct block){.next = *bucket, .data = data, .class = class};
    m->size_bytes += class_bytes(class);
    return *bucket = b;
}

void *cuda_alloc(struct nn_backend *be, size_t size_bytes)
{
    struct cuda_memory *m = cuda_of(be)->memory;
    if (size_bytes > SIZE_MAX / 4096) return NULL;
    int class = class_of(size_bytes);
    struct block *b = take_unused(m, class);
    if (!b) b = add_block(m, class);
    if (!b) return NULL;
    b->used = true;
    return b->data;
}

void cuda_free(struct nn_backend *be, void *data)
{
    struct cuda_memory *m = cuda_of(be)->memory;
    struct block *b = *bucket_of(m, data);
    while (b && b->data != data) b = b->next;
    if (!b || !b->used) return;
    b->used = false;
    b->spare = m->spares[b->class];
    m->spares[b->class] = b;
}

size_t cuda_memory_bytes(struct nn_backend *be)
{
    return cuda_of(be)->memory->size_bytes;
}

void *cuda_scratch(struct cuda_backend *cuda, enum cuda_scratch_use use, size_t size_bytes,
                   struct nn_error *err)
{
    if (cuda->scratch[use].data && cuda->scratch[use].size_bytes >= size_bytes)
        return cuda->scratch[use].data;
    cuda_free(&cuda->table, cuda->scratch[use].data);
    cuda->scratch[use].data = cuda_alloc(&cuda->table, size_bytes);
    cuda->scratch[use].size_bytes = cuda->scratch[use].data ? size_bytes : 0;
    cuda->generation++;
    if (!cuda->scratch[use].data)
        nn_fail(err, NN_ERR_MEMORY, "out of GPU memory: %zu MiB of scratch wanted", size_bytes >> 20);
    return cuda->scratch[use].data;
}
