/* Every differentiable operation, alone in a small graph y = op(inputs): its gradient and the gradient of
 * its gradient against central differences in f64, and then all of it on the other backends against f64.
 *
 * With p and q random, the first order is d<y,p>/d input, and the second order d<d<y,p>/d input, q>
 * in every input and in p. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops.h"
#include "engine/vjp.h"
#include "tests/unit/engine/op_cases.h"
#include "tests/unit/host_values.h"
#include "tests/unit/tested_backend.h"

enum { INPUTS = NN_OP_INPUTS_MAX, ELEMENTS = 1024 };

/* ---- evaluating one case ------------------------------------------------------------------------ */

/* The variables are the inputs and, after them, p. */
enum { P = INPUTS, VARIABLES };

struct values {
    double x[VARIABLES][ELEMENTS], q[INPUTS][ELEMENTS];
};

struct results {
    size_t count[VARIABLES]; /* of elements; 0: absent */
    double y[ELEMENTS];
    double first[INPUTS][ELEMENTS];             /* d<y,p>/d input */
    double second[INPUTS][VARIABLES][ELEMENTS]; /* d<first[i],q[i]>/d variable */
};

static void draw_values(const struct op_case *c, uint64_t seed, struct values *v)
{
    for (uint64_t k = 0; k < VARIABLES; k++) test_normals(seed, k, ELEMENTS, v->x[k]);
    for (uint64_t k = 0; k < INPUTS; k++) {
        test_normals(seed, 100 + k, ELEMENTS, v->q[k]);
        if (c->in[k].kind == POSITIVE_MAP || c->in[k].kind == POSITIVE_REAL)
            for (size_t i = 0; i < ELEMENTS; i++) v->x[k][i] = fmax(0.5, fabs(v->x[k][i]));
    }
}

static nn_id seed_like(struct nn_tape *t, nn_id y, nn_id real_leaf)
{
    return nn_cast(t, real_leaf, nn_value(t, y)->type);
}

/* Builds the case on an empty tape. Fills `leaves` (inputs, then p) and returns y. */
static nn_id build(struct nn_tape *t, const struct op_case *c, const struct values *v,
                   nn_id leaves[VARIABLES])
{
    nn_id in[INPUTS] = {{0}};
    for (int k = 0; k < INPUTS; k++) {
        leaves[k] = nn_none;
        if (c->in[k].kind == ABSENT) continue;
        assert_true(nn_count(c->in[k].shape) <= ELEMENTS);
        if (c->in[k].kind == CONSTANT) {
            in[k] = test_leaf(t, v->x[k], c->in[k].shape);
            continue;
        }
        leaves[k] = test_leaf(t, v->x[k], c->in[k].shape);
        bool real = c->in[k].kind == REAL || c->in[k].kind == POSITIVE_REAL;
        in[k] = real ? leaves[k] : nn_cast(t, leaves[k], nn_tape_backend(t)->map_type);
    }
    nn_id y = c->build(t, in);
    test_require_ok(t);
    assert_true(nn_count(nn_value(t, y)->shape) <= ELEMENTS);
    leaves[P] = test_leaf(t, v->x[P], nn_value(t, y)->shape);
    return y;
}

/* A gradient of `count` elements; the invalid id stands for zeros. */
static void read_gradient(const struct nn_tape *t, nn_id id, size_t count, double *out)
{
    test_require_ok(t);
    memset(out, 0, count * sizeof *out);
    if (id.index) test_read(t, id, out);
}

