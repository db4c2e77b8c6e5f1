/* The contact sheets of a run inside its report: a bounded number of them, shrunk, as PNG in base64. */
#ifndef TR_REPORT_SHEETS_H
#define TR_REPORT_SHEETS_H

#include <stdio.h>

#include "engine/error.h"

/* Puts the newest sheet of the folder `run` and up to 11 earlier ones, spread evenly. `rows` says in words
 * what their rows show. A sheet that cannot be read is named on the page instead of shown. NN_ERR_MEMORY, or
 * NN_ERR_IO when the folder cannot be listed. */
nn_status tr_report_put_sheets(FILE *page, const char *run, const char *rows,
                               struct nn_error *err) NN_MUST_CHECK;

#endif
