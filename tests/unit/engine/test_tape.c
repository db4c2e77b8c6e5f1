/* The tape: what gradients are and are not recorded, what is copied and what is shared, errors that stick,
 * and memory that is taken once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops.h"
#include "engine/vjp.h"
#include "tests/unit/host_values.h"

/* The reference backend in f64, with an allocator that counts and, on demand, fails. */
static struct {
    struct nn_backend *be;
    void *(*alloc)(struct nn_backend *be, size_t size_bytes);
    void (*free)(struct nn_backend *be, void *data);
    int allocations, live, fail_after; /* fail_after -1: never */
} memory;

static void *counting_alloc(struct nn_backend *be, size_t size_bytes)
{
    if (memory.allocations == memory.fail_after) return NULL;
    memory.allocations++;
    memory.live++;
    return memory.alloc(be, size_bytes);
}

static void counting_free(struct nn_backend *be, void *data)
{
    memory.live -= data != NULL;
    memory.free(be, data);
}

static struct nn_tape *new_tape(void)
{
    struct nn_tape *t;
    assert_int_equal(nn_backend_open_reference(&memory.be, NN_F64, NULL), NN_OK);
    memory.alloc = memory.be->alloc;
    memory.free = memory.be->free;
    memory.be->alloc = counting_alloc;
    memory.be->free = counting_free;
    memory.allocations = memory.live = 0;
    memory.fail_after = -1;
    assert_int_equal(nn_tape_new(&t, memory.be, NULL), NN_OK);
    return t;
}

static void free_tape(struct nn_tape *t)
{
    nn_tape_free(t);
    assert_int_equal(memory.live, 0);
    memory.be->close(memory.be);
}

static nn_id scalar_leaf(struct nn_tape *t, double value)
{
    return test_leaf(t, &value, nn_shape(1, 1, 1, 1));
}

static double scalar(const struct nn_tape *t, nn_id id)
{
    double value;
    test_read(t, id, &value);
    return value;
}

/* dy/dx of a scalar. */
static nn_id slope(struct nn_tape *t, nn_id y, nn_id x)
{
    nn_id out;
    nn_gradient(t, y, nn_affine(t, 0, y, 1), &x, 1, &out);
    return out;
}

static int next_index(struct nn_tape *t)
{
    return scalar_leaf(t, 0).index;
}

/* ---- gradients ---------------------------------------------------------------------------------- */

static void gradients_can_be_differentiated_again_and_again(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    nn_id x = scalar_leaf(t, 2), y = nn_power(t, x, 5);
    const double derivatives[] = {32, 80, 160, 240, 240, 120};
    for (int order = 0; order <= 5; order++) {
        test_require_near(scalar(t, y), derivatives[order], 1e-9);
        y = slope(t, y, x);
    }
    free_tape(t);
}

static void gradients_of_all_uses_of_a_value_add_up(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    nn_id x = scalar_leaf(t, 3), square = nn_mul(t, x, x);
    nn_id y = nn_axpby(t, 2, nn_mul(t, square, x), 5, square); /* 2x^3 + 5x^2 */
    test_require_near(scalar(t, slope(t, y, x)), 6 * 9 + 10 * 3, 1e-12);
    free_tape(t);
}

static void the_gradient_of_a_value_in_itself_is_the_seed(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    nn_id x = scalar_leaf(t, 3), seed = scalar_leaf(t, 7), out;
    nn_gradient(t, x, seed, &x, 1, &out);
    test_require_near(scalar(t, out), 7, 0);
    free_tape(t);
}

static void what_a_value_does_not_depend_on_has_no_gradient(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    nn_id x = scalar_leaf(t, 3), other = scalar_leaf(t, 4), detached = nn_detach(t, x);
    nn_id y = nn_mul(t, x, detached), later = nn_affine(t, 2, x, 0);
    nn_id wrt[] = {x, other, detached, later}, out[4];
    nn_gradient(t, y, scalar_leaf(t, 1), wrt, 4, out);
    test_require_near(scalar(t, out[0]), 3, 0); /* not 6: the detached factor is a constant */
    assert_int_equal(out[1].index, 0);
    test_require_near(scalar(t, out[2]), 3, 0);
    assert_int_equal(out[3].index, 0);
    free_tape(t);
}

