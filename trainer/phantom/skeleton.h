/* The bones of one patient as solids, and how the femur lies and breaks. Internal to the anatomy side. */
#ifndef PHANTOM_SKELETON_H
#define PHANTOM_SKELETON_H

#include "trainer/phantom/anatomy.h"
#include "trainer/phantom/solid.h"

/* The femur's own frame: origin in the head centre, x lateral and y distal in the plane of neck and shaft,
 * z dorsal; the shaft runs along y at x = offset. */
struct femur_frame {
    float head;             /* D, mm */
    float offset;           /* head centre to shaft axis, horizontally */
    float axis[2];          /* of the neck, from the head outwards (x, y) */
    float neck;             /* its length */
    struct placement place; /* femur frame to world */
};
struct femur_frame femur_frame_of(const struct phantom_patient *p);

/* The whole femur in its own frame (not closed). */
void femur_build(const struct phantom_patient *p, const struct femur_frame *f, struct solid *out);

/* Hemipelvis, in the world, closed. In the view of one hip its surroundings belong to it: the other pubis,
 * the margin of the sacrum. */
void pelvis_build(const struct phantom_patient *p, struct solid *out);
/* How the pelvis lies: from its own frame to the world. */
struct placement pelvis_pose(const struct phantom_patient *p);

/* Sacrum with coccyx and the lumbar spine, x from the midline, in the world, closed. `p`: the left hip
 * of a whole pelvis. */
void sacrum_build(const struct phantom_patient *p, struct solid *out);
void lumbar_build(const struct phantom_patient *p, struct solid *out);

/* A femur in pieces: each a solid with its clips, moved and closed, and the way back to the unbroken bone. */
#define FRAGMENTS 3
struct broken_femur {
    int count;
    struct solid solid[FRAGMENTS];
    struct placement place[FRAGMENTS]; /* femur frame to world */
};
/* `intact`, or no fracture: one piece. */
void femur_break(const struct phantom_patient *p, const struct femur_frame *f, bool intact,
                 struct broken_femur *out);
/* A point on the fracture line, in the femur frame. */
void fracture_point(const struct phantom_patient *p, const struct femur_frame *f, float out[3]);

#endif
