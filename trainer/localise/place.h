/* Where a hip is on a square picture, as fractions of the picture's side. */
#ifndef TR_PLACE_H
#define TR_PLACE_H

enum { TR_RIGHT, TR_LEFT, TR_HIPS }; /* the patient's */

extern const char *const tr_hip_words[TR_HIPS]; /* "right", "left" */

/* x, y: the upper left corner, from the picture's; any of it may lie beyond the picture. */
struct tr_place {
    double x, y, width, height;
};

/* Area of what two boxes share over area of what they cover together; 0 where one has no area. */
double tr_place_iou(const struct tr_place *a, const struct tr_place *b);

#endif
