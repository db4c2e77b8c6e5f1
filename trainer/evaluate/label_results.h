/* What the judge says of the samples, counted. */
#ifndef TR_LABEL_RESULTS_H
#define TR_LABEL_RESULTS_H

#include "trainer/evaluate/label_judge.h"
#include "trainer/evaluate/label_samples.h"
#include "trainer/parts/part_file.h"

/* A judge is weak whose AUC on held-out real images may be below this. */
#define TR_WEAK_JUDGE 0.8

/* Writes labels.svg, then labels.json, of samples that all have been judged, and prints the figures. */
nn_status tr_label_results_write(const struct tr_part *part, const struct tr_lab *lab,
                                 const struct tr_label_judge *judge, const struct tr_label_samples *samples,
                                 struct nn_error *err) NN_MUST_CHECK;

#endif
