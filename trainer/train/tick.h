/* What a run writes at a tick: a line of progress, a line of RUN/metrics.jsonl, a contact sheet. */
#ifndef TR_TICK_H
#define TR_TICK_H

#include "trainer/train/metric.h"
#include "trainer/train/run_folder.h"
#include "trainer/train/training.h"

struct tr_tick {
    const struct tr_run_folder *folder; /* borrowed */
    struct tr_training *training;       /* borrowed; its scratch is used, nothing else changes */
    double images_per_s;                /* since the last tick */
    double elapsed_s;                   /* since this process began to train */
    struct tr_measure measure;          /* images 0: not at this tick */
    bool alike; /* set by tr_tick_write_sheet: the samples of a class do not differ in any pixel */
};

/* One line on stdout. */
void tr_tick_print(const struct tr_tick *tick);

nn_status tr_tick_write_metrics(const struct tr_tick *tick, struct nn_error *err) NN_MUST_CHECK;

/* RUN/sheet-<kimg>.png: a row of fixed seeds for each class that the model will offer, the same seeds in
 * every row. */
nn_status tr_tick_write_sheet(struct tr_tick *tick, struct nn_error *err) NN_MUST_CHECK;

#endif
