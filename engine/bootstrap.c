#include "engine/bootstrap.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "engine/cluster.h"
#include "engine/rng.h"
#include "engine/wilson.h"

enum { BOOTSTRAP_STREAM = 0x626f6f74 }; /* "boot" */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of `count` rising values, with a straight line between neighbours. */
static double quantile(const double *sorted, int count, double p)
{
    double place = p * (count - 1);
    int below = (int)place;
    double above = sorted[below + 1 < count ? below + 1 : below];
    return sorted[below] + (place - below) * (above - sorted[below]);
}

/* The draw that there really was counts as one more, on either side: p is never 0. */
static double p_of_zero(const double *values, int used)
{
    int below = 0, above = 0;
    for (int i = 0; i < used; i++) {
        below += values[i] <= 0;
        above += values[i] >= 0;
    }
    return fmin(1, 2.0 * ((below < above ? below : above) + 1) / (used + 1));
}

static double deviation_of(const double *values, int used)
{
    double mean = 0, squares = 0;
    for (int i = 0; i < used; i++) mean += values[i] / used;
    for (int i = 0; i < used; i++) squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / used);
}

static const struct nn_interval unknown = {.low = NAN, .high = NAN, .p = NAN, .deviation = NAN};

/* Sorts `values`. */
static struct nn_interval interval_of(double *values, int draws)
{
    int used = 0;
    for (int i = 0; i < draws; i++)
        if (!isnan(values[i])) values[used++] = values[i];
    if (used == 0) return unknown;
    qsort(values, (size_t)used, sizeof *values, by_value);
    return (struct nn_interval){.low = quantile(values, used, 0.025),
                                .high = quantile(values, used, 0.975),
                                .p = p_of_zero(values, used),
                                .deviation = deviation_of(values, used),
                                .used = used};
}

nn_status nn_bootstrap(const int *cluster, int count, int draws, uint64_t seed,
                       nn_bootstrap_statistic *statistic, const void *context, int value_count,
                       struct nn_interval *intervals, struct nn_error *err)
{
    if (count < 1 || draws < 1) return nn_fail(err, NN_ERR_ARGUMENT, "nothing to draw from, or no draws");
    nn_status status = NN_OK;
    int *dense = malloc((size_t)count * sizeof *dense), *weight = malloc((size_t)count * sizeof *weight);
    int *drawn = malloc((size_t)count * sizeof *drawn);
    double *values = malloc((size_t)value_count * sizeof *values);
    double *all = malloc((size_t)value_count * (size_t)draws * sizeof *all); /* statistic by statistic */
    if (!dense || !weight || !drawn || !values || !all) {
        status = nn_fail(err, NN_ERR_MEMORY, "no memory for %d draws of %d cases", draws, count);
        goto out;
    }
    int clusters;
    status = nn_cluster_number(cluster, count, dense, &clusters, err);
    if (status != NN_OK) goto out;
    struct nn_rng rng = {.seed = seed, .stream = BOOTSTRAP_STREAM};
    for (int d = 0; d < draws; d++) {
        for (int k = 0; k < clusters; k++) drawn[k] = 0;
        for (int k = 0; k < clusters; k++) drawn[nn_rng_below(&rng, (uint32_t)clusters)]++;
        for (int i = 0; i < count; i++) weight[i] = drawn[dense[i]];
        statistic(context, weight, values);
        for (int v = 0; v < value_count; v++) all[(size_t)v * (size_t)draws + (size_t)d] = values[v];
    }
    for (int v = 0; v < value_count; v++) intervals[v] = interval_of(all + (size_t)v * (size_t)draws, draws);
out:
    free(all);
    free(values);
    free(drawn);
    free(weight);
    free(dense);
    return status;
}

/* Draws whose deviation is no more than the rounding of their mean are all the same. */
static bool varies(double value, double deviation)
{
    return value > 0 && value < 1 && deviation > 1e-12;
}

/* Of a share, z errors to each side. */
static void share_ends(double value, double deviation, int cases, double z, double ends[2])
{
    if (varies(value, deviation)) {
        double odds = log(value / (1 - value)), error = deviation / (value * (1 - value));
        ends[0] = 1 / (1 + exp(z * error - odds));
        ends[1] = 1 / (1 + exp(-z * error - odds));
    } else {
        nn_wilson_interval(value, cases, z, &ends[0], &ends[1]);
    }
}

static double p_of(double errors, int used)
{
    return fmax(2.0 / (used + 1), erfc(fabs(errors) / sqrt(2)));
}

struct nn_interval nn_bootstrap_share(double value, struct nn_interval drawn, int cases)
{
    double ends[2], away; /* from one half, in errors */
    if (drawn.used == 0 || isnan(value)) return unknown;
    share_ends(value, drawn.deviation, cases, NN_Z95, ends);
    if (varies(value, drawn.deviation))
        away = log(value / (1 - value)) * value * (1 - value) / drawn.deviation;
    else
        away = (value - 0.5) / sqrt(0.25 / cases);
    drawn.low = ends[0];
    drawn.high = ends[1];
    drawn.p = p_of(away, drawn.used);
    return drawn;
}

/* Two shares of the same draws. */
struct pair {
    double value[2], deviation[2], correlation;
    int cases;
};

static double correlation_of(double a, double b, double difference)
{
    if (a <= 1e-12 || b <= 1e-12) return 0;
    return fmax(-1, fmin(1, (a * a + b * b - difference * difference) / (2 * a * b)));
}

static double reach(double a, double b, double correlation)
{
    return sqrt(fmax(0, a * a + b * b - 2 * correlation * a * b));
}

static void difference_ends(const struct pair *p, double z, double ends[2])
{
    double first[2], second[2], middle = p->value[0] - p->value[1];
    share_ends(p->value[0], p->deviation[0], p->cases, z, first);
    share_ends(p->value[1], p->deviation[1], p->cases, z, second);
    ends[0] = middle - reach(p->value[0] - first[0], second[1] - p->value[1], p->correlation);
    ends[1] = middle + reach(first[1] - p->value[0], p->value[1] - second[0], p->correlation);
}

/* How many errors the interval reaches to 0, by bisection. */
static double errors_to_zero(const struct pair *p)
{
    double low = 0, high = 40, ends[2];
    while (high - low > 1e-9) {
        double middle = (low + high) / 2;
        difference_ends(p, middle, ends);
        *(ends[0] > 0 || ends[1] < 0 ? &low : &high) = middle;
    }
    return low;
}

struct nn_interval nn_bootstrap_difference(const double value[2], const struct nn_interval drawn[2],
                                           struct nn_interval difference, int cases)
{
    double ends[2];
    if (difference.used == 0 || isnan(value[0] - value[1])) return unknown;
    const struct pair pair = {
        {value[0], value[1]},
        {drawn[0].deviation, drawn[1].deviation},
        correlation_of(drawn[0].deviation, drawn[1].deviation, difference.deviation),
        cases,
    };
    difference_ends(&pair, NN_Z95, ends);
    difference.low = ends[0];
    difference.high = ends[1];
    difference.p = p_of(errors_to_zero(&pair), difference.used);
    return difference;
}
