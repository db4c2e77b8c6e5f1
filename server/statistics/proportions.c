#include "server/statistics/proportions.h"

#include "engine/wilson.h"

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
    struct nn_share share = nn_wilson(part, whole);
    return (struct srv_stat_estimate){.value = share.value, .se = NAN, .low = share.low, .high = share.high};
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
