/* One row of an export as CSV, TSV or JSON lines. Failures to write stay in the FILE, which
 * is the calling thread's own: taking its lock for each character cost a fifth of the time. */
#ifndef SRV_EXPORT_ROWS_H
#define SRV_EXPORT_ROWS_H

#include <stdio.h>

#include "server/export/export_columns.h"

enum srv_export_form {
    EXPORT_CSV,   /* see csv_writer.h; nothing is an empty cell */
    EXPORT_TSV,   /* see csv_writer.h */
    EXPORT_JSONL, /* an object a line: numbers, true and false, texts as they are, null for nothing */
};

/* The names of the columns of `set`, one or more of enum srv_column_set; nothing for JSON lines. */
void srv_export_head(FILE *out, enum srv_export_form form, unsigned set);
/* `cells` has one of each column. */
void srv_export_line(FILE *out, enum srv_export_form form, unsigned set, const char *const *cells);

#endif
