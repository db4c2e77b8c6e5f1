/* Areas under ROC curves of ratings from standard input, for test_roc.py to compare.
 *
 *   dump_roc COUNT DRAWS <IN >OUT
 *
 * IN holds f64 numbers: COUNT cases of four (truth 0 or 1, a rating, another rating, number of the patient or
 * -1). OUT is one line a result, its name and its numbers. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/bootstrap.h"
#include "engine/roc.h"

static void areas(const void *context, const int *weight, double *values)
{
    values[0] = nn_roc_auc(context, weight);
    values[1] = nn_roc_average_precision(context, weight);
}

static void print_estimate(const char *name, struct nn_roc_estimate e)
{
    printf("%s %.17g %.17g %.17g\n", name, e.value, e.variance, nn_roc_two_sided_p(e));
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
    struct nn_roc a, b;
    struct nn_roc_estimate estimate;
    struct nn_interval intervals[2];
    if (nn_roc_init(&a, truth, first, count, NULL) || nn_roc_init(&b, truth, second, count, NULL)) abort();
    printf("auc %.17g\naverage_precision %.17g\n", nn_roc_auc(&a, NULL), nn_roc_average_precision(&a, NULL));
    if (nn_roc_delong(&a, &estimate, NULL)) abort();
    print_estimate("delong", estimate);
    if (nn_roc_delong_paired(&a, &b, &estimate, NULL)) abort();
    print_estimate("paired", estimate);
    if (nn_bootstrap(patient, count, draws, 1, areas, &a, 2, intervals, NULL)) abort();
    printf("auc_interval %.17g %.17g %d\n", intervals[0].low, intervals[0].high, intervals[0].used);
    printf("average_precision_interval %.17g %.17g %d\n", intervals[1].low, intervals[1].high,
           intervals[1].used);
    nn_roc_release(&a);
    nn_roc_release(&b);
    free(truth);
    free(first);
    free(second);
    free(patient);
    return 0;
}
