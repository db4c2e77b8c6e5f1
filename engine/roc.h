/* How well ratings tell two kinds of cases apart: the ROC curve, the area under it with DeLong's error, and
 * average precision. Higher ratings speak for the finding; an area below one half stays below. Pure
 * functions: any thread. */
#ifndef NN_ROC_H
#define NN_ROC_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

struct nn_roc_case {
    double rating;
    int index; /* of the case in what nn_roc_init was given */
    bool finding;
};

/* Ratings of `count` cases, the highest first. Owns its cases, borrows nothing. */
struct nn_roc {
    struct nn_roc_case *cases; /* heap */
    int count, findings;
};

/* truth[i]: 1, the finding is there; 0, it is not. NN_ERR_NUMERIC: a rating that is not finite;
 * NN_ERR_ARGUMENT: only one kind, or no case. On failure nothing is held. */
nn_status nn_roc_init(struct nn_roc *roc, const uint8_t *truth, const double *rating, int count,
                      struct nn_error *err) NN_MUST_CHECK;
void nn_roc_release(struct nn_roc *roc); /* harmless on a zeroed struct */

/* How many of each kind are rated `rating` or more. */
struct nn_roc_point {
    double rating;
    int findings, others;
};

/* Writes one point for each different rating, falling, and returns how many; there is room for `count`. */
int nn_roc_curve(const struct nn_roc *roc, struct nn_roc_point *points);

/* In what follows weight[i] >= 0 is how often case i is counted, NULL: each once (nn_bootstrap draws them).
 * NAN when the weights leave no case of a kind. */

/* The share of (finding, other) pairs that the ratings order rightly, ties one half (Mann-Whitney). */
double nn_roc_auc(const struct nn_roc *roc, const int *weight);
/* Sum over falling ratings of the precision there times the gain of recall, no interpolation: scikit-learn's
 * average_precision_score. */
double nn_roc_average_precision(const struct nn_roc *roc, const int *weight);

/* A value and the variance of its error. Where the variance comes out as 0 (all told apart, all rated alike)
 * it says nothing about other cases. */
struct nn_roc_estimate {
    double value, variance; /* variance NAN: fewer than two cases of a kind */
};

/* The area after DeLong, DeLong & Clarke-Pearson 1988, of cases that have nothing to do with one another: of
 * clusters of them nn_bootstrap gives intervals and tests. NN_ERR_MEMORY. */
nn_status nn_roc_delong(const struct nn_roc *roc, struct nn_roc_estimate *area,
                        struct nn_error *err) NN_MUST_CHECK;

#endif
