/* A GAN in training: both networks, their optimisers, the averaged generator, and where the run stands. */
#ifndef TR_TRAINING_H
#define TR_TRAINING_H

#include "trainer/data/dataset.h"
#include "trainer/train/train_config.h"
#include "trainer/train/watch.h"

/* One network's weights and Adam moments: value_count elements each, backend memory. */
struct tr_player {
    struct nn_network net;
    nn_id *leaves; /* param_count, of the current tape */
    nn_id *gradients;
    void *values, *m, *v;
    int64_t adam_step; /* updates since Adam was last reset */
};

/* Sums, over `steps` discriminator steps, of each step's means over its minibatch: scores, weighted terms,
 * and the mean of sign(margin) (tr_discriminator_loss), -1..1, which rises towards 1 as the discriminator
 * overfits. */
struct tr_losses {
    double real, fake, penalty, label, generator, real_sign;
    double steps; /* whole; a double like the others, so that a state holds them as one row */
};

struct tr_training {
    struct tr_train_config config;
    struct nn_backend *backend;    /* borrowed */
    const struct tr_dataset *data; /* borrowed */
    struct nn_tape *tape;
    struct tr_player generator, discriminator;
    void *average; /* the averaged generator, value_count elements */

    /* Counters; with the config they determine every random number that follows. */
    uint64_t images;        /* real images shown so far */
    uint64_t images_before; /* shown in the runs that this one grew from; for the record only */
    uint64_t steps;         /* discriminator steps so far */
    uint64_t skipped;       /* network updates left out because a gradient was not finite */
    int skipped_in_a_row;   /* the latest steps that left an update out */
    int adam_phase; /* the level and whether it fades, for which Adam's moments hold; -1 before the first */

    struct tr_augment augment;
    /* Kept by train_loop.c; here because a state holds them. */
    struct tr_losses tick; /* since the last tick */
    uint64_t tick_images;  /* shown at the last tick */
    struct tr_watch watch;

    /* Scratch: the order of the data in `order_epoch`, one image as it is in the pyramid, one minibatch. */
    int *order;
    uint64_t order_epoch;
    uint8_t *grey;
    float *host;
    size_t host_count;
};

/* Fresh networks from config.seed. */
nn_status tr_training_init(struct tr_training *tr, const struct tr_train_config *config,
                           struct nn_backend *backend, const struct tr_dataset *data,
                           struct nn_error *err) NN_MUST_CHECK;
void tr_training_release(struct tr_training *tr); /* harmless on a zeroed struct */

/* d_repeats times a discriminator step and an update of the average, then one generator step. Adds to
 * `losses`. A network whose gradient is not finite is left as it was, and counted.
 *
 * The official loop looks up its schedule once for minibatch_repeats (4) such turns. Here each turn does: a
 * fade then moves in steps of one minibatch instead of four, and nothing else differs. */
nn_status tr_training_step(struct tr_training *tr, struct tr_losses *losses,
                           struct nn_error *err) NN_MUST_CHECK;

struct tr_phase tr_training_phase(const struct tr_training *tr);

/* `count` samples of the averaged generator at the phase's lod: side*side floats each into `images`. Sample i
 * has seed first_seed + i; all have `labels`, label_count floats (not read when there are none). */
nn_status tr_training_sample(struct tr_training *tr, uint64_t first_seed, int count, const float *labels,
                             float *images, struct nn_error *err) NN_MUST_CHECK;

/* Mirrors a square image left to right, as config.mirror does with half of the reals. */
void tr_training_flip(uint8_t *grey, int side);

#endif
