/* Where the picture lies over the plane of the head centre, and the rays that make it. */
#ifndef PHANTOM_VIEW_H
#define PHANTOM_VIEW_H

#include "trainer/phantom/anatomy.h"
#include "trainer/phantom/solid.h"

/* Pixels to mm: of the crop of one hip, or of a whole pelvis as one of its hips sees it. A right hip of a
 * whole pelvis is mirrored on the picture, so that its own frame is that of a left one (anatomy.h). */
struct view {
    float pitch;  /* mm a pixel */
    float centre; /* column and row of the picture's middle */
    float c, s;   /* cosine and sine of the roll */
    float x, y;   /* of the head centre, mm from the picture's middle along its sides */
    bool mirrored;
    float focus_x, focus_y, per_focus; /* where the central ray passes, mm; 1 / distance of the focus */
};

struct view view_of(const struct phantom_patient *p, int size);
/* The same view with points from the body's midline, x to the left of the patient, at the height of the hips.
 */
struct view view_of_midline(const struct phantom_patient *p, int size);

void view_point(const struct view *v, float column, float row, float *x, float *y);
/* Where a point of space falls on the picture. */
void view_pixel(const struct view *v, const float point[3], float *column, float *row);
/* The rays of `count` pixels from (column, row) on. */
void view_rays(const struct view *v, int column, int row, int count, struct solid_rays *r);

#endif
