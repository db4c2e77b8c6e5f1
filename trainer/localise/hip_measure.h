/* How well a network finds the hips of films whose boxes are known. */
#ifndef TR_HIP_MEASURE_H
#define TR_HIP_MEASURE_H

#include "trainer/localise/hip_films.h"
#include "trainer/localise/hip_finder.h"

static const double TR_HIP_IOU = 0.7; /* above this a hip counts as localised */

struct tr_hip_measure {
    int films, hips;    /* hips: those that are there */
    int found;          /* of them */
    int localised;      /* of those with an IoU above TR_HIP_IOU */
    int absent, untrue; /* hips that are not there; of them found nevertheless */
    double iou, least;  /* mean and least, a hip that is not found counts as 0 */
};

/* Films `first` .. first+count-1 as they are; found[i], which may be NULL, gets what is found on each. */
nn_status tr_hip_measure(struct tr_hip_finder *finder, const struct tr_hip_films *films, int first, int count,
                         struct tr_hip_found (*found)[TR_HIPS], struct tr_hip_measure *measure,
                         struct nn_error *err) NN_MUST_CHECK;

#endif