static void only_the_way_from_wrt_to_y_is_visited(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    const struct nn_conv same = NN_SQUARE_CONV(3, 1, 1, 1);
    double values[64];
    test_normals(1, 0, 64, values);
    nn_id x = test_leaf(t, values, nn_shape(1, 2, 4, 4)), w = test_leaf(t, values, nn_shape(2, 2, 3, 3));
    nn_id y = nn_conv(t, same, nn_conv(t, same, x, w, nn_none, 0.5f), w, nn_none, 0.5f), out;
    int before = next_index(t);
    nn_gradient(t, y, y, &x, 1, &out);
    for (int i = before, after = next_index(t); i < after; i++)
        assert_int_not_equal(nn_tape_node(t, (nn_id){i})->op, NN_OP_CONV_DW);
    test_require_ok(t);
    free_tape(t);
}

static void a_seed_of_another_shape_is_refused(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    struct nn_error err;
    double values[2] = {1, 2};
    nn_id x = scalar_leaf(t, 3), wide = test_leaf(t, values, nn_shape(1, 2, 1, 1)), out;
    nn_gradient(t, x, wide, &x, 1, &out);
    assert_int_equal(out.index, 0);
    assert_int_equal(nn_tape_status(t, &err), NN_ERR_ARGUMENT);
    nn_tape_reset(t);
    x = scalar_leaf(t, 3);
    nn_gradient(t, nn_none, x, &x, 1, &out);
    assert_int_equal(nn_tape_status(t, &err), NN_ERR_ARGUMENT);
    free_tape(t);
}

static void long_chains_are_differentiated(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    nn_id x = scalar_leaf(t, 1), y = x;
    for (int i = 0; i < 1000; i++) y = nn_axpby(t, 1, y, 1, x);
    test_require_near(scalar(t, slope(t, y, x)), 1001, 0);
    free_tape(t);
}

/* ---- values ------------------------------------------------------------------------------------- */

static void host_values_are_copied_and_leaves_are_borrowed(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    float host = 5;
    double backend_memory = 6; /* the reference's memory is the host's */
    nn_id copied = nn_from_host(t, &host, nn_shape(1, 1, 1, 1));
    nn_id borrowed = nn_leaf(t, &(struct nn_tensor){nn_shape(1, 1, 1, 1), NN_F64, &backend_memory});
    host = 50;
    backend_memory = 60;
    test_require_near(scalar(t, copied), 5, 0);
    test_require_near(scalar(t, borrowed), 60, 0);
    free_tape(t);
}

static void reset_forgets_values_and_errors(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    struct nn_error err;
    double value;
    nn_id x = scalar_leaf(t, 3);
    nn_exponential(t, nn_none);
    assert_int_equal(nn_read(t, x, &value, &err), NN_ERR_ARGUMENT); /* the sticky error, though x is good */
    nn_tape_reset(t);
    assert_int_equal(nn_tape_status(t, &err), NN_OK);
    assert_null(nn_value(t, x));
    assert_int_equal(nn_read(t, x, &value, &err), NN_ERR_ARGUMENT);
    assert_int_equal(nn_tape_status(t, &err), NN_OK);
    free_tape(t);
}

/* ---- memory given back -------------------------------------------------------------------------- */

enum { WIDE = 4096 };

static nn_id wide_leaf(struct nn_tape *t)
{
    static double values[WIDE];
    for (int i = 0; i < WIDE; i++) values[i] = 0.5 + (double)i / WIDE;
    return test_leaf(t, values, nn_shape(1, WIDE, 1, 1));
}

/* x through functions whose rules look at inputs, at results, at neither, and at a view; and a penalty on the
 * slope of that, as the trainer has it. */
