/* What the experiments have in common: a data set's two splits in memory, a generator's sets of samples, a
 * device, settings, and the folder DIR that holds what has been done:
 *
 *   DIR/sets/HASH.u8        a set of samples, at the classifier's side
 *   DIR/cells/HASH.json     the scores of a trained network (trainer/experiments/cell.h)
 *   DIR/cells/HASH.state    the training that was stopped, after its last whole epoch
 *   DIR/PART.json .csv .txt .svg   what the parts of `roentgym evaluate` found
 *
 * HASH names everything that decides the content. Owned by one thread. */
#ifndef TR_LAB_H
#define TR_LAB_H

#include "trainer/classify/classify_training.h"
#include "trainer/experiments/recipe.h"

enum { TR_LAB_SEEDS_MAX = 32 };

struct tr_lab_settings {
    const char *data, *model, *folder;    /* paths */
    const char *finding;                  /* NULL: the second of two classes, or the only finding */
    const char *device;                   /* "auto", "cpu", "cuda" */
    int side;                             /* 0: chosen by tr_lab_open */
    struct tr_classify_settings classify; /* its seed is the first of `seeds` */
    int seeds;                            /* 1..TR_LAB_SEEDS_MAX networks of each recipe */
};

struct tr_lab {
    struct tr_lab_settings settings; /* texts borrowed; side chosen */
    struct tr_cases train, test;
    char model_name[128], model_sha256[65], model_device[64]; /* as struct tr_cases has them of samples */
    struct tr_cases samples[TR_SAMPLE_SETS];                  /* count 0: not wanted yet */
    struct nn_device device;                                  /* open; its name tells kind and precision */
    int lock;                                                 /* of DIR: one part at a time */
};

/* Checks that data, model and settings go together: NN_ERR_FORMAT or NN_ERR_ARGUMENT tell what does not,
 * before DIR is made: a split without the finding or without anything else, a patient in both, a test image
 * that is a training image under another name, a model with other classes, a device that does not work.
 * Prints the progress of reading, and on stderr why "auto" did not take the GPU, where there is something to
 * say. On failure nothing is held. */
nn_status tr_lab_open(struct tr_lab *lab, const struct tr_lab_settings *settings,
                      struct nn_error *err) NN_MUST_CHECK;
void tr_lab_close(struct tr_lab *lab); /* harmless on a zeroed struct */

/* Has lab->samples[k] in memory: as DIR keeps it, or drawn and then kept. Seeds of set k begin with (k + 1)
 * 2^32. NN_STOPPED after a signal. */
nn_status tr_lab_sample(struct tr_lab *lab, int k, struct nn_error *err) NN_MUST_CHECK;
/* Whether what was drawn is of the model as it was opened, and of the device: NN_ERR_ARGUMENT,
 * NN_ERR_DEVICE. */
nn_status tr_lab_check_drawn(const struct tr_lab *lab, const struct tr_cases *drawn,
                             struct nn_error *err) NN_MUST_CHECK;
/* Names that set by what decides its pixels: 64 hex digits. */
void tr_lab_sample_key(const struct tr_lab *lab, int k, char key[65]);

#endif
