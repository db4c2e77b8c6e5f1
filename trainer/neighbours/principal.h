/* Principal components (Pearson 1901) of many wide rows. */
#ifndef TR_PRINCIPAL_H
#define TR_PRINCIPAL_H

#include <stdint.h>

#include "engine/error.h"

/* The coordinates of `rows` points of `columns` values in their first `wanted` principal components, largest
 * variance first, into out (rows * wanted): by subspace iteration on the rows' Gram matrix from a start that
 * `seed` gives. A component's sign is such that its largest coordinate is positive. `wanted` is at most rows
 * and columns. Does not depend on the number of threads; uses OpenMP. NN_ERR_MEMORY. */
nn_status tr_principal(const float *points, int rows, int columns, int wanted, uint64_t seed, double *out,
                       struct nn_error *err) NN_MUST_CHECK;

#endif
