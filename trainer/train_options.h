/* The command line of `roentgym train`. */
#ifndef TR_TRAIN_OPTIONS_H
#define TR_TRAIN_OPTIONS_H

#include "trainer/train_config.h"

struct tr_train_options {
    const char *data, *out; /* folders */
    const char *name;       /* of the model, in its checkpoint */
    const char *grow_from;  /* a state of a lower resolution to begin with, or NULL */
    bool resume;
    int keep;                      /* states that stay in `out` */
    enum nn_type precision;        /* of the feature maps */
    struct tr_train_config config; /* label_count still 0; ignored when resuming */
};

/* 0: go on. Otherwise the program ends with exit status *status (0 after --help, 2 wrong usage, told on
 * stderr). */
int tr_train_options_parse(struct tr_train_options *options, int argc, char **argv, int *status);

#endif
