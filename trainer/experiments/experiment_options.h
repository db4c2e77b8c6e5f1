/* What can be said to the experiments on the command line. */
#ifndef TR_EXPERIMENT_OPTIONS_H
#define TR_EXPERIMENT_OPTIONS_H

#include "trainer/experiments/experiment.h"

/* 0: go on; otherwise *status is the exit status, and what was wrong, or the help, has been printed. */
int tr_experiment_parse(struct tr_lab_settings *settings, const struct tr_experiment *experiment, int argc,
                        char **argv, int *status);

#endif
