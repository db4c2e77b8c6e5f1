/* How long the parts of `roentgym evaluate` will take on this machine, before they begin: from the speed of a
 * few steps of each kind of work, as busy as the machine is at the moment. */
#ifndef TR_PART_TIME_H
#define TR_PART_TIME_H

#include "trainer/classify/classify_training.h"

/* Seconds for one image. */
struct tr_pace {
    double learn; /* in training, with the settings and side that were measured */
    double look;  /* through the network */
    double draw;  /* a sample */
};

/* Trains on a few of `cases`, and draws a few samples. */
nn_status tr_pace_measure(struct tr_pace *pace, const struct tr_cases *cases, const char *model_path,
                          const struct tr_classify_settings *settings, const struct nn_device *device,
                          struct nn_error *err) NN_MUST_CHECK;

/* What a part does, in images. */
struct tr_part_work {
    double learn, look, draw;
};
double tr_part_seconds(const struct tr_pace *pace, struct tr_part_work work);

/* How many times the work of ResNet-18 at `side` another network at another side is, image by image. */
double tr_network_cost(enum tr_architecture architecture, int network_side, int side);

#endif
