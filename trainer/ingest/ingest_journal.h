/* What is known of the files read so far, so that a stopped ingest goes on: a CSV file, one line a file,
 * written as each is done. A line counts only while file, wish and image are as they were. */
#ifndef TR_INGEST_JOURNAL_H
#define TR_INGEST_JOURNAL_H

#include <stdio.h>

#include "trainer/ingest/ingest_table.h"

/* Takes over what `path` knows: items whose source has the size and time that they have now, whose change is
 * the same, and whose image in `images` is there in full length and whose tile in `tiles` is, become done.
 * `style` is a text for what is the same for all files; a journal of another one, or a damaged line, counts
 * for nothing. Sets source_bytes and source_time_ns of every item whose file is there, and refuses those
 * whose file is not. */
nn_status tr_ingest_journal_read(const char *path, const char *style, const char *source, const char *images,
                                 const char *tiles, struct tr_ingest_table *table,
                                 struct nn_error *err) NN_MUST_CHECK;

/* Writes anew what is done, and stays open for more lines. */
nn_status tr_ingest_journal_open(FILE **journal, const char *path, const char *style,
                                 const struct tr_ingest_table *table, struct nn_error *err) NN_MUST_CHECK;
/* Errors are for the caller to find with ferror. */
void tr_ingest_journal_put(FILE *journal, const struct tr_ingest_item *item);

#endif
