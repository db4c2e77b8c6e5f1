#include "trainer/localise/place.h"

#include <math.h>

const char *const tr_hip_words[TR_HIPS] = {"right", "left"};

double tr_place_iou(const struct tr_place *a, const struct tr_place *b)
{
    double width = fmin(a->x + a->width, b->x + b->width) - fmax(a->x, b->x);
    double height = fmin(a->y + a->height, b->y + b->height) - fmax(a->y, b->y);
    double shared = width > 0 && height > 0 ? width * height : 0;
    double covered = a->width * a->height + b->width * b->height - shared;
    return covered > 0 ? shared / covered : 0;
}