static void evaluate(struct nn_tape *t, const struct op_case *c, const struct values *v, bool second_order,
                     struct results *r)
{
    nn_id leaves[VARIABLES], first[VARIABLES], second[VARIABLES];
    nn_tape_reset(t);
    nn_id y = build(t, c, v, leaves);
    for (int k = 0; k < VARIABLES; k++)
        r->count[k] = leaves[k].index ? nn_count(nn_value(t, leaves[k])->shape) : 0;
    test_read(t, y, r->y);
    memset(r->first, 0, sizeof r->first);
    memset(r->second, 0, sizeof r->second);
    if (op_case_refused(c) == 1) return;
    nn_gradient(t, y, seed_like(t, y, leaves[P]), leaves, INPUTS, first);
    for (int k = 0; k < INPUTS; k++) {
        if (!r->count[k]) continue;
        read_gradient(t, first[k], r->count[k], r->first[k]);
        if (!second_order || op_case_refused(c)) continue;
        if (!first[k].index) continue;
        nn_id q = test_leaf(t, v->q[k], c->in[k].shape);
        nn_gradient(t, first[k], q, leaves, VARIABLES, second);
        for (int j = 0; j < VARIABLES; j++)
            if (r->count[j]) read_gradient(t, second[j], r->count[j], r->second[k][j]);
    }
}

/* Draws values where the operation is smooth: no result of a leaky ReLU so near its kink that a difference
 * step or bf16 rounding would move it across. `t` is on f64. */
static void draw_smooth_values(struct nn_tape *t, const struct op_case *c, struct values *v)
{
    static double y[ELEMENTS];
    bool kinked = c->op == NN_OP_CONV || c->op == NN_OP_CONV_DX || c->op == NN_OP_BATCH_NORM;
    for (uint64_t seed = 1; seed < 1000; seed++) {
        nn_id leaves[VARIABLES];
        double nearest = INFINITY;
        draw_values(c, seed, v);
        if (!kinked) return;
        nn_tape_reset(t);
        nn_id id = build(t, c, v, leaves);
        test_read(t, id, y);
        for (size_t i = 0; i < nn_count(nn_value(t, id)->shape); i++) nearest = fmin(nearest, fabs(y[i]));
        if (nearest > 0.02) return;
    }
    fail_msg("%s: no smooth point found", c->name);
}

/* Central differences of the first order in each of its values, and of the second likewise. */
static void differences(struct nn_tape *t, const struct op_case *c, struct values *v, struct results *r)
{
    static struct results low, high;
    const double h = 1e-5;
    memset(r->first, 0, sizeof r->first);
    memset(r->second, 0, sizeof r->second);
    for (int j = 0; j < VARIABLES; j++)
        for (size_t i = 0; i < r->count[j]; i++) {
            double at = v->x[j][i];
            v->x[j][i] = at - h;
            evaluate(t, c, v, false, &low);
            v->x[j][i] = at + h;
            evaluate(t, c, v, false, &high);
            v->x[j][i] = at;
            double rise = test_dot(high.y, v->x[P], r->count[P]) - test_dot(low.y, v->x[P], r->count[P]);
            if (j < INPUTS && op_case_refused(c) != 1) r->first[j][i] = rise / (2 * h);
            for (int k = 0; k < INPUTS && !op_case_refused(c); k++)
                r->second[k][j][i] = (test_dot(high.first[k], v->q[k], r->count[k]) -
                                      test_dot(low.first[k], v->q[k], r->count[k])) /
                                     (2 * h);
        }
}

/* Prints each disagreement of `got` with `want` and returns how many there are. */
static int disagreements(const struct op_case *c, const struct results *got, const struct results *want,
                         double tolerance)
{
    int count = 0;
    for (int k = 0; k < INPUTS; k++) {
        if (!want->count[k]) continue;
        double error = test_difference(got->first[k], want->first[k], want->count[k]);
        if (!(error <= tolerance)) {
            print_error("%s: gradient of input %d is off by %.2g\n", c->name, k, error);
            count++;
        }
        for (int j = 0; j < VARIABLES; j++) {
            if (!want->count[j]) continue;
            error = test_difference(got->second[k][j], want->second[k][j], want->count[j]);
            if (error <= tolerance) continue;
            print_error("%s: gradient in %s %d of the gradient of input %d is off by %.2g\n", c->name,
                        j == P ? "seed" : "input", j == P ? 0 : j, k, error);
            count++;
        }
    }
    return count;
}

/* ---- the tests ---------------------------------------------------------------------------------- */

static struct nn_backend *open_reference(enum nn_type type)
{
    struct nn_backend *be;
    assert_int_equal(nn_backend_open_reference(&be, type, NULL), NN_OK);
    return be;
}

