/* The progressive GAN's two networks (Karras et al., "Progressive growing of GANs", ICLR 2018), with label
 * conditioning through an auxiliary classifier, for one grey channel.
 *
 * A network is a layout (named, shaped parameters in one flat f32 buffer, so that Adam, the moving average
 * and checkpoints are one pass over one buffer) and a function that builds its graph on a tape.
 *
 * `lod` (level of detail) is 0 at full resolution and resolution_log2 - 2 at 4x4; a fraction is a fade-in
 * between two levels. Images live at the native size of their level: side 2^(resolution_log2 - floor(lod)).
 */
#ifndef NN_GAN_H
#define NN_GAN_H

#include "engine/ops.h"

enum { NN_RESOLUTION_LOG2_MAX = 10, NN_LABELS_MAX = 64 };

/* What every layer shares; a sampler without the tape must use the same. */
static const float NN_LRELU_SLOPE = 0.2f, NN_PIXEL_NORM_EPSILON = 1e-8f;

struct nn_gan_config {
    int resolution_log2; /* 2..10 */
    int label_count;     /* 0: unconditional */
    int fmap_base;       /* channels at stage s: min(fmap_base / 2^s, fmap_max) */
    int fmap_max;
    int mbstd_group; /* minibatch standard deviation over groups of this many samples */
};

struct nn_param {
    char name[40];         /* "64x64/Conv1/weight"; the official code's names */
    struct nn_shape shape; /* weights (O,I,K,K), biases (1,C,1,1); the weights of Conv0_up and the generator's
                              4x4/Dense are those of the convolution whose adjoint the layer is: O is the
                              layer's input */
    size_t offset;         /* into the flat buffer, in elements */
    float scale;           /* equalised learning rate: gain / sqrt(fan_in), applied at run time; biases 1 */
};

enum nn_network_kind { NN_GENERATOR, NN_DISCRIMINATOR };

struct nn_network {
    struct nn_gan_config config;
    enum nn_network_kind kind;
    struct nn_param *params; /* heap */
    int param_count;
    size_t value_count; /* elements in the flat buffer */
};

/* Channels of the feature maps at side 2^resolution_log2, and elements of the latent vector. */
int nn_gan_channels(const struct nn_gan_config *config, int resolution_log2);
int nn_gan_latent_size(const struct nn_gan_config *config);

/* NN_OK when every number of the configuration is in its range. */
nn_status nn_gan_check(const struct nn_gan_config *config, struct nn_error *err) NN_MUST_CHECK;

nn_status nn_network_init(struct nn_network *net, const struct nn_gan_config *config,
                          enum nn_network_kind kind, struct nn_error *err) NN_MUST_CHECK;
void nn_network_release(struct nn_network *net);

/* -1 when there is no such parameter. */
int nn_network_find(const struct nn_network *net, const char *name);

/* Weights from N(0,1) by `seed`, biases 0. `values` is host memory for value_count floats. */
void nn_network_init_values(const struct nn_network *net, uint64_t seed, float *values);

/* One leaf per parameter, over the flat buffer at `values` (backend memory, real_type). ids has room for
 * param_count. */
void nn_network_leaves(struct nn_tape *t, const struct nn_network *net, void *values, nn_id *ids);

/* Both graphs refuse a lod outside 0..resolution_log2-2, and inputs of other shapes, with NN_ERR_ARGUMENT on
 * the tape.
 *
 * latents (N, latent_size,1,1), labels (N, label_count,1,1) or nn_none, real_type -> images (N,1,R,R)
 * real_type, about -1..1, unclipped. */
nn_id nn_generator(struct nn_tape *t, const struct nn_network *net, const nn_id *params, nn_id latents,
                   nn_id labels, float lod);

/* images (N,1,R,R) real_type -> (N, 1 + label_count, 1, 1): score, then label logits. N divisible by
 * min(mbstd_group, N). */
nn_id nn_discriminator(struct nn_tape *t, const struct nn_network *net, const nn_id *params, nn_id images,
                       float lod);

#endif
