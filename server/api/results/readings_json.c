#include "server/api/results/readings_json.h"

#include <stdlib.h>
#include <string.h>

#include "server/api/results/score_json.h"
#include "server/statistics/rating_roc.h"

#define ROUND_SHARE 0.01
#define ROUND_MS 100.0

static const struct srv_stat_mean hidden = {.estimate = {.gap = SRV_STAT_TOO_FEW}};

/* That nobody read tells of nobody. */
static bool is_told(int readers, int fewest)
{
    return readers == 0 || readers >= fewest;
}

static json_t *mean_json(struct srv_stat_mean mean, int fewest, double step)
{
    bool told = is_told(mean.readers, fewest);
    if (!told) mean = hidden;
    if (fewest <= 1) step = 0;
    const struct srv_stat_estimate *e = &mean.estimate;
    bool whole = e->gap == SRV_STAT_WHOLE;
    return json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "readers", told ? json_integer(mean.readers) : json_null(), "value",
        srv_number_json(srv_stat_has_value(e), e->value, step), "sd", srv_number_json(whole, mean.sd, step),
        "se", srv_number_json(whole, e->se, step), "low", srv_number_json(whole, e->low, step), "high",
        srv_number_json(whole, e->high, step), "gap", srv_gap_json(e->gap));
}

static json_t *measure_json(const struct srv_stat_mean *means, enum srv_stat_measure measure, int fewest)
{
    return mean_json(means[measure], fewest, measure == SRV_STAT_MEDIAN_MS ? ROUND_MS : ROUND_SHARE);
}

static json_t *roc_json(const struct srv_stat_reader *readers, int count, int fewest)
{
    struct srv_stat_mean_point points[SRV_STAT_ROC_POINTS];
    json_t *list = json_array();
    double step = fewest > 1 ? ROUND_SHARE : 0;
    int with_both = 0, used = srv_stat_mean_roc(readers, count, points, &with_both);
    for (int i = 0; i < used && with_both >= fewest; i++)
        json_array_append_new(list,
                              json_pack("{s:o,s:o,s:o}", "rating", srv_number_json(true, points[i].rating, 0),
                                        "false_alarms", srv_number_json(true, points[i].false_alarms, step),
                                        "hits", srv_number_json(true, points[i].hits, step)));
    return list;
}

static int longest_of(const struct srv_readings *readings)
{
    int longest = 0;
    for (int i = 0; i < readings->reader_count; i++)
        if (readings->readers[i].count > longest) longest = readings->readers[i].count;
    return longest;
}

/* The fit is over all answers, the end of the curve over those who came as far: both are told only where the
 * mean is. */
static json_t *curve_json(const struct srv_readings *readings, const struct srv_stat_reader *readers,
                          int fewest)
{
    struct srv_stat_curve_fit fit = {.gap = SRV_STAT_TOO_FEW};
    struct srv_stat_mean *curve = calloc((size_t)longest_of(readings) + 1, sizeof *curve);
    int used = curve ? srv_stat_mean_curve(readers, readings->reader_count, curve, &fit) : -1;
    json_t *list = used >= 0 ? json_array() : NULL;
    double step = fewest > 1 ? ROUND_SHARE : 0;
    int told = 0;
    for (int i = 0; i < used; i++) {
        const struct srv_stat_estimate *e = &curve[i].estimate;
        if (curve[i].readers < fewest || curve[i].readers < 1) break;
        told++;
        json_array_append_new(list,
                              json_pack("{s:i,s:i,s:o,s:o,s:o}", "n", i + SRV_STAT_CURVE_WINDOW, "readers",
                                        curve[i].readers, "accuracy", srv_number_json(true, e->value, step),
                                        "low", srv_number_json(!e->gap, e->low, step), "high",
                                        srv_number_json(!e->gap, e->high, step)));
    }
    free(curve);
    if (told == 0) fit.gap = SRV_STAT_TOO_FEW;
    return srv_curve_json(list, &fit, step);
}

static json_t *kinds_json(const struct srv_readings *r, int fewest, struct srv_readings_means *kept)
{
    json_t *list = NULL;
    struct srv_stat_mean means[SRV_STAT_MEASURES];
    struct srv_stat_trial *trials = malloc(((size_t)r->count + 1) * sizeof *trials);
    struct srv_stat_reader *readers = malloc(((size_t)r->reader_count + 1) * sizeof *readers);
    if (!trials || !readers) goto out;
    list = json_array();
    for (int k = 0; k < r->kind_count; k++) {
        int count = srv_readings_of_kind(r, k, trials, readers);
        if (!srv_stat_means(readers, count, means)) break;
        kept->kinds[kept->kind_count] = r->kinds[k];
        kept->accuracy[kept->kind_count++] = means[SRV_STAT_ACCURACY];
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s,s:o,s:o}", "class", r->kinds[k].class_name, "source",
                                        r->kinds[k].source, "truth", r->kinds[k].truth, "accuracy",
                                        measure_json(means, SRV_STAT_ACCURACY, fewest), "median_response_ms",
                                        measure_json(means, SRV_STAT_MEDIAN_MS, fewest)));
    }
