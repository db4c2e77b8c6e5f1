/* Own convolutions for bf16 maps where oneDNN is slow: layers with few channels, the largest ones, in which
 * it fills its vectors of 16 channels with padding; and weight gradients, whose threads it makes wait for
 * each other. Only where the CPU has avx512_bf16; elsewhere nothing fits.
 *
 * They serve kernel 3 stride 1 pad 1 and kernel 4 stride 2 pad 1 (with even sides), the weight gradients of
 * many channels kernel 3 stride 2 pad 1 and odd sides too; `fits` says which channels. */
#ifndef NN_NARROW_H
#define NN_NARROW_H

#include "engine/cpu/cpu.h"

/* Whether narrow_conv serves this pass well; `adjoint` asks for conv_dx. x and y as in engine/backend.h. */
bool narrow_conv_fits(const struct nn_conv *geometry, bool adjoint, const struct nn_tensor *x,
                      const struct nn_tensor *y);
/* conv, from x to y, or with `adjoint` conv_dx, from y to x; the contracts of engine/backend.h. */
nn_status narrow_conv(struct cpu_backend *cpu, const struct nn_conv *geometry, bool adjoint,
                      const struct nn_tensor *from, const struct nn_tensor *w, struct nn_epilogue epilogue,
                      struct nn_tensor *to, struct nn_error *err);

bool narrow_conv_dw_fits(const struct nn_conv *geometry, const struct nn_tensor *x,
                         const struct nn_tensor *g);
nn_status narrow_conv_dw(struct cpu_backend *cpu, const struct nn_conv *geometry, const struct nn_tensor *x,
                         const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err);

bool wide_conv_dw_fits(const struct nn_conv *geometry, const struct nn_tensor *x, const struct nn_tensor *g);
nn_status wide_conv_dw(struct cpu_backend *cpu, const struct nn_conv *geometry, const struct nn_tensor *x,
                       const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err);

#endif
