/* The CUDA backend's table, how it is opened, and its errors. */
#include "engine/cuda/cuda_backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cuda/cuda.h"

/* ---- errors --------------------------------------------------------------------------------------- */

/* After these the context is gone: every later call fails, whatever it is. */
static bool is_fatal(cudaError_t code)
{
    switch (code) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContextIsDestroyed:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorAssert:
    case cudaErrorUnknown:
    case cudaErrorDevicesUnavailable:
        return true;
    default:
        return false;
    }
}

nn_status cuda_check(struct cuda_backend *cuda, cudaError_t code, const char *call, struct nn_error *err)
{
    if (code == cudaSuccess) return NN_OK;
    cudaGetLastError();
    if (is_fatal(code)) cuda->lost = true;
    if (code == cudaErrorMemoryAllocation)
        return nn_fail(err, NN_ERR_MEMORY, "out of GPU memory in %s", call);
    return nn_fail(err, NN_ERR_DEVICE, "cuda: %s: %s%s", call, cudaGetErrorString(code),
                   cuda->lost ? " (the GPU is lost to this process)" : "");
}

/* ---- life ----------------------------------------------------------------------------------------- */

static void cuda_close(struct nn_backend *be)
{
    struct cuda_backend *cuda = cuda_of(be);
    if (cuda->stream) cudaStreamSynchronize(cuda->stream);
    cuda_plans_close(cuda);
    cuda_gemm_close(cuda);
    cuda_staging_close(cuda);
    cuda_memory_close(cuda);
    for (int i = 0; i < 2; i++)
        if (cuda->arrived[i]) cudaEventDestroy(cuda->arrived[i]);
    if (cuda->stream) cudaStreamDestroy(cuda->stream);
    free(cuda);
}

static const struct nn_backend table = {
    .name = "cuda",
    .real_type = NN_F32,
    .close = cuda_close,
    .alloc = cuda_alloc,
    .free = cuda_free,
    .upload = cuda_upload,
    .download = cuda_download,
    .conv = cuda_conv,
    .conv_dx = cuda_conv_dx,
    .conv_dw = cuda_conv_dw,
    .taps_spread = cuda_taps_spread,
    .taps_gather = cuda_taps_gather,
    .lrelu_mask = cuda_lrelu_mask,
    .pixel_norm = cuda_pixel_norm,
    .pixel_norm_grad = cuda_pixel_norm_grad,
    .axpby = cuda_axpby,
    .affine = cuda_affine,
    .mul = cuda_mul,
    .power = cuda_power,
    .exponential = cuda_exponential,
    .log_softmax = cuda_log_softmax,
    .cast = cuda_cast,
    .sum_to = cuda_sum_to,
    .broadcast = cuda_broadcast,
    .channel_slice = cuda_channel_slice,
    .channel_pad = cuda_channel_pad,
    .avg_pool2 = cuda_avg_pool2,
    .upsample2 = cuda_upsample2,
    .concatenate = cuda_concatenate,
    .max_pool = cuda_max_pool,
    .max_pool_dx = cuda_max_pool_dx,
    .avg_pool = cuda_avg_pool,
    .avg_pool_dx = cuda_avg_pool_dx,
    .moments = cuda_moments,
    .batch_norm = cuda_batch_norm,
    .batch_norm_sums = cuda_batch_norm_sums,
    .batch_norm_dx = cuda_batch_norm_dx,
    .warp = cuda_warp,
    .warp_adjoint = cuda_warp_adjoint,
    .adam = cuda_adam,
    .ema = cuda_ema,
    .all_finite = cuda_all_finite,
    .inference = &cuda_inference,
};

static nn_status refuse_driver(cudaError_t code, struct nn_error *err)
{
    int known = 0, needed = 0;
    cudaDriverGetVersion(&known);
    cudaRuntimeGetVersion(&needed);
    if (code == cudaErrorNoDevice) return nn_fail(err, NN_ERR_DEVICE, "this machine has no NVIDIA GPU");
    if (code == cudaErrorInsufficientDriver && known == 0)
        return nn_fail(err, NN_ERR_DEVICE, "this machine has no NVIDIA driver");
    if (code == cudaErrorInsufficientDriver)
        return nn_fail(err, NN_ERR_DEVICE,
                       "the NVIDIA driver is too old: it is for CUDA %d.%d, needed is %d.%d", known / 1000,
                       known % 1000 / 10, needed / 1000, needed % 1000 / 10);
    return nn_fail(err, NN_ERR_DEVICE, "the NVIDIA driver does not start: %s", cudaGetErrorString(code));
}

/* The first device that the driver shows; CUDA_VISIBLE_DEVICES chooses another. */
static nn_status check_device(char name[256], struct nn_error *err)
{
    int count = 0;
    struct cudaDeviceProp properties;
    cudaError_t code = cudaGetDeviceCount(&count);
    if (code == cudaSuccess && count == 0) code = cudaErrorNoDevice;
    if (code == cudaSuccess) code = cudaSetDevice(0);
    if (code == cudaSuccess) code = cudaGetDeviceProperties(&properties, 0);
    if (code != cudaSuccess) return refuse_driver(code, err);
    if (properties.major < 8)
        return nn_fail(err, NN_ERR_DEVICE,
                       "the %s has compute capability %d.%d; 8.0 (Ampere) or later is needed",
                       properties.name, properties.major, properties.minor);
    snprintf(name, 256, "%s", properties.name);
    return NN_OK;
}

nn_status nn_cuda_open(size_t table_bytes, struct nn_backend **be, enum nn_type map_type, char name[256],
                       struct nn_error *err)
{
    *be = NULL;
    if (table_bytes != sizeof(struct nn_backend))
        return nn_fail(err, NN_ERR_DEVICE, "the CUDA library is not of this build");
    if (map_type != NN_F32 && map_type != NN_BF16)
        return nn_fail(err, NN_ERR_ARGUMENT, "the cuda backend keeps feature maps in f32 or bf16 only");
    nn_status status = check_device(name, err);
    if (status) return status;
    struct cuda_backend *cuda = calloc(1, sizeof *cuda);
    if (!cuda) return nn_fail(err, NN_ERR_MEMORY, "no memory for the cuda backend");
    cuda->table = table;
    cuda->table.map_type = map_type;
    status = cuda_check(cuda, cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking),
                        "cudaStreamCreate", err);
    for (int i = 0; i < 2 && !status; i++)
        status = cuda_check(cuda, cudaEventCreateWithFlags(&cuda->arrived[i], cudaEventDisableTiming),
                            "cudaEventCreate", err);
    if (!status) status = cuda_memory_open(cuda, err);
    if (!status) status = cuda_staging_open(cuda, err);
    if (!status) status = cuda_gemm_open(cuda, err);
    if (!status) status = cuda_plans_open(cuda, err);
    if (status) {
        cuda_close(&cuda->table);
        return status;
    }
    *be = &cuda->table;
    return NN_OK;
}
