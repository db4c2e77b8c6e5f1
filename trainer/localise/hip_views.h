/* What training shows of a film: turned, moved, scaled, cut and exposed in another way each time, so that a
 * network that has seen phantoms alone knows hips on real films. */
#ifndef TR_HIP_VIEWS_H
#define TR_HIP_VIEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "trainer/localise/place.h"

/* A square picture and its true boxes. */
struct tr_hip_film {
    const char *file; /* as in labels.csv; borrowed */
    bool train;
    bool there[TR_HIPS]; /* false: the picture does not show that hip */
    struct tr_place place[TR_HIPS];
    uint8_t *pixels; /* side*side */
};

enum tr_hip_truth { TR_HIP_THERE, TR_HIP_NOWHERE, TR_HIP_UNSAID };

struct tr_hip_view {
    enum tr_hip_truth truth[TR_HIPS]; /* UNSAID: half of its box is cut off */
    struct tr_place place[TR_HIPS];   /* of those that are there */
};

/* View `number` of a film of `film_side` to side*side values as the network wants them; a pure function of
 * its arguments. Mirrored views exchange left and right; on those that are turned by 90, 180 or 270 degrees
 * both hips are nowhere. */
void tr_hip_view_draw(const struct tr_hip_film *film, int film_side, uint64_t seed, uint64_t number, int side,
                      float *pixels, struct tr_hip_view *view);

/* The film as it is. `film_side` is `side` or its double. */
void tr_hip_view_plain(const struct tr_hip_film *film, int film_side, int side, float *pixels);

#endif