static nn_id penalised(struct nn_tape *t, nn_id x)
{
    nn_id y = nn_mul(t, x, x), slope_of_y;
    for (int i = 0; i < 20; i++) {
        y = nn_reshape(t, y, nn_shape(i % 2 ? 1 : 4, i % 2 ? WIDE : WIDE / 4, 1, 1));
        y = nn_affine(t, 0.1f, nn_exponential(t, nn_axpby(t, 1, y, 1, nn_mul(t, y, y))), 0);
    }
    nn_id sum = nn_sum_to(t, y, nn_shape(1, 1, 1, 1));
    nn_gradient(t, sum, nn_affine(t, 0, sum, 1), &x, 1, &slope_of_y);
    return nn_sum_to(t, nn_power(t, slope_of_y, 2), nn_shape(1, 1, 1, 1));
}

static void the_last_gradient_is_the_same_and_takes_less_memory(void **state)
{
    (void)state;
    static double values[2][WIDE];
    size_t peak_bytes[2];
    for (int last = 0; last < 2; last++) {
        struct nn_tape *t = new_tape();
        nn_id x = wide_leaf(t), out;
        nn_id y = penalised(t, x), seed = nn_affine(t, 0, y, 1);
        (last ? nn_gradient_last : nn_gradient)(t, y, seed, &x, 1, &out);
        test_require_ok(t);
        test_read(t, out, values[last]);
        peak_bytes[last] = nn_tape_peak_bytes(t);
        assert_int_equal(nn_value(t, y) == NULL, last);
        assert_non_null(nn_value(t, x));
        free_tape(t);
    }
    assert_memory_equal(values[0], values[1], sizeof values[0]);
    assert_true(2 * peak_bytes[1] < peak_bytes[0]);
}

static void only_what_is_kept_is_there_and_the_rest_is_used_again(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    nn_id x = wide_leaf(t);
    int mark = nn_tape_mark(t);
    nn_id y = nn_reshape(t, nn_affine(t, 2, x, 0), nn_shape(2, WIDE / 2, 1, 1)), z = nn_detach(t, y);
    nn_tape_keep_only(t, mark, z);
    assert_null(nn_value(t, y));
    nn_id w = nn_affine(t, 3, x, 0); /* where the memory of z would be, were it free */
    double values[WIDE];
    test_read(t, z, values);
    assert_true(values[0] == 1);
    test_read(t, w, values);
    assert_true(values[0] == 1.5);
    size_t peak_bytes = nn_tape_peak_bytes(t);
    nn_tape_keep_only(t, mark, w);
    nn_affine(t, 4, x, 0);
    test_require_ok(t);
    assert_true(nn_tape_peak_bytes(t) == peak_bytes);
    nn_affine(t, 1, z, 0);
    assert_int_equal(nn_tape_status(t, NULL), NN_ERR_ARGUMENT);
    free_tape(t);
}

