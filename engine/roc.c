#include "engine/roc.h"

#include <math.h>
#include <stdlib.h>

static int falling(const void *a, const void *b)
{
    const struct nn_roc_case *x = a, *y = b;
    if (x->rating != y->rating) return x->rating < y->rating ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

nn_status nn_roc_init(struct nn_roc *roc, const uint8_t *truth, const double *rating, int count,
                      struct nn_error *err)
{
    *roc = (struct nn_roc){.count = count};
    for (int i = 0; i < count; i++) {
        if (!isfinite(rating[i]))
            return nn_fail(err, NN_ERR_NUMERIC, "the rating of case %d is not finite", i);
        roc->findings += truth[i] != 0;
    }
    if (roc->findings == 0 || roc->findings == count)
        return nn_fail(err, NN_ERR_ARGUMENT, "%d of %d cases have the finding: an ROC curve takes both kinds",
                       roc->findings, count);
    roc->cases = malloc((size_t)count * sizeof *roc->cases);
    if (!roc->cases) return nn_fail(err, NN_ERR_MEMORY, "no memory for %d ratings", count);
    for (int i = 0; i < count; i++) roc->cases[i] = (struct nn_roc_case){rating[i], i, truth[i] != 0};
    qsort(roc->cases, (size_t)count, sizeof *roc->cases, falling);
    return NN_OK;
}

void nn_roc_release(struct nn_roc *roc)
{
    free(roc->cases);
    *roc = (struct nn_roc){0};
}

/* How often each kind is among the cases that share the rating of case `first`. */
struct group {
    int next; /* the first case of the next group */
    int64_t findings, others;
};

static struct group group_at(const struct nn_roc *roc, int first, const int *weight)
{
    struct group g = {.next = first};
    for (; g.next < roc->count && roc->cases[g.next].rating == roc->cases[first].rating; g.next++) {
        const struct nn_roc_case *c = &roc->cases[g.next];
        *(c->finding ? &g.findings : &g.others) += weight ? weight[c->index] : 1;
    }
    return g;
}

int nn_roc_curve(const struct nn_roc *roc, struct nn_roc_point *points)
{
    int used = 0, findings = 0, others = 0;
    for (int i = 0; i < roc->count;) {
        struct group g = group_at(roc, i, NULL);
        findings += (int)g.findings;
        others += (int)g.others;
        points[used++] = (struct nn_roc_point){roc->cases[i].rating, findings, others};
        i = g.next;
    }
    return used;
}

double nn_roc_auc(const struct nn_roc *roc, const int *weight)
{
    int64_t findings = 0, others = 0, twice = 0; /* whole numbers: exact */
    for (int i = 0; i < roc->count;) {
        struct group g = group_at(roc, i, weight);
        twice += g.others * (2 * findings + g.findings);
        findings += g.findings;
        others += g.others;
        i = g.next;
    }
    return findings && others ? (double)twice / 2 / (double)findings / (double)others : NAN;
}

double nn_roc_average_precision(const struct nn_roc *roc, const int *weight)
{
    int64_t findings = 0, others = 0;
    double sum = 0;
    for (int i = 0; i < roc->count;) {
        struct group g = group_at(roc, i, weight);
        findings += g.findings;
        others += g.others;
        if (g.findings) sum += (double)g.findings * (double)findings / (double)(findings + others);
        i = g.next;
    }
    return findings && others ? sum / (double)findings : NAN;
}

/* DeLong's structural components, one a case, by the case's index: of a finding the share of others that are
 * rated lower, of another the share of findings that are rated higher, ties one half. NULL without memory. */
static double *components(const struct nn_roc *roc)
{
    int findings = roc->findings, others = roc->count - findings;
    double *v = malloc((size_t)roc->count * sizeof *v);
    int64_t findings_above = 0, others_above = 0;
    for (int i = 0; v && i < roc->count;) {
        struct group g = group_at(roc, i, NULL);
        double lower = ((double)(others - others_above - g.others) + 0.5 * (double)g.others) / others;
        double higher = ((double)findings_above + 0.5 * (double)g.findings) / findings;
        for (; i < g.next; i++) v[roc->cases[i].index] = roc->cases[i].finding ? lower : higher;
        findings_above += g.findings;
        others_above += g.others;
    }
    return v;
}

static double mean_of(const double *v, const struct nn_roc *roc, bool finding)
{
    double sum = 0;
    for (int i = 0; i < roc->count; i++)
        if (roc->cases[i].finding == finding) sum += v[roc->cases[i].index];
    return sum / (finding ? roc->findings : roc->count - roc->findings);
}

/* The variance of the mean of one kind's components; NAN of a single one. */
static double variance_of_mean(const double *v, const struct nn_roc *roc, bool finding)
{
    int of = finding ? roc->findings : roc->count - roc->findings;
    double mean = mean_of(v, roc, finding), squares = 0;
    if (of < 2) return NAN;
    for (int i = 0; i < roc->count; i++)
        if (roc->cases[i].finding == finding) {
            double d = v[roc->cases[i].index] - mean;
            squares += d * d;
        }
    return squares / (of - 1.0) / of;
}

/* Of an area from its components. Those that do not vary sum up to rounding errors rather than to 0. */
static struct nn_roc_estimate estimate(const double *v, const struct nn_roc *roc)
{
    double variance = variance_of_mean(v, roc, true) + variance_of_mean(v, roc, false);
    return (struct nn_roc_estimate){mean_of(v, roc, true), variance <= 1e-24 ? 0 : variance};
}

nn_status nn_roc_delong(const struct nn_roc *roc, struct nn_roc_estimate *area, struct nn_error *err)
{
    double *v = components(roc);
    if (!v) return nn_fail(err, NN_ERR_MEMORY, "no memory for %d ratings", roc->count);
    *area = estimate(v, roc);
    free(v);
    return NN_OK;
}
