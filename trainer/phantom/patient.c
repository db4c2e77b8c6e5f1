/* Draws the virtual patient: the distributions of anatomy, pose and fractures, with their sources. */
#include "trainer/phantom/anatomy.h"

#include "engine/rng.h"

#include <math.h>
#include <string.h>

#define FRACTURED_SHARE 0.28 /* 3,289 of the 11,734 images of the published training set */
#define TWO_HIPS_SHARE 0.30

static struct nn_rng stream_of(uint64_t seed, uint64_t index, int hip, enum phantom_purpose purpose)
{
    return (struct nn_rng){seed, phantom_stream(index, hip, purpose), 0};
}

uint64_t phantom_stream(uint64_t index, int hip, enum phantom_purpose purpose)
{
    return index * 64 + (uint64_t)hip * 32 + (uint64_t)purpose;
}

static double clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

/* Normal, but no further than 2.6 sd out: monsters teach nothing. */
static float normal(struct nn_rng *r, double mean, double sd)
{
    return (float)(mean + sd * clamp(nn_rng_normal(r, 0.0, 1.0), -2.6, 2.6));
}

/* The person is drawn once for both hips: everything here comes from hip 0's streams. */
static void draw_person(struct phantom_patient *p)
{
    struct nn_rng r = stream_of(p->seed, p->index, 0, PHANTOM_STREAM_PERSON);
    p->hips = nn_rng_uniform(&r) < TWO_HIPS_SHARE ? 2 : 1;
    p->left = (nn_rng_uniform(&r) < 0.5) == (p->hip == 0);
    /* Hip fractures: age 80.3 +- 11, 64 % women (Swedish register, J Orthop Surg Res 2021). Both classes are
     * drawn from that population, so that age tells nothing. */
    p->sex = nn_rng_uniform(&r) < 0.64 ? PHANTOM_FEMALE : PHANTOM_MALE;
    p->age_years = (float)clamp(nn_rng_normal(&r, 77.0, 11.5), 35.0, 100.0);
    bool man = p->sex == PHANTOM_MALE;
    p->stature_cm = normal(&r, man ? 173.0 : 160.0, 6.5);
    p->bmi = (float)clamp(nn_rng_normal(&r, 25.5, 4.0), 16.0, 40.0);
}

int phantom_hip_count(uint64_t seed, uint64_t index)
{
    struct phantom_patient p = {.seed = seed, .index = index};
    draw_person(&p);
    return p.hips;
}

static void draw_femur(struct phantom_patient *p)
{
    struct nn_rng r = stream_of(p->seed, p->index, 0, PHANTOM_STREAM_FEMUR);
    bool man = p->sex == PHANTOM_MALE;
    double tall = (p->stature_cm - (man ? 173.0 : 160.0)) / 6.5;
    double old = (p->age_years - 62.0) / 10.0;
    /* Vertical head diameter 46.9 +- 2.4 and 41.9 +- 2.1 mm (Kanz, Anthropol Anz), 49 +- 3 and 44 +- 3
     * (German dry bones); between the two. Half its variance goes with stature. */
    p->head_mm = normal(&r, (man ? 48.0 : 43.2) + 1.5 * clamp(tall, -2.5, 2.5), 1.7);
    double scale = p->head_mm / 45.0;
    /* Neck-shaft angle 124.7 +- 6.2, version 14.5 +- 8.1 degrees, offset 42.9 +- 6.8 mm, canal flare index
     * 3.4 +- 0.5 in 628 hips of mean age 61.5; lower angle and flare and more offset with age, women more
     * valgus and anteverted (Carmona). Dry bones: 129.2 degrees (Toogood, CORR 2009). */
    p->neck_shaft_deg = normal(&r, (man ? 125.6 : 127.2) - 0.6 * old, 5.0);
    p->version_deg = normal(&r, man ? 13.0 : 15.5, 7.0);
    double offset = normal(&r, 40.0 * scale - 0.25 * (p->neck_shaft_deg - 126.0), 3.4 * scale);
    p->neck_length_mm = (float)(offset / sin(p->neck_shaft_deg * 0.017453293));
    p->neck_width_ratio = normal(&r, 0.70, 0.03); /* 0.70-0.75 D on films */
    /* tip of the trochanter 7.3 +- 5.6 mm (old) from the height of the head centre; lower in valgus
     * (Soodmand, Orthop Surg 2019) */
    p->trochanter_mm = normal(&r, 2.0 + 0.35 * (p->neck_shaft_deg - 126.0), 3.6);
    p->shaft_mm = normal(&r, (man ? 29.5 : 26.8) * (0.5 + 0.5 * p->head_mm / (man ? 48.0 : 43.2)), 1.6);
    p->flare_index = normal(&r, 3.4 - 0.15 * old, 0.45);
    p->bow_radius_mm = normal(&r, 930.0, 150.0); /* 943 mm, n=1232 (PLoS One); 907 +- 193 (Jung 2021) */
    for (int i = 0; i < 6; i++) p->shape[i] = normal(&r, 0.0, 1.0);
}

