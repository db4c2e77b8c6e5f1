/* Sacrum, coccyx and the lumbar spine of a whole pelvis. In D, x from the midline, y caudal of the height of
 * the hips, z dorsal of them; proportions read off films. */
#include "trainer/phantom/skeleton.h"

#include "engine/rng.h"

#define SACRAL 5
#define LUMBAR 5

/* Middles of the bodies of S1 to S5: the curve that the sacrum makes backwards. */
static const float SACRAL_Y[SACRAL] = {-2.02f, -1.58f, -1.20f, -0.88f, -0.60f};
static const float SACRAL_Z[SACRAL] = {0.86f, 1.16f, 1.36f, 1.42f, 1.38f};
static const float SACRAL_WIDTH[SACRAL] = {0.50f, 0.37f, 0.31f, 0.27f, 0.24f};
/* the foramina between them, from the midline */
static const float FORAMEN_X[SACRAL - 1] = {0.47f, 0.41f, 0.37f, 0.32f};

static float thin_of(const struct phantom_patient *p)
{
    return 0.6f + 0.4f * p->cortex;
}

static void sacral_bodies(float d, float thin, struct solid *s)
{
    for (int k = 0; k < SACRAL; k++) {
        float width = SACRAL_WIDTH[k], deep = 0.40f - 0.06f * (float)k;
        float half = 0.5f * (k + 1 < SACRAL ? SACRAL_Y[k + 1] - SACRAL_Y[k] : 0.26f);
        float lean = half * (k < 2 ? 0.66f : k == 2 ? 0.30f : -0.1f);
        /* the fused discs stay as cross lines: each body has its own plates */
        struct solid_part *body =
            solid_tube(s, d, (float[]){0, SACRAL_Y[k] - 0.86f * half, SACRAL_Z[k] - lean},
                       (float[]){0, SACRAL_Y[k] + 0.86f * half, SACRAL_Z[k] + lean}, (float[]){1, 0, 0},
                       (struct along){width, 0.90f * width, width}, (struct along){deep, 0.85f * deep, deep});
        body->cap = 0.05f * d;
        body->cortex = (struct along){1.0f * thin, 0.6f * thin, 1.0f * thin};
        body->marrow = 0.11f;
        body->blend = 0.09f * d;
    }
}

/* The wings beside S1 and S2, ending in the joints with the ilia; the lateral parts below, narrowing. */
static void sacral_alae(const struct phantom_patient *p, float d, float thin, struct solid *s)
{
    for (int side = -1; side <= 1; side += 2) {
        float m = (float)side;
        struct solid_part *ala = solid_tube(
            s, d, (float[]){0.25f * m, -2.02f, 0.94f}, (float[]){0.98f * m, -1.92f, 0.86f},
            (float[]){0, 1, 0.5f}, (struct along){0.26f, 0.33f, 0.48f}, (struct along){0.26f, 0.24f, 0.22f});
        ala->cap = 0.12f * d;
        ala->halved = true; /* by the oblique plane of the joint */
        ala->normal[0] = 0.84f * m, ala->normal[2] = 0.54f;
        ala->offset = 1.32f * d;
        ala->cortex = along_even(0.9f * thin);
        ala->marrow = 0.09f;
        ala->blend = 0.10f * d;

        struct solid_part *lateral =
            solid_tube(s, d, (float[]){0.66f * m, -1.86f, 1.10f}, (float[]){0.30f * m, -0.52f, 1.42f},
                       (float[]){1, 0, 0}, (struct along){0.32f, 0.27f + 0.02f * p->pelvis_shape[4], 0.12f},
                       (struct along){0.26f, 0.17f, 0.10f});
        lateral->bend_first = 0.10f * m * d;
        lateral->cap = 0.12f * d;
        lateral->cortex = along_even(0.8f * thin);
        lateral->marrow = 0.09f;
        lateral->blend = 0.08f * d;
    }
}

/* Holes that open forwards and outwards, no two alike; their upper rims are the arcs of the films. */
static void sacral_foramina(const struct phantom_patient *p, float d, float thin, struct solid *s)
{
    struct nn_rng r = {p->seed, phantom_stream(p->index, 0, PHANTOM_STREAM_SIDES), 512};
    for (int k = 0; k + 1 < SACRAL; k++)
        for (int side = -1; side <= 1; side += 2) {
            float m = (float)side, x = FORAMEN_X[k] + (float)nn_rng_range(&r, -0.03, 0.03);
            float size = (0.135f - 0.018f * (float)k) * (float)nn_rng_range(&r, 0.75, 1.2);
            float y = 0.5f * (SACRAL_Y[k] + SACRAL_Y[k + 1]) + (float)nn_rng_range(&r, -0.02, 0.06);
            float z = 0.5f * (SACRAL_Z[k] + SACRAL_Z[k + 1]);
            struct solid_part *hole =
                solid_tube(s, d, (float[]){(x + 0.22f) * m, y + 0.20f, z - 0.40f},
                           (float[]){(x - 0.05f) * m, y - 0.04f, z + (float)nn_rng_range(&r, 0.02, 0.22)},
                           (float[]){0, 1, 0}, (struct along){1.5f * size, 1.1f * size, 0.7f * size},
                           (struct along){1.3f * size, size, 0.6f * size});
            hole->cut = true;
            hole->cortex = along_even(0.6f * thin); /* no less than the blend takes */
            hole->blend = 0.035f * d;
        }
}

