/* Statistics over the readers of two groups from standard input, for test_readers.py to compare.
 *
 *   dump_readers FIRST SECOND TRIALS MARGIN <IN >OUT
 *
 * IN holds f64 numbers: of FIRST, then of SECOND readers TRIALS trials each, of three (signal 0 or 1, rating,
 * response time). OUT is one line a result, its name and its numbers. */
#include <stdio.h>
#include <stdlib.h>

#include "server/statistics/readers.h"

static void *allocate(size_t count, size_t size)
{
    void *data = calloc(count + 1, size);
    if (!data) abort();
    return data;
}

static struct srv_stat_reader *read_group(int readers, int trials)
{
    struct srv_stat_reader *group = allocate((size_t)readers, sizeof *group);
    for (int i = 0; i < readers; i++) {
        struct srv_stat_trial *own = allocate((size_t)trials, sizeof *own);
        for (int n = 0; n < trials; n++) {
            double cells[3];
            if (fread(cells, sizeof *cells, 3, stdin) != 3) abort();
            own[n] = (struct srv_stat_trial){cells[0] != 0, cells[1], cells[2]};
        }
        group[i] = (struct srv_stat_reader){own, trials};
    }
    return group;
}

static void print_mean(const char *name, const struct srv_stat_mean *mean)
{
    const struct srv_stat_estimate *e = &mean->estimate;
    printf("%s %d %d %.17g %.17g %.17g %.17g %.17g\n", name, (int)e->gap, mean->readers, e->value, mean->sd,
           e->se, e->low, e->high);
}

static void print_curves(const struct srv_stat_reader *group, int readers, int trials)
{
    struct srv_stat_mean_point points[SRV_STAT_ROC_POINTS];
    struct srv_stat_mean *curve = allocate((size_t)trials, sizeof *curve);
    struct srv_stat_curve_fit fit;
    int with_both, used = srv_stat_mean_roc(group, readers, points, &with_both);
    for (int i = 0; i < used; i++) printf("roc.%d %.17g %.17g\n", i, points[i].false_alarms, points[i].hits);
    used = srv_stat_mean_curve(group, readers, curve, &fit);
    for (int i = 0; i < used; i++)
        printf("curve.%d %.17g %.17g %.17g\n", i, curve[i].estimate.value, curve[i].estimate.low,
               curve[i].estimate.high);
    printf("fit %d %.17g %.17g %.17g %.17g\n", (int)fit.gap, fit.start, fit.asymptote, fit.rate, fit.squares);
    free(curve);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: dump_readers FIRST SECOND TRIALS MARGIN <IN >OUT\n");
        return 2;
    }
    int first = atoi(argv[1]), second = atoi(argv[2]), trials = atoi(argv[3]);
    struct srv_stat_mean a[SRV_STAT_MEASURES], b[SRV_STAT_MEASURES];
    struct srv_stat_reader *ours = read_group(first, trials), *theirs = read_group(second, trials);
    if (!srv_stat_means(ours, first, a) || !srv_stat_means(theirs, second, b)) abort();
    for (enum srv_stat_measure m = 0; m < SRV_STAT_MEASURES; m++) {
        const char *name = srv_stat_measure_name(m);
        struct srv_stat_welch w = srv_stat_welch(&a[m], &b[m]);
        struct srv_stat_non_inferiority test = srv_stat_non_inferior(&w, atof(argv[4]));
        print_mean(name, &a[m]);
        printf("%s_welch %d %.17g %.17g %.17g %.17g %.17g %.17g\n", name, (int)w.difference.gap,
               w.difference.value, w.difference.low, w.difference.high, w.df, w.t, w.p);
        printf("%s_margin %d %.17g\n", name, test.shown, test.p);
    }
    print_curves(ours, first, trials);
    return 0; /* the readers go with the process */
}
