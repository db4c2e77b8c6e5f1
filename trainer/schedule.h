/* What to train when: pure functions of the number of real images shown so far.
 *
 * Each level (side 4, 8, ... up to the resolution) is faded in and then trained at full strength. The
 * level's minibatch and learning rate apply from the first step of its fade. */
#ifndef TR_SCHEDULE_H
#define TR_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"
#include "engine/gan.h"

struct tr_level {
    double fade_kimg;  /* 0 for the first level */
    double train_kimg; /* at full strength; the last level's is where the run ends */
    int minibatch;
    float lr; /* Adam's step size, the same for both networks */
};

/* levels[k] has side 2^(k+2). */
struct tr_schedule {
    int level_count;
    struct tr_level levels[NN_RESOLUTION_LOG2_MAX - 1];
};

/* Where a run stands. */
struct tr_phase {
    int level;       /* index into levels */
    int side;        /* in pixels */
    float lod;       /* for nn_generator and nn_discriminator: resolution_log2 - 2 at 4x4, 0 at the end */
    bool fading;     /* whole lod: no */
    double end_kimg; /* when this fade or training period ends */
    bool finished;   /* the whole schedule is over */
};

/* Presets: "paper" (600/600 kimg a level, the official minibatches of one GPU), "cpu-small" (two cores,
 * hours). NN_ERR_ARGUMENT names the presets there are. Fills the levels up to 2^resolution_log2. */
nn_status tr_schedule_preset(struct tr_schedule *s, const char *name, int resolution_log2,
                             struct nn_error *err) NN_MUST_CHECK;

/* Overrides levels from text: "4:0/2,8:1/2,64:4/10" is side:fade/train in kimg. Unnamed levels stay. */
nn_status tr_schedule_parse(struct tr_schedule *s, const char *text, struct nn_error *err) NN_MUST_CHECK;

struct tr_phase tr_schedule_at(const struct tr_schedule *s, uint64_t images);
double tr_schedule_total_kimg(const struct tr_schedule *s);

#endif
