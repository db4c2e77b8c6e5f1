/* A trained network at work: films in, hips out. */
#ifndef TR_HIP_FINDER_H
#define TR_HIP_FINDER_H

#include "engine/device.h"
#include "trainer/localise/hip_net.h"

struct tr_hip_found {
    bool found;       /* its certainty reaches the threshold, and the other hip does not contradict it */
    double certainty; /* tr_hip_net_place */
    struct tr_place place;
};

/* Of the dozen real films that the default network was looked at with, hips cut through by the film's edge
 * had 0.51 and 0.66, all others 0.91 and more. */
static const double TR_HIP_CERTAINTY = 0.7;

struct tr_hip_finder {
    const struct tr_hip_net *net; /* borrowed */
    struct nn_backend *backend;
    struct nn_tape *tape;
    void *values; /* the net's, backend memory */
};

/* On the CPU, in f32. Belongs to one thread. */
nn_status tr_hip_finder_open(struct tr_hip_finder *finder, const struct tr_hip_net *net,
                             struct nn_error *err) NN_MUST_CHECK;
void tr_hip_finder_close(struct tr_hip_finder *finder); /* harmless on a zeroed struct */

/* `count` views (tr_hip_net_view) of side*side values each; found[i] has both hips of view i. Where the right
 * hip is not on the left of the left one, or both are one place, the less certain is not found: a film of one
 * hip shows it twice, and a pelvis on its head none. */
nn_status tr_hip_finder_find(struct tr_hip_finder *finder, const float *views, int count,
                             struct tr_hip_found (*found)[TR_HIPS], struct nn_error *err) NN_MUST_CHECK;

#endif
