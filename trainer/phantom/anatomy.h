/* The virtual patient and the material its hip puts into each ray: the anatomy half of the phantom.
 *
 * A patient is a pure function of (seed, index). Everything about it is drawn before anything is rendered,
 * every purpose from its own Philox stream, so that drawing more for one purpose never shifts another and
 * the intact twin of a fractured hip shares body, pose, texture and framing with it.
 *
 * Frame: the crop of one hip as it lies on a frontal film, always as a LEFT hip looks (pelvis on the left
 * side of the image, shaft on the right); right hips are mirrored into that. x grows to the right (lateral),
 * y downwards (caudal), z towards the detector (dorsal), all in mm from the centre of the acetabulum. */
#ifndef PHANTOM_ANATOMY_H
#define PHANTOM_ANATOMY_H

#include "engine/error.h"
#include "trainer/phantom/maps.h"

#include <stdbool.h>
#include <stdint.h>

enum phantom_fracture_type {
    PHANTOM_FRACTURE_NONE,
    PHANTOM_SUBCAPITAL,
    PHANTOM_TRANSCERVICAL,
    PHANTOM_BASICERVICAL,
    PHANTOM_INTERTROCHANTERIC,
    PHANTOM_SUBTROCHANTERIC,
    PHANTOM_FRACTURE_TYPES
};

/* How far the fragments have moved, from a line that shows only by its lucency to complete displacement. */
enum phantom_fracture_grade {
    PHANTOM_GRADE_NONE,
    PHANTOM_HAIRLINE,  /* under 1.5 mm, no angulation */
    PHANTOM_IMPACTED,  /* valgus or varus tilt with the fragments driven together: a dense band */
    PHANTOM_PARTIAL,   /* moderate varus and shortening */
    PHANTOM_DISPLACED, /* the fragments have lost each other */
    PHANTOM_FRACTURE_GRADES
};

/* Names as they stand in labels.csv: "none", "subcapital", ..., "hairline", ... */
const char *phantom_fracture_name(enum phantom_fracture_type type);
const char *phantom_grade_name(enum phantom_fracture_grade grade);

/* The head fragment tilts about its own centre, so it stays in the acetabulum, and takes half of the
 * angulation; the shaft fragment takes the other half and all of the rest. Angles in degrees, lengths in mm,
 * in the frame of the unbroken femur. */
struct phantom_fracture {
    enum phantom_fracture_type type;
    enum phantom_fracture_grade grade;
    float position;       /* where the plane cuts: 0-1 within the range of its type */
    float slope_deg;      /* of the fracture line against the normal position of its type */
    float tilt_deg;       /* of the plane about the line, so that it is not always edge-on */
    float varus_deg;      /* angulation of the shaft fragment, positive varus, negative valgus */
    float rotation_deg;   /* external rotation of the shaft fragment */
    float shortening_mm;  /* along the shaft */
    float translation_mm; /* of the shaft fragment, lateral */
    float gap_mm;         /* lucent separation at the line */
    float roughness_mm;   /* rms of the fracture surface */
    float lesser_mm;      /* displacement of a lesser-trochanter fragment, 0 when it is not broken off */
};

/* What looks like disease or fracture and is neither; all at the same rates in both classes. */
enum phantom_lookalike {
    PHANTOM_OSTEOPHYTES = 1 << 0,    /* collar at the head-neck junction and acetabular lip */
    PHANTOM_VESSEL_CHANNEL = 1 << 1, /* lucent line through the cortex */
    PHANTOM_SKIN_FOLD = 1 << 2,      /* soft-tissue edge across neck or trochanters */
    PHANTOM_OLD_FRACTURE = 1 << 3,   /* healed: sclerotic band, slight deformity */
    PHANTOM_PHLEBOLITH = 1 << 4,
    PHANTOM_PIT = 1 << 5,            /* herniation pit of the neck with a sclerotic rim */
    PHANTOM_VESSEL_CALCIUM = 1 << 6, /* calcified femoral artery */
    PHANTOM_ENTHESOPHYTES = 1 << 7,  /* spurs at the trochanter */
    PHANTOM_METAL_THREAD = 1 << 8,   /* a clip, button or wire over the hip */
};
#define PHANTOM_LOOKALIKES 9

enum { PHANTOM_FEMALE = 0, PHANTOM_MALE = 1 };

/* One hip of one patient. Sources of the distributions stand beside the draws in patient.c. */
struct phantom_patient {
    uint64_t seed, index;
    int hip;   /* which image of this patient: 0 or 1 */
    int hips;  /* how many images the patient has */
    bool left; /* side of this hip; the picture looks left in any case */
    int sex;
    float age_years;
    float stature_cm, bmi;

    /* femur */
    float head_mm; /* diameter with cartilage's shadow, D */
    float neck_shaft_deg, version_deg;
    float neck_length_mm;                     /* head centre to shaft axis, along the neck */
    float neck_width_ratio;                   /* narrowest height of the neck / D */
    float trochanter_mm;                      /* tip of the greater trochanter below the head centre */
    float shaft_mm, canal_ratio, flare_index; /* outer width of the shaft, canal / outer, canal flare */
    float bow_radius_mm;                      /* antecurvature */
    float shape[6]; /* standard normals for what has no name: neck axis, both trochanters */

