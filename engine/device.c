#include "engine/device.h"

#include <stdio.h>
#include <string.h>

static nn_status open_cpu(struct nn_device *d, enum nn_precision precision, struct nn_error *err)
{
    bool narrow = precision == NN_PRECISION_BF16 || (precision == NN_PRECISION_BEST && nn_cpu_has_bf16());
    snprintf(d->name, sizeof d->name, "cpu (oneDNN, %s)", narrow ? "bf16" : "f32");
    return nn_backend_open_cpu(&d->backend, narrow ? NN_BF16 : NN_F32, err);
}

static nn_status open_cuda(struct nn_device *d, enum nn_precision precision, struct nn_error *err)
{
    bool narrow = precision != NN_PRECISION_F32;
    char gpu[256];
    nn_status status = nn_backend_open_cuda(&d->backend, narrow ? NN_BF16 : NN_F32, gpu, err);
    if (status == NN_OK) snprintf(d->name, sizeof d->name, "cuda (%.48s, %s)", gpu, narrow ? "bf16" : "f32");
    return status;
}

nn_status nn_device_open(struct nn_device *d, const char *device, enum nn_precision precision,
                         struct nn_error *err)
{
    *d = (struct nn_device){0};
    if (strcmp(device, "cpu") == 0) return open_cpu(d, precision, err);
    if (strcmp(device, "cuda") != 0 && strcmp(device, "auto") != 0)
        return nn_fail(err, NN_ERR_ARGUMENT, "device '%s' is not auto, cpu or cuda", device);
    struct nn_error why = {0};
    nn_status status = open_cuda(d, precision, &why);
    if (status == NN_OK) return NN_OK;
    bool built = status != NN_ERR_ARGUMENT;
    if (strcmp(device, "cuda") == 0)
        return nn_fail(err, built ? status : NN_ERR_DEVICE, "device cuda: %s", why.text);
    if (built) snprintf(d->note, sizeof d->note, "no GPU: %.300s", why.text);
    return open_cpu(d, precision, err);
}
