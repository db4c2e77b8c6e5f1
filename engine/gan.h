/* The progressive GAN's two networks (Karras et al., "Progressive growing of GANs", ICLR 2018), conditioned
 * on labels, for one grey channel.
 *
 * A network is a layout (named, shaped parameters in one flat f32 buffer, so that Adam, the moving average
 * and checkpoints are one pass over one buffer) and a function that builds its graph on a tape.
 *
 * `lod` (level of detail) is 0 at full resolution and resolution_log2 - 2 at 4x4; a fraction is a fade-in
 * between two levels. Images live at the native size of their level: side 2^(resolution_log2 - floor(lod)).
 */
#ifndef NN_GAN_H
#define NN_GAN_H

#include "engine/engine.h"
#include "engine/ops.h"

enum { NN_RESOLUTION_LOG2_MAX = 10, NN_LABELS_MAX = NN_CLASSES_MAX, NN_FMAP_MAX = 4096 };

static const float NN_LRELU_SLOPE = 0.2f; /* a sampler without the tape must use the same */

/* The variants below are those of the official code and its successors. A checkpoint that does not name one
 * has its value 0. */

/* What a label vector of label_count numbers says. */
enum nn_label_kind {
    NN_LABELS_CLASSES, /* one of them is 1: each image is of one class */
    NN_LABELS_MULTI    /* each is 0 or 1 by itself: findings that may be together, or absent all */
};

/* What the generator's first pixel norm covers. */
enum nn_label_norm {
    NN_NORM_JOINT,      /* latents and labels as one vector: the TensorFlow code */
    NN_NORM_LATENT_ONLY /* the latents; labels enter as they are: the Theano code */
};

/* What the discriminator does with labels. */
enum nn_conditioning {
    NN_CONDITION_CLASSIFIER, /* predicts them: one logit each beside the score (Odena et al., ICML 2017) */
    NN_CONDITION_PROJECTION  /* is given them: the features' product with the sum of the labels' embeddings is
                                added to the score (Miyato and Koyama, ICLR 2018) */
};

/* The words for them in files and on the command line, in the order of the enums, then NULL. */
extern const char *const nn_label_kind_words[], *const nn_label_norm_words[], *const nn_conditioning_words[];

/* The index of `word` among `words`, which NULL ends; -1 when it is not there. */
int nn_word_index(const char *const words[], const char *word);

struct nn_gan_config {
    int resolution_log2; /* 2..10 */
    int label_count; /* 0: unconditional; at most 63 with NN_LABELS_MULTI, since a model offers "none" too */
    int fmap_base;   /* channels at stage s: min(fmap_base / 2^s, fmap_max) */
    int fmap_max;
    int mbstd_group; /* minibatch standard deviation over groups of so many samples; 0: over the minibatch */
    enum nn_label_kind label_kind;
    enum nn_label_norm label_norm;
    enum nn_conditioning conditioning;
    bool unfused;             /* up- and down-sampling as steps beside their 3x3 convolutions: Conv0 and Conv1
                                 instead of Conv0_up and Conv1_down, other weights and in the discriminator
                                 another function */
    float pixel_norm_epsilon; /* 0: 1e-8 */
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

/* Label logits beside the discriminator's score: label_count with a classifier, else 0. */
int nn_gan_logit_count(const struct nn_gan_config *config);

float nn_gan_pixel_norm_epsilon(const struct nn_gan_config *config);

/* NN_OK when every number of the configuration is in its range. */
nn_status nn_gan_check(const struct nn_gan_config *config, struct nn_error *err) NN_MUST_CHECK;

nn_status nn_network_init(struct nn_network *net, const struct nn_gan_config *config,
                          enum nn_network_kind kind, struct nn_error *err) NN_MUST_CHECK;
void nn_network_release(struct nn_network *net);

/* -1 when there is no such parameter. */
int nn_network_find(const struct nn_network *net, const char *name);

/* Copies the parameters that `large` and `small`, the same network cut off at a lower resolution, share, from
 * one flat buffer to the other: into that of `large` or out of it. */
void nn_network_copy_levels(const struct nn_network *large, float *large_values,
                            const struct nn_network *small, float *small_values, bool to_large);

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

/* The features from which its grey head, a 1x1 convolution, makes the image of the level floor(lod):
 * (N, channels, R, R) map_type. */
nn_id nn_generator_features(struct nn_tape *t, const struct nn_network *net, const nn_id *params,
                            nn_id latents, nn_id labels, float lod);

/* images (N,1,R,R) real_type -> (N, 1 + logit count, 1, 1): score, then label logits. Labels as above: a
 * projection needs them; a classifier, which must guess them, does not look and takes nn_none. N divisible by
 * min(mbstd_group, N). */
nn_id nn_discriminator(struct nn_tape *t, const struct nn_network *net, const nn_id *params, nn_id images,
                       nn_id labels, float lod);

#endif
