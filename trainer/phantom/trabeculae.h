/* Trabecular bone as seen by a ray: how much of the nominal fraction there is at a place, with its groups,
 * its thinning with the Singh grade and its grain. */
#ifndef PHANTOM_TRABECULAE_H
#define PHANTOM_TRABECULAE_H

#include "trainer/phantom/skeleton.h"

/* A factor on the trabecular fraction over a plane, in mm; about 1 on average. Owned by the caller. */
struct trabecular_map {
    int width, height;
    float x0, y0, cell_mm;
    float *factor;
};

/* Over the femur's own plane, and over the frontal plane of the pelvis. */
nn_status trabeculae_of_femur(const struct phantom_patient *p, const struct femur_frame *f, float pitch_mm,
                              struct trabecular_map *out, struct nn_error *err) NN_MUST_CHECK;
nn_status trabeculae_of_pelvis(const struct phantom_patient *p, float pitch_mm, struct trabecular_map *out,
                               struct nn_error *err) NN_MUST_CHECK;
/* Over the frontal plane of the spine, x from the midline. `p`: the left hip of a whole pelvis. */
nn_status trabeculae_of_spine(const struct phantom_patient *p, float pitch_mm, struct trabecular_map *out,
                              struct nn_error *err) NN_MUST_CHECK;
void trabecular_map_release(struct trabecular_map *m);

float trabecular_factor(const struct trabecular_map *m, float x, float y);

#endif
