/* The tested backend's kernels of the generator's and discriminator's other operations, and of the optimiser,
 * against the reference. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/engine/pair_kernels.h"

/* ---- pointwise, per pixel, and shape ------------------------------------------------------------------- */

static nn_status axpby(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                       struct nn_tensor *out, struct nn_error *err)
{
    return be->axpby(be, 1.5f, a, -0.7f, b, out, err);
}

static nn_status affine(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                        struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->affine(be, -2.5f, a, 0.3f, out, err);
}

static nn_status square(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                        struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->power(be, a, 2.0f, out, err);
}

static nn_status exponential(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                             struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->exponential(be, a, out, err);
}

static nn_status mul(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                     struct nn_tensor *out, struct nn_error *err)
{
    return be->mul(be, a, b, out, err);
}

static nn_status slice(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                       struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->channel_slice(be, a, a->shape.c - out->shape.c, out, err);
}

static nn_status pad(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                     struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->channel_pad(be, a, (out->shape.c - a->shape.c) / 2, out, err);
}

static const struct nn_shape map_shapes[] = {{1, 1, 1, 1},    {2, 3, 5, 7},   {1, 4, 33, 65},  {2, 8, 40, 40},
                                             {1, 16, 64, 64}, {3, 129, 4, 4}, {1, 1, 128, 96}, {5, 514, 1, 1},
                                             {2, 1500, 2, 1}, {1, 32, 24, 24}};
enum { MAP_SHAPES = sizeof map_shapes / sizeof *map_shapes };

static void pointwise_kernels_agree(void **state)
{
    (void)state;
    static const struct {
        pair_kernel run;
        const char *name;
    } kernels[] = {{pair_mask, "lrelu_mask"},
                   {pair_pixel_norm, "pixel_norm"},
                   {pair_pixel_norm_grad, "pixel_norm_grad"},
                   {axpby, "axpby"},
                   {affine, "affine"},
                   {square, "power 2"},
                   {exponential, "exponential"},
                   {pair_log_softmax, "log_softmax"},
                   {mul, "mul"}};
    FOR_EACH_SETUP(s)
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++)
        for (int i = 0; i < MAP_SHAPES; i++)
            pair_check_kernel(s, kernels[k].run, kernels[k].name, pair_random_map(s, map_shapes[i]),
                              pair_random_map(s, map_shapes[i]), pair_make(s, map_shapes[i], s->map),
                              pair_map_limit(s));
}

static void powers_agree(void **state)
{
    (void)state;
    static const float exponents[] = {0.0f, 1.0f, 2.0f, 0.5f, -0.5f, -1.0f, -1.5f, 3.0f};
    struct nn_shape shape = {3, 5, 7, 11};
    FOR_EACH_SETUP(s)
    for (size_t k = 0; k < sizeof exponents / sizeof *exponents; k++) {
        struct pair x = pair_random(s, shape, NN_F32, 6), out = pair_make(s, shape, NN_F32);
        struct nn_error e;
        for (int side = 0; side < 2; side++)
            pair_require(s->be[side]->power(s->be[side], &x.t[side], exponents[k], &out.t[side], &e), &e);
        pair_check_close(&out, limit_f32, "power");
        pair_release(s, &x);
        pair_release(s, &out);
    }
}

static void casts_round_to_nearest_even(void **state)
{
    (void)state;
    static const float in[] = {1.0f,        1.00390625f, 1.01171875f, -1.004f, 0x1.fffffep127f,
                               3.14159274f, NAN,         0.0f};
    static const float want[] = {1.0f, 1.0f, 1.015625f, -1.0078125f, INFINITY, 3.140625f, NAN, 0.0f};
    enum { COUNT = sizeof in / sizeof *in };
    FOR_EACH_SETUP(s)
    {
        if (s->map != NN_BF16) continue;
        struct pair x = pair_make(s, nn_shape(1, COUNT, 1, 1), NN_F32),
                    half = pair_make(s, x.t[0].shape, NN_BF16);
        struct pair back = pair_make(s, x.t[0].shape, NN_F32);
        struct nn_backend *be = s->be[TESTED];
        struct nn_error e;
        memcpy(x.host[TESTED].data, in, sizeof in);
        pair_send(&x);
        pair_require(be->cast(be, &x.t[TESTED], &half.t[TESTED], &e), &e);
        pair_require(be->cast(be, &half.t[TESTED], &back.t[TESTED], &e), &e);
        pair_fetch(&half);
        pair_fetch(&back);
        for (size_t i = 0; i < COUNT; i++) {
            float got = pair_value(&back.host[TESTED], i);
            assert_true(isnan(want[i]) ? isnan(got) : got == want[i]);
        }
        pair_check_guards(&half);
        pair_release(s, &x);
        pair_release(s, &half);
        pair_release(s, &back);
    }
}

/* Each dimension of `s` kept or reduced to one, by the bits of `keep`. */
static struct nn_shape reduced(struct nn_shape s, int keep)
{
    return nn_shape(keep & 1 ? s.n : 1, keep & 2 ? s.c : 1, keep & 4 ? s.h : 1, keep & 8 ? s.w : 1);
}

