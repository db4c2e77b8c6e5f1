/* The loop around tr_training_step: when a run ticks, saves and ends. */
#ifndef TR_TRAIN_LOOP_H
#define TR_TRAIN_LOOP_H

#include "trainer/train/state_writer.h"

/* Zeroed, with the first two set, it is ready. */
struct tr_train_loop {
    struct tr_training *training; /* borrowed */
    struct tr_state_writer *writer;

    double started_s, tick_started_s; /* monotonic */
    uint64_t rate_images;             /* when tick_started_s was */
};

/* Trains from where the training stands to the end of its schedule. When tr_interrupted(), writes a state and
 * returns NN_STOPPED. A tick is due whenever the images shown pass a multiple of tick_kimg, a level ends or
 * the run ends: at the same moments whether or not the run was interrupted. NN_ERR_NUMERIC is
 * tr_watch_tick's, tr_watch_step's or tr_snapshot_take's; the training's watch then knows the last good
 * state. */
nn_status tr_train_loop(struct tr_train_loop *loop, struct nn_error *err) NN_MUST_CHECK;

#endif
