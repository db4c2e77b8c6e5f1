/* Cases in clusters: images of one patient are alike, and count for less than as many patients' would. A
 * cluster is named by any number from 0 on; a negative one: the case is a cluster of its own. */
#ifndef NN_CLUSTER_H
#define NN_CLUSTER_H

#include "engine/error.h"

/* Numbers the clusters of `count` cases from 0 into `dense`, which has room for them; *clusters is how many
 * there are. NN_ERR_MEMORY. Any thread. */
nn_status nn_cluster_number(const int *cluster, int count, int *dense, int *clusters,
                            struct nn_error *err) NN_MUST_CHECK;

#endif
