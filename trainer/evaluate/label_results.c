#include "trainer/evaluate/label_results.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bootstrap.h"
#include "engine/cluster.h"
#include "engine/roc.h"
#include "trainer/drawing/svg_chart.h"
#include "trainer/parts/number_json.h"
#include "trainer/parts/part_warnings.h"
#include "trainer/text_file.h"

enum { BINS = 33, CLASS_TEXT = 1024, DRAWS = 2000, BOOTSTRAP_SEED = 1 };

static const double odds_span = 8; /* of the picture: beyond, scores count as that far */

/* Of real images, or of samples. Index 0: without the finding, 1: with it. Intervals are by patient; each
 * sample is of a patient of its own. */
struct tally {
    int images, patients[2], passed[2];
    struct nn_share right[2], agreement; /* right[1]: sensitivity, right[0]: specificity */
    double auc;
    struct nn_interval area;
};

static void area_of(const void *context, const int *weight, double *value)
{
    *value = nn_roc_auc(context, weight);
}

static nn_status find_area(const struct tr_cases *cases, const double *scores, struct tally *t,
                           struct nn_error *err)
{
    struct nn_roc roc;
    nn_status status = nn_roc_init(&roc, cases->truth, scores, cases->count, err);
    if (status != NN_OK) return status;
    t->auc = nn_roc_auc(&roc, NULL);
    status =
        nn_bootstrap(cases->patient, cases->count, DRAWS, BOOTSTRAP_SEED, area_of, &roc, 1, &t->area, err);
    nn_roc_release(&roc);
    if (status == NN_OK)
        status = nn_cluster_kinds(cases->truth, cases->patient, cases->count, t->patients, err);
    if (status == NN_OK) t->area = nn_bootstrap_share(t->auc, t->area, nn_cluster_rarer(t->patients));
    return status;
}

/* The share of the cases of one kind, or with -1 of both, that the judge sees as they are. `hit` has room for
 * all. */
static nn_status find_share(const struct tr_cases *cases, const double *scores,
                            const struct tr_label_gate *gate, int kind, int8_t *hit, struct nn_share *share,
                            struct nn_error *err)
{
    for (int i = 0; i < cases->count; i++)
        hit[i] = kind >= 0 && cases->truth[i] != kind
                     ? -1
                     : tr_label_gate_verdict(gate, scores[i]) == cases->truth[i];
    return nn_wilson_clustered(hit, cases->patient, cases->count, share, err);
}

