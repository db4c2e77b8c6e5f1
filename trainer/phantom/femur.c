/* The femur as solids: head, neck, trochanters and shaft, in its own frame, and how it lies. */
#include "trainer/phantom/lookalike.h"

#include <math.h>

#define RADIANS 0.017453293f

struct femur_frame femur_frame_of(const struct phantom_patient *p)
{
    struct femur_frame f;
    /* an old fracture has healed in some varus */
    float healed = (p->lookalikes & PHANTOM_OLD_FRACTURE) ? 7.0f : 0.0f;
    float angle = (p->neck_shaft_deg - healed) * RADIANS;
    f.head = p->head_mm;
    f.neck = p->neck_length_mm;
    f.axis[0] = sinf(angle);
    f.axis[1] = -cosf(angle);
    f.offset = f.neck * f.axis[0];
    /* Rotation about the shaft: head forwards and trochanter backwards with version and external rotation. */
    struct placement about_shaft = placement_turn(1, -(p->version_deg + p->rotation_deg));
    struct placement abduction = placement_turn(2, -p->abduction_deg);
    f.place = placement_chain(&abduction, &about_shaft);
    struct placement pelvis = pelvis_pose(p);
    for (int i = 0; i < 3; i++) f.place.move[i] = pelvis.move[i]; /* the head stays in its socket */
    return f;
}

/* Everything below is in head diameters D; measured on films and in the published morphometry. */
static void add_head_and_neck(const struct phantom_patient *p, const struct femur_frame *f, struct solid *s)
{
    float d = f->head, length = f->neck / d, half = 0.5f * p->neck_width_ratio;
    float thin = p->cortex;
    struct solid_part *head = solid_blob(s, d, (float[]){0, 0, 0}, (float[]){0.5f, 0.5f, 0.5f});
    head->cortex = along_even(0.55f * thin);
    head->marrow = 0.27f;
    struct solid_part *fovea =
        solid_blob(s, d, (float[]){-0.50f, 0.09f, 0.05f}, (float[]){0.05f, 0.09f, 0.09f});
    fovea->cut = true;
    fovea->cortex = along_even(0.5f * thin);
    fovea->blend = 0.03f * d;

    float end[3] = {f->axis[0] * length, f->axis[1] * length, 0.02f};
    float down[3] = {-f->axis[1], f->axis[0], 0};
    struct solid_part *neck =
        solid_tube(s, d, (float[]){0, 0, 0}, end, down, (struct along){half + 0.03f, half, half + 0.13f},
                   (struct along){0.36f, 0.285f, 0.30f});
    neck->bend_first = 0.01f * d * p->shape[0];
    neck->cortex = (struct along){0.5f * thin, 1.9f * thin, 2.6f * thin};
    neck->cortex_side = 0.72f; /* thick calcar below, thin above */
    neck->marrow = 0.14f;
    neck->blend = 0.13f * d;
}

