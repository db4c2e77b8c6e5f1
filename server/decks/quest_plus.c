#include "server/decks/quest_plus.h"

#include <math.h>
#include <stdlib.h>

const struct srv_quest_settings srv_quest_defaults = {
    .strengths = 20,
    .thresholds = 39,
    .slopes = {1, 2, 3.5, 6, 10},
    .slope_count = 5,
    .lapses = {0.02, 0.06},
    .lapse_count = 2,
    .guess = 0.5,
};

struct srv_quest_plus {
    struct srv_quest_settings settings;
    int cells;          /* combinations; the threshold changes slowest */
    double *right;      /* (strengths, cells): the probability of a right answer */
    double posterior[]; /* (cells), of sum 1 */
};

static double grid(const struct srv_quest_settings *s, int i, int count)
{
    return s->low + (s->high - s->low) * i / (count - 1);
}

double srv_quest_strength(const struct srv_quest_settings *s, int i)
{
    return grid(s, i, s->strengths);
}

static void fill(struct srv_quest_plus *q, int strength)
{
    const struct srv_quest_settings *s = &q->settings;
    double *cell = q->right + (long)strength * q->cells;
    for (int t = 0; t < s->thresholds; t++)
        for (int b = 0; b < s->slope_count; b++) {
            double x = srv_quest_strength(s, strength) / grid(s, t, s->thresholds);
            double seen = -expm1(-pow(x, s->slopes[b]));
            for (int l = 0; l < s->lapse_count; l++)
                *cell++ = s->guess + (1 - s->guess - s->lapses[l]) * seen;
        }
}

struct srv_quest_plus *srv_quest_plus_new(const struct srv_quest_settings *settings)
{
    size_t cells = (size_t)(settings->thresholds * settings->slope_count * settings->lapse_count);
    size_t table = cells * (size_t)settings->strengths;
    struct srv_quest_plus *q = malloc(sizeof *q + (cells + table) * sizeof(double));
    if (!q) return NULL;
    q->settings = *settings;
    q->cells = (int)cells;
    q->right = q->posterior + cells;
    for (size_t i = 0; i < cells; i++) q->posterior[i] = 1 / (double)cells;
    for (int i = 0; i < settings->strengths; i++) fill(q, i);
    return q;
}

void srv_quest_plus_free(struct srv_quest_plus *q)
{
    free(q);
}

void srv_quest_plus_answer(struct srv_quest_plus *q, int i, bool right)
{
    double sum = 0;
    const double *p = q->right + (long)i * q->cells;
    for (int k = 0; k < q->cells; k++) sum += q->posterior[k] * (right ? p[k] : 1 - p[k]);
    if (!(sum > 0)) return; /* without lapses an answer may be one that no cell allows */
    for (int k = 0; k < q->cells; k++) q->posterior[k] *= (right ? p[k] : 1 - p[k]) / sum;
}

/* Of the posterior q / s after one of the two answers, times its chance s: -sum q ln(q / s). */
static double x_log_x(double x)
{
    return x > 0 ? x * log(x) : 0;
}

double srv_quest_plus_expected_entropy(const struct srv_quest_plus *q, int i)
{
    double chance[2] = {0, 0}, entropy = 0;
    const double *p = q->right + (long)i * q->cells;
    for (int k = 0; k < q->cells; k++) {
        double right = q->posterior[k] * p[k], wrong = q->posterior[k] - right;
        chance[0] += right;
        chance[1] += wrong;
        entropy -= x_log_x(right) + x_log_x(wrong);
    }
    return entropy + x_log_x(chance[0]) + x_log_x(chance[1]);
}

int srv_quest_plus_next(const struct srv_quest_plus *q)
{
    int best = 0;
    double least = INFINITY;
    for (int i = 0; i < q->settings.strengths; i++) {
        double entropy = srv_quest_plus_expected_entropy(q, i);
        if (entropy >= least) continue;
        least = entropy;
        best = i;
    }
    return best;
}

struct srv_quest_estimate srv_quest_plus_threshold(const struct srv_quest_plus *q)
{
    const struct srv_quest_settings *s = &q->settings;
    const double *cell = q->posterior;
    struct srv_quest_estimate estimate = {0, NAN, s->high};
    double below = 0;
    for (int t = 0; t < s->thresholds; t++) {
        double threshold = grid(s, t, s->thresholds), before = below;
        for (int k = 0; k < s->slope_count * s->lapse_count; k++) below += *cell++;
        estimate.value += threshold * (below - before);
        if (before < 0.025 && below >= 0.025) estimate.low = threshold;
        if (before < 0.975 && below >= 0.975) estimate.high = threshold;
    }
    return estimate;
}
