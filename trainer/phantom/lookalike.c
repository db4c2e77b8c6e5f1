#include "trainer/phantom/lookalike.h"

#include "engine/rng.h"

#include <math.h>

static bool has(const struct phantom_patient *p, enum phantom_lookalike what)
{
    return (p->lookalikes & (unsigned)what) != 0;
}

/* Numbers of one finding, independent of which others the patient has. */
static struct nn_rng draws(const struct phantom_patient *p, uint64_t finding)
{
    return (struct nn_rng){p->seed, phantom_stream(p->index, p->hip, PHANTOM_STREAM_LOOKALIKE),
                           1024 + 256 * finding};
}

/* Lips at the head's margin, above and below the neck. */
static void add_osteophytes(const struct phantom_patient *p, const struct femur_frame *f, struct solid *s)
{
    struct nn_rng r = draws(p, 0);
    float d = f->head, nx = f->axis[0], ny = f->axis[1];
    for (int side = -1; side <= 1; side += 2) {
        float size = (float)nn_rng_range(&r, 0.06, 0.12), out = 0.45f, along = 0.19f;
        float cx = along * nx - (float)side * out * ny, cy = along * ny + (float)side * out * nx;
        struct solid_part *lip =
            solid_blob(s, d, (float[]){cx, cy, 0.0f}, (float[]){size, size * 0.8f, 0.26f});
        lip->cortex = along_even(0.9f);
        lip->marrow = 0.2f;
        lip->blend = 0.13f * d;
    }
}

static void add_spurs(const struct phantom_patient *p, const struct femur_frame *f, struct solid *s)
{
    struct nn_rng r = draws(p, 1);
    float d = f->head, off = f->offset / d, tip = p->trochanter_mm / d;
    for (int k = 0; k < 3; k++) {
        float x = off + (float)nn_rng_range(&r, 0.10, 0.36),
              y = tip + 0.06f + 1.1f * fmaxf(x - off - 0.22f, 0.0f);
        float rise = (float)nn_rng_range(&r, 0.04, 0.15), lean = (float)nn_rng_range(&r, -0.05, 0.08);
        struct solid_part *spur = solid_tube(
            s, d, (float[]){x, y + 0.05f, 0.14f}, (float[]){x + lean, y - rise, 0.12f}, (float[]){1, 0, 0},
            (struct along){0.05f, 0.025f, 0.01f}, (struct along){0.06f, 0.04f, 0.015f});
        spur->cortex = along_even(0.8f);
        spur->marrow = 0.15f;
        spur->blend = 0.03f * d;
    }
}

/* A canal through a cortex: a lucent line that ends at the canal and has smooth walls. */
static void add_channel(const struct phantom_patient *p, const struct femur_frame *f, struct solid *s)
{
    struct nn_rng r = draws(p, 2);
    float d = f->head, off = f->offset / d, half = 0.5f * p->shaft_mm / d;
    bool lateral = nn_rng_uniform(&r) < 0.5;
    float x = lateral ? off + half : off - half, y = (float)nn_rng_range(&r, 1.35, 1.95);
    float in = lateral ? -1.0f : 1.0f, width = (float)nn_rng_range(&r, 0.009, 0.015);
    struct solid_part *canal =
        solid_tube(s, d, (float[]){x - 0.05f * in, y, 0.02f}, (float[]){x + 0.15f * in, y - 0.16f, 0.05f},
                   (float[]){0, 1, 0}, along_even(width), along_even(0.12f));
    canal->cut = true;
    canal->cortex = along_even(0.05f);
    canal->blend = 0.01f * d;
}

/* A healed fracture: callus over the calcar and the lateral side. */
static void add_callus(const struct phantom_patient *p, const struct femur_frame *f, struct solid *s)
{
    struct nn_rng r = draws(p, 3);
    float d = f->head, off = f->offset / d, size = (float)nn_rng_range(&r, 0.10, 0.17);
    struct solid_part *below =
        solid_blob(s, d, (float[]){off - 0.44f, 0.78f, 0.0f}, (float[]){size, 0.26f, 0.24f});
    struct solid_part *above =
        solid_blob(s, d, (float[]){off - 0.30f, 0.26f, 0.02f}, (float[]){0.22f, size, 0.2f});
    below->cortex = above->cortex = along_even(1.5f);
    below->marrow = above->marrow = 0.25f;
    below->blend = above->blend = 0.10f * d;
}

