/* Findings that resemble a fracture, or merely clutter the picture, in either class. */
#ifndef PHANTOM_LOOKALIKE_H
#define PHANTOM_LOOKALIKE_H

#include "trainer/phantom/skeleton.h"

/* Shapes that belong to the bones: osteophytes, spurs, channels, callus. In each bone's own frame. */
void lookalikes_on_femur(const struct phantom_patient *p, const struct femur_frame *f, struct solid *s);
void lookalikes_on_pelvis(const struct phantom_patient *p, struct solid *s);

/* What changes the trabeculae of the femur at (x, y) in its plane, mm: pits, healed lines. Multiplies. */
struct grain_marks {
    float pit[3];  /* x, y, radius; radius 0 when absent */
    float scar[5]; /* a point, the normal, the width; width 0 when absent */
    float collar;  /* radius of the osteophytic collar's dense line; 0 when absent */
    float axis[2]; /* of the neck */
};
void grain_marks_make(const struct phantom_patient *p, const struct femur_frame *f, struct grain_marks *out);
float grain_marks_factor(const struct grain_marks *m, float x, float y);

/* Small dense things in front of or behind the bones: capsules in the plane of the head centre. */
#define OVERLAY_MARKS 48
struct overlay {
    int count;
    struct mark {
        float x0, y0, x1, y1, radius, shell; /* shell: wall of a hollow one, 0 for solid; mm */
        float depth;                         /* thickness across, as a share of the round one */
        bool metal;
    } mark[OVERLAY_MARKS];
};
void overlay_make(const struct phantom_patient *p, const struct femur_frame *f, struct overlay *out);
/* Adds cm of bone-like and metal path for the points of a strip. */
void overlay_add(const struct overlay *o, const struct solid_rays *r, float *bone, float *metal);

#endif
