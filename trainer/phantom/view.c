#include "trainer/phantom/view.h"

#include <math.h>

struct view view_of(const struct phantom_patient *p, int size)
{
    float roll = p->frame_roll_deg * 0.017453293f;
    return (struct view){
        .pitch = p->frame_mm / (float)size,
        .centre = 0.5f * (float)(size - 1),
        .c = cosf(roll),
        .s = sinf(roll),
        .x = p->frame_x_mm,
        .y = p->frame_y_mm,
        .mirrored = p->midline_mm > 0.0f && !p->left,
        /* the central ray meets the midline a little above the symphysis */
        .focus_x = p->midline_mm > 0.0f ? -p->midline_mm : -1.85f * p->head_mm,
        .focus_y = -0.3f * p->head_mm,
        .per_focus = 1.0f / p->focus_mm,
    };
}

struct view view_of_midline(const struct phantom_patient *p, int size)
{
    struct view v = view_of(p, size);
    v.x -= v.c * p->midline_mm;
    v.y += v.s * p->midline_mm;
    v.focus_x = 0.0f;
    return v;
}

void view_point(const struct view *f, float column, float row, float *x, float *y)
{
    if (f->mirrored) column = 2.0f * f->centre - column;
    float u = f->pitch * (column - f->centre) - f->x, v = f->pitch * (row - f->centre) - f->y;
    *x = f->c * u - f->s * v;
    *y = f->s * u + f->c * v;
}

void view_pixel(const struct view *f, const float point[3], float *column, float *row)
{
    /* the ray through the point meets the plane here */
    float away = point[2] * f->per_focus, x = (point[0] + away * f->focus_x) / (1.0f + away),
          y = (point[1] + away * f->focus_y) / (1.0f + away);
    float u = f->c * x + f->s * y + f->x, v = f->c * y - f->s * x + f->y;
    *column = u / f->pitch + f->centre;
    *row = v / f->pitch + f->centre;
    if (f->mirrored) *column = 2.0f * f->centre - *column;
}

void view_rays(const struct view *f, int column, int row, int count, struct solid_rays *r)
{
    r->count = count;
    for (int i = 0; i < SOLID_LANES; i++) {
        int k = i < count ? i : count - 1;
        view_point(f, (float)(column + k), (float)row, &r->x[i], &r->y[i]);
        r->sx[i] = (r->x[i] - f->focus_x) * f->per_focus;
        r->sy[i] = (r->y[i] - f->focus_y) * f->per_focus;
    }
}