void lookalikes_on_femur(const struct phantom_patient *p, const struct femur_frame *f, struct solid *s)
{
    if (has(p, PHANTOM_OSTEOPHYTES)) add_osteophytes(p, f, s);
    if (has(p, PHANTOM_ENTHESOPHYTES)) add_spurs(p, f, s);
    if (has(p, PHANTOM_OLD_FRACTURE)) add_callus(p, f, s);
    if (has(p, PHANTOM_VESSEL_CHANNEL)) add_channel(p, f, s);
}

void lookalikes_on_pelvis(const struct phantom_patient *p, struct solid *s)
{
    if (!has(p, PHANTOM_OSTEOPHYTES)) return;
    struct nn_rng r = draws(p, 4);
    float d = p->head_mm, edge = p->center_edge_deg * 0.017453293f, out = 0.5f + p->joint_mm / d + 0.05f;
    float size = (float)nn_rng_range(&r, 0.04, 0.09);
    struct solid_part *lip =
        solid_tube(s, d, (float[]){out * sinf(edge) - 0.04f, -out * cosf(edge) - 0.03f, 0.0f},
                   (float[]){out * sinf(edge) + size, -out * cosf(edge) + 0.05f, 0.0f}, (float[]){0, 1, 0},
                   (struct along){0.06f, 0.05f, 0.02f}, (struct along){0.2f, 0.16f, 0.08f});
    lip->cortex = along_even(1.0f);
    lip->marrow = 0.2f;
    lip->blend = 0.05f * d;
}

void grain_marks_make(const struct phantom_patient *p, const struct femur_frame *f, struct grain_marks *out)
{
    float d = f->head;
    *out = (struct grain_marks){.axis = {f->axis[0], f->axis[1]}};
    struct nn_rng pit = draws(p, 5), scar = draws(p, 6);
    if (has(p, PHANTOM_PIT)) { /* upper outer quadrant of the neck, 1-15 mm */
        out->pit[0] = (float)nn_rng_range(&pit, 0.36, 0.48) * d;
        out->pit[1] = (float)nn_rng_range(&pit, 0.08, 0.20) * d;
        out->pit[2] = (float)nn_rng_range(&pit, 2.0, 5.0);
    }
    if (has(p, PHANTOM_OLD_FRACTURE)) {
        float along = (float)nn_rng_range(&scar, 0.45, 0.85) * d,
              turn = (float)nn_rng_normal(&scar, 0.0, 0.15);
        out->scar[0] = along * f->axis[0];
        out->scar[1] = along * f->axis[1];
        out->scar[2] = f->axis[0] * cosf(turn) - f->axis[1] * sinf(turn);
        out->scar[3] = f->axis[1] * cosf(turn) + f->axis[0] * sinf(turn);
        out->scar[4] = (float)nn_rng_range(&scar, 1.5, 3.5);
    }
    if (has(p, PHANTOM_OSTEOPHYTES)) out->collar = 0.48f * d;
}

float grain_marks_factor(const struct grain_marks *m, float x, float y)
{
    float factor = 1.0f;
    if (m->pit[2] > 0.0f) {
        float u = x - m->pit[0], v = 1.25f * (y - m->pit[1]) + 0.3f * u, q = sqrtf(u * u + v * v) - m->pit[2];
        factor *= 1.0f - 0.55f / (1.0f + expf(2.5f * q)) + 0.55f * expf(-(q - 0.9f) * (q - 0.9f) * 1.6f);
    }
    if (m->scar[4] > 0.0f) {
        float q = ((x - m->scar[0]) * m->scar[2] + (y - m->scar[1]) * m->scar[3]) / m->scar[4];
        factor *= 1.0f + 1.0f * expf(-q * q);
    }
    if (m->collar > 0.0f) {
        /* the lip's foot seen through the head: an arc across the junction */
        float along = x * m->axis[0] + y * m->axis[1], q = (sqrtf(x * x + y * y) - m->collar) / 0.9f;
        if (along > 0.0f) factor *= 1.0f + 0.8f * expf(-q * q);
    }
    return factor;
}

static struct mark *mark_add(struct overlay *o, float x0, float y0, float x1, float y1, float radius)
{
    struct mark *m = &o->mark[o->count++];
    *m = (struct mark){.x0 = x0, .y0 = y0, .x1 = x1, .y1 = y1, .radius = radius, .depth = 1.0f};
    return m;
}

static void add_phleboliths(const struct phantom_patient *p, float d, struct overlay *o)
{
    struct nn_rng r = draws(p, 7);
    int n = 1 + (int)nn_rng_below(&r, 4);
    for (int k = 0; k < n; k++) {
        float x = (float)nn_rng_range(&r, -1.6, -0.75) * d, y = (float)nn_rng_range(&r, -0.6, 0.15) * d;
        struct mark *m = mark_add(o, x, y, x + 0.2f, y, (float)nn_rng_range(&r, 1.2, 2.6));
        m->depth = 0.7f;
        m->shell = nn_rng_uniform(&r) < 0.4 ? 0.45f * m->radius : 0.0f;
    }
}

