#include "trainer/experiments/held_out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/cluster.h"
#include "engine/roc.h"
#include "trainer/parts/number_json.h"

enum { DRAWS = 2000, BOOTSTRAP_SEED = 1 };

const char *const tr_measure_names[TR_MEASURES] = {"auc",         "average_precision", "accuracy",
                                                   "sensitivity", "specificity",       "balanced_accuracy"};

_Static_assert(DRAWS == 2000, "the words say so");
const char *const tr_interval_words[TR_INTERVAL_LINES] = {
    "95 %, of the mean over seeds, from 2000 draws of the test split's patients with replacement:",
    "by the draws' deviation in log odds, of differences by the ends of both. It says what other",
    "patients might change, not what another training might: that shows in the range over seeds.",
    "p: two-sided, of no difference, by the same draws; 0.001 at least, and for each comparison by itself."};

struct work {
    const struct tr_grid *grid;
    const struct tr_cases *test;
    struct nn_roc *roc; /* one a cell */
    int patients[2];    /* without and with the finding */
    int all;            /* patients of either kind */
};

/* All measures of one network, case i counted weight[i] times (NULL: once). */
static void measure(const struct work *w, int cell, const int *weight, double values[TR_MEASURES])
{
    const double *scores = w->grid->cells[cell].scores;
    double of[2] = {0}, right[2] = {0};
    for (int i = 0; i < w->test->count; i++) {
        int kind = w->test->truth[i], times = weight ? weight[i] : 1;
        of[kind] += times;
        if ((scores[i] >= 0.5) == kind) right[kind] += times;
    }
    values[TR_AUC] = nn_roc_auc(&w->roc[cell], weight);
    values[TR_AVERAGE_PRECISION] = nn_roc_average_precision(&w->roc[cell], weight);
    values[TR_ACCURACY] = (right[0] + right[1]) / (of[0] + of[1]);
    values[TR_SENSITIVITY] = of[1] > 0 ? right[1] / of[1] : NAN;
    values[TR_SPECIFICITY] = of[0] > 0 ? right[0] / of[0] : NAN;
    values[TR_BALANCED] = (values[TR_SENSITIVITY] + values[TR_SPECIFICITY]) / 2;
}

/* The bootstrap's statistics: for each row the means over seeds of each measure, then their differences from
 * those of its reference. */
static void means(const void *context, const int *weight, double *values)
{
    const struct work *w = context;
    int seeds = w->grid->seed_count, rows = w->grid->row_count;
    for (int r = 0; r < rows; r++) {
        double *to = values + r * 2 * TR_MEASURES;
        for (int m = 0; m < TR_MEASURES; m++) to[m] = 0;
        for (int s = 0; s < seeds; s++) {
            double one[TR_MEASURES];
            measure(w, r * seeds + s, weight, one);
            for (int m = 0; m < TR_MEASURES; m++) to[m] += one[m] / seeds;
        }
    }
    for (int r = 0; r < rows; r++)
        for (int m = 0; m < TR_MEASURES; m++)
            values[(r * 2 + 1) * TR_MEASURES + m] =
                values[r * 2 * TR_MEASURES + m] - values[w->grid->rows[r].reference * 2 * TR_MEASURES + m];
}

static void sum_up(struct tr_figure *f, int seeds, struct nn_interval interval)
{
    f->mean = 0;
    f->least = INFINITY;
    f->most = -INFINITY;
    f->interval = interval;
    for (int s = 0; s < seeds; s++) {
        f->mean += f->by_seed[s] / seeds;
        f->least = fmin(f->least, f->by_seed[s]);
        f->most = fmax(f->most, f->by_seed[s]);
    }
}

/* How many patients' worth a measure is that nobody spoils. */
static int cases_of(const struct work *w, enum tr_measure m)
{
    if (m == TR_SENSITIVITY) return w->patients[1];
    if (m == TR_SPECIFICITY) return w->patients[0];
    if (m == TR_ACCURACY) return w->all;
    return nn_cluster_rarer(w->patients);
}

/* Of a row and the one that it is compared with; one compared with itself differs in nothing. */
static void compare(const struct work *w, int row, const struct nn_interval *intervals,
                    const double *reference, struct tr_held_out *to)
{
    int other = w->grid->rows[row].reference;
    for (int m = 0; m < TR_MEASURES && other != row; m++) {
        const double values[2] = {to->figure[m].mean, reference[m]};
        const struct nn_interval drawn[2] = {intervals[row * 2 * TR_MEASURES + m],
                                             intervals[other * 2 * TR_MEASURES + m]};
        struct nn_interval *own = &to->less[m].interval;
        *own = nn_bootstrap_difference(values, drawn, *own, cases_of(w, (enum tr_measure)m));
    }
}

