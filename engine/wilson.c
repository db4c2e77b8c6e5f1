#include "engine/wilson.h"

#include <math.h>
#include <stdlib.h>

#include "engine/cluster.h"

void nn_wilson_interval(double value, double cases, double z, double *low, double *high)
{
    double shrink = 1 + z * z / cases, middle = (value + z * z / (2 * cases)) / shrink;
    double half = z / shrink * sqrt(value * (1 - value) / cases + z * z / (4 * cases * cases));
    /* At 0 and at 1 the ends meet the share; rounding must not push them past it. */
    *low = value <= 0 ? 0 : middle - half;
    *high = value >= 1 ? 1 : middle + half;
}

/* Of `effective` independent cases. */
static struct nn_share interval(int part, int whole, double effective)
{
    struct nn_share share = {NAN, NAN, NAN, part, whole};
    if (whole <= 0) return share;
    share.value = (double)part / whole;
    nn_wilson_interval(share.value, effective, NN_Z95, &share.low, &share.high);
    return share;
}

struct nn_share nn_wilson(int part, int whole)
{
    return interval(part, whole, whole);
}

/* What a cluster has of those that count. */
struct sum {
    int hits, cases;
};

static double design_effect(const struct sum *sums, int clusters, int part, int whole)
{
    double value = (double)part / whole, spread = 0, squares = 0;
    int used = 0;
    for (int k = 0; k < clusters; k++) {
        double beyond = sums[k].hits - value * sums[k].cases;
        spread += beyond * beyond;
        squares += (double)sums[k].cases * sums[k].cases;
        used += sums[k].cases > 0;
    }
    if (part == 0 || part == whole || used == 1) return squares / whole;
    return fmax(1, spread / (whole * value * (1 - value)));
}

nn_status nn_wilson_clustered(const int8_t *hit, const int *cluster, int count, struct nn_share *share,
                              struct nn_error *err)
{
    int *dense = malloc(((size_t)count + 1) * sizeof *dense);
    struct sum *sums = calloc((size_t)count + 1, sizeof *sums);
    int part = 0, whole = 0, clusters;
    nn_status status = dense && sums ? nn_cluster_number(cluster, count, dense, &clusters, err)
                                     : nn_fail(err, NN_ERR_MEMORY, "no memory for %d cases", count);
    if (status != NN_OK) goto out;
    for (int i = 0; i < count; i++) {
        if (hit[i] < 0) continue;
        sums[dense[i]].hits += hit[i];
        sums[dense[i]].cases++;
        part += hit[i];
        whole++;
    }
    *share =
        whole ? interval(part, whole, whole / design_effect(sums, clusters, part, whole)) : nn_wilson(0, 0);
out:
    free(sums);
    free(dense);
    return status;
}
