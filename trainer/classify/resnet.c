/* ResNet-18. */
#include <stdio.h>

#include "trainer/classify/layers.h"

enum { NAME = 40 };

static struct tr_map block(struct tr_layers *l, struct tr_map x, const char *name, int outputs, int stride)
{
    static const char *const parts[] = {"conv1", "bn1", "conv2", "bn2", "downsample.0", "downsample.1"};
    char names[6][2 * NAME];
    for (int i = 0; i < 6; i++) snprintf(names[i], sizeof names[i], "%s.%s", name, parts[i]);
    struct nn_conv first = NN_SQUARE_CONV(3, stride, 1, 1), second = NN_SQUARE_CONV(3, 1, 1, 1);
    struct nn_conv point = NN_SQUARE_CONV(1, stride, 0, 1);
    struct tr_map y = tr_conv_norm(l, x, names[0], names[1], outputs, first, TR_RELU);
    y = tr_conv_norm(l, y, names[2], names[3], outputs, second, TR_LINEAR);
    if (stride > 1 || x.shape.c != outputs)
        x = tr_conv_norm(l, x, names[4], names[5], outputs, point, TR_LINEAR);
    return tr_add_relu(l, y, x);
}

struct tr_map tr_resnet18(struct tr_layers *l, struct tr_map images)
{
    struct nn_conv wide = NN_SQUARE_CONV(7, 2, 3, 1);
    l->epsilon = 1e-5f;
    struct tr_map x = tr_conv_norm(l, images, "conv1", "bn1", 64, wide, TR_RELU);
    x = tr_max_pool(l, x, (struct nn_window){3, 2, 1});
    for (int i = 0; i < 8; i++) {
        char name[NAME];
        snprintf(name, sizeof name, "layer%d.%d", i / 2 + 1, i % 2);
        x = block(l, x, name, 64 << i / 2, i > 1 && i % 2 == 0 ? 2 : 1);
    }
    return tr_head(l, tr_global_pool(l, x), "fc");
}
