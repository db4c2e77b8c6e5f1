/* The samples that a judge looks at: their seeds, and its scores as far as it has come, kept in a table from
 * which the work goes on:
 *
 *     judged_by,seed,class,score,verdict,passes
 *     3f2a...,8263417093451670288,fracture,0.981,fracture,1
 *
 * Seeds are the kernel's random numbers, as whoever could guess them could look up in the atlas what a deck's
 * images show. */
#ifndef TR_LABEL_SAMPLES_H
#define TR_LABEL_SAMPLES_H

#include "trainer/classify/cases.h"
#include "trainer/evaluate/label_gate.h"

struct tr_label_samples {
    char judged_by[65];           /* what decides the scores: names model, judge and gate */
    const struct tr_cases *asked; /* borrowed; sample i has the labels of case i */
    uint64_t *seeds;              /* heap, count of them, as the scores */
    double *scores;               /* of the first `done` */
    int count, done;
};

/* The samples in the table at `path` when they were judged by the same and asked for the same classes; else
 * new ones. A file that is no such table is NN_ERR_FORMAT. On NN_OK the caller releases. */
nn_status tr_label_samples_open(struct tr_label_samples *samples, const char *path, const char judged_by[65],
                                const struct tr_cases *asked, struct nn_error *err) NN_MUST_CHECK;
void tr_label_samples_release(struct tr_label_samples *samples);

/* Replaces the table. */
nn_status tr_label_samples_write(const struct tr_label_samples *samples, const char *path,
                                 const struct tr_label_gate *gate, struct nn_error *err) NN_MUST_CHECK;

/* Replaces the list for decks (docs/decks.md): seeds that pass, by class; of images with several findings
 * none. */
nn_status tr_label_samples_write_list(const struct tr_label_samples *samples, const char *path,
                                      const char *model_sha256, const struct tr_label_gate *gate,
                                      struct nn_error *err) NN_MUST_CHECK;

#endif
