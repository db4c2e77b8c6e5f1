#include "trainer/phantom/anatomy.h"
#include "trainer/phantom/body.h"
#include "trainer/phantom/lookalike.h"
#include "trainer/phantom/trabeculae.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COARSE_MM 0.6f

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

/* Pixel (column, row) to mm in the plane of the head centre, and back. */
struct frame {
    float pitch, centre, c, s, x, y;
};

static struct frame frame_of(const struct phantom_patient *p, int size)
{
    float roll = p->frame_roll_deg * 0.017453293f;
    return (struct frame){p->frame_mm / (float)size,
                          0.5f * (float)(size - 1),
                          cosf(roll),
                          sinf(roll),
                          p->frame_x_mm,
                          p->frame_y_mm};
}

static void plane_point(const struct frame *f, float column, float row, float *x, float *y)
{
    float u = f->pitch * (column - f->centre) - f->x, v = f->pitch * (row - f->centre) - f->y;
    *x = f->c * u - f->s * v;
    *y = f->s * u + f->c * v;
}

static void strip_rays(const struct phantom_patient *p, const struct frame *f, int column, int row, int count,
                       struct solid_rays *r)
{
    /* the central ray meets the midline a little above the symphysis */
    float focus_x = -1.85f * p->head_mm, focus_y = -0.3f * p->head_mm, per_focus = 1.0f / p->focus_mm;
    r->count = count;
    for (int i = 0; i < SOLID_LANES; i++) {
        int k = i < count ? i : count - 1;
        plane_point(f, (float)(column + k), (float)row, &r->x[i], &r->y[i]);
        r->sx[i] = (r->x[i] - focus_x) * per_focus;
        r->sy[i] = (r->y[i] - focus_y) * per_focus;
    }
}

struct scene {
    const struct phantom_patient *patient;
    struct frame frame;
    struct femur_frame femur;
    struct solid pelvis;
    struct broken_femur broken;
    struct trabecular_map femur_grain, pelvis_grain;
    struct body body;
    struct overlay overlay;
    int coarse;        /* pixels between nodes of the body grid */
    int nodes;         /* per row of that grid */
    float *lean, *fat; /* mm, nodes * nodes */
};

/* Soft tissue is smooth: it is worked out on a coarse grid and interpolated. */
static nn_status scene_body(struct scene *s, int size, struct nn_error *err)
{
    s->coarse = (int)fmaxf(1.0f, roundf(COARSE_MM / s->frame.pitch));
    s->nodes = (size - 1) / s->coarse + 2;
    size_t n = (size_t)s->nodes * (size_t)s->nodes;
    s->lean = malloc(2 * n * sizeof *s->lean);
    if (!s->lean) return nn_fail(err, NN_ERR_MEMORY, "no memory for soft tissue");
    s->fat = s->lean + n;
    for (int j = 0; j < s->nodes; j++)
        for (int i = 0; i < s->nodes; i++) {
            float x, y;
            size_t at = (size_t)j * (size_t)s->nodes + (size_t)i;
            plane_point(&s->frame, (float)(i * s->coarse), (float)(j * s->coarse), &x, &y);
            body_paths(&s->body, x, y, &s->lean[at], &s->fat[at]);
        }
    return NN_OK;
}

static void scene_release(struct scene *s)
{
    free(s->lean);
    trabecular_map_release(&s->femur_grain);
    trabecular_map_release(&s->pelvis_grain);
    free(s);
}

static nn_status scene_make(const struct phantom_patient *p, bool intact, int size, struct scene *s,
                            struct nn_error *err)
{
    s->patient = p;
    s->frame = frame_of(p, size);
    s->femur = femur_frame_of(p);
    pelvis_build(p, &s->pelvis);
    femur_break(p, &s->femur, intact, &s->broken);
    body_make(p, &s->femur, &s->body);
    overlay_make(p, &s->femur, &s->overlay);
    nn_status status = scene_body(s, size, err);
    if (status == NN_OK) status = trabeculae_of_femur(p, &s->femur, s->frame.pitch, &s->femur_grain, err);
    if (status == NN_OK) status = trabeculae_of_pelvis(p, s->frame.pitch, &s->pelvis_grain, err);
    return status;
}

/* Adds a bone's cortex and trabeculae to bone, its marrow to fat; `taken` is the room it takes from muscle.
 * The grain is looked up where the ray passes the middle of the marrow, in the unbroken bone's own frame. */
