/* Resampling by the tested backend against the reference. */
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/engine/backend_pairs.h"

/* ---- resampling --------------------------------------------------------------------------------------- */

/* Column and row in the source are (a j + b i + c, d j + e i + f). */
static const float maps[][6] = {
    {1, 0, 0, 0, 1, 0},                         /* identity */
    {1, 0, -3, 0, 1, 5},                        /* whole pixels */
    {-1, 0, 6, 0, 1, 0},                        /* mirrored */
    {0.97f, -0.24f, 1.3f, 0.24f, 0.97f, -2.7f}, /* turned */
    {0.4f, 0.1f, 0.25f, -0.1f, 0.3f, 9.5f},     /* enlarged */
    {2.6f, 0.3f, -4, 0, 1.7f, 3},               /* shrunk, more in one direction */
    {40, 3, -100, 7, -31, 12},                  /* shrunk beyond the widest tent */
    {1, 0, 3e7f, 0, 1, -1e9f},                  /* beyond the last pixel that is told from others */
    {0, 0, 0.5f, 0, 0, 0.5f},                   /* one point */
};
enum { MAPS = sizeof maps / sizeof *maps };

static nn_status warp(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                      struct nn_tensor *out, struct nn_error *err)
{
    return be->warp(be, a, b, out, err);
}

static nn_status warp_adjoint(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                              struct nn_tensor *out, struct nn_error *err)
{
    return be->warp_adjoint(be, a, b, out, err);
}

/* `n` maps, from the first on. */
static struct pair maps_of(const struct pair_setup *s, int n)
{
    struct pair p = pair_make(s, nn_shape(n, 6, 1, 1), NN_F32);
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < 6 * n; i++) pair_set_value(&p.host[side], (size_t)i, maps[i / 6 % MAPS][i % 6]);
    pair_send(&p);
    return p;
}

static void warps_agree(void **state)
{
    (void)state;
    static const struct nn_shape shapes[] = {{MAPS, 1, 1, 1},    {MAPS, 1, 1, 9},   {MAPS, 1, 13, 1},
                                             {MAPS, 1, 4, 4},    {MAPS, 1, 37, 51}, {MAPS, 1, 64, 64},
                                             {MAPS, 1, 100, 70}, {5, 1, 256, 256}};
    FOR_EACH_SETUP(s)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct nn_shape shape = shapes[i];
        pair_check_kernel(s, warp, "warp", pair_random_real(s, shape), maps_of(s, shape.n),
                          pair_make(s, shape, NN_F32), limit_f32);
        pair_check_kernel(s, warp_adjoint, "warp_adjoint", pair_random_real(s, shape), maps_of(s, shape.n),
                          pair_make(s, shape, NN_F32), limit_f32);
    }
}

static void maps_to_whole_pixels_copy_exactly(void **state)
{
    (void)state;
    enum { SIDE = 8 };
    struct nn_shape shape = {3, 1, SIDE, SIDE};
    FOR_EACH_SETUP(s)
    {
        struct pair x = pair_random_real(s, shape), m = maps_of(s, 3), out = pair_make(s, shape, NN_F32);
        for (int side = 0; side < 2; side++) {
            struct nn_error e;
            const float *from = x.host[side].data, *to = out.host[side].data;
            pair_require(s->be[side]->warp(s->be[side], &x.t[side], &m.t[side], &out.t[side], &e), &e);
            pair_fetch(&out);
            for (int i = 0; i < SIDE; i++)
                for (int j = 0; j < SIDE; j++) {
                    int row = i + 5 < SIDE ? i + 5 : 2 * SIDE - 6 - i, column = j >= 3 ? j - 3 : 2 - j;
                    assert_true(to[i * SIDE + j] == from[i * SIDE + j]);
                    assert_true(to[64 + i * SIDE + j] == from[64 + row * SIDE + column]);
                    assert_true(to[128 + i * SIDE + j] == from[128 + i * SIDE + (j <= 6 ? 6 - j : 0)]);
                }
        }
        pair_release(s, &x);
        pair_release(s, &m);
        pair_release(s, &out);
    }
}

static void warps_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    struct nn_shape shape = {MAPS, 1, 65, 65};
    int threads = omp_get_max_threads();
    FOR_EACH_SETUP(s)
    for (int k = 0; k < 2; k++) {
        pair_kernel run = k ? warp_adjoint : warp;
        struct pair x = pair_random_real(s, shape), m = maps_of(s, MAPS), a = pair_make(s, shape, NN_F32);
        struct pair b = pair_make(s, shape, NN_F32);
        struct nn_error e;
        omp_set_num_threads(1);
        pair_require(run(s->be[TESTED], &x.t[TESTED], &m.t[TESTED], &a.t[TESTED], &e), &e);
        omp_set_num_threads(3);
        pair_require(run(s->be[TESTED], &x.t[TESTED], &m.t[TESTED], &b.t[TESTED], &e), &e);
        omp_set_num_threads(threads);
        pair_fetch(&a);
        pair_fetch(&b);
        assert_memory_equal(a.host[TESTED].data, b.host[TESTED].data, nn_tensor_bytes(&a.t[TESTED]));
        struct pair *all[] = {&x, &m, &a, &b};
        for (size_t i = 0; i < 4; i++) pair_release(s, all[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warps_agree),
        cmocka_unit_test(maps_to_whole_pixels_copy_exactly),
        cmocka_unit_test(warps_do_not_depend_on_the_number_of_threads),
    };
    return cmocka_run_group_tests(tests, pair_setups_open, pair_setups_close);
}
