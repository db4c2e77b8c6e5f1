/* Device memory: a caching allocator, and the scratch blocks that kernels share. */
#include "engine/cuda/cuda.h"

#include <stdlib.h>

enum { GRAIN_BYTES = 512 };

struct block {
    struct block *next;
    void *data;
    size_t size_bytes;
    bool used;
};

struct cuda_memory {
    struct block *blocks; /* all that were ever allocated and not given back */
};

nn_status cuda_memory_open(struct cuda_backend *cuda, struct nn_error *err)
{
    cuda->memory = calloc(1, sizeof *cuda->memory);
    return cuda->memory ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for the CUDA backend");
}

/* Gives what nobody uses back to the device. Work that may still touch it is waited for by cudaFree. */
static void give_back(struct cuda_memory *m, bool all)
{
    for (struct block **at = &m->blocks; *at;) {
        struct block *b = *at;
        if (b->used && !all) {
            at = &b->next;
            continue;
        }
        *at = b->next;
        cudaFree(b->data);
        free(b);
    }
}

void cuda_memory_close(struct cuda_backend *cuda)
{
    if (!cuda->memory) return;
    give_back(cuda->memory, true);
    free(cuda->memory);
}

/* The smallest unused block that holds `size_bytes` and does not waste more than as much again. */
static struct block *find_unused(const struct cuda_memory *m, size_t size_bytes)
{
    struct block *best = NULL;
    for (struct block *b = m->blocks; b; b = b->next)
        if (!b->used && b->size_bytes >= size_bytes && b->size_bytes / 2 <= size_bytes &&
            (!best || b->size_bytes < best->size_bytes))
            best = b;
    return best;
}

static struct block *add_block(struct cuda_memory *m, size_t size_bytes)
{
    struct block *b = malloc(sizeof *b);
    void *data = NULL;
    if (!b) return NULL;
    if (cudaMalloc(&data, size_bytes) != cudaSuccess) {
        cudaGetLastError(); /* else the next launch would report it */
        give_back(m, false);
        if (cudaMalloc(&data, size_bytes) != cudaSuccess) {
            cudaGetLastError();
            free(b);
            return NULL;
        }
    }
    *b = (struct block){.next = m->blocks, .data = data, .size_bytes = size_bytes};
    return m->blocks = b;
}

void *cuda_alloc(struct nn_backend *be, size_t size_bytes)
{
    struct cuda_memory *m = cuda_of(be)->memory;
    if (size_bytes > SIZE_MAX / 2) return NULL;
    size_bytes = size_bytes ? (size_bytes + GRAIN_BYTES - 1) / GRAIN_BYTES * GRAIN_BYTES : GRAIN_BYTES;
    struct block *b = find_unused(m, size_bytes);
    if (!b) b = add_block(m, size_bytes);
    if (!b) return NULL;
    b->used = true;
    return b->data;
}

void cuda_free(struct nn_backend *be, void *data)
{
    for (struct block *b = cuda_of(be)->memory->blocks; data && b; b = b->next)
        if (b->data == data) b->used = false;
}

size_t cuda_memory_bytes(struct nn_backend *be)
{
    size_t total = 0;
    for (const struct block *b = cuda_of(be)->memory->blocks; b; b = b->next) total += b->size_bytes;
    return total;
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