    /* pelvis */
    float center_edge_deg;   /* lateral cover of the head */
    float joint_mm;          /* superior joint space */
    float pelvis_scale;      /* against D, about 1 */
    float pelvis_shape[8];   /* standard normals: foramen, ischium, teardrop, brim, ... */
#define PELVIS_SHAPE_WIDTH 5 /* that of the distance to the midline */

    /* bone quality */
    float density; /* trabecular fraction, 1 typical of 70 years */
    float cortex;  /* thickness factor, 1 typical of 70 years */
    int singh;     /* 1-6 */

    /* soft tissue */
    float thickness_mm;   /* antero-posterior at the hip */
    float lateral_fat_mm; /* skin to trochanter */
    float gas;            /* bowel gas in the pelvis, 0 none to 1 much */

    /* pose of the body and the frame */
    float rotation_deg; /* external rotation of the femur by positioning */
    float abduction_deg;
    float pelvic_tilt_deg, pelvic_turn_deg;
    float frame_mm;                               /* field of view */
    float frame_x_mm, frame_y_mm, frame_roll_deg; /* head centre in the frame, from the image centre */
    float focus_mm;                               /* X-ray focus to the hip */
    float midline_mm; /* hip to the body's midline in a view of the whole pelvis; 0 in that of a hip */

    unsigned lookalikes; /* bits of phantom_lookalike */
    struct phantom_fracture fracture;
};

/* Independent random streams of one hip, for nn_rng{seed, phantom_stream(...), 0}. The exposure and film side
 * uses PHANTOM_STREAM_EXPOSURE and later names; what both hips of a patient share comes from hip 0. */
enum phantom_purpose {
    PHANTOM_STREAM_PERSON,
    PHANTOM_STREAM_FEMUR,
    PHANTOM_STREAM_PELVIS,
    PHANTOM_STREAM_QUALITY,
    PHANTOM_STREAM_BODY,
    PHANTOM_STREAM_POSE,
    PHANTOM_STREAM_LOOKALIKE,
    PHANTOM_STREAM_FRACTURE,
    PHANTOM_STREAM_TEXTURE,
    PHANTOM_STREAM_EXPOSURE,
    PHANTOM_STREAM_NOISE,
    PHANTOM_STREAM_FILM,
    PHANTOM_STREAM_SPLIT,
    PHANTOM_STREAM_SIDES, /* how the two hips of one pelvis differ, and how the whole lies */
};
uint64_t phantom_stream(uint64_t index, int hip, enum phantom_purpose purpose);

/* How many images (1 or 2) the patient gives. */
int phantom_hip_count(uint64_t seed, uint64_t index);

/* Draws hip `hip` (0 .. phantom_hip_count - 1) of patient `index`. The two hips share the person (sex, age,
 * build, bone quality, most of the anatomy); pose, framing, look-alikes and fracture are their own, and at
 * most one is fractured. 28 % of all images are fractured. */
void phantom_patient_draw(uint64_t seed, uint64_t index, int hip, struct phantom_patient *out);

/* Draws both hips of patient `index` for a view of the whole pelvis: hips[0] the left, hips[1] the right. The
 * same person as in the views of single hips; the sides differ a little, the pose of the pelvis is one. A hip
 * is fractured as often as in the other view, so that of the pelves 56 % are, each on one side. In each hip
 * midline_mm > 0 and the frame is that of the whole picture, mirrored for the right one. */
void phantom_pelvis_draw(uint64_t seed, uint64_t index, struct phantom_patient hips[2]);

/* Allocates the four maps (one block, zeroed) and sets `size`; phantom_maps_release frees them and is
 * harmless on zeroed maps. */
nn_status phantom_maps_init(struct phantom_maps *m, int size, struct nn_error *err) NN_MUST_CHECK;
void phantom_maps_release(struct phantom_maps *m);

/* Fills maps made by phantom_maps_init (16 <= size <= 4096) and their pitch. `intact` leaves the fracture out
 * and everything else as it is. Bytes depend on the patient and the size alone. Uses no threads and no
 * static state: callers run patients in parallel. */
nn_status phantom_render(const struct phantom_patient *p, bool intact, struct phantom_maps *m,
                         struct nn_error *err) NN_MUST_CHECK;

/* The same for the two hips of phantom_pelvis_draw. */
nn_status phantom_render_pelvis(const struct phantom_patient hips[2], bool intact, struct phantom_maps *m,
                                struct nn_error *err) NN_MUST_CHECK;

/* The square around a hip of a whole pelvis that a view of that hip would show on average: its side is 4.05
 * head diameters, its middle lies 0.13 lateral and 0.31 caudal of the head's centre, along the sides of the
 * picture. Pixels of a `size` image, from the outer edge of its first row and column; all of it lies on the
 * picture. */
struct phantom_box {
    float x, y, side;
};
struct phantom_box phantom_hip_box(const struct phantom_patient *hip, int size);

/* Where the fracture crosses the bone on the picture, in pixels of a `size` image; false without one. */
bool phantom_fracture_site(const struct phantom_patient *p, int size, float *column, float *row);

#endif