static void draw_pelvis(struct phantom_patient *p)
{
    struct nn_rng r = stream_of(p->seed, p->index, 0, PHANTOM_STREAM_PELVIS);
    p->center_edge_deg = normal(&r, 35.0, 6.0); /* 35 +- 7, n=4151 (Jacobsen 2005) */
    /* apical joint space 4.19 +- 0.92 mm (Lequesne 2004); women 3.85, -0.36 mm from 50 to 80 years */
    double space = normal(&r, p->sex == PHANTOM_MALE ? 4.2 : 3.9, 0.75);
    p->joint_mm = (float)clamp(space - 0.012 * (p->age_years - 65.0), 2.0, 6.5);
    p->pelvis_scale = normal(&r, p->sex == PHANTOM_MALE ? 0.99 : 1.03, 0.035);
    for (int i = 0; i < 8; i++) p->pelvis_shape[i] = normal(&r, 0.0, 1.0);
}

static void draw_quality(struct phantom_patient *p)
{
    struct nn_rng r = stream_of(p->seed, p->index, 0, PHANTOM_STREAM_QUALITY);
    bool man = p->sex == PHANTOM_MALE;
    double old = (p->age_years - 70.0) / 10.0;
    p->density = (float)clamp(normal(&r, (man ? 1.06 : 0.97) - 0.07 * old, 0.15), 0.5, 1.5);
    /* cortical thickness index 0.58 / 0.50 / 0.42 for Dorr A / B / C: canal 0.42 / 0.50 / 0.58 of the shaft
     */
    p->canal_ratio = (float)clamp(normal(&r, (man ? 0.44 : 0.46) + 0.025 * old, 0.05), 0.30, 0.66);
    /* women from 25 to 85 years: superior neck cortex 1.63 to 0.33 mm, inferior 3.9 to 3.3 (Poole, JBMR 2010)
     */
    p->cortex = (float)clamp(normal(&r, 1.0 - 0.06 * old, 0.12), 0.6, 1.5);
    p->singh = (int)clamp(floor(4.3 + 5.0 * (p->density - 1.0) + nn_rng_normal(&r, 0.0, 0.6)), 1.0, 6.0);
}

static void draw_body(struct phantom_patient *p)
{
    struct nn_rng r = stream_of(p->seed, p->index, 0, PHANTOM_STREAM_BODY);
    p->thickness_mm = (float)clamp(normal(&r, 205.0 + 5.5 * (p->bmi - 25.5), 13.0), 150.0, 320.0);
    /* over the trochanter 31 +- 11.5 mm in old men (Nielson), women more */
    double mean = (p->sex == PHANTOM_MALE ? 33.0 : 41.0) + 2.4 * (p->bmi - 25.5);
    p->lateral_fat_mm = (float)clamp(normal(&r, mean, 6.0), 12.0, 80.0);
    p->gas = (float)pow(nn_rng_uniform(&r), 1.6);
}