/* Plaques along the walls of the femoral artery, in front of the head and down the thigh. */
static void add_plaques(const struct phantom_patient *p, float d, struct overlay *o)
{
    struct nn_rng r = draws(p, 8);
    float x0 = (float)nn_rng_range(&r, -0.35, 0.0) * d, lean = (float)nn_rng_range(&r, 0.02, 0.14);
    for (int k = 0; k < 22; k++) {
        float y = (float)nn_rng_range(&r, -0.7, 2.1) * d, length = (float)nn_rng_range(&r, 1.0, 7.0);
        float wall = nn_rng_uniform(&r) < 0.5 ? -3.4f : 3.4f;
        float x = x0 + lean * y + wall + (float)nn_rng_range(&r, -0.4, 0.4);
        struct mark *m = mark_add(o, x, y, x + lean * length, y + length, (float)nn_rng_range(&r, 0.35, 0.7));
        m->depth = (float)nn_rng_range(&r, 0.6, 1.4);
    }
}

/* Clips, a button or a wire, anywhere over the picture. */
static void add_metal(const struct phantom_patient *p, float d, struct overlay *o)
{
    struct nn_rng r = draws(p, 9);
    int kind = (int)nn_rng_below(&r, 3);
    float x = (float)nn_rng_range(&r, -1.5, 1.2) * d, y = (float)nn_rng_range(&r, -1.2, 1.8) * d;
    if (kind == 0) {
        struct mark *m = mark_add(o, x, y, x + 0.1f, y, 5.5f);
        m->shell = 1.2f;
        m->depth = 0.15f;
        m->metal = true;
        return;
    }
    int n = kind == 1 ? 3 : 12;
    float angle = (float)nn_rng_range(&r, 0.0, 6.28), step = kind == 1 ? 5.0f : 9.0f;
    for (int k = 0; k < n; k++) {
        float dx = step * cosf(angle), dy = step * sinf(angle);
        mark_add(o, x, y, x + dx, y + dy, kind == 1 ? 0.6f : 0.35f)->metal = true;
        x += kind == 1 ? (float)nn_rng_range(&r, 4.0, 9.0) : dx;
        y += kind == 1 ? (float)nn_rng_range(&r, -6.0, 6.0) : dy;
        angle += (float)nn_rng_normal(&r, 0.0, kind == 1 ? 0.8 : 0.22);
    }
}

void overlay_make(const struct phantom_patient *p, const struct femur_frame *f, struct overlay *out)
{
    out->count = 0;
    if (has(p, PHANTOM_PHLEBOLITH)) add_phleboliths(p, f->head, out);
    if (has(p, PHANTOM_VESSEL_CALCIUM)) add_plaques(p, f->head, out);
    if (has(p, PHANTOM_METAL_THREAD)) add_metal(p, f->head, out);
}

/* mm across a round thing of this radius, `q` from its axis. */
static float chord(float radius, float q)
{
    float e = radius * radius - q * q;
    return e > 0.0f ? 2.0f * sqrtf(e) : 0.0f;
}

void overlay_add(const struct overlay *o, const struct solid_rays *r, float *bone, float *metal)
{
    int last = r->count - 1;
    float left = fminf(r->x[0], r->x[last]), right = fmaxf(r->x[0], r->x[last]);
    float top = fminf(r->y[0], r->y[last]), low = fmaxf(r->y[0], r->y[last]);
    for (int k = 0; k < o->count; k++) {
        const struct mark *m = &o->mark[k];
        float reach = m->radius;
        if (fmaxf(m->x0, m->x1) + reach < left || fminf(m->x0, m->x1) - reach > right ||
            fmaxf(m->y0, m->y1) + reach < top || fminf(m->y0, m->y1) - reach > low)
            continue;
        float dx = m->x1 - m->x0, dy = m->y1 - m->y0, per = 1.0f / (dx * dx + dy * dy + 1e-6f);
        for (int i = 0; i < r->count; i++) {
            float u = r->x[i] - m->x0, v = r->y[i] - m->y0;
            float s = fminf(fmaxf((u * dx + v * dy) * per, 0.0f), 1.0f);
            u -= s * dx, v -= s * dy;
            float q = sqrtf(u * u + v * v), path = chord(m->radius, q);
            if (m->shell > 0.0f) path -= chord(m->radius - m->shell, q);
            (m->metal ? metal : bone)[i] += 0.1f * m->depth * path;
        }
    }
}
