/* The runtime's functions on the host. Fresh memory is filled with NaNs, so that what a kernel forgets to
 * write is seen. What a real machine may do wrong comes from the environment:
 *   TEST_CUDA_DRIVER=0|12040     no driver, or one for CUDA 12.4
 *   TEST_CUDA_MAJOR=7            the device's compute capability
 *   TEST_CUDA_MEMORY_MIB=64      the device's memory
 *   TEST_CUDA_LOSE_AFTER=100     copies, from when it is set, until the device is lost */
#include "cuda_runtime.h"

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <vector>

struct test_graph {
    std::vector<std::function<void()>> work;
};

namespace
{

std::map<void *, size_t> allocated;
size_t used_bytes;
long copies;
test_graph *capturing;

long setting(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

bool lost(int more_copies = 0)
{
    static long limit = LONG_MAX;
    long wanted = setting("TEST_CUDA_LOSE_AFTER", LONG_MAX);
    if (wanted != limit) copies = 0;
    limit = wanted;
    copies += more_copies;
    return copies > limit;
}

} // namespace

void host_enqueue(std::function<void()> work)
{
    if (capturing)
        capturing->work.push_back(work);
    else
        work();
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = 1;
    return setting("TEST_CUDA_DRIVER", 13000) < 13000 ? cudaErrorInsufficientDriver : cudaSuccess;
}

cudaError_t cudaSetDevice(int)
{
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int)
{
    snprintf(properties->name, sizeof properties->name, "host");
    properties->major = (int)setting("TEST_CUDA_MAJOR", 9);
    properties->minor = 0;
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = (int)setting("TEST_CUDA_DRIVER", 13000);
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaGetLastError(void)
{
    return cudaSuccess;
}

const char *cudaGetErrorString(cudaError_t code)
{
    return code == cudaErrorLaunchFailure ? "unspecified launch failure" : "an error";
}

cudaError_t cudaMalloc(void **data, size_t size_bytes)
{
    if (capturing || lost()) return cudaErrorLaunchFailure;
    if (used_bytes + size_bytes > (size_t)setting("TEST_CUDA_MEMORY_MIB", 1 << 20) << 20)
        return cudaErrorMemoryAllocation;
    *data = aligned_alloc(512, (size_bytes + 511) / 512 * 512);
    if (!*data) return cudaErrorMemoryAllocation;
    memset(*data, 0xff, size_bytes);
    allocated[*data] = size_bytes;
    used_bytes += size_bytes;
    return cudaSuccess;
}

cudaError_t cudaFree(void *data)
{
    used_bytes -= allocated[data];
    allocated.erase(data);
    free(data);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **data, size_t size_bytes)
{
    *data = malloc(size_bytes);
    return *data ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeHost(void *data)
{
    free(data);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t size_bytes, enum cudaMemcpyKind, cudaStream_t)
{
    if (lost(1)) return cudaErrorLaunchFailure;
    host_enqueue([=] { memcpy(to, from, size_bytes); });
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *data, int value, size_t size_bytes, cudaStream_t)
{
    host_enqueue([=] { memset(data, value, size_bytes); });
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    *stream = (cudaStream_t)malloc(1);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    free(stream);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t)
{
    return lost() ? cudaErrorLaunchFailure : cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    *event = (cudaEvent_t)malloc(1);
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    free(event);
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t)
{
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t)
{
    return lost() ? cudaErrorLaunchFailure : cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t, enum cudaStreamCaptureMode)
{
    capturing = new test_graph;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t *graph)
{
    *graph = capturing;
    capturing = nullptr;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long)
{
    *exec = new test_graph(*graph);
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    delete exec;
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t)
{
    if (lost()) return cudaErrorLaunchFailure;
    for (const auto &work : exec->work) work();
    return cudaSuccess;
}
