/* What follows a convolution of many channels in a prepared generator, and the way from there into planes. */
#ifndef NN_WIDE_FINISH_H
#define NN_WIDE_FINISH_H

#include "engine/backend.h"
#include "engine/cpu/planar.h"

/* Leaky ReLU of the map plus bias (NULL: done already), then pixel norm, in place. Any number of channels. */
void wide_finish(struct nn_tensor *map, const float *bias, float slope, float epsilon);

/* The pixel norm alone, of bf16 pixels that lie one after another, by the calling thread. */
void wide_normalise(uint16_t *pixels, size_t count, int channels, float epsilon);

/* The map's rows as planes, which are bf16 where `narrow`. The margins stay as they are. */
void wide_to_planes(const struct nn_tensor *map, bool narrow, planar_unit *planes);

#endif
