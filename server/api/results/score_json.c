#include "server/api/results/score_json.h"

#include <stdlib.h>

#include "server/statistics/learning_curve.h"
#include "server/statistics/proportions.h"
#include "server/statistics/rating_roc.h"
#include "server/statistics/response_times.h"
#include "server/statistics/signal_detection.h"

static double rounded(double value, double step)
{
    return step > 0 ? round(value / step) * step : value;
}

json_t *srv_number_json(bool known, double value, double step)
{
    return known && isfinite(value) ? json_real(rounded(value, step)) : json_null();
}

json_t *srv_gap_json(enum srv_stat_gap gap)
{
    return gap == SRV_STAT_WHOLE ? json_null() : json_string(srv_stat_gap_name(gap));
}

json_t *srv_estimate_json(struct srv_stat_estimate e)
{
    bool whole = e.gap == SRV_STAT_WHOLE;
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "value", srv_number_json(srv_stat_has_value(&e), e.value, 0),
                     "se", srv_number_json(whole, e.se, 0), "low", srv_number_json(whole, e.low, 0), "high",
                     srv_number_json(whole, e.high, 0), "gap", srv_gap_json(e.gap));
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
                              json_pack("{s:o,s:f,s:f}", "rating", srv_number_json(true, points[i].rating, 0),
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

json_t *srv_curve_json(json_t *average, const struct srv_stat_curve_fit *fit, double step)
{
    bool fitted = fit->gap == SRV_STAT_WHOLE;
    return json_pack("{s:i,s:i,s:o,s:o,s:o}", "trials_needed", SRV_STAT_CURVE_TRIALS, "window",
                     SRV_STAT_CURVE_WINDOW, "average", average, "fit",
                     fitted ? json_pack("{s:f,s:f,s:f,s:f}", "start", rounded(fit->start, step), "asymptote",
                                        rounded(fit->asymptote, step), "rate", rounded(fit->rate, step / 10),
                                        "last", rounded(fit->last, step))
                            : json_null(),
                     "gap", srv_gap_json(fit->gap));
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
    return srv_curve_json(list, &fit, 0);
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
