/* The hemipelvis as solids: wing, acetabulum, pubis, ischium. */
#include "trainer/phantom/lookalike.h"

#include <math.h>

/* In head diameters D from the centre of the acetabulum: x lateral, y caudal, z dorsal; read off films, with
 * depths from pelvic anatomy (symphysis and spines in front, sacro-iliac joint and ischium behind). */

static const float WING_HINT[3] = {0.74f, 0, -0.67f}; /* along the wing: lateral and forwards */

/* What a view of one hip sees of the iliac wing: it goes on above the picture. */
static void lower_wing(const struct phantom_patient *p, float d, float thin, struct solid *s)
{
    struct solid_part *wing = solid_tube(
        s, d, (float[]){0.05f, -1.25f, 0.08f}, (float[]){0.22f + 0.05f * p->pelvis_shape[0], -2.9f, 0.02f},
        WING_HINT, (struct along){0.62f, 1.12f, 1.75f}, (struct along){0.15f, 0.095f, 0.10f});
    wing->bend_second = 0.10f * d;
    wing->cap = 0.2f * d;
    wing->cortex = along_even(1.15f * thin);
    wing->marrow = 0.10f;
    wing->blend = 0.15f * d;
}

/* The whole wing with its crest, from the anterior over the top to the posterior spine. */
static void whole_wing(const struct phantom_patient *p, float d, float thin, struct solid *s)
{
    float top = -3.03f + 0.06f * p->pelvis_shape[0];
    struct solid_part *wing =
        solid_tube(s, d, (float[]){0.02f, -1.20f, 0.08f}, (float[]){0.12f, top + 0.30f, 0.12f}, WING_HINT,
                   (struct along){0.60f, 1.14f, 0.92f}, (struct along){0.15f, 0.085f, 0.11f});
    wing->bend_second = 0.10f * d;
    wing->cap = 0.26f * d;
    wing->cortex = along_even(1.1f * thin);
    wing->marrow = 0.09f;
    wing->blend = 0.15f * d;

    struct solid_part *fore =
        solid_tube(s, d, (float[]){0.74f, -1.96f, -0.68f}, (float[]){0.14f, top + 0.02f, 0.05f},
                   (float[]){0.8f, -0.4f, -0.5f}, (struct along){0.11f, 0.08f, 0.07f},
                   (struct along){0.11f, 0.12f, 0.12f});
    fore->bend_first = 0.40f * d;
    struct solid_part *aft = solid_tube(
        s, d, (float[]){0.14f, top + 0.02f, 0.05f}, (float[]){-0.86f, -2.05f, 1.0f}, (float[]){0, -1, 0.3f},
        (struct along){0.07f, 0.07f, 0.12f}, (struct along){0.12f, 0.13f, 0.16f});
    aft->bend_first = 0.36f * d;
    fore->cap = aft->cap = 0.03f * d; /* or they would stick out where they meet */
    fore->cortex = aft->cortex = along_even(1.2f * thin);
    fore->marrow = aft->marrow = 0.14f;
    fore->blend = aft->blend = 0.14f * d;

    /* behind the joint with the sacrum, from the posterior spines up */
    struct solid_part *tuberosity = solid_tube(
        s, d, (float[]){-0.88f, -1.42f, 1.02f}, (float[]){-0.98f, -2.25f, 1.05f}, (float[]){1, 0, 0.6f},
        (struct along){0.14f, 0.20f, 0.16f}, (struct along){0.22f, 0.28f, 0.22f});
    tuberosity->cortex = along_even(0.7f * thin);
    tuberosity->marrow = 0.11f;
    tuberosity->blend = 0.30f * d;
}

