/* Which device computes: the choice behind --device, for trainer, sampler and daemon alike. */
#ifndef NN_DEVICE_H
#define NN_DEVICE_H

#include "engine/backend.h"

enum nn_precision { NN_PRECISION_BEST, NN_PRECISION_F32, NN_PRECISION_BF16 };

struct nn_device {
    struct nn_backend *backend; /* the caller closes it */
    char name[64];              /* "cuda (NVIDIA H200, bf16)", "cpu (oneDNN, f32)" */
    char note[320]; /* why "auto" did not take the GPU, one line; "" where there is nothing to say */
};

/* `device`: "cuda", "cpu", or "auto": the GPU where it works, else the CPU with the reason in note (none
 * where no CUDA backend was built). NN_PRECISION_BEST is bf16 maps where the device is fast at it. "cuda"
 * where it does not work is NN_ERR_DEVICE. */
nn_status nn_device_open(struct nn_device *d, const char *device, enum nn_precision precision,
                         struct nn_error *err) NN_MUST_CHECK;

#endif
