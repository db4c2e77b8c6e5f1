/* Soft tissue of a whole pelvis: trunk, buttocks and thighs, fat layer, folds, bowel. */
#ifndef PHANTOM_PELVIS_BODY_H
#define PHANTOM_PELVIS_BODY_H

#include "trainer/phantom/body.h"

#define PELVIS_GASES 24

/* Of a shaft, |x| from the midline: x + slope * y, and where it is in most people. */
struct thigh_axis {
    float x, slope, usual;
};

/* mm, from the midline, in the plane of the hips */
struct pelvis_body {
    const struct phantom_patient *hips; /* left, right */
    struct body side[2];                /* for their folds, in the frames of the hips */
    struct thigh_axis thigh[2];
    float head, skin, perineum;
    float waist, taper, bulk; /* narrowing above the crests and of the thighs; of the buttocks */
    struct noise_tile tile;
    int gases;
    struct gas_bubble gas[PELVIS_GASES];
};
void pelvis_body_make(const struct phantom_patient hips[2], const struct femur_frame *left,
                      const struct femur_frame *right, struct pelvis_body *out);

/* `body` is a struct pelvis_body (soft_grid.h). */
void pelvis_body_paths(const void *body, float x, float y, float *muscle, float *fat);

#endif
