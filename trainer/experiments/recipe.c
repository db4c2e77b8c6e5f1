#include "trainer/experiments/recipe.h"

#include <math.h>
#include <stdlib.h>

#include "engine/rng.h"

enum { SUBSET_STREAM = 0x7d01 };

/* ---- a part of the patients --------------------------------------------------------------------- */

struct person {
    int patient, kinds; /* bit 0: has cases without the finding, bit 1: with it; 0: is in no case */
    uint32_t order;
    bool chosen;
};

static int by_kinds(const void *a, const void *b)
{
    const struct person *x = a, *y = b;
    if (x->kinds != y->kinds) return x->kinds - y->kinds;
    if (x->order != y->order) return x->order < y->order ? -1 : 1;
    return x->patient - y->patient;
}

static int by_patient(const void *a, const void *b)
{
    const struct person *x = a, *y = b;
    return x->patient - y->patient;
}

nn_status tr_recipe_choose(const struct tr_cases *real, int percent, uint64_t seed, int **indices, int *count,
                           struct nn_error *err)
{
    int persons = tr_cases_patients(real);
    struct person *all = calloc((size_t)persons + 1, sizeof *all);
    *count = 0;
    *indices = malloc(((size_t)real->count + 1) * sizeof **indices);
    if (!all || !*indices) {
        free(all);
        free(*indices);
        *indices = NULL;
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d patients", persons);
    }
    for (int p = 0; p < persons; p++)
        all[p] = (struct person){p, 0, nn_random_u32(seed, SUBSET_STREAM, (uint64_t)p), false};
    for (int i = 0; i < real->count; i++) all[real->patient[i]].kinds |= 1 << real->truth[i];
    qsort(all, (size_t)persons, sizeof *all, by_kinds);
    for (int first = 0, next; first < persons; first = next) {
        for (next = first; next < persons && all[next].kinds == all[first].kinds; next++) continue;
        int wanted = (int)lround((next - first) * percent / 100.0);
        for (int p = first; p < first + (wanted > 1 ? wanted : 1); p++) all[p].chosen = true;
    }
    qsort(all, (size_t)persons, sizeof *all, by_patient);
    for (int i = 0; i < real->count; i++)
        if (all[real->patient[i]].chosen) (*indices)[(*count)++] = i;
    free(all);
    return NN_OK;
}

static nn_status take_real(const struct tr_cases *real, int percent, uint64_t seed, struct tr_cases *part,
                           struct nn_error *err)
{
    int *indices, count;
    nn_status status = tr_recipe_choose(real, percent, seed, &indices, &count, err);
    if (status != NN_OK) return status;
    status = tr_cases_select(part, real, indices, count, err);
    free(indices);
    return status;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static bool enough_to_validate(const struct tr_cases *cases)
{
    int positive = tr_cases_positive(cases), negative = cases->count - positive;
    int fewer = positive < negative ? positive : negative;
    return fewer * TR_VALIDATION_PERCENT >= TR_VALIDATION_MIN * 100;
}

static nn_status join_samples(const struct tr_recipe *recipe, const struct tr_cases *samples,
                              struct tr_cases *all, struct nn_error *err)
{
    nn_status status = NN_OK;
    for (int k = 0; k < TR_SAMPLE_SETS && status == NN_OK; k++) {
        if (!recipe->samples[k]) continue;
        status = all->count > 0 ? tr_cases_join(all, &samples[k], err)
                                : tr_cases_select(all, &samples[k], NULL, samples[k].count, err);
    }
    return status;
}

nn_status tr_recipe_portion(const struct tr_recipe *recipe, const struct tr_cases *real,
                            const struct tr_cases samples[TR_SAMPLE_SETS], int epochs, uint64_t seed,
                            struct tr_portion *portion, struct nn_error *err)
{
    struct tr_cases drawn = {0};
    *portion = (struct tr_portion){0};
    nn_status status = NN_OK;
    if (recipe->real_percent > 0) status = take_real(real, recipe->real_percent, seed, &portion->train, err);
    if (status == NN_OK) status = join_samples(recipe, samples, &drawn, err);
    if (status != NN_OK) goto out;
    struct tr_cases *from = NULL;
    if (portion->train.count > 0 && enough_to_validate(&portion->train))
        from = &portion->train;
    else if (drawn.count > 0 && enough_to_validate(&drawn))
        from = &drawn;
    if (from) status = tr_cases_split(from, TR_VALIDATION_PERCENT / 100.0, seed, &portion->validation, err);
    if (status != NN_OK) goto out;
    if (portion->train.count == 0) {
        portion->train = drawn;
        drawn = (struct tr_cases){0};
    } else if (drawn.count > 0) {
        status = tr_cases_join(&portion->train, &drawn, err);
    }
    if (status != NN_OK) goto out;
    portion->usual =
        enough_to_validate(real) ? real->count * (100 - TR_VALIDATION_PERCENT) / 100 : real->count;
    portion->epochs = (int)lround((double)epochs * portion->usual / portion->train.count);
    if (portion->epochs < 1) portion->epochs = 1;
    if (portion->epochs > epochs) portion->epochs = epochs;
out:
    tr_cases_release(&drawn);
    if (status != NN_OK) tr_portion_release(portion);
    return status;
}

void tr_portion_release(struct tr_portion *portion)
{
    tr_cases_release(&portion->train);
    tr_cases_release(&portion->validation);
    *portion = (struct tr_portion){0};
}
