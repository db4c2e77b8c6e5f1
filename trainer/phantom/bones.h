/* The bones under a view, and what a strip of rays finds in them. */
#ifndef PHANTOM_BONES_H
#define PHANTOM_BONES_H

#include "trainer/phantom/lookalike.h"
#include "trainer/phantom/noise.h"
#include "trainer/phantom/trabeculae.h"

/* Hemipelvis and femur of one hip, with the small things over them. */
struct hip_bones {
    struct femur_frame femur;
    struct solid pelvis;
    struct broken_femur broken;
    struct trabecular_map femur_grain, pelvis_grain;
    struct overlay overlay;
};

/* `intact` leaves the fracture out. hip_bones_release is harmless on a zeroed struct. */
nn_status hip_bones_make(const struct phantom_patient *p, bool intact, float pitch_mm, struct hip_bones *out,
                         struct nn_error *err) NN_MUST_CHECK;
void hip_bones_release(struct hip_bones *b);

/* Where a strip puts what it finds: cm of bone, of marrow as fat, of metal; and in mm the room that bone
 * takes from muscle. All are added to. */
struct bone_strip {
    float *bone, *fat, *metal, *taken;
};

/* One bone along the rays; `place` leads from its grain's frame to the world. */
void bone_add(const struct solid *solid, const struct solid_rays *r, const struct trabecular_map *grain,
              const struct placement *place, const struct bone_strip *out);
/* Bones are not as smooth as ellipses: the rays that see their outlines waver by some tenths of a mm. */
struct solid_rays bone_wavering(const struct noise_tile *t, const struct solid_rays *r, float amount);
void hip_bones_add(const struct hip_bones *b, const struct noise_tile *t, const struct solid_rays *straight,
                   const struct bone_strip *out);

#endif