static nn_status count(const struct tr_cases *cases, const double *scores, const struct tr_label_gate *gate,
                       struct tally *t, struct nn_error *err)
{
    *t = (struct tally){.images = cases->count};
    int8_t *hit = malloc((size_t)cases->count);
    if (!hit) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d verdicts", cases->count);
    for (int i = 0; i < cases->count; i++)
        t->passed[cases->truth[i]] += tr_label_gate_passes(gate, cases->truth[i], scores[i]);
    nn_status status = find_area(cases, scores, t, err);
    for (int kind = 0; kind < 2 && status == NN_OK; kind++)
        status = find_share(cases, scores, gate, kind, hit, &t->right[kind], err);
    if (status == NN_OK) status = find_share(cases, scores, gate, -1, hit, &t->agreement, err);
    free(hit);
    return status;
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static json_t *tally_json(const struct tally *t)
{
    const struct nn_share *with = &t->right[1], *without = &t->right[0];
    return json_pack("{s:i,s:i,s:i,s:{s:f,s:f,s:f},s:o,s:o,s:o,s:{s:i,s:i,s:i,s:i}}", "images", t->images,
                     "patients_with", t->patients[1], "patients_without", t->patients[0], "auc", "value",
                     t->auc, "low", t->area.low, "high", t->area.high, "agreement",
                     tr_share_json(t->agreement), "sensitivity", tr_share_json(*with), "specificity",
                     tr_share_json(*without), "confusion", "without_seen_without", without->part,
                     "without_seen_with", without->whole - without->part, "with_seen_without",
                     with->whole - with->part, "with_seen_with", with->part);
}

/* One row for each class, or group of them, that was asked for, in the order of their first sample. */
static json_t *classes_json(const struct tr_label_samples *s, const struct tr_label_gate *gate)
{
    json_t *list = json_array();
    bool *counted = calloc((size_t)s->count, sizeof *counted);
    for (int first = 0; counted && first < s->count; first++) {
        char name[CLASS_TEXT];
        int asked = 0, agreed = 0, passed = 0;
        if (counted[first]) continue;
        for (int i = first; i < s->count; i++) {
            if (s->asked->labels[i] != s->asked->labels[first]) continue;
            counted[i] = true;
            asked++;
            agreed += tr_label_gate_verdict(gate, s->scores[i]) == s->asked->truth[i];
            passed += tr_label_gate_passes(gate, s->asked->truth[i], s->scores[i]);
        }
        tr_case_classes(s->asked, first, name, sizeof name);
        json_array_append_new(list, json_pack("{s:s,s:b,s:o,s:o}", "class", name, "finding",
                                              (int)s->asked->truth[first], "agreement",
                                              tr_share_json(nn_wilson(agreed, asked)), "passes",
                                              tr_share_json(nn_wilson(passed, asked))));
    }
    free(counted);
    return list;
}

static json_t *results_json(const struct tr_label_judge *judge, const struct tr_label_samples *samples,
                            const struct tally *real, const struct tally *drawn)
{
    const struct tr_label_gate *g = &judge->gate;
    json_t *worth = tally_json(real), *agreement = tally_json(drawn);
    if (!worth || !agreement) {
        json_decref(worth);
        json_decref(agreement);
        return NULL;
    }
    return json_pack("{s:s,s:{s:i,s:i,s:s},s:{s:f,s:f,s:f,s:f},s:o,s:o,s:o,s:s}", "finding",
                     samples->asked->finding, "judge", "trained_on", judge->train, "validation",
                     judge->validation, "weights_sha256", judge->sha256, "gate", "threshold", g->threshold,
                     "yes_above", g->yes_above, "no_below", g->no_below, "margin", g->margin, "held_out",
                     worth, "samples", agreement, "classes", classes_json(samples, g), "list",
                     "checked.json");
}

/* ---- picture ------------------------------------------------------------------------------------ */

static double log_odds(double score)
{
    double odds = log(score / (1 - score));
    return odds < -odds_span ? -odds_span : odds > odds_span ? odds_span : odds;
}

static void share_of_bins(const uint8_t *truth, const double *scores, int n, int kind, double *share)
{
    int all = 0;
    memset(share, 0, BINS * sizeof *share);
    for (int i = 0; i < n; i++) {
        if (truth[i] != kind) continue;
        share[lround((log_odds(scores[i]) + odds_span) / (2 * odds_span) * (BINS - 1))]++;
        all++;
    }
    for (int b = 0; b < BINS && all; b++) share[b] *= 100.0 / all;
}

static void put_picture(FILE *to, const struct tr_lab *lab, const struct tr_label_judge *judge,
                        const struct tr_label_samples *samples)
{
    double x[BINS], y[4][BINS];
    const struct tr_label_gate *g = &judge->gate;
    double no = log_odds(g->no_below), yes = log_odds(g->yes_above);
    const struct tr_band bands[] = {/* every second one is grey */
                                    {-odds_span, no, "passes without"},
                                    {no, yes, "does not pass"},
                                    {yes, odds_span, "passes with"}};
    struct tr_chart chart = {.id = "labels-scores",
                             .title = "Scores of the judge",
                             .x_label = "log odds of the finding, by the judge",
                             .y_label = "% of the images",
                             .width = 760,
                             .height = 320,
                             .from_zero = true,
                             .bands = bands,
                             .band_count = 3};
    static const char *const names[] = {"real, without the finding", "real, with it",
                                        "samples asked for without", "samples asked for with it"};
    for (int b = 0; b < BINS; b++) x[b] = odds_span * (2.0 * b / (BINS - 1) - 1);
    for (int k = 0; k < 4; k++) {
        if (k < 2)
            share_of_bins(lab->test.truth, judge->test, lab->test.count, k, y[k]);
        else
            share_of_bins(samples->asked->truth, samples->scores, samples->count, k - 2, y[k]);
        chart.series[chart.series_count++] =
            (struct tr_series){.name = names[k], .x = x, .y = y[k], .count = BINS};
    }
    tr_chart_put(to, &chart);
}

static nn_status write_picture(const struct tr_part *part, const struct tr_lab *lab,
                               const struct tr_label_judge *judge, const struct tr_label_samples *samples,
                               struct nn_error *err)
{
    char path[PATH_MAX];
    struct tr_text_file picture;
    snprintf(path, sizeof path, "%s/%s.svg", part->folder, part->name);
    nn_status status = tr_text_file_begin(&picture, path, err);
    if (status != NN_OK) return status;
    put_picture(picture.to, lab, judge, samples);
    return tr_text_file_end(&picture, NN_OK, err);
}

/* ---- words -------------------------------------------------------------------------------------- */

static void print_tally(const char *of, const struct tally *t)
{
    const struct nn_share *with = &t->right[1], *without = &t->right[0];
    printf("%-16s%8.3f (%.3f-%.3f)%8.1f %% (%.1f-%.1f)%8.1f %% (%.1f-%.1f)\n", of, t->auc, t->area.low,
           t->area.high, 100 * with->value, 100 * with->low, 100 * with->high, 100 * without->value,
           100 * without->low, 100 * without->high);
}

static void print_figures(const struct tr_part *part, const struct tr_label_judge *judge,
                          const struct tr_label_samples *samples, const struct tally *real,
                          const struct tally *drawn)
{
    printf("\n%d held-out real images and %d samples; of each, with 95 %% intervals by "
           "patient:\n\n%-16s%23s%24s%24s\n",
           real->images, samples->count, "", "AUC", "sensitivity", "specificity");
    print_tally("real", real);
    print_tally("samples", drawn);
    const char *few = tr_few_patients_warning(real->patients[1], real->patients[0]);
    if (real->area.low < TR_WEAK_JUDGE)
        puts("\nThe judge is weak: what it says of samples, and the list, are worth little.");
    if (few) printf("\n%s\n", few);
    printf("\npassed with margin %g: %d of %d with %s, %d of %d without\n%s/labels.json .csv .svg, "
           "checked.json\n",
           judge->gate.margin, drawn->passed[1], drawn->right[1].whole, samples->asked->finding,
           drawn->passed[0], drawn->right[0].whole, part->folder);
}

nn_status tr_label_results_write(const struct tr_part *part, const struct tr_lab *lab,
                                 const struct tr_label_judge *judge, const struct tr_label_samples *samples,
                                 struct nn_error *err)
{
    struct tally real, drawn;
    const struct tr_label_gate *gate = &judge->gate;
    nn_status status = count(&lab->test, judge->test, gate, &real, err);
    if (status == NN_OK) status = count(samples->asked, samples->scores, gate, &drawn, err);
    if (status == NN_OK) status = write_picture(part, lab, judge, samples, err);
    if (status == NN_OK) status = tr_part_write(part, results_json(judge, samples, &real, &drawn), err);
    if (status == NN_OK) print_figures(part, judge, samples, &real, &drawn);
    return status;
}
