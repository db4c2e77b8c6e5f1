/* A whole pelvis: each hip's bones in its own frame, the right one's mirrored; spine and body in the
 * middle's. */
#include "trainer/phantom/bones.h"
#include "trainer/phantom/pelvis_body.h"
#include "trainer/phantom/soft_grid.h"

#include <stdlib.h>

struct pelvic_scene {
    struct view view[2], middle;
    struct hip_bones hip[2];
    struct solid sacrum, lumbar;
    struct trabecular_map spine_grain;
    struct pelvis_body body;
    struct soft_grid soft;
};

static nn_status scene_make(const struct phantom_patient hips[2], bool intact, int size,
                            struct pelvic_scene *s, struct nn_error *err)
{
    nn_status status = NN_OK;
    s->middle = view_of_midline(&hips[0], size);
    for (int k = 0; k < 2 && status == NN_OK; k++) {
        s->view[k] = view_of(&hips[k], size);
        status = hip_bones_make(&hips[k], intact, s->middle.pitch, &s->hip[k], err);
    }
    if (status == NN_OK) status = trabeculae_of_spine(&hips[0], s->middle.pitch, &s->spine_grain, err);
    if (status != NN_OK) return status;
    sacrum_build(&hips[0], &s->sacrum);
    lumbar_build(&hips[0], &s->lumbar);
    pelvis_body_make(hips, &s->hip[0].femur, &s->hip[1].femur, &s->body);
    return soft_grid_make(&s->soft, &s->middle, size, pelvis_body_paths, &s->body, err);
}

static void render_strip(const void *scene, int column, int row, int count, struct phantom_maps *m)
{
    const struct pelvic_scene *s = scene;
    static const struct placement UNMOVED = {.rotate = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    struct solid_rays rays;
    float taken[SOLID_LANES] = {0};
    size_t at = (size_t)row * (size_t)m->size + (size_t)column;
    const struct bone_strip strip = {m->bone + at, m->fat + at, m->metal + at, taken};
    for (int k = 0; k < 2; k++) {
        view_rays(&s->view[k], column, row, count, &rays);
        hip_bones_add(&s->hip[k], &s->body.side[k].tile, &rays, &strip);
    }
    view_rays(&s->middle, column, row, count, &rays);
    rays = bone_wavering(&s->body.tile, &rays, 1.6f);
    bone_add(&s->sacrum, &rays, &s->spine_grain, &UNMOVED, &strip);
    bone_add(&s->lumbar, &rays, &s->spine_grain, &UNMOVED, &strip);
    soft_grid_add(&s->soft, column, row, count, taken, m->soft + at, m->fat + at);
}

nn_status phantom_render_pelvis(const struct phantom_patient hips[2], bool intact, struct phantom_maps *m,
                                struct nn_error *err)
{
    struct pelvic_scene *s = calloc(1, sizeof *s);
    if (!s) return nn_fail(err, NN_ERR_MEMORY, "no memory for a phantom scene");
    nn_status status = scene_make(hips, intact, m->size, s, err);
    if (status != NN_OK) goto out;
    phantom_maps_fill(m, s->middle.pitch, render_strip, s);
out:
    soft_grid_release(&s->soft);
    trabecular_map_release(&s->spine_grain);
    for (int k = 0; k < 2; k++) hip_bones_release(&s->hip[k]);
    free(s);
    return status;
}

struct phantom_box phantom_hip_box(const struct phantom_patient *hip, int size)
{
    struct view view = view_of(hip, size);
    struct placement pose = pelvis_pose(hip);
    float column, row, d = hip->head_mm / view.pitch, lateral = view.mirrored ? -0.13f : 0.13f;
    view_pixel(&view, pose.move, &column, &row);
    /* the middle of pixel 0 is half a pixel from the edge */
    return (struct phantom_box){column + 0.5f + (lateral - 2.025f) * d, row + 0.5f + (0.31f - 2.025f) * d,
                                4.05f * d};
}
