/* journal.csv, the list of what is finished in a data set that is still being made. Its first line has the
 * parameters of the run, each further one an image that is on disk, with its mask if it has one. A line that
 * a kill cut short is dropped; a file that does not match its line is made again. */
#ifndef PHANTOM_DATASET_JOURNAL_H
#define PHANTOM_DATASET_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

enum { PHANTOM_ROW_MAX = 512 };

/* One image of the data set. */
struct phantom_entry {
    uint64_t patient;
    int hip;
    bool made;
    char image_sha256[65], mask_sha256[65]; /* of the files; mask_sha256 is "-" without a mask */
    char *row; /* line of labels.csv with its end, once made; heap, the caller frees */
};

struct phantom_journal {
    int fd;
    char path[4096];
};

/* "images/p000012_0.png" or "masks/...". */
void phantom_entry_file(const struct phantom_entry *e, const char *kind, char file[64]);

/* Opens or begins the journal of `folder` and marks what earlier runs have made among `entries` (sorted by
 * patient and hip). NN_ERR_ARGUMENT: another process has it open, or it was begun with other parameters.
 * The journal is locked until it is closed. */
nn_status phantom_journal_open(struct phantom_journal *j, const char *folder, const char *parameters,
                               struct phantom_entry *entries, int count, struct nn_error *err) NN_MUST_CHECK;

/* Adds a made entry, whose files are written. One thread at a time. */
nn_status phantom_journal_add(struct phantom_journal *j, const struct phantom_entry *e,
                              struct nn_error *err) NN_MUST_CHECK;

void phantom_journal_close(struct phantom_journal *j); /* harmless when fd < 0 */

#endif
