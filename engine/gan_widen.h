/* A network of more channels that computes the same function: training goes on with more room and loses
 * nothing of what was learnt (Chen, Goodfellow and Shlens, "Net2Net: accelerating learning via knowledge
 * transfer", ICLR 2016).
 *
 * Every channel stands m times in the wide network. Whoever reads it reads each of the m copies by a weight
 * of its own, at random but of the same sum: copies that were read alike would be taught alike and stay
 * copies. */
#ifndef NN_GAN_WIDEN_H
#define NN_GAN_WIDEN_H

#include "engine/gan.h"

/* Whether the latent vectors are of one length and `wide` has, at every level of `narrow`, a multiple of its
 * channels: once is one, so networks of the same widths widen, too. Nothing else is compared. */
bool nn_gan_widens(const struct nn_gan_config *narrow, const struct nn_gan_config *wide);

/* Fills `wide_values` from `narrow_values`; both are host memory for value_count floats, of two networks of
 * one kind whose configurations widen and differ in fmap_base and fmap_max alone. The same seed makes the
 * same choices, for weights as for their average. Images and scores of the two differ by rounding. */
void nn_network_widen(const struct nn_network *wide, float *wide_values, const struct nn_network *narrow,
                      const float *narrow_values, uint64_t seed);

#endif
