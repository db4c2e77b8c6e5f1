/* What the sampler uses beyond the table: pinned memory, copies that do not wait, and CUDA graphs. */
#include <stdlib.h>

#include "engine/cuda/cuda.h"

enum { SLOTS = 2 };

struct nn_recording {
    cudaGraphExec_t graph;
    int generation; /* of the scratch blocks whose addresses it holds */
};

static void *host_alloc(struct nn_backend *be, size_t size_bytes)
{
    (void)be;
    void *data = NULL;
    if (cudaMallocHost(&data, size_bytes ? size_bytes : 1) == cudaSuccess) return data;
    cudaGetLastError();
    return NULL;
}

static void host_free(struct nn_backend *be, void *data)
{
    (void)be;
    if (data) cudaFreeHost(data);
}

static nn_status upload_later(struct nn_backend *be, void *device, const void *host, size_t size_bytes,
                              struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    return cuda_check(cuda, cudaMemcpyAsync(device, host, size_bytes, cudaMemcpyHostToDevice, cuda->stream),
                      "copying to the GPU", err);
}

static nn_status download_later(struct nn_backend *be, void *host, const void *device, size_t size_bytes,
                                int slot, struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    cudaError_t code = cudaMemcpyAsync(host, device, size_bytes, cudaMemcpyDeviceToHost, cuda->stream);
    if (code == cudaSuccess) code = cudaEventRecord(cuda->arrived[slot % SLOTS], cuda->stream);
    return cuda_check(cuda, code, "copying to the host", err);
}

static nn_status wait_for(struct nn_backend *be, int slot, struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    return cuda_check(cuda, cudaEventSynchronize(cuda->arrived[slot % SLOTS]), "copying to the host", err);
}

static nn_status record(struct nn_backend *be, struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    return cuda_check(cuda, cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal),
                      "cudaStreamBeginCapture", err);
}

static nn_status record_end(struct nn_backend *be, struct nn_recording **recording, struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    cudaGraph_t graph = NULL;
    *recording = NULL;
    struct nn_recording *r = calloc(1, sizeof *r);
    cudaError_t code = cudaStreamEndCapture(cuda->stream, &graph);
    if (code == cudaSuccess && r) code = cudaGraphInstantiate(&r->graph, graph, 0);
    if (graph) cudaGraphDestroy(graph);
    if (code == cudaSuccess && r) {
        r->generation = cuda->generation;
        *recording = r;
        return NN_OK;
    }
    free(r);
    if (code == cudaSuccess) return nn_fail(err, NN_ERR_MEMORY, "no memory for a CUDA graph");
    return cuda_check(cuda, code, "making a CUDA graph", err);
}

static nn_status replay(struct nn_backend *be, const struct nn_recording *recording, struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    return cuda_check(cuda, cudaGraphLaunch(recording->graph, cuda->stream), "cudaGraphLaunch", err);
}

static bool stale(struct nn_backend *be, const struct nn_recording *recording)
{
    return recording->generation != cuda_of(be)->generation;
}

static void recording_free(struct nn_recording *recording)
{
    if (recording) cudaGraphExecDestroy(recording->graph);
    free(recording);
}

static nn_status pack(struct nn_backend *be, float scale, const struct nn_tensor *w, struct nn_tensor *packed,
                      struct nn_error *err)
{
    return cuda_pack(cuda_of(be), scale, w, packed, err);
}

const struct nn_inference cuda_inference = {
    .host_alloc = host_alloc,
    .host_free = host_free,
    .upload_later = upload_later,
    .download_later = download_later,
    .wait = wait_for,
    .memory_bytes = cuda_memory_bytes,
    .record = record,
    .record_end = record_end,
    .replay = replay,
    .stale = stale,
    .recording_free = recording_free,
    .pack = pack,
    .conv = cuda_conv_normalised,
    .grey = cuda_grey,
};
