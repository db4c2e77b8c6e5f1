#include "engine/cpu/split_dw.h"

#include <omp.h>

#include "engine/cpu/onednn.h"

enum { SUMS_BYTES_MAX = 64 << 20 };

/* Parts are of equally many images, so that one plan serves them all, and their sums fit into SUMS_BYTES_MAX.
 */
static int count_parts(int images, size_t w_count)
{
    int most = omp_get_max_threads() < CPU_ALONE_MAX ? omp_get_max_threads() : CPU_ALONE_MAX;
    for (int parts = most; parts > 1; parts--)
        if (images % parts == 0 && (size_t)(parts - 1) * w_count * sizeof(float) <= SUMS_BYTES_MAX)
            return parts;
    return 1;
}

static nn_status open_alone(struct cpu_backend *cpu, int count, struct nn_error *err)
{
    nn_status status = NN_OK;
    for (int k = 0; k < count && !status; k++)
        if (!cpu->alone[k]) status = onednn_open(&cpu->alone[k], err);
    return status;
}

/* Images k * n/parts and on. */
static struct nn_tensor part_of(const struct nn_tensor *t, int k, int parts)
{
    struct nn_tensor part = *t;
    part.shape.n /= parts;
    part.data = (char *)t->data + (size_t)k * nn_tensor_bytes(&part);
    return part;
}

nn_status split_conv_dw(struct cpu_backend *cpu, const struct nn_conv *geometry, const struct nn_tensor *x,
                        const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err)
{
    const struct nn_epilogue none = {NULL, 1.0f};
    size_t count = nn_count(w->shape);
    int parts = count_parts(x->shape.n, count);
    if (parts == 1)
        return onednn_convolve(cpu->onednn, ONEDNN_BACKWARD_WEIGHTS, geometry, *x, *w, *g, none, err);
    nn_status status = open_alone(cpu, parts, err);
    float *to = w->data, *sums = cpu_scratch(&cpu->partial, (size_t)(parts - 1) * count * sizeof *sums, err);
    if (status || !sums) return status ? status : NN_ERR_MEMORY;
#pragma omp parallel for num_threads(parts) schedule(static)
    for (int k = 0; k < parts; k++) {
        struct nn_tensor own = *w;
        struct nn_error own_err;
        if (k) own.data = sums + (size_t)(k - 1) * count;
        omp_set_num_threads(1); /* of this thread's plans; they end with the region */
        nn_status one = onednn_convolve(cpu->alone[k], ONEDNN_BACKWARD_WEIGHTS, geometry,
                                        part_of(x, k, parts), own, part_of(g, k, parts), none, &own_err);
#pragma omp critical(split_conv_dw)
        if (one && !status) status = nn_fail(err, one, "%s", own_err.text);
    }
    if (status) return status;
    for (int k = 1; k < parts; k++) {
        const float *from = sums + (size_t)(k - 1) * count;
#pragma omp parallel for simd if (count > 65536)
        for (size_t i = 0; i < count; i++) to[i] += from[i];
    }
    return NN_OK;
}
