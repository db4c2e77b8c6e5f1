/* The last levels of a generator on the host, where the maps are large and the channels few: up-sampling,
 * convolutions, pixel norms and to grey as one pass over bands of rows, which never leave the cache.
 *
 * Maps lie in planes. A plane's element is 32 bits of one pixel: one f32 channel, or two bf16 channels. A
 * vector is then sixteen neighbouring pixels, a tap is a load at another place, a weight is a broadcast, and
 * what pixel norm and to grey sum over a pixel's channels lies in one lane. A row is its planes one after
 * another, each with a margin of zeros on both sides, so no tap needs a bound check. */
#ifndef NN_PLANAR_H
#define NN_PLANAR_H

#include "engine/backend.h"

typedef float planar_unit; /* or the bits of two bf16 */

enum { PLANAR_MARGIN = 16 };

/* One convolution with bias, leaky ReLU and pixel norm. */
struct planar_stage {
    bool up;            /* fused up-sampling; else 3x3 */
    bool amx;           /* sums by amx.h, the weights in its order */
    int planes_in, out; /* planes; channels */
    int width, height;  /* of the input; the output of `up` has twice both */
    planar_unit *weights;
    float *bias;
    float slope, epsilon;
};

/* Consecutive stages, and at their end to grey: one value a pixel. */
struct planar_chain {
    bool narrow; /* bf16 */
    struct planar_stage *stages;
    int count;
    float *grey_weights; /* of the last stage's channels, then the bias */
    planar_unit *zeros;  /* a row outside of the image, of any stage */
    char *rings;         /* of `threads` threads */
    size_t ring_bytes;   /* of one thread */
    int threads;
    size_t bytes; /* all of it */
};

static inline size_t planar_pitch(int width)
{
    return (size_t)width + 2 * PLANAR_MARGIN;
}

static inline int planar_planes(int channels, bool narrow)
{
    return narrow ? channels / 2 : channels;
}

/* Whether a stage of the sampler's plan can be one of a chain. */
bool planar_fits(const struct nn_stage *stage);

/* Prepares the stages `first` to `first + count - 1` of a plan and after them `grey`, all of which must fit.
 * Weights are copied. */
nn_status planar_new(struct planar_chain **chain, enum nn_type type, const struct nn_stage *stages, int count,
                     const struct nn_stage *grey, struct nn_error *err) NN_MUST_CHECK;
void planar_free(struct planar_chain *chain); /* NULL is harmless */

/* From `source`, rows of planes as above, to whichever of `image` and `grey` is not NULL: the network's own
 * values, or 8 bits as nn_sampler_grey. The same whatever the number of threads. */
void planar_run(const struct planar_chain *chain, const planar_unit *source, float *image, uint8_t *grey);
/* The same by the calling thread alone, with the memory of `worker`, 0 .. threads - 1; workers may run at
 * once. */
void planar_run_alone(const struct planar_chain *chain, int worker, const planar_unit *source, float *image,
                      uint8_t *grey);

#endif