/* Pose and frame are drawn for each hip. A fractured leg lies rotated outwards because of its fracture, which
 * is part of the fracture; how the patient was laid down is not, and is equal in both classes. */
static void draw_pose(struct phantom_patient *p)
{
    struct nn_rng r = stream_of(p->seed, p->index, p->hip, PHANTOM_STREAM_POSE);
    /* feet turned inwards by 15 degrees if the patient can; old and painful hips often stay outwards */
    bool stiff = nn_rng_uniform(&r) < 0.30;
    p->rotation_deg = normal(&r, stiff ? 16.0 : -8.0, stiff ? 10.0 : 7.0);
    p->abduction_deg = normal(&r, 1.0, 3.5);
    p->pelvic_tilt_deg = normal(&r, 0.0, 6.0);
    p->pelvic_turn_deg = normal(&r, 0.0, 2.8);
    p->frame_mm = normal(&r, 182.0, 4.0);
    p->frame_x_mm = normal(&r, -6.0, 6.5);
    p->frame_y_mm = normal(&r, -14.0, 6.5);
    p->frame_roll_deg = normal(&r, 0.0, 2.0);
    p->focus_mm = (float)nn_rng_range(&r, 880.0, 1000.0);
}

static void draw_lookalikes(struct phantom_patient *p)
{
    struct nn_rng r = stream_of(p->seed, p->index, p->hip, PHANTOM_STREAM_LOOKALIKE);
    double old = clamp((p->age_years - 50.0) / 40.0, 0.0, 1.0);
    const double rate[PHANTOM_LOOKALIKES] = {
        0.05 +
            0.15 *
                old, /* osteophytes: radiographic OA 1 % at 55, 10 % at 85 (Scott, Lancet); collar earlier */
        0.12,        /* nutrient and vascular channels */
        0.22,        /* skin folds: common in old, lying patients */
        0.04 * old,  /* healed fracture */
        0.35 * old,  /* phleboliths 35-45 % of old pelves */
        0.07,        /* pit: 4-12 % on film */
        0.30 * old * old,  /* calcified femoral artery 20-40 % of the old */
        0.10 + 0.25 * old, /* enthesophytes */
        0.04,              /* clips, buttons, wires */
    };
    p->lookalikes = 0;
    for (int i = 0; i < PHANTOM_LOOKALIKES; i++)
        if (nn_rng_uniform(&r) < rate[i]) p->lookalikes |= 1u << i;
}

/* Grades within a type: Garden I/II about a quarter of neck fractures, displaced 63 % (Sundkvist); A1 29 %,
 * A2 49 %, A3 22 % of trochanteric ones (Mattisson, BMC MSK 2018); occult ones 2-10 %. */
static enum phantom_fracture_grade draw_grade(struct nn_rng *r, bool neck)
{
    static const double NECK[] = {0.13, 0.35, 0.58}, OTHER[] = {0.14, 0.26, 0.60};
    const double *limit = neck ? NECK : OTHER;
    double u = nn_rng_uniform(r);
    int g = 0;
    while (g < 3 && u >= limit[g]) g++;
    return (enum phantom_fracture_grade)(PHANTOM_HAIRLINE + g);
}

/* neck 55 % (subcapital commonest, true transcervical rare), basicervical 8 %, trochanteric 33,
 * subtrochanteric 6 */
static enum phantom_fracture_type draw_type(struct nn_rng *r)
{
    static const double LIMIT[] = {0.36, 0.51, 0.59, 0.93};
    double u = nn_rng_uniform(r);
    int t = 0;
    while (t < 4 && u >= LIMIT[t]) t++;
    return (enum phantom_fracture_type)(PHANTOM_SUBCAPITAL + t);
}

