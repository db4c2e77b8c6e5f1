/* The cpu backend's table, its memory and its scratch blocks. */
#include "engine/cpu/cpu.h"

#include "engine/cpu/cpu_generator.h"
#include "engine/cpu/onednn.h"

#include <stdlib.h>
#include <string.h>

static void *aligned(size_t size_bytes)
{
    if (size_bytes > SIZE_MAX - 64) return NULL;
    return aligned_alloc(64, size_bytes ? (size_bytes + 63) / 64 * 64 : 64);
}

void *cpu_scratch(struct cpu_scratch *s, size_t size_bytes, struct nn_error *err)
{
    if (s->data && s->size_bytes >= size_bytes) return s->data;
    free(s->data);
    s->data = aligned(size_bytes);
    s->size_bytes = s->data ? size_bytes : 0;
    if (!s->data) nn_fail(err, NN_ERR_MEMORY, "no memory for %zu bytes of scratch", size_bytes);
    return s->data;
}

static void *cpu_alloc(struct nn_backend *be, size_t size_bytes)
{
    (void)be;
    return aligned(size_bytes);
}

static void cpu_free(struct nn_backend *be, void *data)
{
    (void)be;
    free(data);
}

static nn_status cpu_upload(struct nn_backend *be, void *device, const void *host, size_t size_bytes,
                            struct nn_error *err)
{
    (void)be, (void)err;
    if (size_bytes) memcpy(device, host, size_bytes);
    return NN_OK;
}

static nn_status cpu_download(struct nn_backend *be, void *host, const void *device, size_t size_bytes,
                              struct nn_error *err)
{
    (void)be, (void)err;
    if (size_bytes) memcpy(host, device, size_bytes);
    return NN_OK;
}

static void cpu_close(struct nn_backend *be)
{
    struct cpu_backend *cpu = cpu_of(be);
    onednn_close(cpu->onednn);
    for (int k = 0; k < CPU_ALONE_MAX; k++) onednn_close(cpu->alone[k]);
    free(cpu->packed.data);
    free(cpu->partial.data);
    free(cpu);
}

static const struct nn_backend table = {
    .name = "cpu",
    .real_type = NN_F32,
    .close = cpu_close,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .upload = cpu_upload,
    .download = cpu_download,
    .conv = cpu_conv,
    .conv_dx = cpu_conv_dx,
    .conv_dw = cpu_conv_dw,
    .taps_spread = cpu_taps_spread,
    .taps_gather = cpu_taps_gather,
    .lrelu_mask = cpu_lrelu_mask,
    .pixel_norm = cpu_pixel_norm,
    .pixel_norm_grad = cpu_pixel_norm_grad,
    .axpby = cpu_axpby,
    .affine = cpu_affine,
    .mul = cpu_mul,
    .power = cpu_power,
    .exponential = cpu_exponential,
    .log_softmax = cpu_log_softmax,
    .cast = cpu_cast,
    .sum_to = cpu_sum_to,
    .broadcast = cpu_broadcast,
    .channel_slice = cpu_channel_slice,
    .channel_pad = cpu_channel_pad,
    .avg_pool2 = cpu_avg_pool2,
    .upsample2 = cpu_upsample2,
    .concatenate = cpu_concatenate,
    .max_pool = cpu_max_pool,
    .max_pool_dx = cpu_max_pool_dx,
    .avg_pool = cpu_avg_pool,
    .avg_pool_dx = cpu_avg_pool_dx,
    .moments = cpu_moments,
    .batch_norm = cpu_batch_norm,
    .batch_norm_sums = cpu_batch_norm_sums,
    .batch_norm_dx = cpu_batch_norm_dx,
    .warp = cpu_warp,
    .warp_adjoint = cpu_warp_adjoint,
    .adam = cpu_adam,
    .ema = cpu_ema,
    .all_finite = cpu_all_finite,
    .generator = &cpu_generator,
};

bool nn_cpu_has_bf16(void)
{
    return onednn_has_bf16();
}

nn_status nn_backend_open_cpu(struct nn_backend **be, enum nn_type map_type, struct nn_error *err)
{
    *be = NULL;
    if (map_type != NN_F32 && map_type != NN_BF16)
        return nn_fail(err, NN_ERR_ARGUMENT, "the cpu backend keeps feature maps in f32 or bf16 only");
    if (map_type == NN_BF16 && !nn_cpu_has_bf16())
        return nn_fail(err, NN_ERR_DEVICE, "this CPU has no bf16 arithmetic (avx512_bf16 or amx_bf16)");
    struct cpu_backend *cpu = calloc(1, sizeof *cpu);
    if (!cpu) return nn_fail(err, NN_ERR_MEMORY, "no memory for the cpu backend");
    nn_status status = onednn_open(&cpu->onednn, err);
    if (status) {
        free(cpu);
        return status;
    }
    cpu->table = table;
    cpu->table.map_type = map_type;
    *be = &cpu->table;
    return NN_OK;
}
