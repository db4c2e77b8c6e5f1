/* Percentile bootstrap intervals (Efron 1979) of anything that is made from cases, drawing whole clusters:
 * images of one patient are alike, and to draw them one by one would promise more than the data hold. */
#ifndef NN_BOOTSTRAP_H
#define NN_BOOTSTRAP_H

#include <stdint.h>

#include "engine/error.h"

/* Statistics of the cases, case i counted weight[i] times, into `values`; NAN where the draw does not give
 * one (a kind of cases is missing): such draws are left out. */
typedef void nn_bootstrap_statistic(const void *context, const int *weight, double *values);

struct nn_interval {
    double low, high; /* the quantiles 0.025 and 0.975 of what was drawn; NAN without a draw */
    int used;         /* draws that gave a value */
};

/* Draws as many clusters as there are, with replacement, `draws` times, and gives `statistic`, which makes
 * `value_count` numbers, one interval for each. cluster[i] is the cluster of case i; a negative number: case
 * i is one of its own. The same seed draws the same. NN_ERR_ARGUMENT: no cases; NN_ERR_MEMORY. */
nn_status nn_bootstrap(const int *cluster, int count, int draws, uint64_t seed,
                       nn_bootstrap_statistic *statistic, const void *context, int value_count,
                       struct nn_interval *intervals, struct nn_error *err) NN_MUST_CHECK;

#endif
