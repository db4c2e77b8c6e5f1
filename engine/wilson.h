/* Shares that were counted, with Wilson's score interval of 95 % (Wilson 1927), which stays within 0..1 and
 * keeps a width at 0 and at 1. Any thread. */
#ifndef NN_WILSON_H
#define NN_WILSON_H

#include <stdint.h>

#include "engine/error.h"

/* The quantile of 0.975 of the normal distribution: intervals of 95 % reach so many errors to each side. */
#define NN_Z95 1.959963984540054

struct nn_share {
    double value, low, high; /* NAN when nothing was counted */
    int part, whole;
};

struct nn_share nn_wilson(int part, int whole);

/* The interval, z errors to each side, of a share `value`, 0..1, of as many cases > 0, which need not be
 * whole. */
void nn_wilson_interval(double value, double cases, double z, double *low, double *high);

/* The share of the cases with hit[i] = 1 among those with 0 or 1 (-1: not counted), which come in clusters
 * (engine/cluster.h). The interval is that of whole / D cases, D being the design effect (Kish 1965; Rao and
 * Scott 1992): the variance of the share as a ratio of clusters' sums over that of independent cases,
 *     D = sum over clusters of (hits - value * cases)^2 / (whole * value * (1 - value)),
 * and at least 1. Cases that are clusters of their own thus give nn_wilson, and copies of cases change
 * nothing. At 0, at 1 and of one cluster alone, where D is not known, all cases of a cluster count as one:
 * D = sum of cases^2 / whole. NN_ERR_MEMORY. */
nn_status nn_wilson_clustered(const int8_t *hit, const int *cluster, int count, struct nn_share *share,
                              struct nn_error *err) NN_MUST_CHECK;

#endif
