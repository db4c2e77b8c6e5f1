/* What long work has computed so far, as numbers appended to a file: a part that was stopped goes on from
 * there. The reader must ask for the same stretches in the same order as the writer wrote them. Before each
 * stretch stand 16 hex digits of a SHA-256 of its place and its numbers, so that one that is torn or
 * damaged is computed again. */
#ifndef TR_FLOAT_JOURNAL_H
#define TR_FLOAT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trainer/parts/part_file.h"

struct tr_float_journal {
    char path[4096];
    int fd;
    uint64_t at, size; /* bytes: where the next stretch begins, and what there was to read */
};

/* FOLDER/PART-HASH.f32, with a hash of the part's settings, data and model: another work has another file. */
nn_status tr_float_journal_open(struct tr_float_journal *journal, const struct tr_part *part,
                                struct nn_error *err) NN_MUST_CHECK;
/* Reads the next `count` numbers, if they are there as they were written; else says false, and from then on
 * writing begins. */
bool tr_float_journal_read(struct tr_float_journal *journal, float *values, size_t count);
nn_status tr_float_journal_write(struct tr_float_journal *journal, const float *values, size_t count,
                                 struct nn_error *err) NN_MUST_CHECK;
void tr_float_journal_close(struct tr_float_journal *journal);  /* harmless on {.fd = -1} */
void tr_float_journal_remove(struct tr_float_journal *journal); /* closes, too: the work is done */

#endif