static void ilium(const struct phantom_patient *p, float d, struct solid *s)
{
    float thin = 0.6f + 0.4f * p->cortex;
    struct solid_part *body =
        solid_tube(s, d, (float[]){-0.02f, -0.60f, 0.02f}, (float[]){0.06f, -1.35f, 0.06f}, WING_HINT,
                   (struct along){0.52f, 0.55f, 0.66f}, (struct along){0.30f, 0.20f, 0.13f});
    body->cap = 0.25f * d;
    body->cortex = (struct along){1.0f * thin, 1.1f * thin, 1.2f * thin};
    body->marrow = 0.13f;
    body->blend = 0.16f * d;

    if (p->midline_mm > 0.0f)
        whole_wing(p, d, thin, s);
    else
        lower_wing(p, d, thin, s);

    /* the thick anterior edge between the inferior spine and the crest */
    struct solid_part *front =
        solid_tube(s, d, (float[]){0.34f, -0.78f, -0.40f}, (float[]){0.78f, -1.95f, -0.62f}, WING_HINT,
                   (struct along){0.10f, 0.12f, 0.12f}, (struct along){0.12f, 0.10f, 0.10f});
    front->bend_first = -0.06f * d;
    front->cortex = along_even(1.3f * thin);
    front->marrow = 0.12f;
    front->blend = 0.14f * d;

    /* the pelvic brim: the arcuate line's thick cortex, from the sciatic notch to the pubis */
    struct solid_part *brim = solid_tube(
        s, d, (float[]){-0.40f, -1.22f, 0.40f}, (float[]){-0.66f, -0.16f, -0.20f}, (float[]){1, 0, 0.4f},
        (struct along){0.12f, 0.10f, 0.10f}, (struct along){0.16f, 0.14f, 0.16f});
    brim->bend_first = 0.13f * d;
    brim->cortex = (struct along){2.2f * thin, 3.0f * thin, 1.8f * thin};
    brim->marrow = 0.18f;
    brim->blend = 0.16f * d;

    struct solid_part *pecten = solid_tube(
        s, d, (float[]){-0.62f, -0.22f, -0.18f}, (float[]){-1.52f, 0.20f, -0.74f}, (float[]){0, -1, 0},
        (struct along){0.09f, 0.06f, 0.05f}, (struct along){0.10f, 0.08f, 0.06f});
    pecten->bend_first = -0.05f * d;
    pecten->cortex = (struct along){1.8f * thin, 1.4f * thin, 1.2f * thin};
    pecten->marrow = 0.15f;
    pecten->blend = 0.14f * d;

    struct solid_part *back = solid_tube(
        s, d, (float[]){-0.30f, -1.35f, 0.45f}, (float[]){-0.95f, -1.72f, 1.0f}, (float[]){0, 1, 0},
        (struct along){0.22f, 0.27f, 0.32f}, (struct along){0.15f, 0.17f, 0.2f});
    back->cortex = along_even(1.2f * thin);
    back->marrow = 0.12f;
    back->blend = 0.16f * d;
}

