#include "trainer/phantom/body.h"

#include "engine/rng.h"

#include <math.h>

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

#define BUBBLE_WORDS 12 /* of the stream, for each bubble */

static void make_gas(struct body *b, struct nn_rng *r)
{
    float d = b->head;
    b->gases = (int)(b->patient->gas * 7.0f);
    for (int i = 0; i < b->gases; i++) {
        struct nn_rng own = *r;
        struct gas_bubble *g = &b->gas[i];
        g->x = (float)nn_rng_range(&own, -1.95, -0.75) * d;
        g->y = (float)nn_rng_range(&own, -2.2, -0.35) * d;
        g->half_x = (float)nn_rng_range(&own, 5.0, 17.0);
        g->half_y = (float)nn_rng_range(&own, 5.0, 13.0);
        g->thickness = (float)nn_rng_range(&own, 8.0, 30.0);
        r->index += BUBBLE_WORDS;
    }
}

static void add_fold(struct body *b, float x, float y, float angle, float height, float tail)
{
    b->fold[b->folds++] = (struct skin_fold){x, y, cosf(angle), sinf(angle), height, tail};
}

/* Folds of buttock and groin: everybody has some low on the thigh; a look-alike crosses the neck. */
static void make_folds(struct body *b, struct nn_rng *r)
{
    float d = b->head;
    int usual = (int)nn_rng_range(r, 1.0, 4.0);
    b->folds = 0;
    for (int i = 0; i < usual; i++) {
        float angle = (float)nn_rng_normal(r, -0.25, 0.35), y = (float)nn_rng_range(r, 1.5, 2.6) * d;
        float height = (float)nn_rng_range(r, 3.0, 10.0), tail = (float)nn_rng_range(r, 8.0, 25.0);
        add_fold(b, 0.3f * d, y, angle, height, tail);
    }
    if (!(b->patient->lookalikes & PHANTOM_SKIN_FOLD)) return;
    float x = (float)nn_rng_range(r, 0.3, 0.9) * d, y = (float)nn_rng_range(r, 0.1, 0.9) * d;
    float angle = (float)nn_rng_normal(r, -0.5, 0.4), height = (float)nn_rng_range(r, 5.0, 13.0);
    float tail = (float)nn_rng_range(r, 6.0, 20.0);
    add_fold(b, x, y, angle, height, tail);
}

void body_make(const struct phantom_patient *p, const struct femur_frame *f, struct body *out)
{
    /* above the words that patient.c draws from this stream */
    uint64_t stream = phantom_stream(p->index, p->hip, PHANTOM_STREAM_BODY);
    struct nn_rng crotch = {p->seed, stream, 64}, bowel_and_folds = {p->seed, stream, 68};
    out->patient = p;
    out->head = f->head;
    out->midline = -1.78f * f->head * p->pelvis_scale;
    out->skin = f->offset + 0.40f * f->head + p->lateral_fat_mm;
    out->perineum = (float)nn_rng_range(&crotch, 1.55, 1.95) * f->head;
    make_gas(out, &bowel_and_folds);
    make_folds(out, &bowel_and_folds);
    noise_tile_make(&out->tile, p->seed, phantom_stream(p->index, p->hip, PHANTOM_STREAM_TEXTURE), 1u << 27);
}

/* AP thickness of an elliptic body, |t| from its middle to its side. */
static float across(float t, float power)
{
    float e = 1.0f - powf(fabsf(t) + 1e-4f, power);
    return e > 0.0f ? sqrtf(e) : 0.0f;
}

