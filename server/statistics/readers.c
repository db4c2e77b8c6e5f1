#include "server/statistics/readers.h"

#include <stdlib.h>

#include "server/statistics/proportions.h"
#include "server/statistics/rating_roc.h"
#include "server/statistics/response_times.h"
#include "server/statistics/signal_detection.h"
#include "server/statistics/student_t.h"

/* ---- a reader's measures ---- */

const char *srv_stat_measure_name(enum srv_stat_measure measure)
{
    static const char *const names[SRV_STAT_MEASURES] = {
        "accuracy", "sensitivity", "specificity", "auc", "d_prime", "criterion", "median_response_ms"};
    return names[measure];
}

static double value_of(struct srv_stat_estimate e)
{
    return srv_stat_has_value(&e) ? e.value : NAN;
}

static double median_of(const struct srv_stat_reader *reader)
{
    struct srv_stat_quartiles all = srv_stat_response_times(reader->trials, reader->count).all;
    return all.gap == SRV_STAT_WHOLE ? all.median : NAN;
}

double srv_stat_measure(const struct srv_stat_reader *reader, enum srv_stat_measure measure)
{
    struct srv_stat_counts counts = srv_stat_count(reader->trials, reader->count);
    switch (measure) {
    case SRV_STAT_ACCURACY:
        return value_of(srv_stat_accuracy(counts));
    case SRV_STAT_SENSITIVITY:
        return value_of(srv_stat_sensitivity(counts));
    case SRV_STAT_SPECIFICITY:
        return value_of(srv_stat_specificity(counts));
    case SRV_STAT_AUC:
        return value_of(srv_stat_auc(reader->trials, reader->count));
    case SRV_STAT_D_PRIME:
        return value_of(srv_stat_detect(counts).d_prime);
    case SRV_STAT_CRITERION:
        return value_of(srv_stat_detect(counts).criterion);
    case SRV_STAT_MEDIAN_MS:
        return median_of(reader);
    case SRV_STAT_MEASURES:
        break;
    }
    return NAN;
}

/* ---- over readers ---- */

struct srv_stat_mean srv_stat_mean(const double *values, int count)
{
    struct srv_stat_mean mean = {.estimate = {.gap = SRV_STAT_TOO_FEW}};
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++)
        if (isfinite(values[i])) sum += values[i], mean.readers++;
    if (mean.readers == 0) return mean;
    struct srv_stat_estimate *e = &mean.estimate;
    *e = (struct srv_stat_estimate){.gap = SRV_STAT_ONE_OF_A_KIND, .value = sum / mean.readers};
    if (mean.readers == 1) return mean;
    for (int i = 0; i < count; i++)
        if (isfinite(values[i])) squares += (values[i] - e->value) * (values[i] - e->value);
    mean.sd = sqrt(squares / (mean.readers - 1));
    /* Equal values leave rounding errors rather than 0. */
    e->gap = mean.sd > 1e-12 * fmax(1, fabs(e->value)) ? SRV_STAT_WHOLE : SRV_STAT_NO_SPREAD;
    if (e->gap) return mean;
    e->se = mean.sd / sqrt(mean.readers);
    double half = srv_stat_student_quantile(0.975, mean.readers - 1) * e->se;
    e->low = e->value - half;
    e->high = e->value + half;
    return mean;
}

bool srv_stat_means(const struct srv_stat_reader *readers, int count, struct srv_stat_mean *means)
{
    double *values = malloc(((size_t)count + 1) * sizeof *values);
    if (!values) return false;
    for (enum srv_stat_measure m = 0; m < SRV_STAT_MEASURES; m++) {
        for (int i = 0; i < count; i++) values[i] = srv_stat_measure(&readers[i], m);
        means[m] = srv_stat_mean(values, count);
    }
    free(values);
    return true;
}

struct srv_stat_welch srv_stat_welch(const struct srv_stat_mean *first, const struct srv_stat_mean *second)
{
    const struct srv_stat_estimate *a = &first->estimate, *b = &second->estimate;
    struct srv_stat_welch w = {.difference = {.gap = a->gap > b->gap ? a->gap : b->gap}};
    struct srv_stat_estimate *d = &w.difference;
    if (!srv_stat_has_value(d)) return w;
    d->value = a->value - b->value;
    if (d->gap) return w;
    double va = a->se * a->se, vb = b->se * b->se;
    d->se = sqrt(va + vb);
    w.df = (va + vb) * (va + vb) / (va * va / (first->readers - 1) + vb * vb / (second->readers - 1));
    double half = srv_stat_student_quantile(0.975, w.df) * d->se;
    d->low = d->value - half;
    d->high = d->value + half;
    w.t = d->value / d->se;
    w.p = 2 * srv_stat_student_above(fabs(w.t), w.df);
    return w;
}

