/* Right and wrong, counted, as shares with Wilson intervals. */
#ifndef SRV_STATISTICS_PROPORTIONS_H
#define SRV_STATISTICS_PROPORTIONS_H

#include "server/statistics/trial.h"

struct srv_stat_counts {
    int hits, misses, false_alarms, correct_rejections;
};

struct srv_stat_counts srv_stat_count(const struct srv_stat_trial *trials, int count);

/* part / whole with Wilson's score interval (engine/wilson.h). It comes without a standard error: se is NAN.
 * SRV_STAT_TOO_FEW when `whole` is 0. */
struct srv_stat_estimate srv_stat_share(int part, int whole);

struct srv_stat_estimate srv_stat_accuracy(struct srv_stat_counts counts);
struct srv_stat_estimate srv_stat_sensitivity(struct srv_stat_counts counts);
struct srv_stat_estimate srv_stat_specificity(struct srv_stat_counts counts);

#endif
