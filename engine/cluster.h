/* Cases in clusters: images of one patient are alike, and count for less than as many patients' would. A
 * cluster is named by any number from 0 on; a negative one: the case is a cluster of its own. */
#ifndef NN_CLUSTER_H
#define NN_CLUSTER_H

#include <stdint.h>

#include "engine/error.h"

/* Numbers the clusters of `count` cases from 0 into `dense`, which has room for them; *clusters is how many
 * there are. NN_ERR_MEMORY. Any thread. */
nn_status nn_cluster_number(const int *cluster, int count, int *dense, int *clusters,
                            struct nn_error *err) NN_MUST_CHECK;

/* How many clusters have a case of a kind: clusters[0] with truth[i] = 0, clusters[1] with 1; one with both
 * counts twice. NN_ERR_MEMORY. Any thread. */
nn_status nn_cluster_kinds(const uint8_t *truth, const int *cluster, int count, int clusters[2],
                           struct nn_error *err) NN_MUST_CHECK;
/* How many the rarer kind has. */
static inline int nn_cluster_rarer(const int clusters[2])
{
    return clusters[0] < clusters[1] ? clusters[0] : clusters[1];
}

#endif
