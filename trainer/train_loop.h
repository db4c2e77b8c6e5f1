/* The loop around tr_training_step: when a run ticks, saves and ends. */
#ifndef TR_TRAIN_LOOP_H
#define TR_TRAIN_LOOP_H

#include "trainer/run_folder.h"
#include "trainer/training.h"

struct tr_train_loop {
    struct tr_run_folder *folder; /* borrowed, all three */
    struct tr_training *training;
    const char *name; /* of the model, in its checkpoint */

    struct tr_losses losses;          /* sums since the last tick */
    double started_s, tick_started_s; /* monotonic */
    uint64_t tick_images;             /* at the last tick */
};

/* Trains from where the training stands to the end of its schedule, or until tr_interrupted(): then it writes
 * a state and says so. */
nn_status tr_train_loop(struct tr_train_loop *loop, struct nn_error *err) NN_MUST_CHECK;

#endif
