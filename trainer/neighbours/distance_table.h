/* The distances of queries from training images in every layer, in bounded memory. */
#ifndef TR_DISTANCE_TABLE_H
#define TR_DISTANCE_TABLE_H

#include "trainer/neighbours/feature_network.h"
#include "trainer/neighbours/float_journal.h"

/* Mean absolute differences between what the convolutions give for each of `queries`, as it is and mirrored,
 * and for each of `trainings`, into *value (heap, given), in the order of struct tr_nearness_input.
 *
 * The queries' maps are held in blocks of at most memory_bytes; for each block the training images go through
 * the network again. What is computed goes to the journal. Shows progress. NN_ERR_ARGUMENT: too little memory
 * for two images and a minibatch. NN_STOPPED after a signal. */
nn_status tr_distance_table(struct tr_feature_network *network, const struct tr_cases *queries,
                            const struct tr_cases *trainings, size_t memory_bytes,
                            struct tr_float_journal *journal, float **value,
                            struct nn_error *err) NN_MUST_CHECK;

#endif
