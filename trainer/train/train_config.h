/* The configuration of a run, as one value. The state contains it, and a resumed run takes it from there. */
#ifndef TR_TRAIN_CONFIG_H
#define TR_TRAIN_CONFIG_H

#include "engine/device.h"
#include "trainer/train/augment.h"
#include "trainer/train/loss.h"
#include "trainer/train/schedule.h"

enum { TR_MODEL_NAME_MAX = 127 }; /* bytes */

#define TR_TICK_KIMG_MIN 1e-6
#define TR_TICK_KIMG_MAX 1e6

struct tr_train_config {
    char preset[16];                  /* that it began with; "" in old states, which lack it */
    char name[TR_MODEL_NAME_MAX + 1]; /* of the model, UTF-8; "" in old states, which lack it */
    struct nn_gan_config gan;         /* label_count is the data set's number of classes */
    struct tr_schedule schedule;
    struct tr_loss_config loss;
    struct tr_augment_config augment;
    bool mirror; /* half of the reals are shown with left and right exchanged, and augmentation may do so */
    float adam_beta1, adam_beta2, adam_epsilon;
    float lr_rampup_kimg; /* 0: none */
    bool fit_heads;       /* a new level's grey head begins close to the level below (new_head.h) */
    int d_repeats;        /* discriminator steps, each on images of its own, to one of the generator */
    float ema_decay;      /* of the averaged generator, per discriminator step; unless the next is above 0 */
    float ema_kimg;       /* the average's half-life */
    float ema_rampup; /* the half-life is at most this share of the images shown so far; 0: no such limit */
    enum nn_precision precision; /* of the feature maps; NN_PRECISION_BEST until a device has chosen */
    uint64_t seed;
    double tick_kimg;  /* how often progress, sheet and state are written */
    float metric_kimg; /* how often the averaged generator is measured (trainer/train/metric.h); 0: never */
    int metric_images; /* in each set that is compared then */
};

/* The official constants with the preset's widths and schedule; NN_ERR_ARGUMENT for an unknown preset. */
nn_status tr_train_config_init(struct tr_train_config *c, const char *preset, int resolution_log2,
                               struct nn_error *err) NN_MUST_CHECK;

/* NN_OK when every number is in its range. */
nn_status tr_train_config_check(const struct tr_train_config *c, struct nn_error *err) NN_MUST_CHECK;

/* JSON text, heap memory that the caller frees; NULL when memory is out. */
char *tr_train_config_text(const struct tr_train_config *c);

/* The inverse; `name` stands for the file in error texts. */
nn_status tr_train_config_parse(struct tr_train_config *c, const char *text, const char *name,
                                struct nn_error *err) NN_MUST_CHECK;

#endif
