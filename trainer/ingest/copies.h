/* Pictures that are there more than once. */
#ifndef TR_COPIES_H
#define TR_COPIES_H

#include "trainer/ingest/ingest_table.h"

struct tr_copy_pair {
    int a, b;   /* items, a before b */
    int bits;   /* in which their hashes differ; 0 of equal ones */
    bool equal; /* pixel for pixel */
};

struct tr_copies {
    struct tr_copy_pair *pairs;
    int count;
    bool more; /* than are listed */
};

/* Of the items that are taken and done: of several with the same pixels under one label only the first stays,
 * the others become COPY; under different labels all are refused, as nobody can tell which is right. Pairs
 * that only look the same (trainer/data/picture_hash.h) both stay, with a note. */
nn_status tr_copies_find(struct tr_copies *copies, struct tr_ingest_table *table,
                         struct nn_error *err) NN_MUST_CHECK;
void tr_copies_release(struct tr_copies *copies);

#endif