static void acetabulum(const struct phantom_patient *p, float d, struct solid *s)
{
    float thin = 0.6f + 0.4f * p->cortex, socket = 0.5f * d + p->joint_mm, rim = socket / d;
    /* opening plane: lateral, caudal and forwards, so that it gives the lip at the centre-edge angle */
    float edge = p->center_edge_deg * 0.017453293f, tilt = 0.70f,
          version = 0.45f + 0.03f * p->pelvis_shape[1];
    float normal[3] = {sinf(tilt) * cosf(version), cosf(tilt) * cosf(version), -sinf(version)};
    struct solid_part *shell =
        solid_blob(s, d, (float[]){-0.03f, -0.03f, 0.0f}, (float[]){rim + 0.12f, rim + 0.13f, rim + 0.10f});
    shell->halved = true;
    for (int i = 0; i < 3; i++) shell->normal[i] = normal[i];
    shell->offset = (rim + 0.05f) * d * (normal[0] * sinf(edge) - normal[1] * cosf(edge));
    shell->cortex = along_even(0.9f * thin);
    shell->marrow = 0.14f;
    shell->blend = 0.10f * d;

    /* the posterior wall reaches further out than the plane of the opening, and is round */
    struct solid_part *wall = solid_blob(s, d, (float[]){-0.04f, 0.08f + 0.03f * p->pelvis_shape[6], 0.44f},
                                         (float[]){0.36f + 0.03f * p->pelvis_shape[7], 0.42f, 0.19f});
    wall->cortex = along_even(0.9f * thin);
    wall->marrow = 0.12f;
    wall->blend = 0.14f * d;

    /* the medial wall in profile: ilioischial line */
    struct solid_part *plate = solid_tube(
        s, d, (float[]){-0.44f, -0.95f, 0.26f}, (float[]){-0.76f, 0.74f, 0.44f}, (float[]){0.06f, 0, 1},
        (struct along){0.26f, 0.42f, 0.24f}, (struct along){0.06f, 0.065f, 0.09f});
    plate->bend_second = -0.02f * d;
    plate->cortex = along_even(1.8f * thin);
    plate->marrow = 0.12f;
    plate->blend = 0.13f * d;
}

static void sockets(const struct phantom_patient *p, float d, struct solid *s)
{
    float thin = 0.6f + 0.4f * p->cortex, socket = 0.5f + p->joint_mm / d;
    struct solid_part *cup = solid_blob(s, d, (float[]){0, 0, 0}, (float[]){socket, socket, socket});
    cup->cut = true;
    cup->cortex = along_even(0.65f * thin);
    cup->cortex_side = -2.4f; /* first axis is y: thick roof above, thin floor below */
    cup->blend = 0.025f * d;
    struct solid_part *fossa =
        solid_blob(s, d, (float[]){-0.28f, 0.16f, -0.02f}, (float[]){0.33f, 0.36f, 0.26f});
    fossa->cut = true;
    fossa->cortex = along_even(0.9f * thin);
    fossa->blend = 0.03f * d;
}

static void ischium(const struct phantom_patient *p, float d, struct solid *s)
{
    const float *n = p->pelvis_shape;
    float thin = 0.6f + 0.4f * p->cortex;
    float x = -0.67f + 0.03f * n[2], low = 1.06f + 0.05f * n[3];
    struct solid_part *shaft =
        solid_tube(s, d, (float[]){-0.42f, 0.08f, 0.36f}, (float[]){x, low, 0.52f}, (float[]){1, 0, 0},
                   (struct along){0.25f, 0.225f, 0.26f}, (struct along){0.22f, 0.20f, 0.25f});
    shaft->cortex = (struct along){1.1f * thin, 1.3f * thin, 0.8f * thin};
    shaft->marrow = 0.13f;
    shaft->blend = 0.10f * d;

    struct solid_part *spine = solid_tube(
        s, d, (float[]){-0.62f, -0.02f, 0.42f}, (float[]){-0.80f, 0.12f, 0.70f}, (float[]){0, 1, 0},
        (struct along){0.16f, 0.12f, 0.05f}, (struct along){0.06f, 0.05f, 0.04f});
    spine->cortex = along_even(0.9f * thin);
    spine->marrow = 0.12f;

    struct solid_part *ramus = solid_tube(
        s, d, (float[]){x - 0.06f, low + 0.10f, 0.60f}, (float[]){-1.44f, 0.70f + 0.05f * n[4], -0.74f},
        (float[]){0, 1, 0}, (struct along){0.21f, 0.15f, 0.24f}, (struct along){0.20f, 0.11f, 0.13f});
    ramus->bend_first = 0.06f * d;
    ramus->cortex = along_even(1.2f * thin);
    ramus->marrow = 0.12f;
    ramus->blend = 0.22f * d;
}

