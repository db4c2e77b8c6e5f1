/* One cell of a CSV file (RFC 4180), safe to open in a spreadsheet. */
#ifndef SRV_CSV_WRITER_H
#define SRV_CSV_WRITER_H

#include <stdio.h>

/* Writes `text`, quoted when it must be. A cell that a spreadsheet would run as a formula (it begins with
 * = + - @ tab or return) gets an apostrophe before it. */
void srv_csv_cell(FILE *out, const char *text);

/* Writes `count` cells, commas between, CRLF at the end. */
void srv_csv_row(FILE *out, const char *const *cells, int count);

#endif
