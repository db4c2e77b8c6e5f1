#include "server/api/results/score_json.h"

#include <stdlib.h>

#include "server/statistics/learning_curve.h"
#include "server/statistics/proportions.h"
#include "server/statistics/response_times.h"
#include "server/statistics/roc.h"
#include "server/statistics/signal_detection.h"

static json_t *number(bool known, double value)
{
    return known && isfinite(value) ? json_real(value) : json_null();
}

static json_t *gap_name(enum srv_stat_gap gap)
{
    return gap == SRV_STAT_WHOLE ? json_null() : json_string(srv_stat_gap_name(gap));
}

json_t *srv_estimate_json(struct srv_stat_estimate e)
{
    bool whole = e.gap == SRV_STAT_WHOLE;
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "value", number(srv_stat_has_value(&e), e.value), "se",
                     number(whole, e.se), "low", number(whole, e.low), "high", number(whole, e.high), "gap",
                     gap_name(e.gap));
}

static json_t *counts_object(struct srv_stat_counts c)
{
    return json_pack("{s:i,s:i,s:i,s:i}", "hits", c.hits, "misses", c.misses, "false_alarms", c.false_alarms,
                     "correct_rejections", c.correct_rejections);
}

static json_t *roc(const struct srv_stat_trial *trials, int count)
{
    int used = 0;
    json_t *list = NULL;
    struct srv_stat_roc_point *points = malloc(((size_t)count + 1) * sizeof *points);
    if (!points || srv_stat_roc(trials, count, points, &used) == SRV_STAT_NO_MEMORY) goto out;
    list = json_array();
    for (int i = 0; i < used; i++)
        json_array_append_new(list,
                              json_pack("{s:o,s:f,s:f}", "rating", number(true, points[i].rating),
                                        "false_alarms", points[i].false_alarms, "hits", points[i].hits));
out:
    free(points);
    return list;
}

static json_t *quartiles(struct srv_stat_quartiles q)
{
    if (q.gap != SRV_STAT_WHOLE) return json_null();
    return json_pack("{s:i,s:f,s:f,s:f}", "count", q.count, "lower", q.lower, "median", q.median, "upper",
                     q.upper);
}

static json_t *response_times(const struct srv_stat_trial *trials, int count)
{
    struct srv_stat_times times = srv_stat_response_times(trials, count);
    return json_pack("{s:o,s:o,s:o}", "all", quartiles(times.all), "right", quartiles(times.right), "wrong",
                     quartiles(times.wrong));
}

static json_t *learning_curve(const struct srv_stat_trial *trials, int count)
{
    double *average = malloc(((size_t)count + 1) * sizeof *average);
    json_t *list = average ? json_array() : NULL;
    int used = average ? srv_stat_moving_average(trials, count, average) : 0;
    for (int i = 0; i < used; i++)
        json_array_append_new(list,
                              json_pack("{s:i,s:f}", "n", i + SRV_STAT_CURVE_WINDOW, "accuracy", average[i]));
    free(average);
    struct srv_stat_curve_fit fit = srv_stat_fit_curve(trials, count);
    bool fitted = fit.gap == SRV_STAT_WHOLE;
    return json_pack("{s:i,s:i,s:o,s:o,s:o}", "trials_needed", SRV_STAT_CURVE_TRIALS, "window",
                     SRV_STAT_CURVE_WINDOW, "average", list, "fit",
                     fitted ? json_pack("{s:f,s:f,s:f,s:f}", "start", fit.start, "asymptote", fit.asymptote,
                                        "rate", fit.rate, "last", fit.last)
                            : json_null(),
                     "gap", gap_name(fit.gap));
}

json_t *srv_score_json(const struct srv_stat_trial *trials, int count)
{
    struct srv_stat_counts c = srv_stat_count(trials, count);
    struct srv_stat_detection detection = srv_stat_detect(c);
    return json_pack("{s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "trials", count, "counts",
                     counts_object(c), "accuracy", srv_estimate_json(srv_stat_accuracy(c)), "sensitivity",
                     srv_estimate_json(srv_stat_sensitivity(c)), "specificity",
                     srv_estimate_json(srv_stat_specificity(c)), "auc",
                     srv_estimate_json(srv_stat_auc(trials, count)), "d_prime",
                     srv_estimate_json(detection.d_prime), "criterion",
                     srv_estimate_json(detection.criterion), "roc", roc(trials, count), "response_ms",
                     response_times(trials, count), "learning_curve", learning_curve(trials, count));
}