out:
    free(trials);
    free(readers);
    return list;
}

json_t *srv_readings_json(const struct srv_readings *readings, int fewest, struct srv_readings_means *means)
{
    json_t *json = NULL;
    struct srv_stat_reader *all = srv_readings_all(readings);
    int count = readings->reader_count;
    bool told = is_told(count, fewest);
    means->kind_count = 0;
    if (!all || !srv_stat_means(all, count, means->of)) goto out;
    json = json_pack("{s:o,s:o,s:o,s:o,s:o}", "readers", told ? json_integer(count) : json_null(), "trials",
                     told ? json_integer(readings->count) : json_null(), "roc", roc_json(all, count, fewest),
                     "learning_curve", curve_json(readings, all, fewest), "classes",
                     kinds_json(readings, fewest, means));
    for (enum srv_stat_measure m = 0; json && m < SRV_STAT_MEASURES; m++)
        json_object_set_new(json, srv_stat_measure_name(m), measure_json(means->of, m, fewest));
out:
    free(all);
    return json;
}

json_t *srv_readings_each_json(const struct srv_readings *readings)
{
    json_t *list = json_array();
    struct srv_stat_reader *all = srv_readings_all(readings);
    for (int i = 0; all && i < readings->reader_count; i++) {
        json_t *one =
            json_pack("{s:s,s:i}", "participant_id", readings->readers[i].id, "trials", all[i].count);
        for (enum srv_stat_measure m = 0; one && m < SRV_STAT_MEASURES; m++)
            if (m != SRV_STAT_AUC)
                json_object_set_new(one, srv_stat_measure_name(m),
                                    srv_number_json(true, srv_stat_measure(&all[i], m), 0));
        json_object_set_new(one, "auc", srv_estimate_json(srv_stat_auc(all[i].trials, all[i].count)));
        json_array_append_new(list, one);
    }
    if (!all) {
        json_decref(list);
        list = NULL;
    }
    free(all);
    return list;
}

static json_t *welch_json(const struct srv_stat_welch *welch, double margin)
{
    const struct srv_stat_estimate *d = &welch->difference;
    bool whole = d->gap == SRV_STAT_WHOLE;
    struct srv_stat_non_inferiority test = srv_stat_non_inferior(welch, margin);
    return json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "value", srv_number_json(srv_stat_has_value(d), d->value, 0),
        "se", srv_number_json(whole, d->se, 0), "low", srv_number_json(whole, d->low, 0), "high",
        srv_number_json(whole, d->high, 0), "gap", srv_gap_json(d->gap), "df",
        srv_number_json(whole, welch->df, 0), "t", srv_number_json(whole, welch->t, 0), "p",
        srv_number_json(whole, welch->p, 0), "non_inferiority",
        margin > 0 ? json_pack("{s:f,s:b,s:f}", "margin", margin, "shown", (int)test.shown, "p", test.p)
                   : json_null());
}

static const struct srv_stat_mean *find_kind(const struct srv_readings_means *means,
                                             const struct srv_readings_kind *kind)
{
    for (int i = 0; i < means->kind_count; i++) {
        const struct srv_readings_kind *own = &means->kinds[i];
        if (!strcmp(own->class_name, kind->class_name) && !strcmp(own->source, kind->source) &&
            !strcmp(own->truth, kind->truth))
            return &means->accuracy[i];
    }
    return NULL;
}

static json_t *kind_differences_json(const struct srv_readings_means *first,
                                     const struct srv_readings_means *second, double margin)
{
    json_t *list = json_array();
    for (int i = 0; i < first->kind_count; i++) {
        const struct srv_readings_kind *kind = &first->kinds[i];
        const struct srv_stat_mean *other = find_kind(second, kind);
        if (!other) continue;
        struct srv_stat_welch welch = srv_stat_welch(&first->accuracy[i], other);
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:o}", "class", kind->class_name, "source",
                                              kind->source, "truth", kind->truth, "accuracy",
                                              welch_json(&welch, margin)));
    }
    return list;
}

json_t *srv_readings_difference_json(const struct srv_readings_means *first,
                                     const struct srv_readings_means *second, enum srv_stat_measure measure,
                                     double margin)
{
    json_t *json = json_object();
    for (enum srv_stat_measure m = 0; m < SRV_STAT_MEASURES; m++) {
        struct srv_stat_welch welch = srv_stat_welch(&first->of[m], &second->of[m]);
        json_object_set_new(json, srv_stat_measure_name(m), welch_json(&welch, m == measure ? margin : 0));
    }
    double of_kinds = measure == SRV_STAT_ACCURACY ? margin : 0;
    json_object_set_new(json, "classes", kind_differences_json(first, second, of_kinds));
    return json;
}