static void draw_displacement(struct nn_rng *r, struct phantom_fracture *f)
{
    bool neck = f->type <= PHANTOM_BASICERVICAL;
    switch (f->grade) {
    case PHANTOM_HAIRLINE:
        f->varus_deg = (float)nn_rng_range(r, -1.5, 1.5);
        f->gap_mm = (float)nn_rng_range(r, 0.6, 1.5);
        f->translation_mm = (float)nn_rng_range(r, -0.6, 0.6);
        break;
    case PHANTOM_IMPACTED: /* Garden I: valgus 5-25 degrees, driven in by 2-6 mm */
        f->varus_deg = neck ? (float)-nn_rng_range(r, 6.0, 25.0) : (float)nn_rng_range(r, 3.0, 10.0);
        f->rotation_deg = (float)nn_rng_range(r, 0.0, 12.0);
        f->shortening_mm = (float)nn_rng_range(r, 2.0, 6.0);
        f->translation_mm = (float)nn_rng_range(r, -2.0, 2.0);
        break;
    case PHANTOM_PARTIAL:
        f->varus_deg = (float)nn_rng_range(r, 8.0, 22.0);
        f->rotation_deg = (float)nn_rng_range(r, 8.0, 30.0);
        f->shortening_mm = (float)nn_rng_range(r, 2.0, 10.0);
        f->translation_mm = (float)nn_rng_range(r, 0.0, 6.0);
        f->gap_mm = (float)nn_rng_range(r, 0.5, 2.5);
        break;
    default: /* Garden IV, unstable trochanteric */
        f->varus_deg = (float)nn_rng_range(r, 10.0, 35.0);
        f->rotation_deg = (float)nn_rng_range(r, 15.0, 50.0);
        f->shortening_mm = (float)nn_rng_range(r, 8.0, 25.0);
        f->translation_mm = (float)nn_rng_range(r, 3.0, neck ? 16.0 : 12.0);
        f->gap_mm = (float)nn_rng_range(r, 1.0, 4.0);
        break;
    }
    if (f->type == PHANTOM_SUBTROCHANTERIC) {
        /* the proximal fragment is pulled up and out, the shaft goes medially */
        f->translation_mm = -f->translation_mm;
        f->varus_deg *= 0.8f;
    }
    bool lesser = f->type == PHANTOM_INTERTROCHANTERIC && f->grade >= PHANTOM_PARTIAL;
    f->lesser_mm = lesser && nn_rng_uniform(r) < 0.7 ? (float)nn_rng_range(r, 5.0, 22.0) : 0.0f;
}

static void draw_fracture(struct phantom_patient *p)
{
    struct nn_rng r = stream_of(p->seed, p->index, 0, PHANTOM_STREAM_FRACTURE);
    struct phantom_fracture *f = &p->fracture;
    *f = (struct phantom_fracture){0};
    /* per image the share is the same whether the patient has one picture or two */
    bool broken = nn_rng_uniform(&r) < FRACTURED_SHARE * p->hips;
    int hip = p->hips == 2 && nn_rng_uniform(&r) < 0.5 ? 1 : 0;
    if (!broken || hip != p->hip) return;
    f->type = draw_type(&r);
    f->grade = draw_grade(&r, f->type <= PHANTOM_BASICERVICAL);
    f->position = (float)nn_rng_uniform(&r);
    /* line 53 +- 10 degrees to the horizontal (Liu, CT of 34) is the normal position of neck types */
    f->slope_deg = normal(&r, 0.0, 9.0);
    f->tilt_deg = normal(&r, 0.0, f->grade == PHANTOM_HAIRLINE ? 7.0 : 12.0);
    f->roughness_mm = (float)nn_rng_range(&r, 0.5, 1.5);
    draw_displacement(&r, f);
}

/* `hips` 0: as many as the person has pictures. */
static void draw(uint64_t seed, uint64_t index, int hip, int hips, struct phantom_patient *out)
{
    memset(out, 0, sizeof *out);
    out->seed = seed;
    out->index = index;
    out->hip = hip;
    draw_person(out);
    if (hips) out->hips = hips;
    draw_femur(out);
    draw_pelvis(out);
    draw_quality(out);
    draw_body(out);
    draw_pose(out);
    draw_lookalikes(out);
    draw_fracture(out);
}

