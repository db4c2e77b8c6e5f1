#include "trainer/phantom/pelvis_body.h"

#include "engine/rng.h"

#include <math.h>

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* Where the colon and the rectum lie, and how far from there their gas may be; D. */
static const struct {
    float x, y, spread;
} BOWEL[] = {{-1.55f, -2.5f, 0.35f}, {1.65f, -2.6f, 0.30f}, {0.35f, -1.5f, 0.45f},
             {-0.35f, -1.1f, 0.40f}, {0.0f, -0.7f, 0.25f},  {0.0f, -3.6f, 0.9f}};
#define PLACES (sizeof BOWEL / sizeof *BOWEL)

/* Chains of bubbles, as the folds of the colon divide its gas. */
static void make_gas(struct pelvis_body *b, struct nn_rng *r)
{
    float d = b->head;
    int chains = 1 + (int)(b->hips[0].gas * 7.0f);
    b->gases = 0;
    for (int i = 0; i < chains; i++) {
        size_t at = nn_rng_below(r, PLACES);
        float x = BOWEL[at].x + BOWEL[at].spread * (float)nn_rng_normal(r, 0.0, 1.0);
        float y = BOWEL[at].y + BOWEL[at].spread * (float)nn_rng_normal(r, 0.0, 1.0);
        float angle = (float)nn_rng_range(r, 0.0, 6.28), thick = (float)nn_rng_range(r, 5.0, 22.0);
        int links = 1 + (int)nn_rng_below(r, 3);
        for (int k = 0; k < links && b->gases < PELVIS_GASES; k++) {
            struct gas_bubble *g = &b->gas[b->gases++];
            *g = (struct gas_bubble){x * d, y * d, (float)nn_rng_range(r, 7.0, 17.0),
                                     (float)nn_rng_range(r, 6.0, 14.0), thick};
            x += 0.42f * cosf(angle), y += 0.42f * sinf(angle);
            angle += (float)nn_rng_normal(r, 0.0, 0.5);
        }
    }
}

/* Where the shaft goes, broken or not, the thigh goes with it. */
static void follow_shaft(const struct phantom_patient *p, const struct femur_frame *f, struct thigh_axis *out)
{
    struct broken_femur broken;
    float top[3], low[3];
    femur_break(p, f, false, &broken);
    const struct placement *shaft = &broken.place[broken.count > 1];
    placement_point(shaft, (float[]){f->offset, 1.75f * f->head, 0}, top);
    placement_point(shaft, (float[]){f->offset, 4.0f * f->head, 0}, low);
    out->slope = (low[0] - top[0]) / (low[1] - top[1]);
    out->x = top[0] + p->midline_mm - out->slope * top[1];
    out->usual = f->offset + p->midline_mm;
}

void pelvis_body_make(const struct phantom_patient hips[2], const struct femur_frame *left,
                      const struct femur_frame *right, struct pelvis_body *out)
{
    const struct phantom_patient *p = &hips[0];
    uint64_t texture = phantom_stream(p->index, 0, PHANTOM_STREAM_TEXTURE);
    /* above the words that patient.c draws from this stream */
    struct nn_rng r = {p->seed, phantom_stream(p->index, 0, PHANTOM_STREAM_SIDES), 128};
    body_make(&hips[0], left, &out->side[0]);
    body_make(&hips[1], right, &out->side[1]);
    out->hips = hips;
    out->head = p->head_mm;
    out->skin = p->midline_mm + left->offset + 0.40f * p->head_mm + p->lateral_fat_mm;
    /* the slim have a waist, the others a belly */
    out->waist =
        fminf(fmaxf(26.0f - 2.6f * (p->bmi - 25.5f) + (float)nn_rng_normal(&r, 0.0, 6.0), -12.0f), 40.0f);
    out->perineum = (float)nn_rng_range(&r, 1.45, 1.80) * p->head_mm;
    out->bulk = (float)nn_rng_range(&r, 14.0, 30.0);
    out->taper = 0.3f * p->lateral_fat_mm;
    follow_shaft(&hips[0], left, &out->thigh[0]);
    follow_shaft(&hips[1], right, &out->thigh[1]);
    make_gas(out, &r);
    noise_tile_make(&out->tile, p->seed, texture, 1u << 27);
}

/* AP thickness of an elliptic body, |t| from its middle to its side. */
static float across(float t, float power)
{
    float e = 1.0f - powf(fabsf(t) + 1e-4f, power);
    return e > 0.0f ? sqrtf(e) : 0.0f;
}

/* How far a thigh has gone from where it usually lies, at y. */
static float astray(const struct pelvis_body *b, int side, float y)
{
    const struct thigh_axis *a = &b->thigh[side];
    return (a->x + a->slope * y - a->usual) * sigmoid((y - 1.3f * b->head) / (0.3f * b->head));
}

/* |x| of the lateral skin. */
static float skin_at(const struct pelvis_body *b, float y)
{
    float d = b->head, waist = sigmoid((-2.9f * d - y) / (0.30f * d)), low = fmaxf(y - 0.9f * d, 0.0f);
    return b->skin - b->waist * waist - b->taper * (1.0f - expf(-low / (2.0f * d)));
}

