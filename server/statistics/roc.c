#include "server/statistics/roc.h"

#include <stdlib.h>

#include "server/statistics/normal.h"

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int count_signals(const struct srv_stat_trial *trials, int count)
{
    int signals = 0;
    for (int i = 0; i < count; i++) signals += trials[i].signal;
    return signals;
}

static enum srv_stat_gap check(const struct srv_stat_trial *trials, int count)
{
    if (count == 0) return SRV_STAT_TOO_FEW;
    for (int i = 0; i < count; i++)
        if (!isfinite(trials[i].rating)) return SRV_STAT_NOT_FINITE;
    int signals = count_signals(trials, count);
    return signals == 0 || signals == count ? SRV_STAT_ONE_KIND : SRV_STAT_WHOLE;
}

/* The ratings of all signals, then of all noises, each part rising. NULL without memory. */
static double *sorted_ratings(const struct srv_stat_trial *trials, int count, int signals)
{
    double *sorted = malloc((size_t)count * sizeof *sorted);
    int s = 0, n = signals;
    for (int i = 0; sorted && i < count; i++) sorted[trials[i].signal ? s++ : n++] = trials[i].rating;
    if (!sorted) return NULL;
    qsort(sorted, (size_t)signals, sizeof *sorted, ascending);
    qsort(sorted + signals, (size_t)(count - signals), sizeof *sorted, ascending);
    return sorted;
}

