/* Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011).
 *
 * A number is a pure function of (seed, stream, index): there is no state to save, any element can be
 * made alone, on any thread and on any device, and the integers agree everywhere. A `stream` names the
 * purpose (latents, mixing factors, one phantom's anatomy, ...), so that drawing more of one thing never
 * shifts another. */
#ifndef NN_RNG_H
#define NN_RNG_H

#include <stddef.h>
#include <stdint.h>

/* One Philox block: 4 words from a 128-bit counter and a 64-bit key. */
void nn_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The word at `index` of `stream`. Words 4k..4k+3 share a block. */
uint32_t nn_random_u32(uint64_t seed, uint64_t stream, uint64_t index);

/* Uniform in [0,1): the top 24 bits of the word, exact in float. */
float nn_random_uniform(uint64_t seed, uint64_t stream, uint64_t index);

/* Standard normals at indices first .. first+count-1 (Box-Muller on words 2k, 2k+1; f32 results computed
 * in f64 so that every C library gives the same float to within rounding). */
void nn_random_normals(uint64_t seed, uint64_t stream, uint64_t first, size_t count, float *out);

/* A cursor over one stream, for code that draws one number after another (phantoms, shuffles). */
struct nn_rng {
    uint64_t seed, stream, index;
};
double nn_rng_uniform(struct nn_rng *r);                        /* [0,1), 53 bits */
double nn_rng_range(struct nn_rng *r, double low, double high); /* [low,high) */
double nn_rng_normal(struct nn_rng *r, double mean, double sd);
uint32_t nn_rng_below(struct nn_rng *r, uint32_t limit); /* 0 .. limit-1, unbiased; limit > 0 */
/* Shuffles; every order is equally likely (Fisher and Yates, from the last item down). */
void nn_rng_shuffle(struct nn_rng *r, int *items, int count);

#endif
