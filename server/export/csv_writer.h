/* Cells of CSV (RFC 4180) and TSV files, safe to open in a spreadsheet. The FILE is the calling thread's own.
 *
 * The rule: a cell that a spreadsheet would run as a formula, as it begins with = + - @ tab, return or line
 * feed, gets an apostrophe before it, unless the whole cell is a negative decimal number such as -0.5 or
 * -1e-07; so does one that begins with an apostrophe. Who takes one apostrophe off has the text. */
#ifndef SRV_CSV_WRITER_H
#define SRV_CSV_WRITER_H

#include <stdio.h>

/* Writes `text`, quoted when it must be. */
void srv_csv_cell(FILE *out, const char *text);

/* Writes `count` cells, commas between, CRLF at the end. */
void srv_csv_row(FILE *out, const char *const *cells, int count);

/* TSV has no quotes: control characters become spaces, an empty cell is n/a, and a text n/a is 'n/a. */
void srv_tsv_cell(FILE *out, const char *text);

#endif
