/* Inside the tape: its nodes, and the rules (vector-Jacobian products) that nn_gradient differentiates them
 * by. For the engine's own files; all others use tape.h and ops.h. */
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

/* NULL for the invalid id. The pointer is valid until the next operation. */
const struct nn_node *nn_tape_node(const struct nn_tape *tape, nn_id id);
/* The invalid id, with the sticky error set, when memory is out. */
nn_id nn_tape_record(struct nn_tape *tape, const struct nn_node *node);
/* The latest value that `op` made of `in` alone and that is still there; the invalid id if there is none. */
nn_id nn_tape_find(const struct nn_tape *tape, enum nn_op op, nn_id in);
/* Space for the result that is recorded next. NULL, with the sticky error set, when memory is out. */
void *nn_tape_alloc(struct nn_tape *tape, size_t size_bytes);
struct nn_error *nn_tape_error(struct nn_tape *tape); /* the sticky one, to be set by whoever refuses */

#endif
