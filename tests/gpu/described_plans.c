/* Asks the real cuDNN, on a machine without a GPU, for a plan of every convolution of the networks on a card
 * that is only described (h200.json): the descriptors are then right as far as cuDNN checks them, and no
 * layer would fall back to the plain loops. Prints TAP.
 *
 *     described_plans [here] [-v]     here: on the GPU that is; -v: each shape's engine */
#include <stdio.h>
#include <string.h>

#include "engine/cuda/cudnn_plan.h"

enum { JSON_MAX = 4096, BASE = 8192, MOST = 512 };

static const int batches[] = {1, 4, 8, 14, 16, 64};

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

static void ask(const struct cudnn_target *target, enum nn_type type, struct nn_shape x,
                struct nn_conv geometry, int outputs)
{
    struct nn_shape w = nn_shape(outputs, x.c, geometry.kernel_h, geometry.kernel_w);
    struct nn_shape y = nn_shape(x.n, outputs, (x.h + 2 * geometry.pad_h - w.h) / geometry.stride + 1,
                                 (x.w + 2 * geometry.pad_w - w.w) / geometry.stride + 1);
    for (int role = CUDA_MAKE_Y; role <= CUDA_MAKE_W; role++) {
        struct cuda_conv_call call = {.role = (enum cuda_conv_role)role,
                                      .geometry = geometry,
                                      .x = {.shape = x, .type = type},
                                      .w = {.shape = w, .type = type},
                                      .y = {.shape = y, .type = type}};
        struct cudnn_plan plan;
        struct nn_error err = {0};
        nn_status status = cudnn_plan_make(target, &call, fits, NULL, &plan, &err);
        asked++;
        missing += status != NN_OK || !plan.plan;
        if (talks || status != NN_OK || !plan.plan)
            printf("# %s n%d %dx%d %d>%d k%dx%d/%d role %d: %s, workspace %zu %s\n",
                   type == NN_BF16 ? "bf16" : "f32", x.n, x.h, x.w, x.c, outputs, w.h, w.w, geometry.stride,
                   role, plan.plan ? plan.engine : "no plan", plan.workspace_bytes, err.text);
        cudnn_plan_release(&plan);
    }
}

/* The convolutions of both networks. The discriminator's last has the deviation for one more. */
static void ask_gan(const struct cudnn_target *target, enum nn_type type, int n)
{
    const struct nn_conv same = NN_SQUARE_CONV(3, 1, 1, 1), halve = NN_SQUARE_CONV(4, 2, 1, 1);
    for (int side = 4; side <= 1024; side *= 2) {
        int channels = channels_at(side);
        ask(target, type, nn_shape(n, channels, side, side), same, channels);
        if (side > 4)
            ask(target, type, nn_shape(n, channels, side, side), halve, channels_at(side / 2));
        else
            ask(target, type, nn_shape(n, channels + 1, side, side), same, channels);
    }
}

/* One of each kind that the classifiers have, but for those that are matrix products: for cuBLAS. */
static const struct {
    int inputs, side, outputs;
    struct nn_conv geometry;
} classifier_layers[] = {
    {3, 224, 64, NN_SQUARE_CONV(7, 2, 3, 1)}, /* ResNet-18 */
    {64, 56, 64, NN_SQUARE_CONV(3, 1, 1, 1)},  {64, 56, 128, NN_SQUARE_CONV(3, 2, 1, 1)},
    {64, 56, 128, NN_SQUARE_CONV(1, 2, 0, 1)}, {256, 14, 512, NN_SQUARE_CONV(1, 2, 0, 1)},
    {512, 4, 512, NN_SQUARE_CONV(3, 1, 1, 1)}, {3, 299, 32, NN_SQUARE_CONV(3, 2, 0, 1)}, /* Inception-v3 */
    {32, 149, 32, NN_SQUARE_CONV(3, 1, 0, 1)}, {80, 73, 192, NN_SQUARE_CONV(3, 1, 0, 1)},
    {48, 35, 64, NN_SQUARE_CONV(5, 1, 2, 1)},  {288, 35, 384, NN_SQUARE_CONV(3, 2, 0, 1)},
    {160, 17, 160, {1, 7, 1, 0, 3, 1}},        {160, 17, 160, {7, 1, 1, 3, 0, 1}},
    {384, 8, 384, {1, 3, 1, 0, 1, 1}},         {448, 8, 384, NN_SQUARE_CONV(3, 1, 1, 1)},
    {3, 224, 64, NN_SQUARE_CONV(3, 1, 1, 1)}, /* VGG16 */
    {64, 224, 64, NN_SQUARE_CONV(3, 1, 1, 1)},
};

static void ask_classifiers(const struct cudnn_target *target, enum nn_type type)
{
    for (size_t i = 0; i < sizeof classifier_layers / sizeof *classifier_layers; i++)
        for (int n = 32; n > 0; n -= 31) {
            int side = classifier_layers[i].side;
            ask(target, type, nn_shape(n, classifier_layers[i].inputs, side, side),
                classifier_layers[i].geometry, classifier_layers[i].outputs);
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
    bool here = argc > 1 && strcmp(argv[1], "here") == 0;
    talks = argc > 1 && strcmp(argv[argc - 1], "-v") == 0;
    if (here && cudnnCreate(&target.handle) != CUDNN_STATUS_SUCCESS) {
        printf("1..0 # SKIP cuDNN (%zu) finds no GPU\n", cudnnGetVersion());
        return 0;
    }
    if (!here && !describe(&target, "tests/gpu/h200.json")) {
        printf("1..0 # SKIP this cuDNN (%zu) makes no plans for described devices\n", cudnnGetVersion());
        return 0;
    }
    for (int t = 0; t < 2; t++) {
        for (size_t k = 0; k < sizeof batches / sizeof *batches; k++)
            if (types[t] == NN_BF16 || batches[k] <= 4) /* f32 has workspaces of many GiB */
                ask_gan(&target, types[t], batches[k]);
        ask_classifiers(&target, types[t]);
    }
    printf("1..1\n%s 1 - cuDNN has a plan for each of %d convolutions on %s; %d are missing\n",
           missing ? "not ok" : "ok", asked, here ? "this GPU" : "an H200", missing);
    if (target.device) cudnnBackendDestroyDescriptor(target.device);
    if (target.handle) cudnnDestroy(target.handle);
    return missing != 0;
}
