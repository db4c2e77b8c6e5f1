/* One image of a phantom data set with its truth. */
#ifndef PHANTOM_IMAGE_H
#define PHANTOM_IMAGE_H

#include "engine/image.h"
#include "trainer/phantom/anatomy.h"

struct phantom_picture {
    struct nn_image film; /* 8 bit */
    struct nn_image mask; /* 8 bit, 255 where the fracture changes the picture; without one no pixels */
    float visibility;     /* largest change at 1 mm scale, in units of the quantum noise there; 0 without */
};

/* Renders the hip and, when it is fractured, its intact twin: same body, pose, texture, exposure and noise,
 * so that what differs is the fracture. The caller releases; on failure nothing is held. Uses no threads. */
nn_status phantom_picture_make(const struct phantom_patient *p, int size, struct phantom_picture *picture,
                               struct nn_error *err) NN_MUST_CHECK;
/* A whole pelvis, from both hips of phantom_pelvis_draw. */
nn_status phantom_pelvis_picture_make(const struct phantom_patient hips[2], int size,
                                      struct phantom_picture *picture, struct nn_error *err) NN_MUST_CHECK;
void phantom_picture_release(struct phantom_picture *picture);

#endif
