/* L1 distances between the feature maps of images, layer by layer. */
#ifndef TR_LAYER_DISTANCES_H
#define TR_LAYER_DISTANCES_H

#include <stddef.h>
#include <stdint.h>

/* Mean absolute differences of a_count and b_count maps of `size` values, bf16 one after another, into
 * out[i * stride + k] for map i of a and k of b. Summed in f32 over stretches of 2,048 values and then in
 * f64: the same numbers whatever the number of threads. Uses OpenMP. */
void tr_layer_distances(const uint16_t *a, int a_count, const uint16_t *b, int b_count, size_t size,
                        float *out, size_t stride);

/* Mean and largest relative error of bf16 are 2^-10 and 2^-8 of a value. Rounds to nearest even. */
void tr_to_bf16(const float *from, size_t count, uint16_t *to);

#endif
