/* The tested backend's kernels that only classifiers use, against the reference. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/engine/pair_kernels.h"

/* ---- what classifiers need ---------------------------------------------------------------------------- */

static const struct nn_window windows[] = {{3, 2, 1}, {3, 2, 0}, {2, 2, 0}, {3, 1, 1}, {1, 1, 0}, {5, 3, 2}};
/* Few different values, so that windows hold the largest more than once. */
static void make_ties(struct pair *p)
{
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < nn_count(p->t[0].shape); i++)
            pair_set_value(&p->host[side], i, rintf(pair_value(&p->host[side], i)));
    pair_send(p);
}

static void pools_agree(void **state)
{
    (void)state;
    static const struct nn_shape shapes[] = {
        {2, 3, 5, 7}, {1, 64, 9, 6}, {2, 83, 12, 12}, {3, 130, 5, 5}, {2, 192, 35, 35}};
    FOR_EACH_SETUP(s)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t k = 0; k < sizeof windows / sizeof *windows; k++) {
            struct nn_shape x = shapes[i], y = x;
            pair_window = &windows[k];
            y.h = (x.h + 2 * pair_window->pad - pair_window->kernel) / pair_window->stride + 1;
            y.w = (x.w + 2 * pair_window->pad - pair_window->kernel) / pair_window->stride + 1;
            struct pair unused[3], map = pair_random_map(s, x), tied = pair_random_map(s, x);
            for (int j = 0; j < 3; j++) unused[j] = pair_make(s, nn_shape(1, 1, 1, 1), NN_F32);
            make_ties(&tied);
            pair_check_kernel(s, pair_max_pool, "max_pool", map, unused[0], pair_make(s, y, s->map), 0);
            pair_check_kernel(s, pair_max_pool_dx, "max_pool_dx", tied, pair_random_map(s, y),
                              pair_make(s, x, s->map), pair_map_limit(s));
            pair_check_kernel(s, pair_avg_pool, "avg_pool", pair_random_map(s, x), unused[1],
                              pair_make(s, y, s->map), pair_map_limit(s));
            pair_check_kernel(s, pair_avg_pool_dx, "avg_pool_dx", pair_random_map(s, y), unused[2],
                              pair_make(s, x, s->map), pair_map_limit(s));
        }
}

static void concatenations_agree(void **state)
{
    (void)state;
    enum { PARTS = 4 };
    static const int channels[][PARTS] = {{16, 1, 19, 5}, {64, 8, 96, 32}};
    FOR_EACH_SETUP(s)
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
        struct pair in[PARTS], out;
        int total = 0;
        for (int k = 0; k < PARTS; k++) {
            in[k] = pair_random_map(s, nn_shape(2, channels[i][k], 19, 17));
            total += channels[i][k];
        }
        out = pair_make(s, nn_shape(2, total, 19, 17), s->map);
        for (int side = 0; side < 2; side++) {
            struct nn_error e;
            const struct nn_tensor *parts[PARTS];
            for (int k = 0; k < PARTS; k++) parts[k] = &in[k].t[side];
            pair_require(s->be[side]->concatenate(s->be[side], parts, PARTS, &out.t[side], &e), &e);
        }
        pair_check_close(&out, 0, "concatenate");
        for (int k = 0; k < PARTS; k++) pair_release(s, &in[k]);
        pair_release(s, &out);
    }
}

/* Moments, the norm itself and what its gradient is made of; the mean is as far from zero as `centre`. */
static void check_norm(const struct pair_setup *s, struct nn_shape shape, float centre)
{
    struct nn_shape one = nn_shape(1, shape.c, 1, 1), two = nn_shape(1, 2 * shape.c, 1, 1);
    struct pair x = pair_random(s, shape, s->map, centre), g = pair_random_map(s, shape);
    struct pair gamma = pair_random_real(s, one), beta = pair_random_real(s, one);
    struct pair moments = pair_make(s, two, NN_F32), sums = pair_make(s, two, NN_F32);
    struct pair y = pair_make(s, shape, s->map), dx = pair_make(s, shape, s->map),
                fixed = pair_make(s, shape, s->map);
    for (int side = 0; side < 2; side++) {
        struct nn_backend *be = s->be[side];
        struct nn_norm norm = {&moments.t[side], &gamma.t[side], 1e-3f};
        struct nn_tensor *xs = &x.t[side], *gs = &g.t[side];
        struct nn_error e;
        pair_require(be->moments(be, xs, &moments.t[side], &e), &e);
        pair_require(be->batch_norm(be, &norm, xs, &beta.t[side], 0.2f, &y.t[side], &e), &e);
        pair_require(be->batch_norm_sums(be, &norm, xs, gs, &sums.t[side], &e), &e);
        pair_require(be->batch_norm_dx(be, &norm, xs, gs, &sums.t[side], &dx.t[side], &e), &e);
        pair_require(be->batch_norm_dx(be, &norm, xs, gs, NULL, &fixed.t[side], &e), &e);
    }
    pair_check_close(&moments, limit_f32, "moments");
    pair_check_close(&y, pair_map_limit(s), "batch_norm");
    pair_check_close(&sums, limit_f32, "batch_norm_sums");
    pair_check_close(&dx, pair_map_limit(s), "batch_norm_dx");
    pair_check_close(&fixed, pair_map_limit(s), "batch_norm_dx of fixed moments");
    struct pair *all[] = {&x, &g, &gamma, &beta, &moments, &sums, &y, &dx, &fixed};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) pair_release(s, all[k]);
}

static void batch_norms_agree(void **state)
{
    (void)state;
    static const struct nn_shape shapes[] = {{2, 3, 5, 7},   {3, 32, 20, 31}, {4, 64, 56, 56},
                                             {2, 320, 9, 9}, {2, 2048, 7, 7}, {3, 72, 17, 17},
                                             {1, 1, 2, 1}};
    static const float centres[] = {0, 40, 2000};
    FOR_EACH_SETUP(s)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t k = 0; k < sizeof centres / sizeof *centres; k++) check_norm(s, shapes[i], centres[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pools_agree),
        cmocka_unit_test(concatenations_agree),
        cmocka_unit_test(batch_norms_agree),
    };
    return cmocka_run_group_tests(tests, pair_setups_open, pair_setups_close);
}