static void add_bone(const struct solid_paths *paths, const struct solid_rays *r,
                     const struct trabecular_map *grain, const struct placement *place, float *bone,
                     float *fat, float *taken)
{
    for (int i = 0; i < r->count; i++) {
        if (paths->whole[i] <= 0.0f) continue;
        float z = paths->depth[i], world[3] = {r->x[i] + z * r->sx[i], r->y[i] + z * r->sy[i], z}, local[3];
        placement_inverse_point(place, world, local);
        float within = paths->trabecular[i] * trabecular_factor(grain, local[0], local[1]);
        float hard = paths->whole[i] - paths->inside[i] + fminf(within, paths->inside[i]);
        bone[i] += 0.1f * hard;
        fat[i] += 0.1f * (paths->whole[i] - hard);
        taken[i] += paths->whole[i];
    }
}

static void add_body(const struct scene *s, int column, int row, int count, const float *taken, float *soft,
                     float *fat)
{
    float fy = (float)row / (float)s->coarse;
    int j = (int)fy;
    float v = fy - (float)j;
    for (int i = 0; i < count; i++) {
        float fx = (float)(column + i) / (float)s->coarse;
        int k = (int)fx;
        float u = fx - (float)k;
        size_t a = (size_t)j * (size_t)s->nodes + (size_t)k, b = a + (size_t)s->nodes;
        float w[4] = {(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v};
        float lean = w[0] * s->lean[a] + w[1] * s->lean[a + 1] + w[2] * s->lean[b] + w[3] * s->lean[b + 1];
        float layer = w[0] * s->fat[a] + w[1] * s->fat[a + 1] + w[2] * s->fat[b] + w[3] * s->fat[b + 1];
        soft[i] += 0.1f * fmaxf(lean - taken[i], 0.0f);
        fat[i] += 0.1f * layer;
    }
}

/* Bones are not as smooth as ellipses: their outlines waver by some tenths of a millimetre. */
static struct solid_rays wavering(const struct noise_tile *t, const struct solid_rays *r, float amount)
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

static void render_strip(const struct scene *s, int column, int row, int count, struct phantom_maps *m)
{
    static const struct placement UNMOVED = {.rotate = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    struct solid_rays straight, rays;
    struct solid_paths paths;
    float taken[SOLID_LANES] = {0};
    size_t at = (size_t)row * (size_t)m->size + (size_t)column;
    strip_rays(s->patient, &s->frame, column, row, count, &straight);
    overlay_add(&s->overlay, &straight, m->bone + at, m->metal + at);
    rays = wavering(&s->body.tile, &straight, 1.0f);
    if (solid_project(&s->pelvis, &rays, &paths))
        add_bone(&paths, &rays, &s->pelvis_grain, &UNMOVED, m->bone + at, m->fat + at, taken);
    rays = wavering(&s->body.tile, &straight, 0.4f);
    for (int k = 0; k < s->broken.count; k++)
        if (solid_project(&s->broken.solid[k], &rays, &paths))
            add_bone(&paths, &rays, &s->femur_grain, &s->broken.place[k], m->bone + at, m->fat + at, taken);
    add_body(s, column, row, count, taken, m->soft + at, m->fat + at);
}

nn_status phantom_render(const struct phantom_patient *p, bool intact, struct phantom_maps *m,
                         struct nn_error *err)
{
    struct scene *s = calloc(1, sizeof *s);
    if (!s) return nn_fail(err, NN_ERR_MEMORY, "no memory for a phantom scene");
    nn_status status = scene_make(p, intact, m->size, s, err);
    if (status != NN_OK) goto out;
    m->pitch_mm = s->frame.pitch;
    memset(m->bone, 0, 4 * sizeof *m->bone * (size_t)m->size * (size_t)m->size);
    for (int row = 0; row < m->size; row++)
        for (int column = 0; column < m->size; column += SOLID_LANES) {
            int left = m->size - column;
            render_strip(s, column, row, left < SOLID_LANES ? left : SOLID_LANES, m);
        }
out:
    scene_release(s);
    return status;
}

bool phantom_fracture_site(const struct phantom_patient *p, int size, float *column, float *row)
{
    if (p->fracture.type == PHANTOM_FRACTURE_NONE) return false;
    struct femur_frame femur = femur_frame_of(p);
    struct frame f = frame_of(p, size);
    float local[3], world[3];
    fracture_point(p, &femur, local);
    placement_point(&femur.place, local, world);
    float u = f.c * world[0] + f.s * world[1] + f.x, v = f.c * world[1] - f.s * world[0] + f.y;
    *column = u / f.pitch + f.centre;
    *row = v / f.pitch + f.centre;
    return true;
}
