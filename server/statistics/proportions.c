#include "server/statistics/proportions.h"

#include "server/statistics/normal.h"

struct srv_stat_counts srv_stat_count(const struct srv_stat_trial *trials, int count)
{
    struct srv_stat_counts c = {0};
    for (int i = 0; i < count; i++) {
        bool right = srv_stat_correct(&trials[i]);
        if (trials[i].signal)
            right ? c.hits++ : c.misses++;
        else
            right ? c.correct_rejections++ : c.false_alarms++;
    }
    return c;
}

struct srv_stat_estimate srv_stat_share(int part, int whole)
{
    if (whole <= 0) return (struct srv_stat_estimate){.gap = SRV_STAT_TOO_FEW};
    const double z = SRV_STAT_Z95;
    double p = (double)part / whole, shrink = 1 + z * z / whole;
    double middle = (p + z * z / (2.0 * whole)) / shrink;
    double half = z / shrink * sqrt(p * (1 - p) / whole + z * z / (4.0 * whole * whole));
    /* At 0 and at 1 the ends meet the share; rounding must not push them past it. */
    return (struct srv_stat_estimate){.value = p,
                                      .se = NAN,
                                      .low = part == 0 ? 0 : middle - half,
                                      .high = part == whole ? 1 : middle + half};
}

struct srv_stat_estimate srv_stat_accuracy(struct srv_stat_counts c)
{
    int right = c.hits + c.correct_rejections;
    return srv_stat_share(right, right + c.misses + c.false_alarms);
}

struct srv_stat_estimate srv_stat_sensitivity(struct srv_stat_counts c)
{
    return srv_stat_share(c.hits, c.hits + c.misses);
}

struct srv_stat_estimate srv_stat_specificity(struct srv_stat_counts c)
{
    return srv_stat_share(c.correct_rejections, c.correct_rejections + c.false_alarms);
}
