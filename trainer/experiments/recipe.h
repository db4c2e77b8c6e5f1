/* What a network of an experiment is trained on, and how that is put together. */
#ifndef TR_RECIPE_H
#define TR_RECIPE_H

#include "trainer/classify/cases.h"

enum {
    TR_SAMPLE_SETS = 2,
    TR_VALIDATION_PERCENT = 15,
    TR_VALIDATION_MIN = 10 /* cases of each kind: of fewer an AUC chooses no epoch */
};

struct tr_recipe {
    int real_percent; /* of the patients of the training split, 0..100 */
    bool
        samples[TR_SAMPLE_SETS]; /* sets of samples, each of the size and composition of the training split */
    bool augment;                /* traditional augmentation */
};

/* Every network takes about as many steps, whatever it is trained on: as many as `epochs` epochs of the real
 * images. Small sets are therefore shown several times an epoch, and large ones for fewer epochs. */
struct tr_portion {
    struct tr_cases train, validation; /* validation.count 0: none, the last epoch counts */
    int usual;                         /* images that an epoch shows at least: of real images alone */
    int epochs;
};

/* The images of the real part: whole patients, those with the finding, without it and of both by themselves,
 * at least one of each. Patients of a smaller percentage are among those of a larger one with the same seed.
 * *count of `indices` (heap, the caller's) rise. */
nn_status tr_recipe_choose(const struct tr_cases *real, int percent, uint64_t seed, int **indices, int *count,
                           struct nn_error *err) NN_MUST_CHECK;

/* Puts it together from the training split and the sets of samples that the recipe asks for (the others are
 * not looked at). The validation part is TR_VALIDATION_PERCENT of the patients of the real part; where that
 * is too little, of the samples; where there are none, there is none. */
nn_status tr_recipe_portion(const struct tr_recipe *recipe, const struct tr_cases *real,
                            const struct tr_cases samples[TR_SAMPLE_SETS], int epochs, uint64_t seed,
                            struct tr_portion *portion, struct nn_error *err) NN_MUST_CHECK;
void tr_portion_release(struct tr_portion *portion); /* harmless on a zeroed struct */

#endif
