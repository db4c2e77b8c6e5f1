#include "server/statistics/response_times.h"

#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double at(const double *sorted, int count, double share)
{
    double place = share * (count - 1);
    int below = (int)place, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/* Sorts `values`. */
static struct srv_stat_quartiles quartiles(double *values, int count)
{
    if (count == 0) return (struct srv_stat_quartiles){.gap = SRV_STAT_TOO_FEW};
    for (int i = 0; i < count; i++)
        if (!isfinite(values[i])) return (struct srv_stat_quartiles){.gap = SRV_STAT_NOT_FINITE};
    qsort(values, (size_t)count, sizeof *values, ascending);
    return (struct srv_stat_quartiles){.count = count,
                                       .lower = at(values, count, 0.25),
                                       .median = at(values, count, 0.5),
                                       .upper = at(values, count, 0.75)};
}

struct srv_stat_times srv_stat_response_times(const struct srv_stat_trial *trials, int count)
{
    struct srv_stat_quartiles none = {.gap = SRV_STAT_NO_MEMORY};
    struct srv_stat_times times = {none, none, none};
    double *values = malloc(((size_t)count + 1) * sizeof *values);
    if (!values) return times;
    /* The right ones from the front, the wrong ones from the back; then all as they lie. */
    int right = 0, wrong = 0;
    for (int i = 0; i < count; i++)
        values[srv_stat_correct(&trials[i]) ? right++ : count - ++wrong] = trials[i].response_ms;
    times.right = quartiles(values, right);
    times.wrong = quartiles(values + right, wrong);
    times.all = quartiles(values, count);
    free(values);
    return times;
}
