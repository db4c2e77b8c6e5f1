/* The report of a run as one HTML page that needs nothing else: no script, no style sheet, no image, no
 * address outside. */
#ifndef TR_REPORT_PAGE_H
#define TR_REPORT_PAGE_H

#include <stdio.h>

#include "trainer/train/run_facts.h"

/* `run` is the folder. Errors of `page` are the caller's to look for. */
nn_status tr_report_put_page(FILE *page, const char *run, const struct tr_run_facts *facts,
                             struct nn_error *err) NN_MUST_CHECK;

#endif