static void taps_of_one_weight_are_spread_once(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    double values[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    nn_id w = test_leaf(t, values, nn_shape(1, 1, 3, 3)), v = test_leaf(t, values, nn_shape(1, 1, 3, 3));
    int mark = nn_tape_mark(t);
    nn_id first = nn_taps_spread(t, w);
    assert_int_equal(nn_taps_spread(t, w).index, first.index);
    assert_int_not_equal(nn_taps_spread(t, v).index, first.index);
    nn_tape_keep_only(t, mark, nn_none);
    assert_int_not_equal(nn_taps_spread(t, w).index, first.index);
    test_require_ok(t);
    free_tape(t);
}

/* ---- memory and failure ------------------------------------------------------------------------- */

/* Some 40 MiB: more than one of the arena's blocks. */
static nn_id large_step(struct nn_tape *t)
{
    double value = 1;
    nn_id x = test_leaf(t, &value, nn_shape(1, 1, 1, 1)), gradient;
    nn_id y = nn_broadcast(t, x, nn_shape(1, 1, 1024, 512), NN_F64);
    for (int i = 0; i < 3; i++) y = nn_mul(t, y, y);
    nn_id sum = nn_sum_to(t, y, nn_shape(1, 1, 1, 1));
    nn_gradient(t, sum, x, &x, 1, &gradient);
    return gradient;
}

static void steps_after_the_second_take_no_new_memory(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    large_step(t);
    size_t peak_bytes = nn_tape_peak_bytes(t);
    assert_true(memory.allocations > 1 && peak_bytes > (size_t)30 << 20);
    nn_tape_reset(t);
    nn_id gradient = large_step(t);
    int allocations = memory.allocations;
    const void *address = nn_value(t, gradient)->data;
    for (int step = 0; step < 2; step++) {
        nn_tape_reset(t);
        gradient = large_step(t);
        assert_ptr_equal(nn_value(t, gradient)->data, address);
    }
    assert_int_equal(memory.allocations, allocations);
    assert_int_equal(memory.live, 1);
    assert_true(nn_tape_peak_bytes(t) == peak_bytes);
    test_require_near(scalar(t, gradient), 8 * 1024 * 512, 0);
    free_tape(t);
}

static void running_out_of_memory_sticks_and_can_be_recovered_from(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    struct nn_error err;
    large_step(t);
    int needed = memory.allocations;
    free_tape(t);
    for (int n = 1; n < needed; n++) {
        t = new_tape();
        memory.fail_after = n;
        assert_int_equal(large_step(t).index, 0);
        assert_int_equal(nn_tape_status(t, &err), NN_ERR_MEMORY);
        assert_non_null(strstr(err.text, "reference"));
        memory.fail_after = -1;
        nn_tape_reset(t);
        test_require_near(scalar(t, large_step(t)), 8 * 1024 * 512, 0);
        free_tape(t);
    }
}

static nn_status broken_mul(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                            struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)a, (void)b, (void)out;
    return nn_fail(err, NN_ERR_DEVICE, "the multiplier is on fire");
}

static void a_kernel_that_fails_stops_the_tape_with_its_text(void **state)
{
    (void)state;
    struct nn_tape *t = new_tape();
    struct nn_error err;
    memory.be->mul = broken_mul;
    nn_id x = scalar_leaf(t, 2), y = nn_power(t, x, 3), out; /* its gradient multiplies */
    test_require_ok(t);
    nn_gradient(t, y, x, &x, 1, &out);
    assert_int_equal(out.index, 0);
    assert_int_equal(nn_affine(t, 1, x, 0).index, 0);
    assert_int_equal(nn_tape_status(t, &err), NN_ERR_DEVICE);
    assert_string_equal(err.text, "the multiplier is on fire");
    free_tape(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_can_be_differentiated_again_and_again),
        cmocka_unit_test(gradients_of_all_uses_of_a_value_add_up),
        cmocka_unit_test(the_gradient_of_a_value_in_itself_is_the_seed),
        cmocka_unit_test(what_a_value_does_not_depend_on_has_no_gradient),
        cmocka_unit_test(only_the_way_from_wrt_to_y_is_visited),
        cmocka_unit_test(a_seed_of_another_shape_is_refused),
        cmocka_unit_test(long_chains_are_differentiated),
        cmocka_unit_test(host_values_are_copied_and_leaves_are_borrowed),
        cmocka_unit_test(reset_forgets_values_and_errors),
        cmocka_unit_test(the_last_gradient_is_the_same_and_takes_less_memory),
        cmocka_unit_test(only_what_is_kept_is_there_and_the_rest_is_used_again),
        cmocka_unit_test(taps_of_one_weight_are_spread_once),
        cmocka_unit_test(steps_after_the_second_take_no_new_memory),
        cmocka_unit_test(running_out_of_memory_sticks_and_can_be_recovered_from),
        cmocka_unit_test(a_kernel_that_fails_stops_the_tape_with_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
