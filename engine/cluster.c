#include "engine/cluster.h"

#include <stdlib.h>

static int by_number(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

nn_status nn_cluster_number(const int *cluster, int count, int *dense, int *clusters, struct nn_error *err)
{
    int named = 0, different = 0;
    int *sorted = malloc(((size_t)count + 1) * sizeof *sorted);
    if (!sorted) return nn_fail(err, NN_ERR_MEMORY, "no memory for the clusters of %d cases", count);
    for (int i = 0; i < count; i++)
        if (cluster[i] >= 0) sorted[named++] = cluster[i];
    qsort(sorted, (size_t)named, sizeof *sorted, by_number);
    for (int i = 0; i < named; i++)
        if (i == 0 || sorted[i] != sorted[i - 1]) sorted[different++] = sorted[i];
    *clusters = different;
    for (int i = 0; i < count; i++) {
        const int *found = cluster[i] < 0
                               ? NULL
                               : bsearch(&cluster[i], sorted, (size_t)different, sizeof *sorted, by_number);
        dense[i] = found ? (int)(found - sorted) : (*clusters)++;
    }
    free(sorted);
    return NN_OK;
}

nn_status nn_cluster_kinds(const uint8_t *truth, const int *cluster, int count, int clusters[2],
                           struct nn_error *err)
{
    int all;
    int *dense = malloc(((size_t)count + 1) * sizeof *dense);
    uint8_t *seen = calloc(2 * ((size_t)count + 1), 1);
    nn_status status = dense && seen ? nn_cluster_number(cluster, count, dense, &all, err)
                                     : nn_fail(err, NN_ERR_MEMORY, "no memory for %d cases", count);
    clusters[0] = clusters[1] = 0;
    for (int i = 0; i < count && status == NN_OK; i++) {
        uint8_t *here = &seen[2 * dense[i] + (truth[i] != 0)];
        clusters[truth[i] != 0] += !*here;
        *here = 1;
    }
    free(seen);
    free(dense);
    return status;
}
