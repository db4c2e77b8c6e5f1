/* Convolutions through oneDNN, with a bounded cache of prepared primitives. The one place that sees dnnl.h
 * is onednn.c. Contracts as engine/backend.h's; any shape and both map types are served. */
#ifndef NN_ONEDNN_H
#define NN_ONEDNN_H

#include "engine/cpu/cpu.h"

nn_status onednn_open(struct onednn **made, struct nn_error *err) NN_MUST_CHECK;
void onednn_close(struct onednn *dnn); /* NULL is harmless */

bool onednn_has_bf16(void);

enum onednn_pass { ONEDNN_FORWARD, ONEDNN_BACKWARD_DATA, ONEDNN_BACKWARD_WEIGHTS };

/* One convolution in one of its three roles: x (N,I,H,W) and y (N,O,H',W') are maps of one type,
 * w (O,I,K,K) f32. The factor that the pass computes is written, the others are read. The epilogue is the
 * forward pass's only. */
nn_status onednn_convolve(struct cpu_backend *cpu, enum onednn_pass pass, const struct nn_conv *geometry,
                          struct nn_tensor x, struct nn_tensor w, struct nn_tensor y,
                          struct nn_epilogue epilogue, struct nn_error *err);

/* The implementation that oneDNN chose for the most recent onednn_convolve, e.g. "jit:avx512_core_bf16". */
const char *onednn_last_implementation(const struct onednn *dnn);

#endif
