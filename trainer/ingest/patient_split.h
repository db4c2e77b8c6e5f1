/* Which patients are for training and which for testing. */
#ifndef TR_PATIENT_SPLIT_H
#define TR_PATIENT_SPLIT_H

#include "trainer/ingest/copies.h"

struct tr_patient_split {
    int patients, of_several_labels; /* among them, of whom images of different labels are there */
};

/* Splits the items that are taken, all of a patient to one side, and with a patient those of whom a picture
 * looks like one of theirs (trainer/ingest/copies.h). Stratified: the patients of each set of labels by
 * themselves, in an order that `seed` and patient_name alone determine, as many to the test as come nearest
 * to `test_share` of the images, but where there are two patients or more at least one to either side. Sets
 * of several labels or findings that fewer than seven patients have are one stratum together.
 *
 * Where the table tells the split, it stands; of a patient in both all images are refused. Notes go to the
 * images of patients with several labels. */
nn_status tr_patient_split(struct tr_ingest_table *table, const struct tr_copies *copies, double test_share,
                           uint64_t seed, struct tr_patient_split *result,
                           struct nn_error *err) NN_MUST_CHECK;

#endif
