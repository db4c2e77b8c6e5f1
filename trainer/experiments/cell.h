/* The scores that one trained network gives the test images, as a small file that is whole or not there. Its
 * name is its key: a hash of all that decides the scores, so that every experiment that needs the same
 * network finds it. */
#ifndef TR_CELL_H
#define TR_CELL_H

#include "trainer/experiments/lab.h"

struct tr_cell {
    char key[65];
    double *scores; /* one a test image, 0..1; heap; NULL: not trained yet */
    int images;     /* different ones that it was trained on */
    int epochs;     /* until the weights that were kept */
    double auc;     /* on the validation part; NAN without one */
    double seconds; /* that the training took, as far as this process did it */
};

/* The key of a recipe's network with a seed. NN_ERR_IO: the pretrained file cannot be read. */
nn_status tr_cell_key(const struct tr_lab *lab, const struct tr_recipe *recipe, uint64_t seed, char key[65],
                      struct nn_error *err) NN_MUST_CHECK;

/* Fills *cell from the file of cell->key, or leaves scores NULL when there is none. A file that is not such a
 * cell is NN_ERR_FORMAT. */
nn_status tr_cell_read(const struct tr_lab *lab, struct tr_cell *cell, struct nn_error *err) NN_MUST_CHECK;
/* `what` tells people what it is. */
nn_status tr_cell_write(const struct tr_lab *lab, const struct tr_cell *cell, const char *what,
                        struct nn_error *err) NN_MUST_CHECK;
void tr_cell_release(struct tr_cell *cell); /* harmless on a zeroed struct */

/* Where its training keeps its state. */
void tr_cell_state_path(const struct tr_lab *lab, const struct tr_cell *cell, char *path, size_t size);

#endif
