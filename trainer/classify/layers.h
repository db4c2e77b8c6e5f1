/* A network is described by a function that calls its layers in order. Without a tape the layers lay out
 * their entries; with one they build the graph, and find their entries in the same order.
 *
 * Errors are sticky, as on a tape. Names are torchvision's without their last part; a layer's own part is
 * appended ("conv1" has "conv1.weight"). */
#ifndef TR_LAYERS_H
#define TR_LAYERS_H

#include "trainer/classify/classifier.h"

struct tr_layers {
    struct nn_tape *t;         /* NULL: laying out */
    struct tr_classifier *net; /* laid out, or only read */
    const struct tr_pass *pass;
    float epsilon;                      /* of the batch norms */
    int entry, norm, drop, convolution; /* next ones */
    nn_status status;                   /* of laying out */
};

/* A value under way; `id` means nothing without a tape. */
struct tr_map {
    nn_id id;
    struct nn_shape shape;
};

static const float TR_RELU = 0, TR_LINEAR = 1; /* slopes */

/* With bias. */
struct tr_map tr_conv(struct tr_layers *l, struct tr_map x, const char *name, int outputs, struct nn_conv g,
                      float slope);
/* Without, and a batch norm after it. */
struct tr_map tr_conv_norm(struct tr_layers *l, struct tr_map x, const char *conv, const char *norm,
                           int outputs, struct nn_conv g, float slope);
/* From all of x's map to 1x1. */
struct tr_map tr_dense(struct tr_layers *l, struct tr_map x, const char *name, int outputs, float slope);
/* tr_dense to the classifier's outputs. */
struct tr_map tr_head(struct tr_layers *l, struct tr_map x, const char *name);

struct tr_map tr_max_pool(struct tr_layers *l, struct tr_map x, struct nn_window window);
struct tr_map tr_avg_pool(struct tr_layers *l, struct tr_map x, struct nn_window window);
struct tr_map tr_global_pool(struct tr_layers *l, struct tr_map x); /* mean over H and W */
struct tr_map tr_join(struct tr_layers *l, const struct tr_map *parts, int count);
struct tr_map tr_add_relu(struct tr_layers *l, struct tr_map a, struct tr_map b);
struct tr_map tr_dropout(struct tr_layers *l, struct tr_map x); /* of half the values, in training */

/* The networks, each in its file: images to logits. */
struct tr_map tr_resnet18(struct tr_layers *l, struct tr_map images);
struct tr_map tr_inception_v3(struct tr_layers *l, struct tr_map images);
struct tr_map tr_vgg16(struct tr_layers *l, struct tr_map images);

#endif
