/* The maps, how they are filled strip by strip, and the view of one hip; render_pelvis.c has the other view.
 */
#include "trainer/phantom/body.h"
#include "trainer/phantom/bones.h"
#include "trainer/phantom/soft_grid.h"

#include <stdlib.h>
#include <string.h>

nn_status phantom_maps_init(struct phantom_maps *m, int size, struct nn_error *err)
{
    if (size < 16 || size > 4096)
        return nn_fail(err, NN_ERR_ARGUMENT, "phantom size %d is not 16 to 4096", size);
    size_t n = (size_t)size * (size_t)size;
    float *block = calloc(4 * n, sizeof *block);
    if (!block) return nn_fail(err, NN_ERR_MEMORY, "no memory for phantom maps of %d x %d", size, size);
    *m = (struct phantom_maps){
        .size = size, .bone = block, .soft = block + n, .fat = block + 2 * n, .metal = block + 3 * n};
    return NN_OK;
}

void phantom_maps_release(struct phantom_maps *m)
{
    free(m->bone);
    *m = (struct phantom_maps){0};
}

void phantom_maps_fill(struct phantom_maps *m, float pitch_mm, phantom_strip *strip, const void *scene)
{
    m->pitch_mm = pitch_mm;
    memset(m->bone, 0, 4 * sizeof *m->bone * (size_t)m->size * (size_t)m->size);
    for (int row = 0; row < m->size; row++)
        for (int column = 0; column < m->size; column += SOLID_LANES) {
            int left = m->size - column;
            strip(scene, column, row, left < SOLID_LANES ? left : SOLID_LANES, m);
        }
}

struct scene {
    struct view view;
    struct hip_bones bones;
    struct body body;
    struct soft_grid soft;
};

static nn_status scene_make(const struct phantom_patient *p, bool intact, int size, struct scene *s,
                            struct nn_error *err)
{
    s->view = view_of(p, size);
    nn_status status = hip_bones_make(p, intact, s->view.pitch, &s->bones, err);
    if (status != NN_OK) return status;
    body_make(p, &s->bones.femur, &s->body);
    return soft_grid_make(&s->soft, &s->view, size, body_paths, &s->body, err);
}

static void render_strip(const void *scene, int column, int row, int count, struct phantom_maps *m)
{
    const struct scene *s = scene;
    struct solid_rays rays;
    float taken[SOLID_LANES] = {0};
    size_t at = (size_t)row * (size_t)m->size + (size_t)column;
    const struct bone_strip strip = {m->bone + at, m->fat + at, m->metal + at, taken};
    view_rays(&s->view, column, row, count, &rays);
    hip_bones_add(&s->bones, &s->body.tile, &rays, &strip);
    soft_grid_add(&s->soft, column, row, count, taken, m->soft + at, m->fat + at);
}

nn_status phantom_render(const struct phantom_patient *p, bool intact, struct phantom_maps *m,
                         struct nn_error *err)
{
    struct scene *s = calloc(1, sizeof *s);
    if (!s) return nn_fail(err, NN_ERR_MEMORY, "no memory for a phantom scene");
    nn_status status = scene_make(p, intact, m->size, s, err);
    if (status != NN_OK) goto out;
    phantom_maps_fill(m, s->view.pitch, render_strip, s);
out:
    soft_grid_release(&s->soft);
    hip_bones_release(&s->bones);
    free(s);
    return status;
}

bool phantom_fracture_site(const struct phantom_patient *p, int size, float *column, float *row)
{
    if (p->fracture.type == PHANTOM_FRACTURE_NONE) return false;
    struct femur_frame femur = femur_frame_of(p);
    struct view view = view_of(p, size);
    float local[3], world[3];
    fracture_point(p, &femur, local);
    placement_point(&femur.place, local, world);
    world[2] = 0.0f; /* near enough to the plane of the head centre */
    view_pixel(&view, world, column, row);
    return true;
}
