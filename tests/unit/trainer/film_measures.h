/* What is measured of a radiograph, real or simulated, to compare them. All on 8-bit grey of side*side. */
#ifndef TESTS_FILM_MEASURES_H
#define TESTS_FILM_MEASURES_H

#include <stdbool.h>
#include <stdint.h>

double film_mean(const uint8_t *grey, int side);
double film_sd(const uint8_t *grey, int side);
/* The grey below which `share` of the pixels lie. */
double film_percentile(const uint8_t *grey, int side, double share);

/* Noise: residuals of blocks of 16x16 after a quadratic fit; sd at the quietest decile of the blocks whose
 * mean grey lies in low..high. NaN with fewer than 20 blocks. */
double film_noise(const uint8_t *grey, int side, double low, double high);
/* Autocorrelation of these residuals along rows, over the quietest fifth of the blocks of grey 40..80. */
double film_noise_correlation(const uint8_t *grey, int side, int lag);

/* power[k], k = 0 .. side/2-1: mean power of the Hann-windowed picture at k cycles per side, over the ring.
 * `side` is a power of two. */
void film_power(const uint8_t *grey, int side, double *power);
/* Slope of ln power against ln frequency between `low` and `high` cycles per side. */
double film_spectral_slope(const double *power, int low, int high);

/* Texture: sd of the difference of Gaussian blurs of sd `fine_px` and twice that, where `inside` is set. */
double film_texture(const uint8_t *grey, int side, double fine_px, const bool *inside);

/* Full width at half maximum, in pixels, of the edge of a profile of `count` samples: of the peak of the
 * derivative's absolute value. */
double film_edge_width(const double *profile, int count);

#endif