/* Thickness of the body, or of what lies within a layer of `inset`. */
static float outline(const struct body *b, float x, float y, float inset)
{
    const struct phantom_patient *p = b->patient;
    float up = fminf(y - 0.4f * b->head, 0.0f), wave = 2.5f * noise_at(&b->tile, y * 0.02f, 3.5f);
    float skin = b->skin - 0.0011f * up * up * 1.2f + wave - inset;
    float deep = p->thickness_mm - 1.1f * inset;
    float torso = deep * across((x - b->midline) / (skin - b->midline), 8.0f);
    /* below the crotch the thigh stands alone */
    float inner = b->midline - 30.0f + 0.3f * inset + 0.24f * fmaxf(y - b->perineum, 0.0f);
    float half = 0.5f * (skin - inner), middle = 0.5f * (skin + inner);
    float thigh = 0.95f * deep * across((x - middle) / half, 6.0f);
    float crotch = b->perineum + 0.25f * (x - b->midline);
    float stays = sigmoid((crotch + 6.0f * noise_at(&b->tile, x * 0.03f, 55.5f) - y) * 0.06f);
    return fmaxf(torso * stays, thigh);
}

float body_folds(const struct body *b, float x, float y)
{
    float sum = 0.0f;
    for (int i = 0; i < b->folds; i++) {
        const struct skin_fold *f = &b->fold[i];
        float u = x - f->x, v = y - f->y;
        float along = u * f->along_x + v * f->along_y, off = -u * f->along_y + v * f->along_x;
        off += 0.0022f * along * along + 2.5f * noise_at(&b->tile, along * 0.05f, 11.0f * (float)(i + 1));
        float fade = expf(-along * along / (55.0f * 55.0f));
        sum += fade * f->height * sigmoid(off * 1.6f) * expf(-fmaxf(off, 0.0f) / f->tail);
    }
    return sum;
}

float body_gas(const struct noise_tile *t, const struct gas_bubble *bubbles, int count, float x, float y)
{
    float missing = 0.0f;
    for (int i = 0; i < count; i++) {
        const struct gas_bubble *g = &bubbles[i];
        float u = (x - g->x) / g->half_x, v = (y - g->y) / g->half_y;
        float q = sqrtf(u * u + v * v) + 0.28f * noise_cloud(t, x * 0.05f + 9.0f, y * 0.05f);
        float e = 1.0f - q * q;
        if (e > 0.0f) missing = fmaxf(missing, g->thickness * sqrtf(e));
    }
    return missing;
}

/* Gas and stool of the pelvis: how much tissue is missing. */
static float bowel(const struct body *b, float x, float y)
{
    float d = b->head, missing = body_gas(&b->tile, b->gas, b->gases, x, y);
    float within = sigmoid((-0.35f * d - x) * 0.12f) * sigmoid((-0.30f * d - y) * 0.12f);
    float mottle = noise_cloud(&b->tile, x * 0.11f, y * 0.11f + 40.0f);
    return missing * within + within * b->patient->gas * 5.0f * fmaxf(mottle, 0.0f);
}

void body_paths(const void *body, float x, float y, float *muscle, float *fat)
{
    const struct body *b = body;
    const struct phantom_patient *p = b->patient;
    float inset = 0.55f * p->lateral_fat_mm;
    float whole = outline(b, x, y, 0.0f), inner = outline(b, x, y, inset);
    whole += body_folds(b, x, y) * (whole > 1.0f ? 1.0f : 0.0f);
    /* planes of fat between muscles run down and outwards; clouds of marbling */
    float streak =
        noise_cloud(&b->tile, (x * 0.94f + y * 0.34f) * 0.055f, (y * 0.94f - x * 0.34f) * 0.013f + 70.0f);
    float marble = noise_cloud(&b->tile, x * 0.035f + 5.0f, y * 0.03f + 90.0f);
    float share = 0.16f + 0.05f * streak + 0.03f * marble;
    share = fminf(fmaxf(share, 0.02f), 0.5f);
    float lean = fmaxf(fminf(inner, whole) - bowel(b, x, y), 0.0f);
    float marbling = share * lean;
    *muscle = lean - marbling;
    *fat = fmaxf(whole - inner, 0.0f) + marbling;
    /* skin itself */
    float skin = fminf(4.0f, 0.5f * *fat);
    *muscle += skin;
    *fat -= skin;
}
