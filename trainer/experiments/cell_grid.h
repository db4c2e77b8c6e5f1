/* The one place where networks of experiments are trained: rows of recipes times seeds. What DIR has already
 * is taken from there; the rest is trained, one network after another, all rows of the first seed first, and
 * kept as soon as it is whole. */
#ifndef TR_CELL_GRID_H
#define TR_CELL_GRID_H

#include "trainer/experiments/cell.h"

struct tr_row {
    const char *name; /* "real + GAN-sample1" */
    struct tr_recipe recipe;
    int reference; /* index of the row that it is compared with */
};

struct tr_grid {
    const struct tr_row *rows; /* borrowed */
    int row_count, seed_count;
    struct tr_cell *cells; /* heap: those of a row are neighbours */
};

static inline const struct tr_cell *tr_grid_cell(const struct tr_grid *grid, int row, int seed)
{
    return &grid->cells[row * grid->seed_count + seed];
}

/* Fills the grid, with lab->settings.seeds seeds. Prints on stdout how many networks are to be trained, after
 * the first steps how long that will take at most, and how far it is. When tr_interrupted(), it ends after
 * the step: NN_STOPPED; the next time goes on from the last whole epoch. On failure nothing is held. */
nn_status tr_grid_fill(struct tr_grid *grid, struct tr_lab *lab, const struct tr_row *rows, int row_count,
                       struct nn_error *err) NN_MUST_CHECK;
void tr_grid_release(struct tr_grid *grid); /* harmless on a zeroed struct */

#endif