static struct nn_tape *new_tape(struct nn_backend *be)
{
    struct nn_tape *t;
    assert_int_equal(nn_tape_new(&t, be, NULL), NN_OK);
    return t;
}

static const struct {
    const char *name;
    int inputs;
} operations[] = {
#define X(name, inputs) {#name, inputs},
    NN_OPS(X)
#undef X
};

/* True if the case's tape holds its operation with all the inputs that it can have. */
static bool exercises(struct nn_tape *t, const struct op_case *c)
{
    static struct values v;
    nn_id leaves[VARIABLES];
    draw_values(c, 1, &v);
    nn_tape_reset(t);
    nn_id y = build(t, c, &v, leaves);
    const struct nn_node *node = nn_tape_node(t, y);
    if (node->op != c->op) return false;
    for (int k = 0; k < operations[c->op].inputs; k++)
        if (!node->in[k].index) return false;
    return true;
}

/* Real values in f64 and maps in f32: the types part ways as they do with bf16, on any machine. */
static struct nn_backend *open_two_types(void)
{
    struct nn_backend *be = open_reference(NN_F64);
    be->map_type = NN_F32;
    return be;
}

static void every_operation_has_a_case_with_all_its_inputs(void **state)
{
    (void)state;
    struct nn_backend *be = open_two_types();
    struct nn_tape *t = new_tape(be);
    int missing = 0;
    for (int op = NN_OP_LEAF + 1; op < NN_OP_COUNT; op++) {
        bool found = false;
        FOR_EACH_CASE(c) found |= (int)c->op == op && exercises(t, c);
        if (!found) print_error("%s has no case\n", operations[op].name);
        missing += !found;
    }
    assert_int_equal(missing, 0);
    nn_tape_free(t);
    be->close(be);
}

static void gradients_of_both_orders_match_central_differences(void **state)
{
    (void)state;
    static struct values v;
    static struct results exact, difference;
    struct nn_backend *be = open_reference(NN_F64);
    struct nn_tape *t = new_tape(be);
    int wrong = 0;
    FOR_EACH_CASE(c)
    {
        draw_smooth_values(t, c, &v);
        evaluate(t, c, &v, true, &exact);
        memcpy(difference.count, exact.count, sizeof exact.count);
        differences(t, c, &v, &difference);
        wrong += disagreements(c, &exact, &difference, 1e-7);
    }
    assert_int_equal(wrong, 0);
    nn_tape_free(t);
    be->close(be);
}

/* Takes `be`. */
static void compare_with_f64(struct nn_backend *be, double tolerance)
{
    static struct values v;
    static struct results got, want;
    struct nn_backend *truth = open_reference(NN_F64);
    struct nn_tape *t = new_tape(be), *truth_tape = new_tape(truth);
    int wrong = 0;
    FOR_EACH_CASE(c)
    {
        draw_smooth_values(truth_tape, c, &v);
        evaluate(truth_tape, c, &v, true, &want);
        evaluate(t, c, &v, true, &got);
        double error = test_difference(got.y, want.y, want.count[P]);
        if (!(error <= tolerance)) print_error("%s: value is off by %.2g\n", c->name, error);
        wrong += !(error <= tolerance) + disagreements(c, &got, &want, tolerance);
    }
    assert_int_equal(wrong, 0);
    nn_tape_free(t);
    nn_tape_free(truth_tape);
    be->close(be);
    truth->close(truth);
}

static void reference_f32_agrees_with_f64(void **state)
{
    (void)state;
    compare_with_f64(open_reference(NN_F32), 1e-6);
}

static void maps_of_another_type_than_reals_agree_with_f64(void **state)
{
    (void)state;
    compare_with_f64(open_two_types(), 1e-6);
}

static void cpu_f32_agrees_with_f64(void **state)
{
    (void)state;
    struct nn_backend *be;
    assert_int_equal(test_backend_open(&be, NN_F32, NULL), NN_OK);
    compare_with_f64(be, 2e-6);
}