static void sacral_crest_and_coccyx(const struct phantom_patient *p, float d, float thin, struct solid *s)
{
    float aside = 0.05f * p->pelvis_shape[6]; /* few coccyges are straight */
    struct solid_part *crest =
        solid_tube(s, d, (float[]){0, -1.90f, 1.42f}, (float[]){0.01f, -0.95f, 1.72f}, (float[]){1, 0, 0},
                   (struct along){0.07f, 0.06f, 0.04f}, (struct along){0.12f, 0.12f, 0.06f});
    crest->bend_second = 0.06f * d;
    crest->cortex = (struct along){1.0f * thin, 0.8f * thin, 0.5f * thin};
    crest->marrow = 0.12f;

    struct solid_part *first =
        solid_tube(s, d, (float[]){0, -0.38f, 1.32f}, (float[]){aside, -0.22f, 1.25f}, (float[]){1, 0, 0},
                   (struct along){0.20f, 0.13f, 0.10f}, (struct along){0.09f, 0.08f, 0.07f});
    struct solid_part *rest = solid_tube(
        s, d, (float[]){aside, -0.10f, 1.19f}, (float[]){2.0f * aside, 0.18f, 1.00f}, (float[]){1, 0, 0},
        (struct along){0.11f, 0.09f, 0.05f}, (struct along){0.07f, 0.06f, 0.05f});
    first->cap = rest->cap = 0.05f * d;
    first->cortex = rest->cortex = along_even(0.7f * thin);
    first->marrow = rest->marrow = 0.10f;
    first->blend = rest->blend = 0.02f * d;
}

/* x from the midline, and so without the hip's own shift: it only turns. */
static void place_in_middle(const struct phantom_patient *p, struct solid *s)
{
    struct placement pose = pelvis_pose(p);
    for (int i = 0; i < 3; i++) pose.move[i] = 0.0f;
    solid_place(s, &pose);
    solid_close(s);
}

void sacrum_build(const struct phantom_patient *p, struct solid *out)
{
    float d = p->head_mm * p->pelvis_scale, thin = thin_of(p);
    out->count = out->clips = 0;
    sacral_bodies(d, thin, out);
    sacral_alae(p, d, thin, out);
    sacral_foramina(p, d, thin, out);
    sacral_crest_and_coccyx(p, d, thin, out);
    place_in_middle(p, out);
}

static void vertebra(float d, float thin, float x, float y, float z, float lean, float wide, struct solid *s)
{
    float half = 0.27f;
    struct solid_part *body = solid_tube(
        s, d, (float[]){x, y - half, z - lean}, (float[]){x, y + half, z + lean}, (float[]){1, 0, 0},
        (struct along){wide, 0.88f * wide, 1.03f * wide}, (struct along){0.36f, 0.33f, 0.37f});
    body->cap = 0.04f * d;
    body->cortex = (struct along){1.3f * thin, 0.5f * thin, 1.3f * thin};
    body->marrow = 0.10f;
    body->blend = 0.02f * d;
    for (int side = -1; side <= 1; side += 2) {
        float m = (float)side;
        /* pedicles lie along the beam and show as rings; the joints behind them as dense bars */
        struct solid_part *pedicle = solid_tube(s, d, (float[]){x + 0.62f * wide * m, y - 0.11f, z + 0.25f},
                                                (float[]){x + 0.60f * wide * m, y - 0.08f, z + 0.62f},
                                                (float[]){1, 0, 0}, along_even(0.10f), along_even(0.16f));
        pedicle->cortex = along_even(0.7f * thin);
        struct solid_part *joint =
            solid_tube(s, d, (float[]){x + 0.56f * wide * m, y - 0.20f, z + 0.72f},
                       (float[]){x + 0.50f * wide * m, y + 0.46f, z + 0.74f}, (float[]){1, 0, 0},
                       (struct along){0.13f, 0.10f, 0.12f}, (struct along){0.12f, 0.10f, 0.12f});
        joint->cortex = along_even(1.2f * thin);
        struct solid_part *transverse =
            solid_tube(s, d, (float[]){x + 0.7f * wide * m, y - 0.06f, z + 0.46f},
                       (float[]){x + (wide + 0.42f) * m, y - 0.12f, z + 0.52f}, (float[]){0, 1, 0},
                       (struct along){0.12f, 0.08f, 0.06f}, (struct along){0.07f, 0.06f, 0.04f});
        transverse->cortex = along_even(0.7f * thin);
        pedicle->marrow = joint->marrow = transverse->marrow = 0.10f;
        pedicle->blend = joint->blend = transverse->blend = 0.06f * d;
    }
    struct solid_part *spinous = solid_tube(
        s, d, (float[]){x, y + 0.02f, z + 0.78f}, (float[]){x, y + 0.36f, z + 1.25f}, (float[]){1, 0, 0},
        (struct along){0.16f, 0.05f, 0.08f}, (struct along){0.14f, 0.20f, 0.20f});
    spinous->cortex = along_even(0.9f * thin);
    spinous->marrow = 0.10f;
    spinous->blend = 0.06f * d;
}

void lumbar_build(const struct phantom_patient *p, struct solid *out)
{
    float d = p->head_mm * p->pelvis_scale, thin = thin_of(p), bend = 0.008f * p->pelvis_shape[7];
    out->count = out->clips = 0;
    for (int k = 0; k < LUMBAR; k++) {
        float up = (float)k, y = -2.62f - 0.80f * up, z = 0.52f - 0.10f * up + 0.025f * up * up;
        float lean = k == 0 ? 0.10f : k == 1 ? 0.03f : -0.03f; /* lordosis */
        vertebra(d, thin, bend * up * up, y, z, lean, 0.55f - 0.02f * up, out);
    }
    place_in_middle(p, out);
}
