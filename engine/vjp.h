/* Gradient rules. Internal to the engine: nn_gradient is the way to use them. */
#ifndef NN_VJP_H
#define NN_VJP_H

#include "engine/ops.h"

/* One recorded operation. */
struct nn_node {
    enum nn_op op;
    nn_id in[NN_OP_INPUTS_MAX];
    struct nn_attributes attr;
    struct nn_tensor value;       /* data NULL: the memory was given back */
    struct nn_arena_piece *piece; /* that the value lies in; NULL when the memory is not the tape's */
    int held;                     /* cotangents of a gradient under way that this value is */
};

/* For the node `id` with cotangent g (shape and type of its value): the cotangents of those inputs that
 * are `needed`, as new values; the invalid id where the derivative is zero. */
void nn_vjp(struct nn_tape *tape, nn_id id, nn_id g, const bool needed[NN_OP_INPUTS_MAX],
            nn_id out[NN_OP_INPUTS_MAX]);

/* For ops.c. Both return the invalid id and set the sticky error on failure. */
const struct nn_node *nn_tape_node(const struct nn_tape *tape, nn_id id);
nn_id nn_tape_record(struct nn_tape *tape, const struct nn_node *node);
/* The latest value that `op` made of `in` alone and that is still there; the invalid id if there is none. */
nn_id nn_tape_find(const struct nn_tape *tape, enum nn_op op, nn_id in);
/* Space for the result that is recorded next. NULL, with the sticky error set, when memory is out. */
void *nn_tape_alloc(struct nn_tape *tape, size_t size_bytes);
struct nn_error *nn_tape_error(struct nn_tape *tape);

#endif
