/* X-ray physics: from the material in each ray to the energy that the detector absorbs there.
 *
 * Poly-energetic attenuation (75 kVp, 3 mm Al, CsI; three fitted energy bins), scatter behind a grid, focal
 * spot and detector blur, and quantum noise. Exposures are drawn independently of the class. */
#ifndef PHANTOM_EXPOSURE_H
#define PHANTOM_EXPOSURE_H

#include <stdint.h>

#include "engine/error.h"
#include "trainer/phantom/maps.h"

struct phantom_exposure {
    float dose_ugy;      /* at the detector, behind the hip: the automatic exposure control's aim */
    float scatter_ratio; /* scatter / primary energy, behind the grid */
    float scatter_mm;    /* sd of the scatter's spread */
    float blur_mm;       /* sd of focal spot and detector blur, in the plane of the hip */
    float noise_blur_px; /* sd of the detector's correlation of noise, of a 1024 image */
};

void phantom_exposure_draw(uint64_t seed, uint64_t stream, struct phantom_exposure *e);

/* `signal` (size*size floats): absorbed energy, 1 where nothing was in the way, > 0 everywhere, noise
 * included. (seed, stream) choose the noise, a pure function of the pixel. Bytes depend on nothing else. */
nn_status phantom_expose(const struct phantom_exposure *e, const struct phantom_maps *maps, uint64_t seed,
                         uint64_t stream, float *signal, struct nn_error *err) NN_MUST_CHECK;

#endif
