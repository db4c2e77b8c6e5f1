#include "trainer/data/image_split.h"

#include "engine/rng.h"

enum { STREAM_SPLIT = 0x73706c74 };

void tr_image_split(uint64_t seed, int count, int *order)
{
    struct nn_rng rng = {.seed = seed, .stream = STREAM_SPLIT};
    for (int i = 0; i < count; i++) { /* inside out: each new one takes a random place */
        int j = (int)nn_rng_below(&rng, (uint32_t)i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}
