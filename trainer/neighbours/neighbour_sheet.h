/* Images and, to the right of each, its nearest training image in every layer. */
#ifndef TR_NEIGHBOUR_SHEET_H
#define TR_NEIGHBOUR_SHEET_H

#include "trainer/neighbours/feature_network.h"
#include "trainer/neighbours/nearness.h"

struct tr_neighbour_sheet {
    const char *title;
    const struct tr_cases *queries, *trainings;
    const struct tr_feature_network *network;
    const struct tr_nearness *nearness;
    const int *rows; /* indices of queries */
    int row_count;
};

/* A PNG file with captions: what each image is, and its distance; the last column is the nearest of all
 * layers together, and a frame stands about what is flagged as a copy. */
nn_status tr_neighbour_sheet_write(const struct tr_neighbour_sheet *sheet, const char *path,
                                   struct nn_error *err) NN_MUST_CHECK;

#endif
