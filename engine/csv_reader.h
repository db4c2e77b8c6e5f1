/* Comma-separated values (RFC 4180), read record by record within a text in memory.
 * Lines may end with LF or CRLF; a UTF-8 byte-order mark and empty lines are skipped. */
#ifndef NN_CSV_READER_H
#define NN_CSV_READER_H

#include <stddef.h>

#include "engine/error.h"

enum { NN_CSV_FIELDS_MAX = 64 };

struct nn_csv {
    char *at, *end;
    const char *name; /* stands for the file in error texts */
    int line;         /* where the next record starts, from 1 */
    int record_line;  /* where the last record read started */
};

/* `text` is changed in place (quotes removed, separators replaced by zeros) and must stay, writable and
 * followed by one more byte of the caller's, while fields are in use. */
void nn_csv_init(struct nn_csv *csv, char *text, size_t size_bytes, const char *name);

/* Reads one record: fields[0 .. *count-1] point into the text. *count is 0 at the end. NN_ERR_FORMAT names
 * file and line: an open quote, text after a closing quote, a zero byte, too many fields. */
nn_status nn_csv_next(struct nn_csv *csv, char *fields[NN_CSV_FIELDS_MAX], int *count,
                      struct nn_error *err) NN_MUST_CHECK;

#endif
