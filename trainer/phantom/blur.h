/* Gaussian blurs of square float images, edges extended. */
#ifndef PHANTOM_BLUR_H
#define PHANTOM_BLUR_H

#include "engine/error.h"

/* In place, separable, truncated at 3 sd. sd <= 0 does nothing. */
nn_status phantom_blur(float *image, int size, float sd_px, struct nn_error *err) NN_MUST_CHECK;

/* For wide blurs: means over a 64x64 grid, blurred there, interpolated back to `out`. */
nn_status phantom_blur_coarse(const float *image, int size, float sd_px, float *out,
                              struct nn_error *err) NN_MUST_CHECK;

#endif
