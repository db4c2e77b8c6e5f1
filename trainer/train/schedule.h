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

enum { TR_MINIBATCH_MAX = 4096 };

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

/* Presets: "paper" (the official code's v1 for one GPU: 800/800 kimg a level), "v2" (its v2: 600/600),
 * "cpu-small" (two cores, hours), "gpu-short" (one GPU of a data centre, about 20 minutes). NN_ERR_ARGUMENT
 * names the presets there are. Fills the levels up to 2^resolution_log2. */
nn_status tr_schedule_preset(struct tr_schedule *s, const char *name, int resolution_log2,
                             struct nn_error *err) NN_MUST_CHECK;

/* These three override levels from text; unnamed levels stay, a bad text changes nothing.
 *
 * Kimg: "4:0/2,8:1/2,64:4/10" is side:fade/train. */
nn_status tr_schedule_parse(struct tr_schedule *s, const char *text, struct nn_error *err) NN_MUST_CHECK;

/* Minibatches and Adam's step sizes: "64:16,1024:4" is side:value; "16" is all levels'. */
nn_status tr_schedule_parse_minibatch(struct tr_schedule *s, const char *text,
                                      struct nn_error *err) NN_MUST_CHECK;
nn_status tr_schedule_parse_lr(struct tr_schedule *s, const char *text, struct nn_error *err) NN_MUST_CHECK;

struct tr_phase tr_schedule_at(const struct tr_schedule *s, uint64_t images);
double tr_schedule_total_kimg(const struct tr_schedule *s);

#endif
