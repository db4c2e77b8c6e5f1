/* t-SNE (van der Maaten and Hinton, JMLR 2008), exact: every pair counts. */
#ifndef TR_TSNE_H
#define TR_TSNE_H

#include <stdbool.h>

#include "engine/error.h"

/* After some steps; returning false stops. */
typedef bool tr_tsne_progress(void *context, int step, int steps);

struct tr_tsne_settings {
    double perplexity; /* below a third of the points */
    int steps;         /* the first 250 of them with similarities of 12 times their size */
};

/* Places `count` points of `width` values in the plane: places[2 i] and [2 i + 1]. They start as the first
 * two values of each point, shrunk to a deviation of 1e-4, which after tr_principal are the first two
 * components: so the result is a function of the points (Kobak and Berens 2019). Step size, momentum and
 * gains as scikit-learn's. Memory: 16 bytes a pair. Does not depend on the number of threads; uses OpenMP.
 * NN_ERR_ARGUMENT: too few points for the perplexity. NN_STOPPED when `progress` stops it. */
nn_status tr_tsne(const double *points, int count, int width, const struct tr_tsne_settings *settings,
                  double *places, tr_tsne_progress *progress, void *context,
                  struct nn_error *err) NN_MUST_CHECK;

/* Venna and Kaski's trustworthiness of such places, 0..1: how few of the `neighbours` nearest in the plane
 * are far among the points, `width` values each. 2 neighbours + 1 < count. NN_ERR_MEMORY. */
nn_status tr_trustworthiness(const double *points, int count, int width, const double *places, int neighbours,
                             double *result, struct nn_error *err) NN_MUST_CHECK;

#endif