static void pubis(const struct phantom_patient *p, float d, struct solid *s)
{
    const float *n = p->pelvis_shape;
    float thin = 0.6f + 0.4f * p->cortex, middle = -1.76f - 0.04f * n[PELVIS_SHAPE_WIDTH];
    struct solid_part *ramus = solid_tube(
        s, d, (float[]){-0.52f, -0.02f, -0.26f}, (float[]){middle + 0.26f, 0.36f, -0.74f},
        (float[]){0.1f, 1, 0}, (struct along){0.25f, 0.175f, 0.22f}, (struct along){0.20f, 0.13f, 0.13f});
    ramus->bend_first = 0.02f * d;
    ramus->cortex = along_even(1.2f * thin);
    ramus->marrow = 0.13f;
    ramus->blend = 0.12f * d;

    struct solid_part *body =
        solid_blob(s, d, (float[]){middle + 0.24f, 0.50f, -0.76f}, (float[]){0.21f, 0.40f, 0.13f});
    body->cortex = along_even(1.0f * thin);
    body->marrow = 0.14f;
    body->blend = 0.22f * d;
}

/* What a view of one hip sees beyond the symphysis. */
static void other_pubis(const struct phantom_patient *p, float d, struct solid *s)
{
    float thin = 0.6f + 0.4f * p->cortex, middle = -1.76f - 0.04f * p->pelvis_shape[PELVIS_SHAPE_WIDTH];
    struct solid_part *other =
        solid_blob(s, d, (float[]){middle - 0.24f, 0.50f, -0.76f}, (float[]){0.21f, 0.40f, 0.13f});
    struct solid_part *across = solid_tube(
        s, d, (float[]){middle - 0.26f, 0.34f, -0.74f}, (float[]){2.0f * middle + 0.9f, 0.08f, -0.4f},
        (float[]){0, 1, 0}, (struct along){0.20f, 0.17f, 0.2f}, (struct along){0.13f, 0.13f, 0.15f});
    other->cortex = across->cortex = along_even(1.0f * thin);
    other->marrow = across->marrow = 0.14f;
    other->blend = 0.02f * d;
    across->blend = 0.10f * d;
}

/* Only the margin of a view of one hip: a plate. That of a whole pelvis is in spine.c. */
static void sacrum_margin(const struct phantom_patient *p, float d, struct solid *s)
{
    float x = -1.50f, thin = 0.5f + 0.3f * p->cortex;
    struct solid_part *ala = solid_tube(
        s, d, (float[]){x - 0.28f, -2.4f, 0.85f}, (float[]){x - 0.28f, -0.55f, 1.35f}, (float[]){1, 0, 0},
        (struct along){0.98f, 0.80f, 0.24f}, (struct along){0.30f, 0.24f, 0.12f});
    ala->cortex = along_even(0.7f * thin);
    ala->marrow = 0.12f;
}

struct placement pelvis_pose(const struct phantom_patient *p)
{
    struct placement tilt = placement_turn(0, p->pelvic_tilt_deg),
                     turn = placement_turn(1, p->pelvic_turn_deg);
    struct placement pose = placement_chain(&turn, &tilt);
    /* a whole pelvis turns about its midline, and takes the hip along */
    float across[3] = {p->midline_mm, 0, 0};
    placement_point(&pose, across, pose.move);
    pose.move[0] -= p->midline_mm;
    return pose;
}

void pelvis_build(const struct phantom_patient *p, struct solid *out)
{
    float d = p->head_mm * p->pelvis_scale;
    out->count = out->clips = 0;
    bool whole = p->midline_mm > 0.0f;
    if (!whole) sacrum_margin(p, d, out);
    ilium(p, d, out);
    acetabulum(p, p->head_mm, out);
    ischium(p, d, out);
    pubis(p, d, out);
    if (!whole) other_pubis(p, d, out);
    lookalikes_on_pelvis(p, out);
    sockets(p, p->head_mm, out);
    struct placement pose = pelvis_pose(p);
    solid_place(out, &pose);
    solid_close(out);
}
