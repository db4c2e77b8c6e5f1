/* Areas under ROC curves of ratings from standard input, and the share of findings that are rated above 0,
 * for test_roc.py to compare.
 *
 *   dump_roc COUNT DRAWS <IN >OUT
 *
 * IN holds f64 numbers: COUNT cases of four (truth 0 or 1, a rating, another rating, number of the patient or
 * -1). OUT is one line a result, its name and its numbers. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/bootstrap.h"
#include "engine/cluster.h"
#include "engine/roc.h"
#include "engine/wilson.h"

enum { AREA, OTHER_AREA, PRECISION, DIFFERENCE, STATISTICS };

static void areas(const void *context, const int *weight, double *values)
{
    const struct nn_roc *both = context;
    values[AREA] = nn_roc_auc(&both[0], weight);
    values[OTHER_AREA] = nn_roc_auc(&both[1], weight);
    values[PRECISION] = nn_roc_average_precision(&both[0], weight);
    values[DIFFERENCE] = values[AREA] - values[OTHER_AREA];
}

static void print_intervals(const struct nn_roc both[2], const uint8_t *truth, const int *patient, int draws)
{
    static const char *const names[STATISTICS] = {"auc", "other_auc", "average_precision", "difference"};
    struct nn_interval intervals[STATISTICS];
    double values[STATISTICS];
    int kinds[2];
    areas(both, NULL, values);
    if (nn_bootstrap(patient, both->count, draws, 1, areas, both, STATISTICS, intervals, NULL)) abort();
    if (nn_cluster_kinds(truth, patient, both->count, kinds, NULL)) abort();
    for (int k = 0; k < STATISTICS; k++)
        printf("%s_interval %.17g %.17g %d %.17g\n", names[k], intervals[k].low, intervals[k].high,
               intervals[k].used, intervals[k].p);
    for (int k = 0; k < STATISTICS; k++) {
        int rarer = nn_cluster_rarer(kinds);
        struct nn_interval share = k == DIFFERENCE
                                       ? nn_bootstrap_difference(values, intervals, intervals[k], rarer)
                                       : nn_bootstrap_share(values[k], intervals[k], rarer);
        printf("%s_share %.17g %.17g %.17g\n", names[k], share.low, share.high, share.p);
    }
}

static void print_share(const uint8_t *truth, const double *rating, const int *patient, int count)
{
    struct nn_share share;
    int8_t *hit = calloc((size_t)count, 1);
    if (!hit) abort();
    for (int i = 0; i < count; i++) hit[i] = truth[i] ? rating[i] > 0 : -1;
    if (nn_wilson_clustered(hit, patient, count, &share, NULL)) abort();
    printf("share %.17g %.17g %.17g\n", share.value, share.low, share.high);
    free(hit);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: dump_roc COUNT DRAWS <IN >OUT\n");
        return 2;
    }
    int count = atoi(argv[1]), draws = atoi(argv[2]);
    uint8_t *truth = calloc((size_t)count, sizeof *truth);
    double *first = calloc((size_t)count, sizeof *first), *second = calloc((size_t)count, sizeof *second);
    int *patient = calloc((size_t)count, sizeof *patient);
    if (!truth || !first || !second || !patient) abort();
    for (int i = 0; i < count; i++) {
        double cells[4];
        if (fread(cells, sizeof *cells, 4, stdin) != 4) abort();
        truth[i] = cells[0] != 0;
        first[i] = cells[1];
        second[i] = cells[2];
        patient[i] = (int)cells[3];
    }
    struct nn_roc both[2];
    struct nn_roc_estimate estimate;
    if (nn_roc_init(&both[0], truth, first, count, NULL) || nn_roc_init(&both[1], truth, second, count, NULL))
        abort();
    printf("auc %.17g\naverage_precision %.17g\n", nn_roc_auc(&both[0], NULL),
           nn_roc_average_precision(&both[0], NULL));
    if (nn_roc_delong(&both[0], &estimate, NULL)) abort();
    printf("delong %.17g %.17g\n", estimate.value, estimate.variance);
    print_intervals(both, truth, patient, draws);
    print_share(truth, first, patient, count);
    nn_roc_release(&both[0]);
    nn_roc_release(&both[1]);
    free(truth);
    free(first);
    free(second);
    free(patient);
    return 0;
}
