/* Inception-v3. Its blocks, A to E, are those of the paper's figures 5, 10 (reductions), 6 and 7. */
#include <stdio.h>

#include "trainer/classify/layers.h"

enum { NAME = 64 };

static const struct nn_window SAME_3X3 = {3, 1, 1}, HALVE_3X3 = {3, 2, 0};

/* Convolution, batch norm, ReLU. */
static struct tr_map unit(struct tr_layers *l, struct tr_map x, const char *block, const char *branch,
                          int outputs, struct nn_conv g)
{
    char conv[NAME], norm[NAME];
    snprintf(conv, sizeof conv, "%s%s.conv", block, branch);
    snprintf(norm, sizeof norm, "%s%s.bn", block, branch);
    return tr_conv_norm(l, x, conv, norm, outputs, g, TR_RELU);
}

/* The map's size stays. */
static struct tr_map same(struct tr_layers *l, struct tr_map x, const char *block, const char *branch,
                          int outputs, int kernel_h, int kernel_w)
{
    struct nn_conv g = {kernel_h, kernel_w, 1, kernel_h / 2, kernel_w / 2, 1};
    return unit(l, x, block, branch, outputs, g);
}

static struct tr_map valid(struct tr_layers *l, struct tr_map x, const char *block, const char *branch,
                           int outputs, int stride)
{
    return unit(l, x, block, branch, outputs, (struct nn_conv)NN_SQUARE_CONV(3, stride, 0, 1));
}

static struct tr_map pool_branch(struct tr_layers *l, struct tr_map x, const char *b, int outputs)
{
    return same(l, tr_avg_pool(l, x, SAME_3X3), b, "branch_pool", outputs, 1, 1);
}

static struct tr_map block_a(struct tr_layers *l, struct tr_map x, const char *b, int pool_outputs)
{
    struct tr_map part[4] = {same(l, x, b, "branch1x1", 64, 1, 1)};
    part[1] = same(l, x, b, "branch5x5_1", 48, 1, 1);
    part[1] = same(l, part[1], b, "branch5x5_2", 64, 5, 5);
    part[2] = same(l, x, b, "branch3x3dbl_1", 64, 1, 1);
    part[2] = same(l, part[2], b, "branch3x3dbl_2", 96, 3, 3);
    part[2] = same(l, part[2], b, "branch3x3dbl_3", 96, 3, 3);
    part[3] = pool_branch(l, x, b, pool_outputs);
    return tr_join(l, part, 4);
}

static struct tr_map block_b(struct tr_layers *l, struct tr_map x, const char *b)
{
    struct tr_map part[3] = {valid(l, x, b, "branch3x3", 384, 2)};
    part[1] = same(l, x, b, "branch3x3dbl_1", 64, 1, 1);
    part[1] = same(l, part[1], b, "branch3x3dbl_2", 96, 3, 3);
    part[1] = valid(l, part[1], b, "branch3x3dbl_3", 96, 2);
    part[2] = tr_max_pool(l, x, HALVE_3X3);
    return tr_join(l, part, 3);
}

static struct tr_map block_c(struct tr_layers *l, struct tr_map x, const char *b, int inner)
{
    struct tr_map part[4] = {same(l, x, b, "branch1x1", 192, 1, 1)};
    part[1] = same(l, x, b, "branch7x7_1", inner, 1, 1);
    part[1] = same(l, part[1], b, "branch7x7_2", inner, 1, 7);
    part[1] = same(l, part[1], b, "branch7x7_3", 192, 7, 1);
    part[2] = same(l, x, b, "branch7x7dbl_1", inner, 1, 1);
    part[2] = same(l, part[2], b, "branch7x7dbl_2", inner, 7, 1);
    part[2] = same(l, part[2], b, "branch7x7dbl_3", inner, 1, 7);
    part[2] = same(l, part[2], b, "branch7x7dbl_4", inner, 7, 1);
    part[2] = same(l, part[2], b, "branch7x7dbl_5", 192, 1, 7);
    part[3] = pool_branch(l, x, b, 192);
    return tr_join(l, part, 4);
}

static struct tr_map block_d(struct tr_layers *l, struct tr_map x, const char *b)
{
    struct tr_map part[3] = {same(l, x, b, "branch3x3_1", 192, 1, 1)};
    part[0] = valid(l, part[0], b, "branch3x3_2", 320, 2);
    part[1] = same(l, x, b, "branch7x7x3_1", 192, 1, 1);
    part[1] = same(l, part[1], b, "branch7x7x3_2", 192, 1, 7);
    part[1] = same(l, part[1], b, "branch7x7x3_3", 192, 7, 1);
    part[1] = valid(l, part[1], b, "branch7x7x3_4", 192, 2);
    part[2] = tr_max_pool(l, x, HALVE_3X3);
    return tr_join(l, part, 3);
}

/* A flat window and a long one, side by side. */
static struct tr_map split(struct tr_layers *l, struct tr_map x, const char *b, const char *flat,
                           const char *tall)
{
    struct tr_map part[2] = {same(l, x, b, flat, 384, 1, 3)};
    part[1] = same(l, x, b, tall, 384, 3, 1);
    return tr_join(l, part, 2);
}

static struct tr_map block_e(struct tr_layers *l, struct tr_map x, const char *b)
{
    struct tr_map part[4] = {same(l, x, b, "branch1x1", 320, 1, 1)};
    part[1] = same(l, x, b, "branch3x3_1", 384, 1, 1);
    part[1] = split(l, part[1], b, "branch3x3_2a", "branch3x3_2b");
    part[2] = same(l, x, b, "branch3x3dbl_1", 448, 1, 1);
    part[2] = same(l, part[2], b, "branch3x3dbl_2", 384, 3, 3);
    part[2] = split(l, part[2], b, "branch3x3dbl_3a", "branch3x3dbl_3b");
    part[3] = pool_branch(l, x, b, 192);
    return tr_join(l, part, 4);
}

struct tr_map tr_inception_v3(struct tr_layers *l, struct tr_map images)
{
    l->epsilon = 1e-3f;
    struct tr_map x = valid(l, images, "", "Conv2d_1a_3x3", 32, 2);
    x = valid(l, x, "", "Conv2d_2a_3x3", 32, 1);
    x = same(l, x, "", "Conv2d_2b_3x3", 64, 3, 3);
    x = tr_max_pool(l, x, HALVE_3X3);
    x = same(l, x, "", "Conv2d_3b_1x1", 80, 1, 1);
    x = valid(l, x, "", "Conv2d_4a_3x3", 192, 1);
    x = tr_max_pool(l, x, HALVE_3X3);
    x = block_a(l, x, "Mixed_5b.", 32);
    x = block_a(l, x, "Mixed_5c.", 64);
    x = block_a(l, x, "Mixed_5d.", 64);
    x = block_b(l, x, "Mixed_6a.");
    x = block_c(l, x, "Mixed_6b.", 128);
    x = block_c(l, x, "Mixed_6c.", 160);
    x = block_c(l, x, "Mixed_6d.", 160);
    x = block_c(l, x, "Mixed_6e.", 192);
    x = block_d(l, x, "Mixed_7a.");
    x = block_e(l, x, "Mixed_7b.");
    x = block_e(l, x, "Mixed_7c.");
    return tr_head(l, tr_dropout(l, tr_global_pool(l, x)), "fc");
}
