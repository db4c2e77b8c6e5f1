/* One convolution as a cuDNN execution plan, through cuDNN's graph API.
 *
 * The graph API and not cudnnConvolution*: those are deprecated in cuDNN 9 and say less about the kernel that
 * they choose. Here each engine tells whether it rounds its inputs or adds in a random order, and the first
 * that does neither is taken. And a plan can be made for a device that is only described, so that tests check
 * this file on machines without a GPU. The choice follows cuDNN's own ranking and measures nothing: the same
 * shape on the same device and library gives the same kernel, and a resumed training the same bits. */
#ifndef NN_CUDNN_PLAN_H
#define NN_CUDNN_PLAN_H

#include <cudnn.h>

#include "engine/cuda/cuda.h"

/* What plans are made for: the device of a handle, or one that is only described. */
struct cudnn_target {
    cudnnHandle_t handle;
    cudnnBackendDescriptor_t device; /* CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, or NULL */
};

struct cudnn_plan {
    cudnnBackendDescriptor_t graph, config, plan; /* owned; all NULL: cuDNN has none for the shape */
    cudnnBackendDescriptor_t parts[5];            /* owned; what the graph was made of */
    size_t workspace_bytes;
    char engine[64]; /* its number and notes, for reports */
};

/* The best plan whose workspace `fits` says there is memory for. NN_OK without a plan when cuDNN has no
 * kernel for the shape; an error when what it has does not start here: a library of cuDNN's is missing or of
 * another version, the driver is too old, the device is lost. */
nn_status cudnn_plan_make(const struct cudnn_target *target, const struct cuda_conv_call *call,
                          bool (*fits)(void *context, size_t workspace_bytes), void *context,
                          struct cudnn_plan *plan, struct nn_error *err) NN_MUST_CHECK;
void cudnn_plan_release(struct cudnn_plan *plan);

nn_status cudnn_plan_execute(cudnnHandle_t handle, const struct cudnn_plan *plan,
                             const struct cuda_conv_call *call, void *workspace,
                             struct nn_error *err) NN_MUST_CHECK;

nn_status cudnn_check(cudnnStatus_t code, const char *call, struct nn_error *err);

#endif
