/* Images for tests, and what is asserted of them. */
#ifndef TESTS_IMAGE_CHECKS_H
#define TESTS_IMAGE_CHECKS_H

#include "engine/image.h"

/* Noise over all grey levels of 16 bits, over 20 of 8 bits. The caller releases it. */
struct nn_image noise_image(int width, int height, int depth);

void assert_same_image(const struct nn_image *a, const struct nn_image *b);
void assert_zeroed(const struct nn_image *image);

#endif
