/* The statistics of trials from standard input, for test_statistics.py to compare.
 *
 *   dump_statistics COUNT <IN >OUT
 *
 * IN holds f64 numbers: COUNT trials of three (signal 0 or 1, rating, response time). OUT is one line a
 * result, its name and its numbers. */
#include <stdio.h>
#include <stdlib.h>

#include "server/statistics/learning_curve.h"
#include "server/statistics/normal.h"
#include "server/statistics/proportions.h"
#include "server/statistics/rating_roc.h"
#include "server/statistics/response_times.h"
#include "server/statistics/signal_detection.h"

static void *allocate(size_t count, size_t size)
{
    void *data = calloc(count + 1, size);
    if (!data) abort();
    return data;
}

static struct srv_stat_trial *read_trials(int count)
{
    struct srv_stat_trial *trials = allocate((size_t)count, sizeof *trials);
    for (int i = 0; i < count; i++) {
        double cells[3];
        if (fread(cells, sizeof *cells, 3, stdin) != 3) abort();
        trials[i] = (struct srv_stat_trial){cells[0] != 0, cells[1], cells[2]};
    }
    return trials;
}

static void print_estimate(const char *name, struct srv_stat_estimate e)
{
    printf("%s %d %.17g %.17g %.17g %.17g\n", name, (int)e.gap, e.value, e.se, e.low, e.high);
}

static void print_quartiles(const char *name, struct srv_stat_quartiles q)
{
    printf("%s %d %d %.17g %.17g %.17g\n", name, (int)q.gap, q.count, q.lower, q.median, q.upper);
}

static void print_curves(const struct srv_stat_trial *trials, int count)
{
    struct srv_stat_roc_point *points = allocate((size_t)count, sizeof *points);
    double *average = allocate((size_t)count, sizeof *average);
    int used;
    srv_stat_roc(trials, count, points, &used);
    for (int i = 0; i < used; i++)
        printf("roc.%d %.17g %.17g %.17g\n", i, points[i].rating, points[i].false_alarms, points[i].hits);
    used = srv_stat_moving_average(trials, count, average);
    for (int i = 0; i < used; i++) printf("average.%d %.17g\n", i, average[i]);
    struct srv_stat_curve_fit fit = srv_stat_fit_curve(trials, count);
    printf("fit %d %.17g %.17g %.17g %.17g %.17g\n", (int)fit.gap, fit.start, fit.asymptote, fit.rate,
           fit.last, fit.squares);
    free(points);
    free(average);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: dump_statistics COUNT <IN >OUT\n");
        return 2;
    }
    int count = atoi(argv[1]);
    struct srv_stat_trial *trials = read_trials(count);
    struct srv_stat_counts c = srv_stat_count(trials, count);
    struct srv_stat_times times = srv_stat_response_times(trials, count);
    struct srv_stat_detection detection = srv_stat_detect(c);
    printf("counts %d %d %d %d\n", c.hits, c.misses, c.false_alarms, c.correct_rejections);
    print_estimate("accuracy", srv_stat_accuracy(c));
    print_estimate("sensitivity", srv_stat_sensitivity(c));
    print_estimate("specificity", srv_stat_specificity(c));
    print_estimate("auc", srv_stat_auc(trials, count));
    print_estimate("d_prime", detection.d_prime);
    print_estimate("criterion", detection.criterion);
    print_quartiles("all", times.all);
    print_quartiles("right", times.right);
    print_quartiles("wrong", times.wrong);
    print_curves(trials, count);
    for (int i = 1; i < 100; i++) printf("quantile.%d %.17g\n", i, srv_stat_normal_quantile(i / 100.0));
    free(trials);
    return 0;
}
