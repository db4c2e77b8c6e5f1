/* Soft tissue around the bones: skin outline, fat layer, muscle, folds, bowel. */
#ifndef PHANTOM_BODY_H
#define PHANTOM_BODY_H

#include "trainer/phantom/noise.h"
#include "trainer/phantom/skeleton.h"

struct gas_bubble {
    float x, y, half_x, half_y, thickness;
};

/* A step in thickness along a bent line, falling off behind it over `tail`. */
struct skin_fold {
    float x, y, along_x, along_y, height, tail;
};

/* mm, in the plane of the head centre */
struct body {
    const struct phantom_patient *patient;
    float head;     /* D */
    float skin;     /* x of the lateral skin at the trochanter */
    float midline;  /* x */
    float perineum; /* y of the crotch */
    struct noise_tile tile;
    int gases;
    struct gas_bubble gas[8];
    int folds;
    struct skin_fold fold[6];
};
void body_make(const struct phantom_patient *p, const struct femur_frame *f, struct body *out);

/* Path lengths in mm at (x, y) as if there were no bone. */
void body_paths(const struct body *b, float x, float y, float *muscle, float *fat);

#endif
