#include "engine/bootstrap.h"

#include <math.h>
#include <stdlib.h>

#include "engine/cluster.h"
#include "engine/rng.h"

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

/* Sorts `values`. */
static struct nn_interval interval_of(double *values, int draws)
{
    int used = 0;
    for (int i = 0; i < draws; i++)
        if (!isnan(values[i])) values[used++] = values[i];
    if (used == 0) return (struct nn_interval){.low = NAN, .high = NAN, .p = NAN};
    qsort(values, (size_t)used, sizeof *values, by_value);
    return (struct nn_interval){.low = quantile(values, used, 0.025),
                                .high = quantile(values, used, 0.975),
                                .p = p_of_zero(values, used),
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
