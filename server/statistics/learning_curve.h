/* How the share of right answers changes over a learner's trials. Answers are right or wrong, so a curve is
 * mostly noise until there are many: with fewer than SRV_STAT_CURVE_TRIALS nothing is told. (Pusic et al.
 * 2011 found noise up to about the 20th radiograph, and the steepest rise from the 21st to the 50th.) */
#ifndef SRV_STATISTICS_LEARNING_CURVE_H
#define SRV_STATISTICS_LEARNING_CURVE_H

#include "server/statistics/trial.h"

enum { SRV_STAT_CURVE_WINDOW = 20, SRV_STAT_CURVE_TRIALS = 2 * SRV_STAT_CURVE_WINDOW };

/* average[i] is the share right among the SRV_STAT_CURVE_WINDOW trials that end with trial i + WINDOW
 * (counted from 1). Returns how many there are, count - WINDOW + 1, or 0 below SRV_STAT_CURVE_TRIALS;
 * `average` has room for `count`. */
int srv_stat_moving_average(const struct srv_stat_trial *trials, int count, double *average);

/* Least squares of y(n) = asymptote - (asymptote - start) exp(-rate n) over the trials n = 0 .. count - 1,
 * y = 1 for right and 0 for wrong, with start and asymptote within 0..1 and rate within 1/count .. 1: a
 * slower rise would put the asymptote beyond what was seen, a faster one is over within two trials. `last` is
 * the fitted value at the last trial. TOO_FEW below SRV_STAT_CURVE_TRIALS; FLAT when the curve does not
 * explain the answers better than one steady share, its two further parameters counted (Bayesian information
 * criterion, normal errors). A fall is fitted like a rise. NO_MEMORY is possible. */
struct srv_stat_curve_fit {
    enum srv_stat_gap gap;
    double start, asymptote, rate, last;
    double squares; /* the sum of squared residuals */
};

struct srv_stat_curve_fit srv_stat_fit_curve(const struct srv_stat_trial *trials, int count);

/* The same for several learners: places[n] has the answers that were each one's trial n. TOO_FEW goes by the
 * number of places; `squares` is over all answers. */
struct srv_stat_place {
    int answered, right;
};
struct srv_stat_curve_fit srv_stat_fit_places(const struct srv_stat_place *places, int count);

#endif
