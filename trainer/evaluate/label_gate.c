#include "trainer/evaluate/label_gate.h"

#include <math.h>
#include <stdlib.h>

struct scored {
    double score;
    bool truth;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    return (x->score > y->score) - (x->score < y->score);
}

static void choose_threshold(const struct scored *all, int count, int yes, struct tr_label_gate *gate)
{
    double best = -INFINITY, widest = -INFINITY;
    int no_below = 0, yes_below = 0;
    for (int i = 0; i + 1 < count; i++) {
        all[i].truth ? yes_below++ : no_below++;
        double gap = all[i + 1].score - all[i].score;
        double worth = (double)(yes - yes_below) / yes + (double)no_below / (count - yes);
        if (gap <= 0 || worth < best || (worth == best && gap <= widest)) continue;
        best = worth;
        widest = gap;
        gate->threshold = all[i].score + gap / 2;
    }
}

/* The score that at most `allowed` of that kind pass, going down from the top or up from the bottom. */
static double cut(const struct scored *all, int count, bool truth, bool from_top, int allowed)
{
    for (int k = 0; k < count; k++) {
        const struct scored *s = &all[from_top ? count - 1 - k : k];
        if (s->truth == truth && allowed-- == 0) return s->score;
    }
    return from_top ? -INFINITY : INFINITY;
}

nn_status tr_label_gate_choose(const uint8_t *truth, const double *scores, int count, double margin,
                               struct tr_label_gate *gate, struct nn_error *err)
{
    int yes = 0;
    for (int i = 0; i < count; i++) yes += truth[i];
    if (yes == 0 || yes == count)
        return nn_fail(err, NN_ERR_ARGUMENT,
                       "a threshold needs images of both kinds, of %d %d show the finding", count, yes);
    struct scored *all = malloc((size_t)count * sizeof *all);
    if (!all) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d scores", count);
    for (int i = 0; i < count; i++) all[i] = (struct scored){scores[i], truth[i]};
    qsort(all, (size_t)count, sizeof *all, by_score);
    *gate = (struct tr_label_gate){.threshold = all[0].score, .margin = margin};
    choose_threshold(all, count, yes, gate);
    gate->yes_above = fmax(gate->threshold, cut(all, count, false, true, (int)(margin * (count - yes))));
    gate->no_below = fmin(gate->threshold, cut(all, count, true, false, (int)(margin * yes)));
    free(all);
    return NN_OK;
}

bool tr_label_gate_verdict(const struct tr_label_gate *gate, double score)
{
    return score > gate->threshold;
}

bool tr_label_gate_passes(const struct tr_label_gate *gate, bool asked, double score)
{
    return asked ? score > gate->yes_above : score < gate->no_below;
}
