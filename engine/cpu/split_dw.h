/* Weight gradients by oneDNN, a thread to some of the images. Left to itself oneDNN shares out a layer among
 * its threads, which then wait for each other at barriers that spin: where other processes want the cores,
 * most of the processor time goes there. */
#ifndef NN_SPLIT_DW_H
#define NN_SPLIT_DW_H

#include "engine/cpu/cpu.h"

/* conv_dw, whose contract is engine/backend.h's; any shape. The sum over the images is made in parts, whose
 * number depends on the minibatch, the layer and the number of threads. */
nn_status split_conv_dw(struct cpu_backend *cpu, const struct nn_conv *geometry, const struct nn_tensor *x,
                        const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err);

#endif
