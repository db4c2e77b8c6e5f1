/* Soft tissue, which is smooth: computed on a coarse grid over the picture, and interpolated. */
#ifndef PHANTOM_SOFT_GRID_H
#define PHANTOM_SOFT_GRID_H

#include "trainer/phantom/view.h"

/* Path lengths in mm at (x, y) of the view, as if there were no bone. */
typedef void soft_paths(const void *body, float x, float y, float *muscle, float *fat);

struct soft_grid {
    int coarse;        /* pixels between nodes */
    int nodes;         /* per row */
    float *lean, *fat; /* mm, nodes * nodes */
};

/* The caller releases; harmless on a zeroed grid. */
nn_status soft_grid_make(struct soft_grid *g, const struct view *v, int size, soft_paths *paths,
                         const void *body, struct nn_error *err) NN_MUST_CHECK;
void soft_grid_release(struct soft_grid *g);

/* Adds cm to soft and fat for `count` pixels from (column, row) on; `taken`: mm that bone takes from muscle.
 */
void soft_grid_add(const struct soft_grid *g, int column, int row, int count, const float *taken, float *soft,
                   float *fat);

#endif
