/* Convolutional classifiers with torchvision's layers and names: ResNet-18 (He et al., CVPR 2016),
 * Inception-v3 without its auxiliary classifier (Szegedy et al., CVPR 2016), VGG16 (Simonyan and Zisserman,
 * ICLR 2015).
 *
 * A network is a layout (named, shaped tensors in two flat f32 buffers: trained values, and the running
 * moments of its batch norms) and a function that builds its graph on a tape. Input is (N,3,side,side). */
#ifndef TR_CLASSIFIER_H
#define TR_CLASSIFIER_H

#include "engine/ops.h"
#include "engine/safetensors.h"

enum tr_architecture { TR_RESNET18, TR_INCEPTION_V3, TR_VGG16 };

extern const char *const tr_architecture_words[]; /* "resnet18", "inception_v3", "vgg16", then NULL */

int tr_architecture_side(enum tr_architecture architecture); /* that its authors trained at */

enum tr_entry_role { TR_CONV_WEIGHT, TR_DENSE_WEIGHT, TR_BIAS, TR_GAMMA, TR_BETA, TR_MEAN, TR_VARIANCE };

struct tr_entry {
    char name[64];         /* torchvision's: "layer1.0.bn1.running_mean" */
    struct nn_shape shape; /* weights (O,I,KH,KW), stored O,KH,KW,I; all else (1,C,1,1). A dense layer is the
                              convolution whose window is all of its map */
    enum tr_entry_role role;
    bool head;     /* of the last layer, whose size is the number of outputs */
    size_t offset; /* in elements, into the values, or with TR_MEAN and TR_VARIANCE into the moments */
};

static inline bool tr_entry_is_running(const struct tr_entry *e)
{
    return e->role == TR_MEAN || e->role == TR_VARIANCE;
}

struct tr_classifier {
    enum tr_architecture architecture;
    int side, outputs;
    struct tr_entry *entries; /* heap */
    int entry_count, norm_count;
    size_t value_count, moment_count; /* a norm's 2C moments are neighbours: means, then variances */
};

/* ResNet-18 takes sides from 32, Inception-v3 from 75, VGG16 multiples of 224. */
nn_status tr_classifier_init(struct tr_classifier *net, enum tr_architecture architecture, int side,
                             int outputs, struct nn_error *err) NN_MUST_CHECK;
void tr_classifier_release(struct tr_classifier *net);

/* Convolutions and dense layers normal with variance 2/fan_in, the head with deviation 0.01; biases 0; norms
 * as if they were not there. Host memory. */
void tr_classifier_init_values(const struct tr_classifier *net, uint64_t seed, float *values, float *moments);

/* One leaf a trained entry over the flat buffer `values` (backend memory, real_type), in the entries' order;
 * the invalid id for running moments. ids has room for entry_count. */
void tr_classifier_leaves(struct nn_tape *t, const struct tr_classifier *net, void *values, nn_id *ids);

/* What a batch norm saw in a pass of training. */
struct tr_norm_use {
    nn_id moments; /* (1,2C,1,1) */
    size_t count;  /* of values a channel */
};

struct tr_pass {
    const nn_id *leaves;
    const float *moments;     /* host memory; read where not training */
    struct tr_norm_use *uses; /* training: norm_count, filled. NULL: running moments, no dropout */
    bool dropout;             /* in training: half of what enters a dense layer of Inception-v3 and VGG16 */
    uint64_t seed;            /* of the dropout; a fresh one each step */
    nn_id *convolutions; /* NULL, or for as many as there are entries TR_CONV_WEIGHT, in their order: becomes
                            what each of these layers gives, its norm and ReLU done, (N,C,H,W) map_type */
    nn_id *features;     /* NULL, or becomes what the head is given, (N,C,1,1) map_type */
};

/* images (N,3,side,side) real_type -> logits (N,outputs,1,1) real_type. */
nn_id tr_classifier_logits(struct nn_tape *t, const struct tr_classifier *net, const struct tr_pass *pass,
                           nn_id images);

/* After a step of training: running = (1 - momentum) running + momentum seen, variances unbiased (PyTorch's
 * rule; momentum 0.1 is its default). Reads `uses` off the tape, which must still hold them, at once. */
nn_status tr_classifier_update_moments(struct nn_tape *t, const struct tr_classifier *net,
                                       const struct tr_norm_use *uses, float momentum, float *moments,
                                       struct nn_error *err) NN_MUST_CHECK;

/* Safetensors with torchvision's names and shapes. Host memory. Loading insists on every tensor, F32, by name
 * and shape, and refuses names that the network does not have, but for counts of batches and Inception's
 * auxiliary classifier; NN_ERR_FORMAT names file and tensor, and the buffers are as before. `fresh_head`: the
 * head's values stay as they are, whatever the file has there. */
nn_status tr_classifier_load(const struct tr_classifier *net, const char *path, bool fresh_head,
                             float *values, float *moments, struct nn_error *err) NN_MUST_CHECK;
/* The metadata are "architecture" and `texts`. */
nn_status tr_classifier_save(const struct tr_classifier *net, const char *path, const float *values,
                             const float *moments, const struct nn_st_text *texts, int text_count,
                             struct nn_error *err) NN_MUST_CHECK;

#endif
