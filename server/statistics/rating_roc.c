#include "server/statistics/rating_roc.h"

#include <stdlib.h>

#include "engine/roc.h"
#include "engine/wilson.h"

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

/* The engine's view of trials that passed check(). Released by the caller. */
static enum srv_stat_gap rank(struct nn_roc *roc, const struct srv_stat_trial *trials, int count)
{
    uint8_t *truth = malloc((size_t)count);
    double *rating = malloc((size_t)count * sizeof *rating);
    nn_status status = NN_ERR_MEMORY;
    if (truth && rating) {
        for (int i = 0; i < count; i++) {
            truth[i] = trials[i].signal;
            rating[i] = trials[i].rating;
        }
        status = nn_roc_init(roc, truth, rating, count, NULL);
    }
    free(truth);
    free(rating);
    return status ? SRV_STAT_NO_MEMORY : SRV_STAT_WHOLE;
}

enum srv_stat_gap srv_stat_roc(const struct srv_stat_trial *trials, int count,
                               struct srv_stat_roc_point *points, int *used)
{
    *used = 0;
    struct nn_roc roc = {0};
    struct nn_roc_point *counts = NULL;
    enum srv_stat_gap gap = check(trials, count);
    if (!gap) gap = rank(&roc, trials, count);
    if (!gap && !(counts = malloc((size_t)count * sizeof *counts))) gap = SRV_STAT_NO_MEMORY;
    if (gap) goto out;
    int steps = nn_roc_curve(&roc, counts);
    points[(*used)++] = (struct srv_stat_roc_point){INFINITY, 0, 0};
    for (int i = 0; i < steps; i++)
        points[(*used)++] =
            (struct srv_stat_roc_point){counts[i].rating, (double)counts[i].others / (count - roc.findings),
                                        (double)counts[i].findings / roc.findings};
out:
    free(counts);
    nn_roc_release(&roc);
    return gap;
}

static struct srv_stat_estimate estimate(struct nn_roc_estimate area)
{
    struct srv_stat_estimate e = {.value = area.value};
    if (isnan(area.variance))
        e.gap = SRV_STAT_ONE_OF_A_KIND;
    else if (area.variance == 0)
        e.gap = SRV_STAT_NO_SPREAD;
    else
        e.se = sqrt(area.variance);
    return e;
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

struct srv_stat_estimate srv_stat_auc(const struct srv_stat_trial *trials, int count)
{
    struct nn_roc roc = {0};
    struct nn_roc_estimate area;
    struct srv_stat_estimate auc = {.gap = check(trials, count)};
    if (!auc.gap) auc.gap = rank(&roc, trials, count);
    if (!auc.gap && nn_roc_delong(&roc, &area, NULL)) auc.gap = SRV_STAT_NO_MEMORY;
    if (!auc.gap) auc = estimate(area);
    nn_roc_release(&roc);
    if (auc.gap) return auc;
    double middle = log(auc.value / (1 - auc.value));
    double half = NN_Z95 * auc.se / (auc.value * (1 - auc.value));
    auc.low = logistic(middle - half);
    auc.high = logistic(middle + half);
    return auc;
}
