#include "server/statistics/signal_detection.h"

#include "engine/wilson.h"
#include "server/statistics/normal.h"

/* A corrected rate as z, and the variance of that z. */
struct z_rate {
    double z, variance;
};

static struct z_rate z_of(int part, int whole)
{
    double rate = (part + 0.5) / (whole + 1.0), z = srv_stat_normal_quantile(rate);
    double density = srv_stat_normal_density(z);
    return (struct z_rate){z, rate * (1 - rate) / (whole * density * density)};
}

static struct srv_stat_estimate with_error(double value, double se)
{
    return (struct srv_stat_estimate){
        .value = value, .se = se, .low = value - NN_Z95 * se, .high = value + NN_Z95 * se};
}

struct srv_stat_detection srv_stat_detect(struct srv_stat_counts c)
{
    int signals = c.hits + c.misses, noises = c.false_alarms + c.correct_rejections;
    struct srv_stat_estimate none = {.gap = signals + noises == 0 ? SRV_STAT_TOO_FEW : SRV_STAT_ONE_KIND};
    if (signals == 0 || noises == 0) return (struct srv_stat_detection){none, none};
    struct z_rate hit = z_of(c.hits, signals), alarm = z_of(c.false_alarms, noises);
    double se = sqrt(hit.variance + alarm.variance);
    return (struct srv_stat_detection){.d_prime = with_error(hit.z - alarm.z, se),
                                       .criterion = with_error(-(hit.z + alarm.z) / 2, se / 2)};
}
