/* Writes comma-separated values (RFC 4180); engine/csv_reader.h reads them. */
#ifndef TR_CSV_CELL_H
#define TR_CSV_CELL_H

#include <stdio.h>

/* Writes one cell, in quotes where it needs them. */
void tr_csv_write_cell(FILE *to, const char *text);

#endif
