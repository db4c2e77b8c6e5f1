/* Which images `roentgym sample` makes: their latents, labels and file names. The plan is complete before the
 * first image is made, so that a bad wish is refused at once and a stopped run knows what is left.
 *
 *   classes  each class (or one) with each seed of a range
 *   vector   one label vector with each seed
 *   like     for each image of a data set's split one of the same class or findings, with a seed of its own
 *   strip    frames on the way from one seed to another, of each class (or one, or a vector)
 *   morph    frames on the way from one class to another, of each seed */
#ifndef TR_SAMPLE_PLAN_H
#define TR_SAMPLE_PLAN_H

#include "engine/engine.h"

enum {
    TR_SAMPLES_MAX = 1000000,
    TR_FRAMES_MAX = 256,
    TR_SAMPLE_FILE_MAX = 192,
    TR_SAMPLE_LABEL_MAX = NN_CLASSES_MAX * NN_CLASS_NAME_MAX,
};

struct tr_sample_wish {
    const char *class_name;         /* one class only, or NULL */
    const char *vector;             /* "0.2,0.8", one number a label, or NULL */
    const char *like, *split;       /* folder of a data set, or NULL; "train", "test" or "all" */
    const char *morph;              /* "CLASS..CLASS", or NULL */
    bool strip;                     /* from first_seed to last_seed */
    uint64_t first_seed, last_seed; /* of a range; `like` counts on from the first */
    int frames;                     /* of a strip or a morph, 2..TR_FRAMES_MAX */
    float strength, truncation;     /* in 0..1 */
};

struct tr_sample_item {
    uint64_t seed;
    uint64_t labels; /* bit k: the image shows the model's label k; of a morph where it starts */
    int class_index; /* of the model; of a morph the one it starts from, of several findings the first */
    int frame;
    bool train; /* which split of the data set made it is in */
    int tile;   /* its place on a contact sheet; -1: none */
};

struct tr_sample_plan {
    const struct nn_model_info *model; /* borrowed */
    struct tr_sample_wish wish;        /* its texts are borrowed */
    float labels[NN_CLASSES_MAX];      /* of a vector */
    int class_to;                      /* of a morph */
    struct tr_sample_item *items;      /* heap */
    int count;
    int tile_count, tile_columns; /* of a sheet: rows of classes, strips or morphs */
};

/* NN_ERR_ARGUMENT or NN_ERR_FORMAT tell what is wrong with the wish, the model's class names or the data
 * set. On failure nothing is held. */
nn_status tr_sample_plan_init(struct tr_sample_plan *plan, const struct tr_sample_wish *wish,
                              const struct nn_model_info *model, struct nn_error *err) NN_MUST_CHECK;
void tr_sample_plan_release(struct tr_sample_plan *plan); /* harmless on a zeroed struct */

struct nn_sample_point tr_sample_point(const struct tr_sample_plan *plan, int index);
/* "images/fracture-7.png" */
void tr_sample_file(const struct tr_sample_plan *plan, int index, char file[TR_SAMPLE_FILE_MAX]);
/* What it shows, bit k for the model's label k: its class or findings; of a vector the largest share, or of a
 * multi-label model those of at least a half; of a morph those of the nearer end. */
uint64_t tr_sample_labels(const struct tr_sample_plan *plan, int index);
/* The same in words, as labels.csv has it: "fracture"; "effusion|mass" or "none" of a multi-label model;
 * "any" of an unconditional one. */
void tr_sample_label_text(const struct tr_sample_plan *plan, int index, char text[TR_SAMPLE_LABEL_MAX]);
/* Whether images are of their labels alone, mixed by wish.strength at most. */
bool tr_sample_is_of_class(const struct tr_sample_plan *plan);

#endif
