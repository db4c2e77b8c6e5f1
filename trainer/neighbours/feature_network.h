/* The network in whose layers images are compared: one that the user has, or one that is trained on the real
 * images for it. */
#ifndef TR_FEATURE_NETWORK_H
#define TR_FEATURE_NETWORK_H

#include "trainer/classify/classify_device.h"
#include "trainer/classify/classify_training.h"

enum { TR_FEATURE_LAYERS_MAX = 128, TR_FEATURE_BATCH = 16 /* images at once */ };

struct tr_feature_choice {
    struct tr_classify_settings training; /* `pretrained`: the user's weights, used as they are */
    int side;
    int images;                     /* of the training split that it is trained with, 0: all */
    const struct nn_device *device; /* borrowed, for as long as the network is open */
    const char *folder;             /* where a trained network is kept, and found again */
};

struct tr_feature_layer {
    char name[64];         /* torchvision's: "features.28" */
    struct nn_shape shape; /* of one map */
};

struct tr_feature_network {
    struct tr_classifier net;
    float *values, *moments; /* heap */
    double auc;              /* on the images that chose its epoch; NAN: the user's weights */
    const struct nn_device *device;
    struct tr_classify_device run;
    nn_id ids[TR_FEATURE_LAYERS_MAX], last;
    struct tr_feature_layer layers[TR_FEATURE_LAYERS_MAX]; /* the convolutions, in their order */
    int layer_count;
    size_t values_per_image; /* in all layers */
    int width;               /* of the last features */
};

/* A name for the weights by all that decides them, 64 hex digits: known before they are there. `train` is the
 * training split. */
nn_status tr_feature_network_hash(const struct tr_feature_choice *choice, const struct tr_cases *train,
                                  char hex[65], struct nn_error *err) NN_MUST_CHECK;

/* Loads the weights, or trains them, as `hash` names them: it says so on stdout, shows progress, and keeps
 * ARCHITECTURE-HASH.safetensors in the folder. Goes on with a training that was stopped. NN_STOPPED
 * after a signal (trainer/interrupt.h). On failure nothing is held. */
nn_status tr_feature_network_open(struct tr_feature_network *network, const struct tr_feature_choice *choice,
                                  const struct tr_cases *train, const char *hash,
                                  struct nn_error *err) NN_MUST_CHECK;
void tr_feature_network_close(struct tr_feature_network *network); /* harmless on a zeroed struct */

/* What every convolution layer gives for cases first .. first+count-1, at most TR_FEATURE_BATCH:
 * maps[layer] + at * size of the layer's map receives count maps in bf16. */
nn_status tr_feature_maps(struct tr_feature_network *network, const struct tr_cases *cases, int first,
                          int count, uint16_t *const *maps, size_t at, struct nn_error *err) NN_MUST_CHECK;

/* What the head is given for the same, count * width floats. */
nn_status tr_feature_last(struct tr_feature_network *network, const struct tr_cases *cases, int first,
                          int count, float *out, struct nn_error *err) NN_MUST_CHECK;

#endif