void phantom_patient_draw(uint64_t seed, uint64_t index, int hip, struct phantom_patient *out)
{
    draw(seed, index, hip, 0, out);
}

/* Hips of one person differ by a third or so of what persons do. */
static void draw_side(struct phantom_patient *p)
{
    struct nn_rng r = stream_of(p->seed, p->index, p->hip, PHANTOM_STREAM_SIDES);
    p->neck_shaft_deg += normal(&r, 0.0, 1.6);
    p->version_deg += normal(&r, 0.0, 2.5);
    p->neck_length_mm += normal(&r, 0.0, 1.0);
    p->trochanter_mm += normal(&r, 0.0, 1.2);
    p->center_edge_deg += normal(&r, 0.0, 1.8);
    p->joint_mm = (float)clamp(p->joint_mm + normal(&r, 0.0, 0.25), 2.0, 6.5);
    for (int i = 0; i < 6; i++) p->shape[i] += normal(&r, 0.0, 0.35);
    for (int i = 0; i < 8; i++)
        if (i != PELVIS_SHAPE_WIDTH) p->pelvis_shape[i] += normal(&r, 0.0, 0.3);
}

/* How the pelvis lies on the film: the same for both hips, but mirrored for a right one. */
static void draw_whole_pose(struct phantom_patient *p)
{
    struct nn_rng r = stream_of(p->seed, p->index, 0, PHANTOM_STREAM_SIDES);
    r.index = 64; /* above the words of draw_side */
    float side = p->left ? 1.0f : -1.0f, d = p->head_mm;
    p->pelvic_tilt_deg = normal(&r, 0.0, 6.0);
    p->pelvic_turn_deg = side * normal(&r, 0.0, 2.8);
    p->frame_roll_deg = side * normal(&r, 0.0, 2.0);
    float roll = p->frame_roll_deg * 0.017453293f, x = side * normal(&r, 0.0, 6.0);
    p->focus_mm = (float)nn_rng_range(&r, 880.0, 1000.0);
    p->midline_mm = (1.76f + 0.04f * p->pelvis_shape[PELVIS_SHAPE_WIDTH]) * d * p->pelvis_scale;
    /* a detector of 43 cm is 37 cm in the plane of the hips, and a bit more where the whole film is shown;
     * both hips' boxes fit in any case */
    double wide =
        fmax(normal(&r, 8.6, 0.3) * (double)d, 2.0 * ((double)p->midline_mm + 2.3 * (double)d + 16.0));
    p->frame_mm = (float)wide;
    p->frame_x_mm = x + cosf(roll) * p->midline_mm;
    p->frame_y_mm = normal(&r, 0.28, 0.22) * d - sinf(roll) * p->midline_mm;
}

void phantom_pelvis_draw(uint64_t seed, uint64_t index, struct phantom_patient hips[2])
{
    for (int k = 0; k < 2; k++) {
        draw(seed, index, k, 2, &hips[k]);
        draw_side(&hips[k]);
        draw_whole_pose(&hips[k]);
    }
    if (hips[0].left) return;
    struct phantom_patient right = hips[0];
    hips[0] = hips[1];
    hips[1] = right;
}

const char *phantom_fracture_name(enum phantom_fracture_type type)
{
    static const char *const NAME[PHANTOM_FRACTURE_TYPES] = {
        "none", "subcapital", "transcervical", "basicervical", "intertrochanteric", "subtrochanteric"};
    return NAME[type];
}

const char *phantom_grade_name(enum phantom_fracture_grade grade)
{
    static const char *const NAME[PHANTOM_FRACTURE_GRADES] = {"none", "hairline", "impacted", "partial",
                                                              "displaced"};
    return NAME[grade];
}
