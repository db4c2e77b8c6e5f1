/* Soft tissue around the bones: skin outline, fat layer, muscle, folds, bowel. */
#ifndef PHANTOM_BODY_H
#define PHANTOM_BODY_H

#include "trainer/phantom/noise.h"
#include "trainer/phantom/skeleton.h"

struct body {
    const struct phantom_patient *patient;
    float head, skin, midline,
        perineum; /* mm: D; lateral skin at the trochanter; x of the midline; y of the crotch */
    float groin;  /* slope of the fold that runs from the groin */
    struct noise_tile tile;
    int gases;
    float gas[8][6]; /* x, y, half axes, thickness, edge */
    int folds;
    float fold[6][6]; /* point x, y; direction x, y; height; tail */
};
void body_make(const struct phantom_patient *p, const struct femur_frame *f, struct body *out);

/* Path lengths in mm at (x, y) as if there were no bone. */
void body_paths(const struct body *b, float x, float y, float *muscle, float *fat);

#endif
