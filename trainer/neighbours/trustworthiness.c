#include <stdlib.h>

#include "trainer/neighbours/tsne.h"

struct ranked {
    double distance;
    int index;
};

static int by_distance(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* The points from the nearest to point i; itself first, whatever lies in the same place. */
static void rank(const double *points, int count, int width, int i, struct ranked *order)
{
    for (int k = 0; k < count; k++) {
        double sum = 0;
        for (int c = 0; c < width; c++) {
            double d =
                points[(size_t)i * (size_t)width + (size_t)c] - points[(size_t)k * (size_t)width + (size_t)c];
            sum += d * d;
        }
        order[k] = (struct ranked){k == i ? -1 : sum, k};
    }
    qsort(order, (size_t)count, sizeof *order, by_distance);
}

nn_status tr_trustworthiness(const double *points, int count, int width, const double *places, int neighbours,
                             double *result, struct nn_error *err)
{
    struct ranked *order = malloc((size_t)count * sizeof *order);
    int *ranks = malloc((size_t)count * sizeof *ranks);
    double lost = 0, n = count, k = neighbours;
    if (!order || !ranks) {
        free(ranks);
        free(order);
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for the neighbours of %d points", count);
    }
    for (int i = 0; i < count; i++) {
        rank(points, count, width, i, order);
        for (int r = 0; r < count; r++) ranks[order[r].index] = r;
        rank(places, count, 2, i, order);
        for (int r = 1; r <= neighbours; r++)
            if (ranks[order[r].index] > neighbours) lost += ranks[order[r].index] - neighbours;
    }
    free(ranks);
    free(order);
    *result = 1 - lost * 2 / (n * k * (2 * n - 3 * k - 1));
    return NN_OK;
}
