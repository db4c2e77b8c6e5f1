/* The curves of a run's report. */
#ifndef TR_REPORT_CHARTS_H
#define TR_REPORT_CHARTS_H

#include <stdio.h>

#include "trainer/train/run_log.h"
#include "trainer/train/train_config.h"

/* Losses, step size, augmentation, throughput, skipped steps: what the log has. `config` may be NULL: then
 * the step size is not known. */
nn_status tr_report_put_curves(FILE *page, const struct tr_run_log *log, const struct tr_train_config *config,
                               struct nn_error *err) NN_MUST_CHECK;

/* The sliced Wasserstein distance: its mean, then each level, all against the floor. */
nn_status tr_report_put_swd(FILE *page, const struct tr_run_log *log, struct nn_error *err) NN_MUST_CHECK;

#endif
