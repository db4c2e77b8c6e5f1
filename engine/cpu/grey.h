/* 1x1 convolutions between one grey channel and few: memory-bound, and padded to 16 channels by oneDNN. */
#ifndef NN_GREY_H
#define NN_GREY_H

#include "engine/cpu/cpu.h"

/* Whether (many, one) are such a pair of maps: kernel 1, `one` of 1 channel, `many` of 2, 4, 8 or 16. */
bool grey_fits(const struct nn_conv *geometry, const struct nn_tensor *many, const struct nn_tensor *one);

/* many[p,c] = leaky(w[c] * one[p] + bias[c]): forward from grey, or the adjoint of to grey. */
void grey_expand(float scale, const struct nn_tensor *one, const struct nn_tensor *w,
                 struct nn_epilogue epilogue, struct nn_tensor *many);
/* one[p] = leaky(sum over c of w[c] * many[p,c] + bias): forward to grey, or the adjoint of from grey. */
void grey_contract(float scale, const struct nn_tensor *many, const struct nn_tensor *w,
                   struct nn_epilogue epilogue, struct nn_tensor *one);
/* w[c] = sum over p of one[p] * many[p,c], in an order that does not depend on the thread count. */
nn_status grey_weights(struct cpu_backend *cpu, float scale, const struct nn_tensor *many,
                       const struct nn_tensor *one, struct nn_tensor *w, struct nn_error *err);

#endif
