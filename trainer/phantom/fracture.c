/* Breaks the femur: the surface that each type of fracture cuts, and how the fragments move. */
#include "trainer/phantom/skeleton.h"

#include "engine/rng.h"

#include <math.h>

#define RADIANS 0.017453293f

/* Where the surface lies that breaks the bone, in the femur frame; the normal points away from the head. */
struct break_plane {
    float point[3], normal[3];
};

/* The plane of each type before its own slope and tilt, D from the head centre. */
static void usual_plane(const struct phantom_fracture *b, const struct femur_frame *f,
                        struct break_plane *out)
{
    float d = f->head, off = f->offset / d, along, x, y, nx = f->axis[0], ny = f->axis[1];
    switch (b->type) {
    case PHANTOM_INTERTROCHANTERIC:
        x = off - 0.05f;
        y = 0.64f + 0.14f * b->position;
        nx = 0.76f, ny = 0.65f; /* from the greater to the lesser trochanter */
        if (b->position > 0.86f) nx = -0.42f, ny = 0.90f, y = 0.95f; /* reversed obliquity */
        break;
    case PHANTOM_SUBTROCHANTERIC:
        x = off;
        y = 1.32f + 0.45f * b->position;
        nx = 0.30f, ny = 0.95f;
        break;
    default:
        along = b->type == PHANTOM_SUBCAPITAL      ? 0.34f + 0.10f * b->position
                : b->type == PHANTOM_TRANSCERVICAL ? 0.48f + 0.12f * b->position
                                                   : 0.68f + 0.10f * b->position;
        x = along * f->axis[0];
        y = along * f->axis[1];
        break;
    }
    out->point[0] = x * d, out->point[1] = y * d, out->point[2] = 0.0f;
    out->normal[0] = nx, out->normal[1] = ny, out->normal[2] = 0.0f;
}

static struct break_plane plane_of(const struct phantom_patient *p, const struct femur_frame *f)
{
    const struct phantom_fracture *b = &p->fracture;
    struct break_plane plane;
    usual_plane(b, f, &plane);
    float slope = b->slope_deg * (b->type == PHANTOM_SUBTROCHANTERIC ? 1.6f : 1.0f);
    struct placement turn = placement_turn(2, slope);
    placement_point(&turn, plane.normal, plane.normal);
    float tilt = b->tilt_deg * RADIANS;
    plane.normal[0] *= cosf(tilt);
    plane.normal[1] *= cosf(tilt);
    plane.normal[2] = sinf(tilt);
    return plane;
}

void fracture_point(const struct phantom_patient *p, const struct femur_frame *f, float out[3])
{
    struct break_plane plane = plane_of(p, f);
    for (int i = 0; i < 3; i++) out[i] = plane.point[i];
}

/* Self-affine roughness, H about 0.8: amplitude grows as wavelength to the 0.8. */
static void roughen(const struct phantom_patient *p, struct solid_clip *c)
{
    struct nn_rng r = {p->seed, phantom_stream(p->index, p->hip, PHANTOM_STREAM_FRACTURE), 256};
    float square = 0.0f;
    for (int k = 0; k < 6; k++) {
        float wavelength = (float)(34.0 * pow(0.62, k) * nn_rng_range(&r, 0.85, 1.15));
        float a = (float)nn_rng_range(&r, 0.0, 6.2831853), z = (float)nn_rng_range(&r, -0.6, 0.6);
        float flat = sqrtf(1.0f - z * z) / wavelength;
        c->wave[k][0] = cosf(a) * flat;
        c->wave[k][1] = sinf(a) * flat;
        c->wave[k][2] = z / wavelength;
        c->phase[k] = (float)nn_rng_uniform(&r);
        c->weight[k] = powf(wavelength, 0.8f);
        square += 0.53f * c->weight[k] * c->weight[k]; /* mean square of the parabolic sine */
    }
    for (int k = 0; k < 6; k++) c->weight[k] *= p->fracture.roughness_mm / sqrtf(square);
}