/* Trunk with buttocks, and the two thighs below them. */
static float outline(const struct pelvis_body *b, float x, float y, float inset)
{
    const struct phantom_patient *p = b->hips;
    float d = b->head, away = fabsf(x), side = x < 0.0f ? 40.5f : 3.5f;
    float skin = skin_at(b, y) + 2.5f * noise_at(&b->tile, y * 0.02f, side) - inset;
    float deep = p->thickness_mm - 1.1f * inset;
    float torso = deep * across(x / skin, 6.5f);
    /* the crotch goes up to the groins; the thighs part below it */
    float crotch = b->perineum + 0.16f * away + 4.0f * noise_at(&b->tile, x * 0.03f, 55.5f);
    float inner = 0.17f * (y - b->perineum) - 7.0f + 0.3f * inset;
    float half = 0.5f * (skin - inner), middle = 0.5f * (skin + inner);
    float left = across((x - middle - astray(b, 0, y)) / fmaxf(half, 1.0f), 4.5f);
    float right = across((-x - middle - astray(b, 1, y)) / fmaxf(half, 1.0f), 4.5f);
    float thigh = 0.98f * deep * fmaxf(left, right);
    torso *= sigmoid((crotch - y) * 0.10f);
    /* buttocks end in a fold, deepest in the middle of each */
    float fold = b->perineum + 0.62f * d - 0.35f / d * (away - 1.0f * d) * (away - 1.0f * d);
    float cleft = sigmoid((2.0f - away) * 0.4f) * sigmoid((y - b->perineum + 0.8f * d) * 9.0f / d);
    float buttock =
        b->bulk * sigmoid((fold - y) * 0.55f) * (1.0f - cleft) * sigmoid((1.9f * d - away) * 0.08f);
    float whole = fmaxf(torso, thigh);
    return whole + (buttock - 0.5f * b->bulk) * whole / (whole + 40.0f);
}

/* The cleft between the buttocks, and what hangs before a man's. */
static float middle_parts(const struct pelvis_body *b, float x, float y)
{
    float d = b->head, v = (y - b->perineum) / d, u = (x - 2.0f * noise_at(&b->tile, y * 0.03f, 9.5f)) / d;
    float cleft = -5.0f * expf(-u * u / 0.0016f) * sigmoid((v + 0.9f) * 9.0f) * sigmoid((0.5f - v) * 9.0f);
    if (b->hips[0].sex != PHANTOM_MALE) return cleft;
    float a = (u - 0.05f) / (0.40f + 0.12f * v), e = (v - 0.45f) / 0.62f, q = 1.0f - a * a - e * e;
    return cleft + (q > 0.0f ? 34.0f * powf(q, 0.7f) : 0.0f);
}

static float folds(const struct pelvis_body *b, float x, float y)
{
    return body_folds(&b->side[0], x - b->hips[0].midline_mm, y) +
           body_folds(&b->side[1], -x - b->hips[1].midline_mm, y);
}

/* Planes of fat between muscles run down and outwards on either side, and pass into each other in the middle.
 */
static float streaks(const struct pelvis_body *b, float x, float y)
{
    float left =
        noise_cloud(&b->tile, (x * 0.94f + y * 0.34f) * 0.055f, (y * 0.94f - x * 0.34f) * 0.013f + 70.0f);
    float right = noise_cloud(&b->tile, (y * 0.34f - x * 0.94f) * 0.055f + 50.0f,
                              (y * 0.94f + x * 0.34f) * 0.013f + 20.0f);
    float share = sigmoid(0.12f * x);
    return share * left + (1.0f - share) * right;
}

void pelvis_body_paths(const void *body, float x, float y, float *muscle, float *fat)
{
    const struct pelvis_body *b = body;
    const struct phantom_patient *p = b->hips;
    float d = b->head, whole = outline(b, x, y, 0.0f), inner = outline(b, x, y, 0.55f * p->lateral_fat_mm);
    whole = fmaxf(whole + middle_parts(b, x, y), 0.0f);
    if (whole > 1.0f) whole += folds(b, x, y);
    float streak = streaks(b, x, y);
    float marble = noise_cloud(&b->tile, x * 0.035f + 5.0f, y * 0.03f + 90.0f);
    float share = fminf(fmaxf(0.16f + 0.05f * streak + 0.03f * marble, 0.02f), 0.5f);
    /* bowel: gas, and stool mottled with it */
    float within = sigmoid((2.0f * d - fabsf(x)) * 0.08f) * sigmoid((-0.35f * d - y) * 0.10f);
    float mottle = noise_cloud(&b->tile, x * 0.10f, y * 0.10f + 40.0f);
    float where = fmaxf(noise_at(&b->tile, x * 0.012f + 21.0f, y * 0.012f + 5.0f), 0.0f);
    float empty = within * (body_gas(&b->tile, b->gas, b->gases, x, y) +
                            (2.0f + 6.0f * p->gas) * where * fmaxf(mottle, 0.0f));
    float lean = fmaxf(fminf(inner, whole) - empty, 0.0f), marbling = share * lean;
    *muscle = lean - marbling;
    *fat = fmaxf(whole - inner, 0.0f) + marbling;
    float skin = fminf(4.0f, 0.5f * *fat);
    *muscle += skin;
    *fat -= skin;
}
