/* Training of the network that finds hips.
 *
 * Each step shows `minibatch` views (hip_views.h) of training films. The loss of a hip is the cross-entropy
 * of its map with a bell of one cell's deviation around the true middle, or with "nowhere", and, where it is
 * there, ten times the squared error of the logarithms of width and height under that bell. Adam; the step
 * size rises over 50 steps and falls to 0 as a cosine does. All of it is a pure function of settings and
 * films, however often it was stopped. */
#ifndef TR_HIP_TRAINING_H
#define TR_HIP_TRAINING_H

#include "trainer/localise/hip_films.h"
#include "trainer/localise/hip_finder.h"

struct tr_hip_settings {
    int side, minibatch, steps;
    float step_size;
    uint64_t seed;
};

struct tr_hip_training {
    struct tr_hip_settings settings;
    const struct tr_hip_films *films; /* borrowed */
    struct tr_hip_net net;            /* its values as of the last save or tr_hip_training_values */
    struct tr_hip_finder finder;      /* backend, tape and the values that are trained */
    void *m, *v;                      /* Adam's moments, backend memory */
    int step;                         /* steps made */
    double loss;                      /* sum since the caller set it to 0 */
};

nn_status tr_hip_training_init(struct tr_hip_training *tr, const struct tr_hip_settings *settings,
                               const struct tr_hip_films *films, struct nn_error *err) NN_MUST_CHECK;
void tr_hip_training_release(struct tr_hip_training *tr); /* harmless on a zeroed struct */

nn_status tr_hip_training_step(struct tr_hip_training *tr, struct nn_error *err) NN_MUST_CHECK;
/* Brings the values to net.values. */
nn_status tr_hip_training_values(struct tr_hip_training *tr, struct nn_error *err) NN_MUST_CHECK;

/* A state is one file, replaced at once. Loading one of other settings or films is NN_ERR_ARGUMENT. */
nn_status tr_hip_training_save(struct tr_hip_training *tr, const char *path,
                               struct nn_error *err) NN_MUST_CHECK;
nn_status tr_hip_training_load(struct tr_hip_training *tr, const char *path,
                               struct nn_error *err) NN_MUST_CHECK;

#endif
