/* Bootstrap intervals (Efron 1979) of anything that is made from cases, and tests by the same draws, drawing
 * whole clusters (engine/cluster.h; Field and Welsh 2007): images of one patient are alike, and to draw them
 * one by one would promise more than the data hold. Of a difference between two things of the same cases the
 * test is a paired one.
 *
 * nn_bootstrap gives percentiles. They suit differences, but not what lies between 0 and 1: of few clusters
 * they are too narrow and lie too high near 1, and of cases that are all told apart they have no width.
 * nn_bootstrap_share takes the draws' deviation to the scale of log odds instead, as is done for areas (Pepe
 * 2003, chapter 5). How many of 100 intervals of an area under the ROC curve held the truth where every
 * fourth cluster has the finding (tests/unit/engine/test_intervals.c with 2000 data sets; BCa, Efron's
 * correction for bias and acceleration, in NumPy with 300, so to some 2 of 100):
 *
 *     clusters  area    percentiles   BCa   log odds
 *     30        0.90        88         94      95
 *     30        0.97        79         84      98
 *     60        0.90        90         92      93
 *     60        0.97        86         91      93
 *     120       0.97        90         91      94
 *
 * Percentiles of a difference of two areas held it in 92 to 95 where the rarer kind had some 30 clusters;
 * with 8 of 30, in 78 to 95. */
#ifndef NN_BOOTSTRAP_H
#define NN_BOOTSTRAP_H

#include <stdint.h>

#include "engine/error.h"

/* Statistics of the cases, case i counted weight[i] times, into `values`; NAN where the draw does not give
 * one (a kind of cases is missing): such draws are left out. */
typedef void nn_bootstrap_statistic(const void *context, const int *weight, double *values);

struct nn_interval {
    double low, high; /* the quantiles 0.025 and 0.975 of what was drawn; NAN without a draw */
    /* Two-sided, that the statistic is 0: twice the share of draws on the rarer side of 0, 0 itself on both,
     * with one draw added (Davison and Hinkley 1997, section 4.2.3, of the interval turned round): below 0.05
     * where the interval leaves 0 out, and never 0. NAN without a draw. */
    double p;
    double deviation; /* standard deviation of the draws; NAN without one */
    int used;         /* draws that gave a value */
};

/* Draws as many clusters as there are, with replacement, `draws` times, and gives `statistic`, which makes
 * `value_count` numbers, one interval for each. cluster[i] is the cluster of case i. The same seed draws the
 * same. NN_ERR_ARGUMENT: no cases; NN_ERR_MEMORY. */
nn_status nn_bootstrap(const int *cluster, int count, int draws, uint64_t seed,
                       nn_bootstrap_statistic *statistic, const void *context, int value_count,
                       struct nn_interval *intervals, struct nn_error *err) NN_MUST_CHECK;

/* The interval instead of a statistic that lies between 0 and 1, such as an area, average precision or a
 * share: `value`, of the cases as they are, and what nn_bootstrap gave for it. On the scale of log odds it is
 * the value
 * -+ 1.96 deviation / (value (1 - value)). Draws that do not vary tell nothing of other cases: then it is
 * Wilson's (engine/wilson.h) of value * cases of `cases` >= 1, which are as many as the value can stand for,
 * of an area the clusters of the rarer kind (nn_cluster_rarer). p is of the value being one half, by the same
 * errors, and as from draws at least 2 / (used + 1). NAN without a draw. */
struct nn_interval nn_bootstrap_share(double value, struct nn_interval drawn, int cases);

#endif
