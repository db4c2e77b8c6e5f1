/* Presentation: from absorbed energy to the grey picture that a reader sees. Collimation and side marker are
 * drawn here too; nothing here knows the class. */
#ifndef PHANTOM_FILM_H
#define PHANTOM_FILM_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/image.h"

/* How one film is processed and what is on it besides the patient. Distances in fractions of the side. */
struct phantom_film {
    float contrast;    /* grey levels per neper of signal in the middle of the curve */
    float middle_grey; /* of the median of the hip */
    float compression; /* share of the low frequencies that is taken away */
    float enhancement; /* of edges: the dark halo beside cortex */
    float enhancement_mm;
    float sharpening; /* of what is finer than half a millimetre: trabeculae, and noise with them */
    bool collimated, white_border;         /* the border outside the collimator is black or white */
    float collimator[4], tilt;             /* left, top, right, bottom insets; tilt in radians */
    float fog;                             /* grey of what got all the beam */
    bool marker, marker_left;              /* side marker; its letter */
    bool marker_mirrored;                  /* as the whole picture is of a right hip */
    bool marker_lead;                      /* a lead letter, laid down by hand; otherwise a digital one */
    float marker_x, marker_y, marker_size; /* top left corner, height */
    float marker_turn, marker_grey;        /* radians */
};

/* `left`: the side that the marker names. Pictures of right hips are shown mirrored, marker and all, as on a
 * flipped film. */
void phantom_film_draw(uint64_t seed, uint64_t stream, bool left, struct phantom_film *film);

/* Of a whole pelvis, which is never mirrored: the same processing, a smaller marker beside the patient, on
 * the side that it names, and more often collimated above and below, as detectors are seldom square. */
void phantom_film_draw_pelvis(uint64_t seed, uint64_t stream, struct phantom_film *film);

/* `signal` as phantom_expose leaves it, size*size; it is overwritten. Fills `image` (8 bit), which the caller
 * has made of that size. pitch_mm is the pixel in the plane of the hip. */
nn_status phantom_develop(const struct phantom_film *film, float *signal, int size, float pitch_mm,
                          struct nn_image *image, struct nn_error *err) NN_MUST_CHECK;

#endif
