/* Reads RUN/metrics.jsonl, the figures of a run's ticks. Lines that are not JSON or lack what every line has
 * are skipped and named, so that a file cut off by a crash or edited by hand can still be shown. */
#ifndef TR_RUN_LOG_H
#define TR_RUN_LOG_H

#include "trainer/swd/swd.h"

/* What a line lacks is NAN, or 0 for whole numbers: older runs did not write all of it. */
struct tr_log_entry {
    double kimg, lod;
    int side;
    double real, fake, penalty, label, generator, real_sign, augment_p;
    double skipped, images_per_s, elapsed_s;
    int swd_images, swd_levels; /* swd_levels 0: not measured */
    int swd_sides[TR_SWD_LEVELS_MAX];
    double swd[TR_SWD_LEVELS_MAX], swd_floor[TR_SWD_LEVELS_MAX], swd_mean, swd_floor_mean;
};

enum { TR_LOG_BAD_NAMED = 5 };

struct tr_run_log {
    struct tr_log_entry *entries; /* heap; kimg rises: a line that goes back replaces those after it */
    int count;
    int bad_count; /* lines skipped */
    struct {
        int line; /* from 1 */
        char why[100];
    } bad[TR_LOG_BAD_NAMED]; /* the first of them */
};

/* NN_ERR_IO or NN_ERR_FORMAT: there is no such file, or it is larger than 256 MiB. An empty log is no error.
 * On failure nothing is held. */
nn_status tr_run_log_read(struct tr_run_log *log, const char *path, struct nn_error *err) NN_MUST_CHECK;
void tr_run_log_release(struct tr_run_log *log); /* harmless on a zeroed struct */

#endif
