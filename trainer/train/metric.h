/* The sliced Wasserstein distance (trainer/swd/swd.h, form swd-3x) of the averaged generator from the
 * training images, measured now and then while a run goes on, beside its floor: that of training images from
 * other training images.
 *
 * Two sets of training images without an image in common, drawn by a fixed seed, and as many generated ones
 * with the first set's labels and fixed latents: two measurements of one run, or of two runs on the same
 * data, differ by their generators alone. At the side that the run has grown to; levels below 16 pixels have
 * no distance, and during a fade nothing is measured, since no single network is that mixture. */
#ifndef TR_METRIC_H
#define TR_METRIC_H

#include "trainer/swd/swd.h"
#include "trainer/train/training.h"

struct tr_measure {
    int images; /* in each of the three sets; 0: nothing was measured */
    int level_count, sides[TR_SWD_LEVELS_MAX];
    double distance[TR_SWD_LEVELS_MAX], floor[TR_SWD_LEVELS_MAX]; /* times 1000 */
    double mean, floor_mean;                                      /* over the levels */
    double seconds;                                               /* that it took */
};

/* Whether to measure at this tick: since the tick before, the run has passed a multiple of
 * config.metric_kimg, or it ends, and its level can be measured. A function of the configuration and the
 * images shown alone. */
bool tr_metric_due(const struct tr_training *tr);

/* Measures config.metric_images images a set, or half the training images if they are fewer. Uses the
 * training's scratch; what follows in the run does not change. A signal (trainer/interrupt.h) ends it early
 * with NN_OK and measure->images 0. */
nn_status tr_metric_measure(struct tr_training *tr, struct tr_measure *measure,
                            struct nn_error *err) NN_MUST_CHECK;

#endif