static void fill_row(const struct work *w, int row, const struct nn_interval *intervals,
                     struct tr_held_out *to)
{
    int seeds = w->grid->seed_count;
    double reference[TR_MEASURES] = {0};
    for (int s = 0; s < seeds; s++) {
        double own[TR_MEASURES], other[TR_MEASURES];
        measure(w, row * seeds + s, NULL, own);
        measure(w, w->grid->rows[row].reference * seeds + s, NULL, other);
        for (int m = 0; m < TR_MEASURES; m++) {
            to->figure[m].by_seed[s] = own[m];
            to->less[m].by_seed[s] = own[m] - other[m];
            reference[m] += other[m] / seeds;
        }
    }
    for (int m = 0; m < TR_MEASURES; m++) {
        struct tr_figure *f = &to->figure[m];
        sum_up(f, seeds, intervals[row * 2 * TR_MEASURES + m]);
        f->interval = nn_bootstrap_share(f->mean, f->interval, cases_of(w, (enum tr_measure)m));
        sum_up(&to->less[m], seeds, intervals[(row * 2 + 1) * TR_MEASURES + m]);
    }
    compare(w, row, intervals, reference, to);
}

static nn_status count_patients(struct work *w, struct nn_error *err)
{
    const struct tr_cases *test = w->test;
    int *dense = malloc(((size_t)test->count + 1) * sizeof *dense);
    if (!dense) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d images", test->count);
    nn_status status = nn_cluster_number(test->patient, test->count, dense, &w->all, err);
    free(dense);
    return status == NN_OK ? nn_cluster_kinds(test->truth, test->patient, test->count, w->patients, err)
                           : status;
}

nn_status tr_held_out_measure(const struct tr_grid *grid, const struct tr_cases *test,
                              struct tr_held_out *rows, struct nn_error *err)
{
    int cells = grid->row_count * grid->seed_count, values = grid->row_count * 2 * TR_MEASURES;
    struct work w = {.grid = grid, .test = test};
    struct nn_interval *intervals = calloc((size_t)values, sizeof *intervals);
    nn_status status = count_patients(&w, err);
    w.roc = calloc((size_t)cells, sizeof *w.roc);
    if (status == NN_OK && (!intervals || !w.roc))
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for %d networks", cells);
    for (int i = 0; i < cells && status == NN_OK; i++)
        status = nn_roc_init(&w.roc[i], test->truth, grid->cells[i].scores, test->count, err);
    if (status == NN_OK)
        status = nn_bootstrap(test->patient, test->count, DRAWS, BOOTSTRAP_SEED, means, &w, values, intervals,
                              err);
    for (int r = 0; r < grid->row_count && status == NN_OK; r++) fill_row(&w, r, intervals, &rows[r]);
    for (int i = 0; w.roc && i < cells; i++) nn_roc_release(&w.roc[i]);
    free(w.roc);
    free(intervals);
    return status;
}

json_t *tr_figure_json(const struct tr_figure *figure, int seed_count)
{
    json_t *by_seed = json_array();
    for (int s = 0; s < seed_count; s++) json_array_append_new(by_seed, tr_number_json(figure->by_seed[s]));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "mean", tr_number_json(figure->mean), "low",
                     tr_number_json(figure->interval.low), "high", tr_number_json(figure->interval.high),
                     "least", tr_number_json(figure->least), "most", tr_number_json(figure->most), "by_seed",
                     by_seed);
}

json_t *tr_difference_json(const struct tr_figure *difference, int seed_count)
{
    json_t *json = tr_figure_json(difference, seed_count);
    if (json) json_object_set_new(json, "p", tr_number_json(difference->interval.p));
    return json;
}

const char *tr_figure_text(const struct tr_figure *f, char text[TR_FIGURE_TEXT])
{
    snprintf(text, TR_FIGURE_TEXT, "%.3f (%.3f to %.3f)", f->mean, f->interval.low, f->interval.high);
    return text;
}

const char *tr_difference_text(const struct tr_figure *f, char text[TR_FIGURE_TEXT])
{
    snprintf(text, TR_FIGURE_TEXT, "%+.3f (%+.3f to %+.3f), p %.3f", f->mean, f->interval.low,
             f->interval.high, f->interval.p);
    return text;
}