static void add_shaft(const struct phantom_patient *p, const struct femur_frame *f, struct solid *s)
{
    float d = f->head, off = f->offset / d, half = 0.5f * p->shaft_mm / d;
    float wall = 0.5f * p->shaft_mm * (1.0f - p->canal_ratio);
    float flare = half * (1.28f + 0.14f * (p->flare_index - 3.4f));
    /* tapering from the trochanters to the tube; the medial side flares, the lateral stays straight */
    float top = 0.52f, mid = 1.75f;
    struct solid_part *m =
        solid_tube(s, d, (float[]){off - (flare - half) - 0.05f, top, 0.03f}, (float[]){off, mid, -0.02f},
                   (float[]){-1, 0, 0}, (struct along){flare + 0.06f, 0.5f * (flare + half) + 0.005f, half},
                   (struct along){0.36f, 0.36f, half * 1.02f});
    m->cap = 0.2f * d;
    m->cortex = (struct along){1.2f * p->cortex, 0.34f * wall + 1.0f, 0.73f * wall};
    m->cortex_side = 0.2f;
    m->marrow = 0.075f;
    m->blend = 0.14f * d;

    /* beyond the edge of either view */
    float low = p->midline_mm > 0.0f ? 5.0f : mid + 1.9f;
    float bow = 0.5f * 100.0f * 100.0f / p->bow_radius_mm;
    struct solid_part *shaft =
        solid_tube(s, d, (float[]){off, mid - 0.5f, -0.02f}, (float[]){off, low, bow / d * 0.5f},
                   (float[]){-1, 0, 0}, along_even(half), along_even(half * 1.04f));
    shaft->bend_second = -0.25f * bow;
    shaft->cap = 0.3f * d;
    shaft->cortex = (struct along){0.5f * wall, 0.95f * wall, wall};
    shaft->cortex_side = 0.2f;
    shaft->marrow = 0.015f;
    shaft->blend = 0.02f * d;

    struct solid_part *aspera =
        solid_tube(s, d, (float[]){off - 0.02f, 1.35f, half * 0.9f}, (float[]){off - 0.03f, low, half * 0.9f},
                   (float[]){1, 0, 0}, along_even(0.07f), along_even(0.10f));
    aspera->cortex = along_even(wall * 0.9f);
    aspera->marrow = 0.02f;
}

static void add_trochanters(const struct phantom_patient *p, const struct femur_frame *f, struct solid *s)
{
    float d = f->head, off = f->offset / d, tip = p->trochanter_mm / d, thin = p->cortex;
    const float *n = p->shape;
    struct solid_part *body = solid_blob(s, d, (float[]){off + 0.10f + 0.01f * n[1], 0.56f, 0.06f},
                                         (float[]){0.335f + 0.015f * n[2], 0.42f, 0.31f});
    body->cortex = along_even(0.95f * thin);
    body->marrow = 0.10f;
    body->blend = 0.12f * d;

    struct solid_part *summit = solid_tube(
        s, d, (float[]){off + 0.15f, tip + 0.11f, 0.18f}, (float[]){off + 0.24f, tip + 0.52f, 0.10f},
        (float[]){1, 0, 0.2f}, (struct along){0.11f, 0.17f, 0.20f}, (struct along){0.15f, 0.24f, 0.28f});
    summit->cap = 0.11f * d;
    summit->cortex = along_even(1.0f * thin);
    summit->marrow = 0.07f;
    summit->blend = 0.06f * d;

    /* the crest behind, from the tip to the lesser trochanter: the white oblique line of the films */
    struct solid_part *crest = solid_tube(
        s, d, (float[]){off + 0.07f, tip + 0.12f, 0.31f}, (float[]){off - 0.24f, 1.02f, 0.33f},
        (float[]){0.5f, 0, 1}, (struct along){0.12f, 0.10f, 0.10f}, (struct along){0.09f, 0.10f, 0.12f});
    crest->bend_second = 0.06f * d;
    crest->cortex = (struct along){1.8f * thin, 2.2f * thin, 1.4f * thin};
    crest->marrow = 0.14f;
    crest->blend = 0.05f * d;

    struct solid_part *lesser =
        solid_tube(s, d, (float[]){off - 0.27f + 0.02f * n[4], 1.00f + 0.03f * n[3], 0.22f},
                   (float[]){off - 0.27f, 1.34f + 0.03f * n[5], 0.16f}, (float[]){-1, 0, 0.5f},
                   (struct along){0.13f, 0.16f, 0.07f}, (struct along){0.11f, 0.14f, 0.10f});
    lesser->bend_first = 0.05f * d;
    lesser->cap = 0.08f * d;
    lesser->cortex = along_even(2.0f * thin);
    lesser->cortex_side = -0.75f; /* thin outside; the calcar goes on beneath it */
    lesser->marrow = 0.09f;
    lesser->blend = 0.16f * d;
}

void femur_build(const struct phantom_patient *p, const struct femur_frame *f, struct solid *out)
{
    out->count = out->clips = 0;
    add_head_and_neck(p, f, out);
    add_shaft(p, f, out);
    add_trochanters(p, f, out);
    lookalikes_on_femur(p, f, out);
}
