/* The command line of `roentgym train`. */
#ifndef TR_TRAIN_OPTIONS_H
#define TR_TRAIN_OPTIONS_H

#include "engine/device.h"
#include "trainer/given_options.h"
#include "trainer/train/train_config.h"
#include "trainer/train/train_settings.h"

enum { TR_TRAIN_OPTIONS_MAX = TR_SETTINGS_MAX + 32 };

struct tr_train_options {
    const char *data, *out; /* folders */
    const char *name;       /* of the model, in its checkpoint */
    const char *grow_from;  /* a state of lower resolution or width to begin with, or NULL */
    const char *labels;     /* "classes", "multi", "none", or NULL: as the data set has them */
    bool resume;
    int keep;                      /* states that stay in `out` */
    const char *device;            /* auto, cpu or cuda */
    enum nn_precision precision;   /* of the feature maps; NN_PRECISION_BEST: as the state has it */
    struct tr_train_config config; /* without the labels, which the data set gives; not used when resuming */

    struct tr_given given;                       /* the command line as it was read, by: */
    struct option options[TR_TRAIN_OPTIONS_MAX]; /* so the struct must not be moved */
};

/* 0: go on. Otherwise the program ends with exit status *status (0 after --help, 2 wrong usage, told on
 * stderr). */
int tr_train_options_parse(struct tr_train_options *options, int argc, char **argv, int *status);

/* NN_OK when no given option contradicts `state`, the configuration of the run to be resumed from the file
 * `path`. Otherwise the text names the first that does. */
nn_status tr_train_options_check_resumed(const struct tr_train_options *options,
                                         const struct tr_train_config *state, const char *path,
                                         struct nn_error *err) NN_MUST_CHECK;

#endif
