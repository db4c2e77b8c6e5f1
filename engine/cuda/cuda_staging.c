/* Copies between host and device. Uploads go through two pinned blocks that are filled in turn: while the
 * device still copies from one, the other takes the next data, and the host waits only when both are full. */
#include "engine/cuda/cuda.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 2 };
static const size_t BLOCK_BYTES = 16 << 20;

struct cuda_staging {
    struct {
        char *data; /* pinned */
        cudaEvent_t emptied;
    } blocks[BLOCKS];
    int current;
    size_t used_bytes; /* of the current block */
};

nn_status cuda_staging_open(struct cuda_backend *cuda, struct nn_error *err)
{
    struct cuda_staging *s = cuda->staging = calloc(1, sizeof *s);
    if (!s) return nn_fail(err, NN_ERR_MEMORY, "out of memory for the CUDA backend");
    nn_status status = NN_OK;
    for (int i = 0; i < BLOCKS && !status; i++) {
        status =
            cuda_check(cuda, cudaMallocHost((void **)&s->blocks[i].data, BLOCK_BYTES), "cudaMallocHost", err);
        if (!status)
            status = cuda_check(cuda, cudaEventCreateWithFlags(&s->blocks[i].emptied, cudaEventDisableTiming),
                                "cudaEventCreate", err);
    }
    return status;
}

void cuda_staging_close(struct cuda_backend *cuda)
{
    struct cuda_staging *s = cuda->staging;
    if (!s) return;
    for (int i = 0; i < BLOCKS; i++) {
        if (s->blocks[i].emptied) cudaEventDestroy(s->blocks[i].emptied);
        if (s->blocks[i].data) cudaFreeHost(s->blocks[i].data);
    }
    free(s);
}

/* The other block, once the device has read what it last held. */
static nn_status turn(struct cuda_backend *cuda, struct nn_error *err)
{
    struct cuda_staging *s = cuda->staging;
    nn_status status = cuda_check(cuda, cudaEventRecord(s->blocks[s->current].emptied, cuda->stream),
                                  "cudaEventRecord", err);
    if (status) return status;
    s->current = (s->current + 1) % BLOCKS;
    s->used_bytes = 0;
    return cuda_check(cuda, cudaEventSynchronize(s->blocks[s->current].emptied), "cudaEventSynchronize", err);
}

nn_status cuda_upload(struct nn_backend *be, void *device, const void *host, size_t size_bytes,
                      struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    struct cuda_staging *s = cuda->staging;
    for (size_t done = 0, step; done < size_bytes; done += step) {
        if (s->used_bytes == BLOCK_BYTES) {
            nn_status status = turn(cuda, err);
            if (status) return status;
        }
        step =
            BLOCK_BYTES - s->used_bytes < size_bytes - done ? BLOCK_BYTES - s->used_bytes : size_bytes - done;
        char *pinned = s->blocks[s->current].data + s->used_bytes;
        memcpy(pinned, (const char *)host + done, step);
        s->used_bytes += step;
        nn_status status = cuda_check(
            cuda, cudaMemcpyAsync((char *)device + done, pinned, step, cudaMemcpyHostToDevice, cuda->stream),
            "cudaMemcpyAsync", err);
        if (status) return status;
    }
    return NN_OK;
}

/* Into the caller's pageable memory: the call returns when the data are there. */
nn_status cuda_download(struct nn_backend *be, void *host, const void *device, size_t size_bytes,
                        struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    if (!size_bytes) return NN_OK;
    cudaError_t code = cudaMemcpyAsync(host, device, size_bytes, cudaMemcpyDeviceToHost, cuda->stream);
    if (code == cudaSuccess) code = cudaStreamSynchronize(cuda->stream);
    return cuda_check(cuda, code, "copying to the host", err);
}
