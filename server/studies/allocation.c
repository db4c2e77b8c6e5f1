#include "server/studies/allocation.h"

#include <stdio.h>

#include "engine/rng.h"

int srv_stratum(const struct srv_study *study, const int *choices, char text[STUDY_STRATUM_TEXT])
{
    int number = 0;
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < study->stratum_count; i++) {
        const struct srv_study_stratum *s = &study->strata[i];
        number = number * s->choice_count + choices[i];
        used += (size_t)snprintf(text + used, STUDY_STRATUM_TEXT - used, "%s%s", i ? "/" : "",
                                 s->choices[choices[i]].id);
    }
    return number;
}

/* The arms of one block in their order. Returns its size. */
static int draw_block(const struct srv_study *study, struct nn_rng *rng, int arms[STUDY_BLOCK_MAX])
{
    int size = study->blocks[nn_rng_below(rng, (uint32_t)study->block_count)], filled = 0;
    while (filled < size)
        for (int arm = 0; arm < study->arm_count; arm++)
            for (int i = 0; i < study->arms[arm].weight; i++) arms[filled++] = arm;
    nn_rng_shuffle(rng, arms, size);
    return size;
}

int srv_allocation(const struct srv_study *study, uint64_t seed, int stratum, int64_t n)
{
    int arms[STUDY_BLOCK_MAX];
    for (uint64_t block = 0;; block++) {
        struct nn_rng rng = {seed, (uint64_t)stratum << 32 | block, 0};
        int size = draw_block(study, &rng, arms);
        if (n < size) return arms[n];
        n -= size;
    }
}
