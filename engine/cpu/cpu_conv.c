/* The three convolution kernels of the table, and the arithmetic of the fused sampling kernels. */
#include "engine/cpu/cpu.h"

#include "engine/cpu/grey.h"
#include "engine/cpu/narrow.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/split_dw.h"

static const struct nn_epilogue no_epilogue = {NULL, 1.0f};

nn_status cpu_conv(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                   const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *y,
                   struct nn_error *err)
{
    if (grey_fits(geometry, y, x)) return grey_expand(geometry->scale, x, w, epilogue, y), NN_OK;
    if (grey_fits(geometry, x, y)) return grey_contract(geometry->scale, x, w, epilogue, y), NN_OK;
    if (narrow_conv_fits(geometry, false, x, y))
        return narrow_conv(cpu_of(be), geometry, false, x, w, epilogue, y, err);
    return onednn_convolve(cpu_of(be)->onednn, ONEDNN_FORWARD, geometry, *x, *w, *y, epilogue, err);
}

nn_status cpu_conv_dx(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *g,
                      const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *x,
                      struct nn_error *err)
{
    if (grey_fits(geometry, x, g)) return grey_expand(geometry->scale, g, w, epilogue, x), NN_OK;
    if (grey_fits(geometry, g, x)) return grey_contract(geometry->scale, g, w, epilogue, x), NN_OK;
    if (narrow_conv_fits(geometry, true, x, g))
        return narrow_conv(cpu_of(be), geometry, true, g, w, epilogue, x, err);
    nn_status status =
        onednn_convolve(cpu_of(be)->onednn, ONEDNN_BACKWARD_DATA, geometry, *x, *w, *g, no_epilogue, err);
    if (!status) cpu_apply_epilogue(epilogue, x);
    return status;
}

nn_status cpu_conv_dw(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                      const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err)
{
    if (grey_fits(geometry, x, g)) return grey_weights(cpu_of(be), geometry->scale, x, g, w, err);
    if (grey_fits(geometry, g, x)) return grey_weights(cpu_of(be), geometry->scale, g, x, w, err);
    if (wide_conv_dw_fits(geometry, x, g)) return wide_conv_dw(cpu_of(be), geometry, x, g, w, err);
    if (narrow_conv_dw_fits(geometry, x, g)) return narrow_conv_dw(cpu_of(be), geometry, x, g, w, err);
    return split_conv_dw(cpu_of(be), geometry, x, g, w, err);
}

nn_status cpu_taps_spread(struct nn_backend *be, const struct nn_tensor *w3, struct nn_tensor *w4,
                          struct nn_error *err)
{
    (void)be, (void)err;
    int inputs = w3->shape.c;
#pragma omp parallel for if (w3->shape.n * inputs > 4096)
    for (int o = 0; o < w3->shape.n; o++) {
        const float *from = (const float *)w3->data + (size_t)o * 9 * inputs;
        float *to = (float *)w4->data + (size_t)o * 16 * inputs;
        for (int tap = 0; tap < 16; tap++, to += inputs) {
            int y = tap / 4, x = tap % 4;
            for (int i = 0; i < inputs; i++) to[i] = 0.0f;
            for (int sy = y > 0 ? y - 1 : 0; sy <= y && sy < 3; sy++)
                for (int sx = x > 0 ? x - 1 : 0; sx <= x && sx < 3; sx++)
                    for (int i = 0; i < inputs; i++) to[i] += from[(sy * 3 + sx) * inputs + i];
        }
    }
    return NN_OK;
}

nn_status cpu_taps_gather(struct nn_backend *be, const struct nn_tensor *w4, struct nn_tensor *w3,
                          struct nn_error *err)
{
    (void)be, (void)err;
    int inputs = w3->shape.c;
#pragma omp parallel for if (w3->shape.n * inputs > 4096)
    for (int o = 0; o < w3->shape.n; o++) {
        const float *from = (const float *)w4->data + (size_t)o * 16 * inputs;
        float *to = (float *)w3->data + (size_t)o * 9 * inputs;
        for (int tap = 0; tap < 9; tap++, to += inputs) {
            const float *a = from + (tap / 3 * 4 + tap % 3) * inputs, *b = a + 4 * inputs;
            for (int i = 0; i < inputs; i++) to[i] = (a[i] + a[i + inputs]) + (b[i] + b[i + inputs]);
        }
    }
    return NN_OK;
}
