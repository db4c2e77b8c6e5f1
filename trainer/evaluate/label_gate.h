/* Which samples show what they were asked for, by a judge that was trained on real images: where its scores
 * become a verdict, and from where on a sample passes with margin. Pure. */
#ifndef TR_LABEL_GATE_H
#define TR_LABEL_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

/* Scores are of the finding, high where it is seen. */
struct tr_label_gate {
    double threshold; /* above: the finding is there */
    double yes_above; /* >= threshold. A sample with the finding passes above it, */
    double no_below;  /* <= threshold. one without it below it */
    double margin;
};

/* From real images that the judge has not been trained on, truth[i] 1 with the finding and 0 without. The
 * threshold is where sensitivity + specificity is largest (Youden 1950), in the middle between two scores, of
 * equals where those lie farthest apart. The margin, 0..1: at most that share of the real images of the other
 * kind may score beyond yes_above and no_below. NN_ERR_ARGUMENT: only one kind; NN_ERR_MEMORY. */
nn_status tr_label_gate_choose(const uint8_t *truth, const double *scores, int count, double margin,
                               struct tr_label_gate *gate, struct nn_error *err) NN_MUST_CHECK;

bool tr_label_gate_verdict(const struct tr_label_gate *gate, double score);
bool tr_label_gate_passes(const struct tr_label_gate *gate, bool asked, double score);

#endif
