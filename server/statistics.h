/* What a set of yes/no trials with confidence says about the reader. Pure functions. */
#ifndef SRV_STATISTICS_H
#define SRV_STATISTICS_H

#include <stdbool.h>

/* One answered item. rating 1..6; 4 and above means "yes". */
struct srv_stat_trial {
    bool signal; /* the truth: fracture */
    int rating;
};

struct srv_stat_counts {
    int hits, misses, false_alarms, correct_rejections;
};

struct srv_stat_counts srv_stat_count(const struct srv_stat_trial *trials, int count);

/* Area under the empirical ROC curve: the share of (signal, noise) pairs that the ratings order rightly,
 * ties one half (Mann-Whitney; Bamber 1975). False when one of the two kinds is absent. */
bool srv_stat_auc(const struct srv_stat_trial *trials, int count, double *auc);

/* d' = z(H) - z(F) and criterion c = -(z(H) + z(F)) / 2 of signal detection, from the rates
 * H = (hits + 0.5) / (signals + 1), F = (false alarms + 0.5) / (noises + 1): the log-linear correction of
 * Hautus 1995, applied always, so that perfect scores stay finite. False when one kind is absent. */
bool srv_stat_detection(struct srv_stat_counts counts, double *d_prime, double *criterion);

/* The x at which the standard normal distribution function reaches p, 0 < p < 1; to 1e-12. */
double srv_stat_normal_quantile(double p);

/* Sorts `values`; the mean of the middle two for an even count; 0 for none. */
double srv_stat_median(double *values, int count);

#endif