static void sums_and_broadcasts_agree_over_every_choice_of_dimensions(void **state)
{
    (void)state;
    static const struct nn_shape shapes[] = {{3, 5, 7, 9},   {2, 4, 70, 81},  {1, 64, 31, 33},
                                             {4, 1, 96, 96}, {2, 1100, 3, 2}, {16, 129, 4, 4}};
    FOR_EACH_SETUP(s)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int keep = 0; keep < 16; keep++) {
            struct nn_shape large = shapes[i], small = reduced(large, keep);
            struct pair unused = pair_make(s, nn_shape(1, 1, 1, 1), NN_F32);
            pair_check_kernel(s, pair_sum_to, "sum_to", pair_random(s, large, s->map, 1), unused,
                              pair_make(s, small, NN_F32), limit_f32);
            unused = pair_make(s, nn_shape(1, 1, 1, 1), NN_F32);
            pair_check_kernel(s, pair_broadcast, "broadcast", pair_random_real(s, small), unused,
                              pair_make(s, large, s->map), pair_map_limit(s));
        }
}

static void shape_kernels_agree(void **state)
{
    (void)state;
    FOR_EACH_SETUP(s)
    for (int i = 0; i < MAP_SHAPES; i++) {
        struct nn_shape m = map_shapes[i], twice = {m.n, m.c, 2 * m.h, 2 * m.w};
        struct nn_shape wider = {m.n, m.c + 3, m.h, m.w};
        struct pair unused[4];
        for (int k = 0; k < 4; k++) unused[k] = pair_make(s, nn_shape(1, 1, 1, 1), NN_F32);
        pair_check_kernel(s, pair_pool, "avg_pool2", pair_random_map(s, twice), unused[0],
                          pair_make(s, m, s->map), pair_map_limit(s));
        pair_check_kernel(s, pair_upsample, "upsample2", pair_random_map(s, m), unused[1],
                          pair_make(s, twice, s->map), 0);
        pair_check_kernel(s, slice, "channel_slice", pair_random_map(s, wider), unused[2],
                          pair_make(s, m, s->map), 0);
        pair_check_kernel(s, pad, "channel_pad", pair_random_map(s, m), unused[3],
                          pair_make(s, wider, s->map), 0);
    }
}

/* ---- optimiser ---------------------------------------------------------------------------------------- */

static void optimiser_kernels_agree(void **state)
{
    (void)state;
    struct nn_shape shape = {1, 20011, 1, 1};
    size_t count = nn_count(shape);
    FOR_EACH_SETUP(s)
    {
        struct pair w = pair_random_real(s, shape), g = pair_random_real(s, shape),
                    average = pair_random_real(s, shape);
        struct pair m = pair_random(s, shape, NN_F32, 0), v = pair_random(s, shape, NN_F32, 6);
        struct nn_adam adam = {0.001f, 0.1f, 0.99f, 1e-8f, 3};
        struct nn_error e;
        for (int side = 0; side < 2; side++) {
            struct nn_backend *be = s->be[side];
            pair_require(be->adam(be, &adam, count, w.t[side].data, g.t[side].data, m.t[side].data,
                                  v.t[side].data, &e),
                         &e);
            pair_require(be->ema(be, 0.999f, count, average.t[side].data, w.t[side].data, &e), &e);
        }
        pair_check_close(&w, limit_f32, "adam");
        pair_check_close(&m, limit_f32, "adam m");
        pair_check_close(&v, limit_f32, "adam v");
        pair_check_close(&average, limit_f32, "ema");
        struct pair *all[] = {&w, &g, &average, &m, &v};
        for (size_t k = 0; k < 5; k++) pair_release(s, all[k]);
    }
}

static void one_infinity_or_nan_is_found_anywhere(void **state)
{
    (void)state;
    struct nn_shape shape = {1, 20011, 1, 1};
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    FOR_EACH_SETUP(s)
    {
        struct pair x = pair_random_real(s, shape);
        for (int side = 0; side < 2; side++)
            for (size_t at = 0; at < nn_count(shape); at += 4002) {
                struct nn_backend *be = s->be[side];
                struct nn_error e;
                /* in two parts, the second at no multiple of 16 bytes */
                const size_t half = nn_count(shape) / 2 | 1;
                const float *device = x.t[side].data;
                const struct nn_span spans[] = {{device, half}, {device + half, nn_count(shape) - half}};
                float *values = x.host[side].data, kept = values[at];
                bool finite = false;
                pair_require(be->all_finite(be, spans, 2, &finite, &e), &e);
                assert_true(finite);
                values[at] = bad[at % 3];
                pair_send(&x);
                pair_require(be->all_finite(be, spans, 2, &finite, &e), &e);
                assert_false(finite);
                values[at] = kept;
                pair_send(&x);
            }
        pair_release(s, &x);
    }
}

static void types_that_a_backend_lacks_are_refused(void **state)
{
    (void)state;
    struct nn_backend *be;
    struct nn_error e;
    assert_int_equal(nn_backend_open_reference(&be, NN_BF16, &e), NN_ERR_ARGUMENT);
    assert_null(be);
    assert_int_equal(nn_backend_open_cpu(&be, NN_F64, &e), NN_ERR_ARGUMENT);
    assert_null(be);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pointwise_kernels_agree),
        cmocka_unit_test(powers_agree),
        cmocka_unit_test(casts_round_to_nearest_even),
        cmocka_unit_test(sums_and_broadcasts_agree_over_every_choice_of_dimensions),
        cmocka_unit_test(shape_kernels_agree),
        cmocka_unit_test(optimiser_kernels_agree),
        cmocka_unit_test(one_infinity_or_nan_is_found_anywhere),
        cmocka_unit_test(types_that_a_backend_lacks_are_refused),
    };
    return cmocka_run_group_tests(tests, pair_setups_open, pair_setups_close);
}
