/* Training of a classifier for one finding, and scores by it.
 *
 * The network has one output, the logit of the finding. Grey becomes three equal channels, each less
 * ImageNet's mean and divided by its deviation, as pretrained weights want it. The loss is the binary
 * cross-entropy, in which both kinds of cases weigh the same in sum, however few one of them are. AdamW
 * (Loshchilov and Hutter 2019), whose decay spares biases and norms. */
#ifndef TR_CLASSIFY_TRAINING_H
#define TR_CLASSIFY_TRAINING_H

#include "engine/device.h"
#include "engine/sha256.h"
#include "trainer/classify/cases.h"
#include "trainer/classify/classifier.h"

enum { TR_CLASSIFY_EPOCHS_MAX = 1000 };

struct tr_classify_settings {
    enum tr_architecture architecture;
    int minibatch, epochs;
    int steps_least; /* of an epoch: it shows every case once, or as often as these steps take */
    int patience; /* epochs without a better validation AUC after which it ends; 0: never before the last */
    float step_size; /* after a warm-up of one epoch; it then falls to 0 as a cosine does */
    float weight_decay;
    bool augment; /* traditional: each image is mirrored, moved, scaled, stretched, turned, made darker or of
                     other contrast by chance (trainer/train/augment.h) */
    const char *pretrained; /* safetensors file with torchvision's names, without its head; NULL: none */
    uint64_t seed;          /* of first weights, order, dropout, augmentation */
};

/* Settings that are sound and fast on phantoms; classify_training.c has the figures. */
struct tr_classify_settings tr_classify_defaults(enum tr_architecture architecture, bool pretrained);

/* The side at which images of side `own` are shown where none is asked for: fast with ResNet-18, else that
 * which the network's authors trained at. */
int tr_classify_usual_side(enum tr_architecture architecture, int own);

/* nn_device_open at the precision that is fastest for images of that side: on a CPU the maps of small images
 * are too small for bf16 to pay. */
nn_status tr_classify_open_device(struct nn_device *device, const char *name, int side,
                                  struct nn_error *err) NN_MUST_CHECK;

/* The settings, the content of the pretrained file among them. */
nn_status tr_classify_settings_hash(const struct tr_classify_settings *settings, struct nn_sha256 *hash,
                                    struct nn_error *err) NN_MUST_CHECK;

/* The key of a training, which decides its result: a hash of all cases, the settings and the device's name.
 */
nn_status tr_classify_training_key(const struct tr_cases *train, const struct tr_cases *validation,
                                   const struct tr_classify_settings *settings,
                                   const struct nn_device *device, char key[65],
                                   struct nn_error *err) NN_MUST_CHECK;

/* A trained network; heap memory. */
struct tr_trained {
    struct tr_classifier net;
    float *values, *moments;
    int epoch;  /* whose weights these are, from 1 */
    double auc; /* of that epoch on the validation part; NaN without one */
    uint64_t seed;
    char finding[NN_CLASS_NAME_MAX], source[128], sha256[65]; /* of the training cases (cases.h) */
    int images;                                               /* how many these were; 0: not known */
    int epochs;                                               /* that were trained */
    struct tr_classify_epoch {
        double loss, auc; /* mean over the epoch's images; on the validation part, or NaN */
    } history[TR_CLASSIFY_EPOCHS_MAX];
};

void tr_trained_release(struct tr_trained *trained); /* harmless on a zeroed struct */

/* After each step, and after the validation that ends an epoch. */
struct tr_classify_progress {
    int epoch, epochs; /* from 1 */
    int step, steps;   /* of all epochs */
    bool epoch_done;
    double loss, auc; /* of the epoch so far; auc with epoch_done, NaN without a validation part */
    bool best;        /* with epoch_done: its weights are kept */
};
typedef bool tr_classify_show(void *context, const struct tr_classify_progress *progress);

/* Trains on `train`, whose side is the network's, and returns the weights of the epoch with the best AUC on
 * `validation`, or of the last where that is NULL. The same cases, settings, kind of device and number of
 * threads give the same weights.
 *
 * `state_path`, or NULL: a file that is replaced after each epoch and from which the same training continues,
 * to the same bytes in the end; that of another training is NN_ERR_ARGUMENT and left alone. When `show`
 * (NULL: none) returns false the training stops: NN_STOPPED. A loss that is not finite is NN_ERR_NUMERIC. On
 * failure nothing is held. The device's real_type is f32. */
nn_status tr_classify_train(struct tr_trained *trained, const struct tr_cases *train,
                            const struct tr_cases *validation, const struct tr_classify_settings *settings,
                            const struct nn_device *device, const char *state_path, tr_classify_show *show,
                            void *context, struct nn_error *err) NN_MUST_CHECK;

/* scores[i], 0..1: the probability of the finding that the network gives case i, by the running moments.
 * `progress` may be NULL. The cases have the network's side. NN_ERR_NUMERIC: a score that is no number. */
nn_status tr_classify_score(const struct tr_trained *trained, const struct tr_cases *cases,
                            const struct nn_device *device, double *scores, tr_cases_progress *progress,
                            void *context, struct nn_error *err) NN_MUST_CHECK;

#endif
