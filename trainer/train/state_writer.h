/* Writes states and generators of a run while its training goes on. The training waits only until its buffers
 * are copied; a thread then makes the checksum, writes, syncs and renames. At most one state is being
 * written; a second waits for it. With the paper's networks at 1024 (616 MiB), on two cores shared with ten
 * other programs, the training waited 0.4 to 1 s, and the state was complete after 13 to 17 s. */
#ifndef TR_STATE_WRITER_H
#define TR_STATE_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "trainer/train/run_folder.h"
#include "trainer/train/train_state.h"

/* Zeroed, with the first two set, it is ready. */
struct tr_state_writer {
    const struct tr_run_folder *folder; /* borrowed */
    const char *name;                   /* of the model, in its checkpoint; borrowed */

    struct tr_snapshot snapshot; /* the thread's while it runs */
    pthread_t thread;
    bool running;
    atomic_bool done; /* the thread has only to be joined */
    nn_status status; /* the thread's */
    struct nn_error err;
};

/* Copies the training and begins to write: first the generators, then RUN/state-<kimg>.safetensors; then
 * states that are too old are removed. If the one before has failed, returns its error and begins nothing. */
nn_status tr_state_writer_save(struct tr_state_writer *writer, const struct tr_training *tr,
                               struct nn_error *err) NN_MUST_CHECK;

/* Returns a failure as soon as there is one, without waiting. Called at every step, so that a full disk costs
 * no more than the training since the last state. */
nn_status tr_state_writer_poll(struct tr_state_writer *writer, struct nn_error *err) NN_MUST_CHECK;

/* Waits until all is written; returns its failure. */
nn_status tr_state_writer_finish(struct tr_state_writer *writer, struct nn_error *err) NN_MUST_CHECK;

/* Waits and frees; a failure that was not returned yet is lost. */
void tr_state_writer_release(struct tr_state_writer *writer);

#endif
