/* Every operation of the engine, applied in each way that differs: what it is tested on. */
#ifndef OP_CASES_H
#define OP_CASES_H

#include "engine/ops.h"

/* What an input must be: its element type, and where the operation is smooth. No gradient reaches a constant.
 */
enum op_input_kind { ABSENT, REAL, MAP, POSITIVE_REAL, POSITIVE_MAP, CONSTANT };

struct op_case {
    enum nn_op op;
    const char *name;
    nn_id (*build)(struct nn_tape *t, const nn_id *in);
    struct {
        enum op_input_kind kind;
        struct nn_shape shape;
    } in[NN_OP_INPUTS_MAX];
};

extern const struct op_case op_cases[];
extern const int op_case_count;

#define FOR_EACH_CASE(c) for (const struct op_case *c = op_cases; c < op_cases + op_case_count; c++)

/* The order from which on its gradients are refused; 0: none. */
int op_case_refused(const struct op_case *c);

#endif
