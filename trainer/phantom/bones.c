#include "trainer/phantom/bones.h"

#include <math.h>

nn_status hip_bones_make(const struct phantom_patient *p, bool intact, float pitch_mm, struct hip_bones *b,
                         struct nn_error *err)
{
    b->femur = femur_frame_of(p);
    pelvis_build(p, &b->pelvis);
    femur_break(p, &b->femur, intact, &b->broken);
    overlay_make(p, &b->femur, &b->overlay);
    nn_status status = trabeculae_of_femur(p, &b->femur, pitch_mm, &b->femur_grain, err);
    if (status == NN_OK) status = trabeculae_of_pelvis(p, pitch_mm, &b->pelvis_grain, err);
    return status;
}

void hip_bones_release(struct hip_bones *b)
{
    trabecular_map_release(&b->femur_grain);
    trabecular_map_release(&b->pelvis_grain);
}

/* Adds a bone's cortex and trabeculae to bone, its marrow to fat; `taken` is the room it takes from muscle.
 * The grain is looked up where the ray passes the middle of the marrow, in the unbroken bone's own frame. */
void bone_add(const struct solid *solid, const struct solid_rays *r, const struct trabecular_map *grain,
              const struct placement *place, const struct bone_strip *out)
{
    struct solid_paths paths;
    if (!solid_project(solid, r, &paths)) return;
    for (int i = 0; i < r->count; i++) {
        if (paths.whole[i] <= 0.0f) continue;
        float z = paths.depth[i], world[3] = {r->x[i] + z * r->sx[i], r->y[i] + z * r->sy[i], z}, local[3];
        placement_inverse_point(place, world, local);
        float within = paths.trabecular[i] * trabecular_factor(grain, local[0], local[1]);
        float hard = paths.whole[i] - paths.inside[i] + fminf(within, paths.inside[i]);
        out->bone[i] += 0.1f * hard;
        out->fat[i] += 0.1f * (paths.whole[i] - hard);
        out->taken[i] += paths.whole[i];
    }
}

struct solid_rays bone_wavering(const struct noise_tile *t, const struct solid_rays *r, float amount)
{
    struct solid_rays out = *r;
    for (int i = 0; i < SOLID_LANES; i++) {
        float x = r->x[i], y = r->y[i], fine = 0.18f * amount, wide = 0.5f * amount;
        out.x[i] +=
            wide * noise_at(t, 0.045f * x, 0.045f * y + 13.0f) + fine * noise_at(t, 0.16f * x, 0.16f * y);
        out.y[i] += wide * noise_at(t, 0.045f * x + 50.0f, 0.045f * y) +
                    fine * noise_at(t, 0.16f * x, 0.16f * y + 77.0f);
    }
    return out;
}

void hip_bones_add(const struct hip_bones *b, const struct noise_tile *t, const struct solid_rays *straight,
                   const struct bone_strip *out)
{
    static const struct placement UNMOVED = {.rotate = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    overlay_add(&b->overlay, straight, out->bone, out->metal);
    struct solid_rays rays = bone_wavering(t, straight, 1.0f);
    bone_add(&b->pelvis, &rays, &b->pelvis_grain, &UNMOVED, out);
    rays = bone_wavering(t, straight, 0.4f);
    for (int k = 0; k < b->broken.count; k++)
        bone_add(&b->broken.solid[k], &rays, &b->femur_grain, &b->broken.place[k], out);
}
