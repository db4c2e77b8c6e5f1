/* What trainer/neighbours computes of f64 numbers from standard input, for test_neighbours.py to compare.
 * Prints lines of a name and numbers.
 *
 *   dump_neighbours tsne COUNT WIDTH COMPONENTS   COUNT points: their components, places and trustworthiness
 *   dump_neighbours effect SAMPLES HELD_OUT       distances of SAMPLES samples and of HELD_OUT held-out
 * images, the latter two of each patient: effect, its interval and p */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/neighbours/nearness.h"
#include "trainer/neighbours/principal.h"
#include "trainer/neighbours/tsne.h"

static double *allocate(size_t count)
{
    double *values = calloc(count, sizeof *values);
    if (!values) abort();
    return values;
}

static void check(nn_status status, const struct nn_error *err)
{
    if (status == NN_OK) return;
    fprintf(stderr, "dump_neighbours: %s\n", err->text);
    exit(1);
}

static void print_rows(const char *name, const double *values, int rows, int columns)
{
    for (int r = 0; r < rows; r++) {
        printf("%s.%d", name, r + 1);
        for (int c = 0; c < columns; c++) printf(" %.17g", values[r * columns + c]);
        putchar('\n');
    }
}

static void tsne(int count, int width, int components, const double *values)
{
    struct nn_error err;
    size_t all = (size_t)count * (size_t)width;
    float *points = malloc(all * sizeof *points);
    double *reduced = allocate((size_t)count * (size_t)components), *places = allocate(2 * (size_t)count),
           trust;
    if (!points) abort();
    for (size_t i = 0; i < all; i++) points[i] = (float)values[i];
    const struct tr_tsne_settings settings = {.perplexity = 30, .steps = 1000};
    check(tr_principal(points, count, width, components, 1, reduced, &err), &err);
    check(tr_tsne(reduced, count, components, &settings, places, NULL, NULL, &err), &err);
    check(tr_trustworthiness(values, count, width, places, 5, &trust, &err), &err);
    print_rows("components", reduced, count, components);
    print_rows("places", places, count, 2);
    printf("trustworthiness %.17g\n", trust);
    free(places);
    free(reduced);
    free(points);
}

/* One layer and two training images, the other one farther. */
static void effect(int samples, int held_out, const double *values)
{
    struct nn_error err;
    struct tr_nearness found;
    int queries = samples + held_out;
    float *table = malloc((size_t)queries * TR_VARIANTS * 2 * sizeof *table);
    int *patients = malloc((size_t)queries * sizeof *patients);
    if (!table || !patients) abort();
    for (int q = 0; q < queries; q++) {
        patients[q] = q < samples ? -1 : (q - samples) / 2;
        for (int v = 0; v < TR_VARIANTS; v++) {
            table[(q * TR_VARIANTS + v) * 2] = (float)values[q];
            table[(q * TR_VARIANTS + v) * 2 + 1] = (float)values[q] + 1;
        }
    }
    const struct tr_nearness_input in = {table, 1, queries, held_out, 2, patients, (int[]){0, 1}};
    check(tr_nearness(&found, &in, &err), &err);
    printf("effect %.17g %.17g %.17g %.17g\n", found.layers[0].effect, found.layers[0].interval.low,
           found.layers[0].interval.high, found.layers[0].interval.p);
    tr_nearness_release(&found);
    free(patients);
    free(table);
}

int main(int argc, char **argv)
{
    bool compares = argc == 4 && strcmp(argv[1], "effect") == 0;
    if (!compares && (argc != 5 || strcmp(argv[1], "tsne") != 0)) {
        fprintf(stderr, "usage: dump_neighbours tsne COUNT WIDTH COMPONENTS | effect SAMPLES HELD_OUT\n");
        return 2;
    }
    int a = atoi(argv[2]), b = atoi(argv[3]);
    size_t count = compares ? (size_t)(a + b) : (size_t)a * (size_t)b;
    double *values = allocate(count);
    if (fread(values, sizeof *values, count, stdin) != count) abort();
    if (compares)
        effect(a, b, values);
    else
        tsne(a, b, atoi(argv[4]), values);
    free(values);
    return 0;
}
