/* What a run tells at a tick: a line of progress, a line of RUN/metrics.jsonl, a contact sheet. */
#ifndef TR_TICK_H
#define TR_TICK_H

#include "trainer/run_folder.h"
#include "trainer/training.h"

/* All borrowed; the losses are sums since the last tick. */
struct tr_tick {
    const struct tr_run_folder *folder;
    struct tr_training *training; /* its scratch is used, nothing else changes */
    const struct tr_losses *losses;
    double images_per_s; /* since the last tick */
    double elapsed_s;    /* since this process began to train */
};

/* One line on stdout. */
void tr_tick_print(const struct tr_tick *tick);

nn_status tr_tick_write_metrics(const struct tr_tick *tick, struct nn_error *err) NN_MUST_CHECK;

/* RUN/sheet-<kimg>.png: a row of fixed seeds for each class, the same seeds in every row. */
nn_status tr_tick_write_sheet(const struct tr_tick *tick, struct nn_error *err) NN_MUST_CHECK;

#endif
