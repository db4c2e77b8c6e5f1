/* Convolutions through oneDNN, with a bounded cache of prepared primitives. The one place that sees dnnl.h
 * is onednn.c. Contracts as engine/backend.h's; any shape and both map types are served. */
#ifndef NN_ONEDNN_H
#define NN_ONEDNN_H

#include "engine/cpu/cpu.h"

nn_status onednn_open(struct onednn **made, struct nn_error *err) NN_MUST_CHECK;
void onednn_close(struct onednn *dnn); /* NULL is harmless */

/* What oneDNN would use here: arithmetic in bf16; AMX, which the system must let this process use, and which
 * ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 in the environment forbids. Never AMX where the build is for CPUs
 * without. */
bool onednn_has_bf16(void);
bool onednn_has_amx(void);

enum onednn_pass { ONEDNN_FORWARD, ONEDNN_BACKWARD_DATA, ONEDNN_BACKWARD_WEIGHTS };

/* One convolution in one of its three roles: x (N,I,H,W) and y (N,O,H',W') are maps of one type,
 * w (O,I,K,K) f32. The factor that the pass computes is written, the others are read. The epilogue is the
 * forward pass's only. Made for as many threads as omp_get_max_threads() is when a shape is first seen; it
 * must be called from as many later. */
nn_status onednn_convolve(struct onednn *dnn, enum onednn_pass pass, const struct nn_conv *geometry,
                          struct nn_tensor x, struct nn_tensor w, struct nn_tensor y,
                          struct nn_epilogue epilogue, struct nn_error *err);

/* A convolution whose weights never change: forward or backward data, packed beforehand. */
struct onednn_prepared;

/* Copies `w` and the epilogue's bias; of x and y only shape and type count, which are one sample's. `like`,
 * which may be NULL, must outlive *prepared: one of the same convolution whose weights serve this one too if
 * they lie as it wants them. */
nn_status onednn_prepare(struct cpu_backend *cpu, enum onednn_pass pass, const struct nn_conv *geometry,
                         struct nn_tensor x, struct nn_tensor w, struct nn_tensor y,
                         struct nn_epilogue epilogue, const struct onednn_prepared *like,
                         struct onednn_prepared **prepared, struct nn_error *err) NN_MUST_CHECK;
void onednn_prepared_free(struct onednn_prepared *prepared);          /* NULL is harmless */
size_t onednn_prepared_bytes(const struct onednn_prepared *prepared); /* of its own */
/* Prepared convolutions may run at once, each with its own scratchpad of onednn_scratchpad_bytes. */
size_t onednn_scratchpad_bytes(const struct onednn_prepared *prepared);
nn_status onednn_run(struct cpu_backend *cpu, const struct onednn_prepared *prepared, const void *from,
                     void *to, void *scratchpad, struct nn_error *err) NN_MUST_CHECK;

#endif
