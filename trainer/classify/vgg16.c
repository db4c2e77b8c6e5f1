/* VGG16, without batch norms. Its layers' numbers count ReLUs, poolings and dropouts, too. */
#include <stdio.h>

#include "trainer/classify/layers.h"

enum { SIDE = 7 }; /* of the map that the dense layers look at */

struct tr_map tr_vgg16(struct tr_layers *l, struct tr_map images)
{
    static const struct {
        int convolutions, outputs;
    } stages[] = {{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}};
    struct nn_conv same = NN_SQUARE_CONV(3, 1, 1, 1);
    struct tr_map x = images;
    int number = 0;
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < stages[i].convolutions; k++, number += 2) {
            char name[24];
            snprintf(name, sizeof name, "features.%d", number);
            x = tr_conv(l, x, name, stages[i].outputs, same, TR_RELU);
        }
        x = tr_max_pool(l, x, (struct nn_window){2, 2, 0});
        number++;
    }
    int cell = x.shape.h / SIDE;
    if (cell > 1) x = tr_avg_pool(l, x, (struct nn_window){cell, cell, 0});
    x = tr_dropout(l, tr_dense(l, x, "classifier.0", 4096, TR_RELU));
    x = tr_dropout(l, tr_dense(l, x, "classifier.3", 4096, TR_RELU));
    return tr_head(l, x, "classifier.6");
}
