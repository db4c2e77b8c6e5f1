/* The reference backend's table and its memory, which is the host's. */
#include "engine/reference/reference.h"

#include <stdlib.h>
#include <string.h>

static void *ref_alloc(struct nn_backend *be, size_t size_bytes)
{
    (void)be;
    if (size_bytes > SIZE_MAX - 64) return NULL;
    return aligned_alloc(64, size_bytes ? (size_bytes + 63) / 64 * 64 : 64);
}

static void ref_free(struct nn_backend *be, void *data)
{
    (void)be;
    free(data);
}

static nn_status ref_upload(struct nn_backend *be, void *device, const void *host, size_t size_bytes,
                            struct nn_error *err)
{
    (void)be, (void)err;
    if (size_bytes) memcpy(device, host, size_bytes);
    return NN_OK;
}

static nn_status ref_download(struct nn_backend *be, void *host, const void *device, size_t size_bytes,
                              struct nn_error *err)
{
    (void)be, (void)err;
    if (size_bytes) memcpy(host, device, size_bytes);
    return NN_OK;
}

static void ref_close(struct nn_backend *be)
{
    free(be);
}

static const struct nn_backend table = {
    .name = "reference",
    .close = ref_close,
    .alloc = ref_alloc,
    .free = ref_free,
    .upload = ref_upload,
    .download = ref_download,
    .conv = ref_conv,
    .conv_dx = ref_conv_dx,
    .conv_dw = ref_conv_dw,
    .taps_spread = ref_taps_spread,
    .taps_gather = ref_taps_gather,
    .lrelu_mask = ref_lrelu_mask,
    .pixel_norm = ref_pixel_norm,
    .pixel_norm_grad = ref_pixel_norm_grad,
    .axpby = ref_axpby,
    .affine = ref_affine,
    .mul = ref_mul,
    .power = ref_power,
    .exponential = ref_exponential,
    .log_softmax = ref_log_softmax,
    .cast = ref_cast,
    .sum_to = ref_sum_to,
    .broadcast = ref_broadcast,
    .channel_slice = ref_channel_slice,
    .channel_pad = ref_channel_pad,
    .avg_pool2 = ref_avg_pool2,
    .upsample2 = ref_upsample2,
    .concatenate = ref_concatenate,
    .max_pool = ref_max_pool,
    .max_pool_dx = ref_max_pool_dx,
    .avg_pool = ref_avg_pool,
    .avg_pool_dx = ref_avg_pool_dx,
    .moments = ref_moments,
    .batch_norm = ref_batch_norm,
    .batch_norm_sums = ref_batch_norm_sums,
    .batch_norm_dx = ref_batch_norm_dx,
    .warp = ref_warp,
    .warp_adjoint = ref_warp_adjoint,
    .adam = ref_adam,
    .ema = ref_ema,
    .all_finite = ref_all_finite,
};

nn_status nn_backend_open_reference(struct nn_backend **be, enum nn_type type, struct nn_error *err)
{
    *be = NULL;
    if (type != NN_F32 && type != NN_F64)
        return nn_fail(err, NN_ERR_ARGUMENT, "the reference backend computes in f32 or f64 only");
    struct nn_backend *made = malloc(sizeof *made);
    if (!made) return nn_fail(err, NN_ERR_MEMORY, "no memory for the reference backend");
    *made = table;
    made->real_type = made->map_type = type;
    *be = made;
    return NN_OK;
}
