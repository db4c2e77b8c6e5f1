/* Response times: lopsided, so told by their quartiles. */
#ifndef SRV_STATISTICS_RESPONSE_TIMES_H
#define SRV_STATISTICS_RESPONSE_TIMES_H

#include "server/statistics/trial.h"

/* Quartiles interpolate between neighbours: the q-th of n sorted values lies at place q (n - 1), counted from
 * 0 (type 7 of Hyndman & Fan 1996). */
struct srv_stat_quartiles {
    enum srv_stat_gap gap; /* WHOLE, TOO_FEW (none), NOT_FINITE or NO_MEMORY */
    int count;
    double lower, median, upper;
};

struct srv_stat_times {
    struct srv_stat_quartiles all, right, wrong;
};

struct srv_stat_times srv_stat_response_times(const struct srv_stat_trial *trials, int count);

#endif