/* `rotation` about the point `from`, which ends at `to`. */
static struct placement about(const struct placement *rotation, const float from[3], const float to[3])
{
    struct placement r = *rotation;
    float turned[3];
    for (int i = 0; i < 3; i++) r.move[i] = 0.0f;
    placement_point(&r, from, turned);
    for (int i = 0; i < 3; i++) r.move[i] = to[i] - turned[i];
    return r;
}

/* The head fragment tilts in its socket and takes half of the angulation; the shaft takes the other half and
 * rides up, out and around. In the femur frame. */
static void moves(const struct phantom_patient *p, const struct break_plane *plane, struct placement *head,
                  struct placement *shaft)
{
    const struct phantom_fracture *b = &p->fracture;
    const float centre[3] = {0, 0, 0};
    struct placement tilt = placement_turn(2, -0.5f * b->varus_deg);
    *head = about(&tilt, centre, centre);
    float to[3], along = b->gap_mm, up = b->shortening_mm;
    placement_point(head, plane->point, to);
    if (b->grade == PHANTOM_IMPACTED) along = -b->shortening_mm, up = 0.0f;
    for (int i = 0; i < 3; i++) to[i] += along * plane->normal[i];
    to[0] += b->translation_mm;
    to[1] -= up;
    struct placement lean = placement_turn(2, 0.5f * b->varus_deg),
                     twist = placement_turn(1, -b->rotation_deg);
    struct placement both = placement_chain(&lean, &twist);
    *shaft = about(&both, plane->point, to);
}

static void lesser_ball(const struct femur_frame *f, struct solid_clip *c)
{
    c->centre[0] = f->offset - 0.30f * f->head;
    c->centre[1] = 1.12f * f->head;
    c->centre[2] = 0.25f * f->head;
    c->radius = 0.27f * f->head;
}

/* One piece: the bone on one side (+1 head, -1 shaft) of the surface, moved. */
static struct solid *add_fragment(const struct phantom_patient *p, const struct femur_frame *f,
                                  const struct break_plane *plane, const struct placement *move, float sign,
                                  struct broken_femur *out)
{
    struct solid *s = &out->solid[out->count];
    struct placement *place = &out->place[out->count++];
    *place = placement_chain(&f->place, move);
    femur_build(p, f, s);
    struct solid_clip *c = &s->clip[s->clips++];
    *c = (struct solid_clip){.place = *place, .sign = sign};
    for (int i = 0; i < 3; i++) {
        c->normal[i] = plane->normal[i];
        c->offset += plane->normal[i] * plane->point[i];
    }
    roughen(p, c);
    solid_place(s, place);
    solid_close(s);
    return s;
}

static void add_ball_clip(const struct femur_frame *f, struct solid *s, float sign)
{
    struct solid_clip *c = &s->clip[s->clips++];
    *c = s->clip[0];
    c->sign = sign;
    lesser_ball(f, c);
}

void femur_break(const struct phantom_patient *p, const struct femur_frame *f, bool intact,
                 struct broken_femur *out)
{
    out->count = 0;
    if (intact || p->fracture.type == PHANTOM_FRACTURE_NONE) {
        out->count = 1;
        out->place[0] = f->place;
        femur_build(p, f, &out->solid[0]);
        solid_place(&out->solid[0], &f->place);
        solid_close(&out->solid[0]);
        return;
    }
    struct break_plane plane = plane_of(p, f);
    struct placement head, shaft;
    moves(p, &plane, &head, &shaft);
    add_fragment(p, f, &plane, &head, 1.0f, out);
    struct solid *distal = add_fragment(p, f, &plane, &shaft, -1.0f, out);
    if (p->fracture.lesser_mm <= 0.0f) return;
    add_ball_clip(f, distal, -1.0f);
    struct placement pulled = shaft; /* by the iliopsoas, upwards and medially */
    pulled.move[0] -= 0.75f * p->fracture.lesser_mm;
    pulled.move[1] -= 0.66f * p->fracture.lesser_mm;
    add_ball_clip(f, add_fragment(p, f, &plane, &pulled, -1.0f, out), 1.0f);
}
