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

/* mm that folds add at (x, y), and that gas takes away. */
float body_folds(const struct body *b, float x, float y);
float body_gas(const struct noise_tile *t, const struct gas_bubble *bubbles, int count, float x, float y);

/* `body` is a struct body (soft_grid.h). */
void body_paths(const void *body, float x, float y, float *muscle, float *fat);

#endif