struct srv_stat_non_inferiority srv_stat_non_inferior(const struct srv_stat_welch *welch, double margin)
{
    const struct srv_stat_estimate *d = &welch->difference;
    if (d->gap) return (struct srv_stat_non_inferiority){false, 1};
    return (struct srv_stat_non_inferiority){d->low > -margin,
                                             srv_stat_student_above((d->value + margin) / d->se, welch->df)};
}

/* ---- curves ---- */

/* Adds the shares of the reader's signals or noises that are rated `rating` or more; false when there are
 * none of the kind. */
static bool add_share(const struct srv_stat_reader *reader, bool signal, double rating, double *sum)
{
    int of = 0, above = 0;
    for (int i = 0; i < reader->count; i++) {
        if (reader->trials[i].signal != signal) continue;
        of++;
        above += reader->trials[i].rating >= rating;
    }
    if (of > 0) *sum += (double)above / of;
    return of > 0;
}

static bool has_both(const struct srv_stat_reader *reader)
{
    double none = 0;
    return add_share(reader, true, 0, &none) && add_share(reader, false, 0, &none);
}

int srv_stat_mean_roc(const struct srv_stat_reader *readers, int count,
                      struct srv_stat_mean_point points[SRV_STAT_ROC_POINTS], int *used)
{
    *used = 0;
    for (int k = 0; k < SRV_STAT_ROC_POINTS; k++)
        points[k] = (struct srv_stat_mean_point){k ? SRV_STAT_ROC_POINTS - k : INFINITY, 0, 0};
    for (int i = 0; i < count; i++) {
        if (!has_both(&readers[i])) continue;
        ++*used;
        for (int k = 1; k < SRV_STAT_ROC_POINTS; k++) {
            add_share(&readers[i], false, points[k].rating, &points[k].false_alarms);
            add_share(&readers[i], true, points[k].rating, &points[k].hits);
        }
    }
    for (int k = 1; k < SRV_STAT_ROC_POINTS && *used; k++)
        points[k].false_alarms /= *used, points[k].hits /= *used;
    return *used ? SRV_STAT_ROC_POINTS : 0;
}

static int longest_of(const struct srv_stat_reader *readers, int count)
{
    int longest = 0;
    for (int i = 0; i < count; i++)
        if (readers[i].count > longest) longest = readers[i].count;
    return longest;
}

static struct srv_stat_curve_fit fit_all(const struct srv_stat_reader *readers, int count,
                                         struct srv_stat_place *places, int longest)
{
    for (int i = 0; i < count; i++) {
        for (int n = 0; n < readers[i].count; n++) {
            places[n].answered++;
            places[n].right += srv_stat_correct(&readers[i].trials[n]);
        }
    }
    return srv_stat_fit_places(places, longest);
}

/* Moves a reader's window on to trial n; NAN until it is full, past the reader's end, and for one with too
 * few trials for a curve. */
static double next_share(const struct srv_stat_reader *reader, int n, int *right)
{
    if (reader->count < SRV_STAT_CURVE_TRIALS || n >= reader->count) return NAN;
    *right += srv_stat_correct(&reader->trials[n]);
    if (n >= SRV_STAT_CURVE_WINDOW) *right -= srv_stat_correct(&reader->trials[n - SRV_STAT_CURVE_WINDOW]);
    return n < SRV_STAT_CURVE_WINDOW - 1 ? NAN : (double)*right / SRV_STAT_CURVE_WINDOW;
}

int srv_stat_mean_curve(const struct srv_stat_reader *readers, int count, struct srv_stat_mean *curve,
                        struct srv_stat_curve_fit *fit)
{
    int longest = longest_of(readers, count), used = -1;
    struct srv_stat_place *places = calloc((size_t)longest + 1, sizeof *places);
    int *right = calloc((size_t)count + 1, sizeof *right); /* in each reader's window */
    double *shares = malloc(((size_t)count + 1) * sizeof *shares);
    if (!places || !right || !shares) goto out;
    used = longest < SRV_STAT_CURVE_TRIALS ? 0 : longest - SRV_STAT_CURVE_WINDOW + 1;
    for (int n = 0; used && n < longest; n++) {
        for (int i = 0; i < count; i++) shares[i] = next_share(&readers[i], n, &right[i]);
        if (n >= SRV_STAT_CURVE_WINDOW - 1)
            curve[n - SRV_STAT_CURVE_WINDOW + 1] = srv_stat_mean(shares, count);
    }
    *fit = fit_all(readers, count, places, longest);
out:
    free(places);
    free(right);
    free(shares);
    return used;
}
