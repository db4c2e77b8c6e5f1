/* The generator's first layer: one vector of inputs to a 4x4 map, a pass over weights that are read once. */
#ifndef NN_DENSE_H
#define NN_DENSE_H

#include "engine/backend.h"

struct dense_layer;

/* `stage` is the 4x4 transposed convolution of a 1x1 map; copies its weights in `type`. */
nn_status dense_new(struct dense_layer **layer, enum nn_type type, const struct nn_stage *stage,
                    struct nn_error *err) NN_MUST_CHECK;
void dense_free(struct dense_layer *layer); /* NULL is harmless */
size_t dense_bytes(const struct dense_layer *layer);

size_t dense_inputs(const struct dense_layer *layer);

/* The sums alone, 16 pixels of the output's channels. `units` is scratch memory for dense_inputs floats. */
void dense_run(const struct dense_layer *layer, const float *input, float *units, struct nn_tensor *map);

#endif