/* How many of the sorted values are below x; with `also_equal`, at most x. */
static int count_below(const double *sorted, int count, double x, bool also_equal)
{
    int low = 0, high = count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (sorted[middle] < x || (also_equal && sorted[middle] == x))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum srv_stat_gap srv_stat_roc(const struct srv_stat_trial *trials, int count,
                               struct srv_stat_roc_point *points, int *used)
{
    *used = 0;
    enum srv_stat_gap gap = check(trials, count);
    if (gap) return gap;
    int signals = count_signals(trials, count), noises = count - signals, s = signals, n = noises;
    double *sorted = sorted_ratings(trials, count, signals);
    if (!sorted) return SRV_STAT_NO_MEMORY;
    const double *noise = sorted + signals;
    points[(*used)++] = (struct srv_stat_roc_point){INFINITY, 0, 0};
    while (s > 0 || n > 0) { /* s and n: how many are below the last point's rating */
        double rating = n == 0 || (s > 0 && sorted[s - 1] > noise[n - 1]) ? sorted[s - 1] : noise[n - 1];
        while (s > 0 && sorted[s - 1] == rating) s--;
        while (n > 0 && noise[n - 1] == rating) n--;
        points[(*used)++] = (struct srv_stat_roc_point){rating, (double)(noises - n) / noises,
                                                        (double)(signals - s) / signals};
    }
    free(sorted);
    return SRV_STAT_WHOLE;
}

/* DeLong's structural components, one a trial: for a signal the share of noises that are rated lower, for a
 * noise the share of signals that are rated higher, ties one half. Sorting makes this n log n; all pairs of a
 * study's arm would take minutes. NULL without memory. */
static double *components(const struct srv_stat_trial *trials, int count)
{
    int signals = count_signals(trials, count), noises = count - signals;
    double *sorted = sorted_ratings(trials, count, signals), *v = malloc((size_t)count * sizeof *v);
    for (int i = 0; sorted && v && i < count; i++) {
        bool signal = trials[i].signal;
        const double *others = signal ? sorted + signals : sorted;
        int other_count = signal ? noises : signals;
        int below = count_below(others, other_count, trials[i].rating, false);
        int up_to = count_below(others, other_count, trials[i].rating, true);
        double lower = (below + 0.5 * (up_to - below)) / other_count;
        v[i] = signal ? lower : 1 - lower;
    }
    if (!sorted) {
        free(v);
        v = NULL;
    }
    free(sorted);
    return v;
}

static double mean_of(const double *v, const struct srv_stat_trial *trials, int count, bool signal, int *of)
{
    double sum = 0;
    *of = 0;
    for (int i = 0; i < count; i++)
        if (trials[i].signal == signal) sum += v[i], ++*of;
    return sum / *of;
}

/* The variance of the mean of one kind's components. */
static double variance_of_mean(const double *v, const struct srv_stat_trial *trials, int count, bool signal)
{
    int of;
    double mean = mean_of(v, trials, count, signal, &of), squares = 0;
    for (int i = 0; i < count; i++)
        if (trials[i].signal == signal) squares += (v[i] - mean) * (v[i] - mean);
    return squares / (of - 1.0) / of;
}

/* Value and error of an area from its components, or of a difference of areas from the differences of theirs.
 * Components that do not vary sum up to rounding errors rather than to 0. */
static struct srv_stat_estimate delong(const double *v, const struct srv_stat_trial *trials, int count)
{
    struct srv_stat_estimate e = {0};
    int signals, noises;
    mean_of(v, trials, count, false, &noises);
    e.value = mean_of(v, trials, count, true, &signals);
    if (signals < 2 || noises < 2) {
        e.gap = SRV_STAT_ONE_OF_A_KIND;
        return e;
    }
    double variance = variance_of_mean(v, trials, count, true) + variance_of_mean(v, trials, count, false);
    e.se = variance > 1e-24 ? sqrt(variance) : 0;
    if (e.se == 0) e.gap = SRV_STAT_NO_SPREAD;
    return e;
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

struct srv_stat_estimate srv_stat_auc(const struct srv_stat_trial *trials, int count)
{
    struct srv_stat_estimate auc = {.gap = check(trials, count)};
    if (auc.gap) return auc;
    double *v = components(trials, count);
    if (!v) return (struct srv_stat_estimate){.gap = SRV_STAT_NO_MEMORY};
    auc = delong(v, trials, count);
    free(v);
    if (auc.gap) return auc;
    double middle = log(auc.value / (1 - auc.value));
    double half = SRV_STAT_Z95 * auc.se / (auc.value * (1 - auc.value));
    auc.low = logistic(middle - half);
    auc.high = logistic(middle + half);
    return auc;
}

/* Interval and test from value and se. */
static struct srv_stat_auc_difference tested(struct srv_stat_estimate d)
{
    struct srv_stat_auc_difference result = {.difference = d};
    if (d.gap) return result;
    result.difference.low = d.value - SRV_STAT_Z95 * d.se;
    result.difference.high = d.value + SRV_STAT_Z95 * d.se;
    result.z = d.value / d.se;
    result.p = srv_stat_normal_two_sided(result.z);
    return result;
}

struct srv_stat_auc_difference srv_stat_auc_paired(const struct srv_stat_trial *first,
                                                   const struct srv_stat_trial *second, int count)
{
    struct srv_stat_estimate d = {.gap = check(first, count)};
    if (!d.gap) d.gap = check(second, count);
    for (int i = 0; !d.gap && i < count; i++)
        if (first[i].signal != second[i].signal) d.gap = SRV_STAT_UNPAIRED;
    if (d.gap) return tested(d);
    double *v = components(first, count), *w = components(second, count);
    for (int i = 0; v && w && i < count; i++) v[i] -= w[i];
    if (v && w)
        d = delong(v, first, count);
    else
        d.gap = SRV_STAT_NO_MEMORY;
    free(v);
    free(w);
    return tested(d);
}

struct srv_stat_auc_difference srv_stat_auc_unpaired(const struct srv_stat_trial *first, int first_count,
                                                     const struct srv_stat_trial *second, int second_count)
{
    struct srv_stat_estimate a = srv_stat_auc(first, first_count), b = srv_stat_auc(second, second_count);
    /* The worse gap of the two: an error of 0 on one side would make any difference look sure. */
    return tested((struct srv_stat_estimate){.gap = a.gap > b.gap ? a.gap : b.gap,
                                             .value = a.value - b.value,
                                             .se = sqrt(a.se * a.se + b.se * b.se)});
}
