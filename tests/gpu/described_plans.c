/* Asks the real cuDNN, on a machine without a GPU, for a plan of every convolution of the networks on a card
 * that is only described (h200.json): the descriptors are then right as far as cuDNN checks them, and no
 * layer would fall back to the plain loops. Prints TAP, and with an argument each shape's engine. */
#include <stdio.h>
#include <string.h>

#include "engine/cuda/cudnn_plan.h"

enum { JSON_MAX = 4096, BASE = 8192, MOST = 512 };

static int asked, missing, talks;

static bool fits(void *context, size_t workspace_bytes)
{
    (void)context;
    return workspace_bytes < (size_t)2 << 30;
}

static int channels_at(int side)
{
    int channels = BASE / (side / 2);
    return channels < MOST ? channels : MOST;
}

static void ask(const struct cudnn_target *target, enum nn_type type, int n, int side,
                struct nn_conv geometry, int outputs)
{
    int inputs = channels_at(side),
        small = (side + 2 * geometry.pad_h - geometry.kernel_h) / geometry.stride + 1;
    for (int role = CUDA_MAKE_Y; role <= CUDA_MAKE_W; role++) {
        struct cuda_conv_call call = {
            .role = (enum cuda_conv_role)role,
            .geometry = geometry,
            .x = {.shape = nn_shape(n, inputs, side, side), .type = type},
            .w = {.shape = nn_shape(outputs, inputs, geometry.kernel_h, geometry.kernel_h), .type = type},
            .y = {.shape = nn_shape(n, outputs, small, small), .type = type}};
        struct cudnn_plan plan;
        struct nn_error err = {0};
        nn_status status = cudnn_plan_make(target, &call, fits, NULL, &plan, &err);
        asked++;
        missing += status != NN_OK || !plan.plan;
        if (talks || status != NN_OK || !plan.plan)
            printf("# %s n%d %dx%d %d>%d k%d role %d: %s, workspace %zu %s\n",
                   type == NN_BF16 ? "bf16" : "f32", n, side, side, inputs, outputs, geometry.kernel_h, role,
                   plan.plan ? plan.engine : "no plan", plan.workspace_bytes, err.text);
        cudnn_plan_release(&plan);
    }
}

static bool describe(struct cudnn_target *target, const char *path)
{
    char json[JSON_MAX] = "";
    FILE *file = fopen(path, "r");
    if (!file) return false;
    size_t length = fread(json, 1, sizeof json - 1, file);
    fclose(file);
    return cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &target->device) ==
               CUDNN_STATUS_SUCCESS &&
           cudnnBackendSetAttribute(target->device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                                    CUDNN_TYPE_CHAR, (int64_t)length + 1, json) == CUDNN_STATUS_SUCCESS &&
           cudnnBackendFinalize(target->device) == CUDNN_STATUS_SUCCESS;
}

int main(int argc, char **argv)
{
    const enum nn_type types[] = {NN_BF16, NN_F32};
    struct cudnn_target target = {0};
    (void)argv;
    talks = argc > 1;
    if (!describe(&target, "tests/gpu/h200.json")) {
        printf("1..0 # SKIP this cuDNN (%zu) makes no plans for described devices\n", cudnnGetVersion());
        return 0;
    }
    for (int t = 0; t < 2; t++)
        for (int side = 4; side <= 1024; side *= 2) {
            int n = side < 256 ? 16 : 4;
            ask(&target, types[t], n, side, (struct nn_conv)NN_SQUARE_CONV(3, 1, 1, 1), channels_at(side));
            if (side > 4)
                ask(&target, types[t], n, side, (struct nn_conv)NN_SQUARE_CONV(4, 2, 1, 1),
                    channels_at(side / 2));
            ask(&target, types[t], 1, side, (struct nn_conv)NN_SQUARE_CONV(3, 1, 1, 1), channels_at(side));
        }
    printf("1..1\n%s 1 - cuDNN has a plan for each of %d convolutions on an H200; %d are missing\n",
           missing ? "not ok" : "ok", asked, missing);
    cudnnBackendDestroyDescriptor(target.device);
    return missing != 0;
}