static void cpu_bf16_agrees_with_f64(void **state)
{
    (void)state;
    if (!test_backend_has_bf16()) skip();
    struct nn_backend *be;
    assert_int_equal(test_backend_open(&be, NN_BF16, NULL), NN_OK);
    compare_with_f64(be, 2e-2);
}

static void orders_without_a_rule_are_refused_by_name(void **state)
{
    (void)state;
    static struct values v;
    struct nn_backend *be = open_reference(NN_F64);
    struct nn_tape *t = new_tape(be);
    FOR_EACH_CASE(c)
    {
        if (!op_case_refused(c)) continue;
        nn_id leaves[VARIABLES], first[VARIABLES], second[VARIABLES];
        struct nn_error err;
        draw_values(c, 1, &v);
        nn_tape_reset(t);
        nn_id y = build(t, c, &v, leaves);
        nn_gradient(t, y, leaves[P], leaves, INPUTS, first);
        if (op_case_refused(c) == 2) {
            test_require_ok(t);
            nn_gradient(t, first[0], leaves[0], leaves, VARIABLES, second);
        }
        assert_int_equal(nn_tape_status(t, &err), NN_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, operations[c->op].name));
        assert_non_null(strstr(err.text, "has a first order only"));
    }
    nn_tape_free(t);
    be->close(be);
}

static void misfits_are_refused_by_name_and_stick(void **state)
{
    (void)state;
    struct nn_backend *be = open_reference(NN_F32);
    struct nn_tape *t = new_tape(be);
    struct nn_error err;
    float zeros[64] = {0};
    nn_id a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3)), b = nn_from_host(t, zeros, nn_shape(1, 3, 3, 3));
    assert_int_equal(nn_mul(t, a, b).index, 0);
    assert_int_equal(nn_tape_status(t, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "MUL"));
    assert_non_null(strstr(err.text, "(1,2,3,3)"));
    assert_int_equal(nn_affine(t, 1, a, 0).index, 0); /* all is refused from then on */
    assert_int_equal(nn_tape_status(t, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "MUL"));

    nn_tape_reset(t);
    assert_int_equal(nn_tape_status(t, NULL), NN_OK);
    a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3));
    assert_int_equal(nn_avg_pool2(t, a).index, 0);
    nn_tape_reset(t);
    a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3));
    assert_int_equal(nn_conv(t, (struct nn_conv)NN_SQUARE_CONV(4, 1, 1, 1), a, a, nn_none, 1).index, 0);
    nn_tape_reset(t);
    a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3));
    assert_int_equal(nn_max_pool(t, (struct nn_window){4, 1, 0}, a).index, 0); /* larger than the map */
    nn_tape_reset(t);
    a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3));
    assert_int_equal(nn_avg_pool(t, (struct nn_window){3, 1, 2}, a).index, 0); /* windows outside of it */
    nn_tape_reset(t);
    a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3));
    assert_int_equal(nn_batch_norm(t, a, a, a, a, 1, 1).index, 0);
    nn_tape_reset(t);
    a = nn_from_host(t, zeros, nn_shape(1, 2, 3, 3));
    b = nn_from_host(t, zeros, nn_shape(1, 2, 3, 2));
    assert_int_equal(nn_concatenate(t, (const nn_id[]){a, b}, 2).index, 0);
    nn_tape_reset(t);
    assert_int_equal(nn_exponential(t, nn_none).index, 0);
    assert_int_equal(nn_tape_status(t, NULL), NN_ERR_ARGUMENT);
    nn_tape_free(t);
    be->close(be);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_a_case_with_all_its_inputs),
        cmocka_unit_test(gradients_of_both_orders_match_central_differences),
        cmocka_unit_test(reference_f32_agrees_with_f64),
        cmocka_unit_test(maps_of_another_type_than_reals_agree_with_f64),
        cmocka_unit_test(cpu_f32_agrees_with_f64),
        cmocka_unit_test(cpu_bf16_agrees_with_f64),
        cmocka_unit_test(orders_without_a_rule_are_refused_by_name),
        cmocka_unit_test(misfits_are_refused_by_name_and_stick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
