/* Training of a classifier for one finding, and scores by it.
 *
 * The network has one output, the logit of the finding. Grey becomes three equal channels, each less
 * ImageNet's mean and divided by its deviation, as pretrained weights want it. The loss is the binary
 * cross-entropy, in which both kinds of cases weigh the same in sum, however few one of them are. AdamW
 * (Loshchilov and Hutter, 2019). */
#ifndef TR_CLASSIFY_TRAINING_H
#define TR_CLASSIFY_TRAINING_H

#include "engine/device.h"
#include "engine/sha256.h"
#include "trainer/classify/cases.h"
#include "trainer/classify/classifier.h"

struct tr_classify_settings {
    enum tr_architecture architecture;
    int minibatch, epochs; /* an epoch shows every training case once */
    int patience; /* epochs without a better validation AUC after which it ends; 0: never before the last */
    float step_size; /* of the first step after a warm-up of one epoch; falls to 0 as a cosine does */
    float weight_decay;
    bool augment; /* traditional: mirrored, turned, moved, scaled, other contrast and brightness */
    const char
        *pretrained; /* safetensors file in torchvision's names whose head is not used; NULL: from scratch */
    uint64_t seed;   /* of first weights, order, dropout, augmentation */
};

/* What is sound and fast on phantoms: trainer/classify/classify_training.c tells why. */
struct tr_classify_settings tr_classify_defaults(enum tr_architecture architecture);

/* Settings that decide the result, into a hash, the content of the pretrained file among them. */
nn_status tr_classify_settings_hash(const struct tr_classify_settings *settings, struct nn_sha256 *hash,
                                    struct nn_error *err) NN_MUST_CHECK;

/* A trained network; heap memory. */
struct tr_trained {
    struct tr_classifier net;
    float *values, *moments;
    int epochs; /* that it was trained, as far as its weights go: those of the best epoch */
    double auc; /* on the validation part; NaN without one */
};

void tr_trained_release(struct tr_trained *trained); /* harmless on a zeroed struct */

/* After each step and, with epoch_done, after the validation that ends an epoch. */
struct tr_classify_progress {
    int epoch, epochs; /* from 1 */
    int step, steps;   /* of all epochs */
    bool epoch_done;
    double loss; /* mean of the epoch so far */
    double auc;  /* with epoch_done: on the validation part; NaN without one */
    bool best;   /* with epoch_done: so far */
};
typedef bool tr_classify_show(void *context, const struct tr_classify_progress *progress);

/* Trains on `train`, whose side is the network's, and gives the weights of the epoch with the best AUC on
 * `validation`; where that is NULL those of the last. The same cases, settings and device class give the same
 * weights.
 *
 * `state_path`, NULL for none: a file that is replaced after each epoch and from which the same training goes
 * on, to the same bytes in the end; one of another training is NN_ERR_ARGUMENT and left alone. When `show`
 * returns false it stops after the step: NN_ERR_ARGUMENT, "stopped". `device` is the caller's, as from
 * nn_device_open. A loss that is not finite is NN_ERR_NUMERIC. */
nn_status tr_classify_train(struct tr_trained *trained, const struct tr_cases *train,
                            const struct tr_cases *validation, const struct tr_classify_settings *settings,
                            struct nn_backend *device, const char *state_path, tr_classify_show *show,
                            void *context, struct nn_error *err) NN_MUST_CHECK;

/* scores[i], 0..1: the probability of the finding that the network gives case i, by the running moments.
 * `progress` may be NULL. */
nn_status tr_classify_score(const struct tr_trained *trained, const struct tr_cases *cases,
                            struct nn_backend *device, double *scores, tr_cases_progress *progress,
                            void *context, struct nn_error *err) NN_MUST_CHECK;

#endif
