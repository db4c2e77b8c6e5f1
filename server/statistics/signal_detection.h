/* Sharpness and leaning of a yes/no reader. */
#ifndef SRV_STATISTICS_SIGNAL_DETECTION_H
#define SRV_STATISTICS_SIGNAL_DETECTION_H

#include "server/statistics/proportions.h"

/* d' = z(H) - z(F) and criterion c = -(z(H) + z(F)) / 2 from the rates H = (hits + 0.5) / (signals + 1),
 * F = (false alarms + 0.5) / (noises + 1): the log-linear correction of Hautus 1995, applied always, so that
 * perfect scores stay finite. Variances are those of Gourevitch & Galanter 1967,
 *   var d' = H(1-H) / (signals phi(z(H))^2) + F(1-F) / (noises phi(z(F))^2),  var c = var d' / 4,
 * at the corrected rates; intervals are 1.96 errors to each side. SRV_STAT_ONE_KIND when one is absent. */
struct srv_stat_detection {
    struct srv_stat_estimate d_prime, criterion;
};

struct srv_stat_detection srv_stat_detect(struct srv_stat_counts counts);

#endif
