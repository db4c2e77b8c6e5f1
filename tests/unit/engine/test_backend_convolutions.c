/* Convolutions of the tested backend against the reference: on odd shapes, on those of the networks, and as
 * adjoints of each other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/engine/backend_pairs.h"
#include "tests/unit/tested_backend.h"

/* ---- convolutions ------------------------------------------------------------------------------------- */

struct conv_case {
    int n, i, o, h, w, kernel, stride, pad;
};

static struct nn_conv square_window(const struct conv_case *c)
{
    return (struct nn_conv)NN_SQUARE_CONV(c->kernel, c->stride, c->pad, 0.37f);
}

static struct nn_shape conv_output(const struct conv_case *c, struct nn_conv g)
{
    return nn_shape(c->n, c->o, (c->h + 2 * g.pad_h - g.kernel_h) / g.stride + 1,
                    (c->w + 2 * g.pad_w - g.kernel_w) / g.stride + 1);
}

/* Of `c` only the sizes count. */
static void check_geometry(const struct pair_setup *s, const struct conv_case *c, struct nn_conv geometry,
                           bool bias, float slope)
{
    struct nn_shape xs = nn_shape(c->n, c->i, c->h, c->w);
    struct nn_shape ws = nn_shape(c->o, c->i, geometry.kernel_h, geometry.kernel_w);
    struct nn_shape ys = conv_output(c, geometry);
    struct pair x = pair_random_map(s, xs), w = pair_random_real(s, ws), g = pair_random_map(s, ys);
    struct pair b_out = pair_random_real(s, nn_shape(1, c->o, 1, 1)),
                b_in = pair_random_real(s, nn_shape(1, c->i, 1, 1));
    struct pair y = pair_make(s, ys, s->map), dx = pair_make(s, xs, s->map), dw = pair_make(s, ws, NN_F32);
    for (int side = 0; side < 2; side++) {
        struct nn_backend *be = s->be[side];
        struct nn_error e;
        struct nn_epilogue forward = {bias ? &b_out.t[side] : NULL, slope};
        struct nn_epilogue backward = {bias ? &b_in.t[side] : NULL, slope};
        pair_require(be->conv(be, &geometry, &x.t[side], &w.t[side], forward, &y.t[side], &e), &e);
        pair_require(be->conv_dx(be, &geometry, &g.t[side], &w.t[side], backward, &dx.t[side], &e), &e);
        pair_require(be->conv_dw(be, &geometry, &x.t[side], &g.t[side], &dw.t[side], &e), &e);
    }
    char what[96];
    snprintf(what, sizeof what, "conv n%d i%d o%d %dx%d k%dx%d s%d p%d", c->n, c->i, c->o, c->h, c->w,
             geometry.kernel_h, geometry.kernel_w, geometry.stride, geometry.pad_h);
    pair_check_close(&y, pair_map_limit(s), what);
    pair_check_close(&dx, pair_map_limit(s), strcat(what, " dx"));
    pair_check_close(&dw, strcmp(s->be[TESTED]->name, "cuda") == 0 ? pair_map_limit(s) : limit_f32,
                     strcat(what, " dw"));
    struct pair *all[] = {&x, &w, &g, &b_out, &b_in, &y, &dx, &dw};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) pair_release(s, all[k]);
}

static void check_conv(const struct pair_setup *s, const struct conv_case *c, bool bias, float slope)
{
    check_geometry(s, c, square_window(c), bias, slope);
}

static void convolutions_agree_on_odd_shapes(void **state)
{
    (void)state;
    static const struct conv_case cases[] = {
        {1, 1, 1, 1, 1, 1, 1, 0},   {3, 5, 7, 9, 11, 1, 1, 0},  {2, 1, 3, 6, 10, 3, 1, 1},
        {1, 3, 1, 5, 4, 3, 1, 1},   {2, 5, 9, 7, 13, 3, 1, 1},  {1, 17, 33, 8, 5, 3, 1, 1},
        {3, 4, 4, 2, 2, 3, 1, 1},   {1, 4, 4, 1, 67, 3, 1, 1},  {2, 3, 5, 8, 12, 4, 2, 1},
        {1, 4, 8, 2, 2, 4, 2, 1},   {1, 8, 16, 6, 70, 4, 2, 1}, {2, 7, 5, 4, 4, 4, 1, 0},
        {1, 16, 4, 33, 9, 3, 1, 1}, {1, 8, 4, 12, 10, 3, 1, 1}, {1, 4, 8, 9, 35, 3, 1, 1},
        {1, 2, 2, 9, 35, 3, 1, 1},
    };
    FOR_EACH_SETUP(s)
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        check_conv(s, &cases[k], true, 0.2f);
        check_conv(s, &cases[k], false, 1.0f);
    }
}

/* Those of Inception-v3, ResNet and VGG: long and flat windows, windows that do not reach the last row. */
static void convolutions_agree_on_the_classifiers_geometries(void **state)
{
    (void)state;
    static const struct conv_case cases[] = {
        {2, 3, 8, 23, 21, 7, 2, 3},    {2, 16, 32, 14, 14, 1, 2, 0}, {2, 16, 16, 17, 17, 3, 2, 0},
        {2, 16, 16, 14, 14, 3, 2, 1},  {2, 48, 64, 9, 9, 5, 1, 2},   {2, 3, 32, 31, 31, 3, 2, 0},
        {2, 32, 16, 13, 13, 3, 1, 0},  {3, 512, 10, 1, 1, 1, 1, 0},  {2, 8, 12, 7, 7, 7, 1, 0},
        {2, 1, 4, 6, 6, 1, 2, 0},      {1, 8, 8, 11, 11, 3, 2, 1},   {5, 32, 64, 14, 14, 3, 2, 1},
        {3, 48, 128, 13, 12, 3, 2, 1}, {3, 32, 64, 7, 7, 3, 1, 1},   {4, 32, 64, 9, 9, 3, 2, 1},
        {2, 32, 64, 6, 10, 4, 2, 1},
    };
    static const struct nn_conv oblong[] = {
        {1, 7, 1, 0, 3, 0.37f}, {7, 1, 1, 3, 0, 0.37f}, {1, 3, 1, 0, 1, 0.37f},
        {3, 1, 1, 1, 0, 0.37f}, {2, 3, 2, 1, 0, 0.37f},
    };
    FOR_EACH_SETUP(s)
    {
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            check_conv(s, &cases[k], true, 0.0f);
            check_conv(s, &cases[k], false, 1.0f);
        }
        for (size_t k = 0; k < sizeof oblong / sizeof *oblong; k++) {
            check_geometry(s, &(struct conv_case){2, 16, 24, 17, 16, 0, 0, 0}, oblong[k], true, 0.0f);
            check_geometry(s, &(struct conv_case){1, 5, 3, 9, 8, 0, 0, 0}, oblong[k], false, 1.0f);
        }
    }
}

/* Channels of the official networks at a resolution. */
static int width_at(int resolution, int fmap_base, int fmap_max)
{
    int channels = fmap_base / (resolution / 2);
    return channels < fmap_max ? channels : fmap_max;
}

/* At each resolution full rows, but few of them: the reference is slow. */
static void check_block(const struct pair_setup *s, int resolution, int base, int max)
{
    int c = width_at(resolution, base, max), below = width_at(resolution / 2, base, max);
    int rows = resolution <= 16 ? resolution : resolution <= 128 ? 8 : 4;
    check_conv(s, &(struct conv_case){2, c, c, rows, resolution, 3, 1, 1}, true, 0.2f);
    check_conv(s, &(struct conv_case){2, c, below, rows, resolution, 4, 2, 1}, true, 0.2f);
    check_conv(s, &(struct conv_case){1, 1, c, rows, resolution, 1, 1, 0}, true, 0.2f);
    check_conv(s, &(struct conv_case){1, c, 1, rows, resolution, 1, 1, 0}, true, 1.0f);
}

static void convolutions_agree_on_the_networks_shapes(void **state)
{
    (void)state;
    test_skip_where_slow();
    FOR_EACH_SETUP(s)
    {
        for (int resolution = 8; resolution <= 1024; resolution *= 2) check_block(s, resolution, 2048, 128);
        for (int resolution = 128; resolution <= 1024; resolution *= 2) check_block(s, resolution, 4096, 128);
        check_conv(s, &(struct conv_case){4, 129, 128, 4, 4, 3, 1, 1}, true, 0.2f);
        check_conv(s, &(struct conv_case){16, 128, 128, 4, 4, 4, 1, 0}, true, 0.2f);
        check_conv(s, &(struct conv_case){16, 128, 3, 1, 1, 1, 1, 0}, true, 1.0f);
    }
}

static double inner_product(const struct nn_tensor *a, const struct nn_tensor *b)
{
    double sum = 0;
    for (size_t i = 0; i < nn_count(a->shape); i++)
        sum += (double)pair_value(a, i) * (double)pair_value(b, i);
    return sum;
}

static double norm(const struct nn_tensor *a)
{
    return sqrt(inner_product(a, a));
}

/* <conv(x,w), g> = <x, conv_dx(g,w)> = <w, conv_dw(x,g)> */
static void check_adjoint(const struct pair_setup *s, const struct conv_case *c)
{
    const struct nn_conv geometry = square_window(c);
    struct nn_shape xs = nn_shape(c->n, c->i, c->h, c->w), ws = nn_shape(c->o, c->i, c->kernel, c->kernel);
    struct pair x = pair_random_map(s, xs), w = pair_random_real(s, ws),
                g = pair_random_map(s, conv_output(c, geometry));
    struct pair y = pair_make(s, conv_output(c, geometry), s->map), dx = pair_make(s, xs, s->map),
                dw = pair_make(s, ws, NN_F32);
    struct nn_backend *be = s->be[TESTED];
    struct nn_epilogue none = {NULL, 1.0f};
    struct nn_error e;
    pair_require(be->conv(be, &geometry, &x.t[TESTED], &w.t[TESTED], none, &y.t[TESTED], &e), &e);
    pair_require(be->conv_dx(be, &geometry, &g.t[TESTED], &w.t[TESTED], none, &dx.t[TESTED], &e), &e);
    pair_require(be->conv_dw(be, &geometry, &x.t[TESTED], &g.t[TESTED], &dw.t[TESTED], &e), &e);
    struct pair *outputs[] = {&y, &dx, &dw}, *all[] = {&x, &w, &g, &y, &dx, &dw};
    for (size_t k = 0; k < 3; k++) pair_fetch(outputs[k]);
    double by_y = inner_product(&y.host[TESTED], &g.host[TESTED]);
    double by_x = inner_product(&x.host[TESTED], &dx.host[TESTED]);
    double by_w = inner_product(&w.host[TESTED], &dw.host[TESTED]);
    double size = norm(&y.host[TESTED]) * norm(&g.host[TESTED]);
    double tolerance = s->map == NN_BF16 ? 1e-4 : 1e-6;
    if (fabs(by_y - by_x) > tolerance * size || fabs(by_y - by_w) > tolerance * size)
        fail_msg("n%d i%d o%d %dx%d k%d: products %g %g %g of size %g differ", c->n, c->i, c->o, c->h, c->w,
                 c->kernel, by_y, by_x, by_w, size);
    for (size_t k = 0; k < 3; k++) pair_check_guards(outputs[k]);
    for (size_t k = 0; k < 6; k++) pair_release(s, all[k]);
}

static void convolutions_are_adjoint_at_full_size(void **state)
{
    (void)state;
    test_skip_where_slow();
    static const int sizes[][3] = {{256, 2048, 2}, {512, 2048, 2}, {1024, 2048, 1}, {1024, 8192, 1}};
    FOR_EACH_SETUP(s)
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        int side = sizes[k][0], n = sizes[k][2];
        int c = width_at(side, sizes[k][1], 512), below = width_at(side / 2, sizes[k][1], 512);
        check_adjoint(s, &(struct conv_case){n, c, c, side, side, 3, 1, 1});
        check_adjoint(s, &(struct conv_case){n, c, below, side, side, 4, 2, 1});
        check_adjoint(s, &(struct conv_case){n, 1, c, side, side, 1, 1, 0});
    }
}

static void taps_agree(void **state)
{
    (void)state;
    FOR_EACH_SETUP(s)
    {
        struct nn_shape three = nn_shape(5, 7, 3, 3), four = nn_shape(5, 7, 4, 4);
        struct pair w3 = pair_random_real(s, three), w4 = pair_random_real(s, four);
        struct pair spread = pair_make(s, four, NN_F32), gathered = pair_make(s, three, NN_F32);
        struct nn_error e;
        for (int side = 0; side < 2; side++) {
            struct nn_backend *be = s->be[side];
            pair_require(be->taps_spread(be, &w3.t[side], &spread.t[side], &e), &e);
            pair_require(be->taps_gather(be, &w4.t[side], &gathered.t[side], &e), &e);
        }
        pair_check_close(&spread, limit_f32, "taps_spread");
        pair_check_close(&gathered, limit_f32, "taps_gather");
        struct pair *all[] = {&w3, &w4, &spread, &gathered};
        for (size_t k = 0; k < 4; k++) pair_release(s, all[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_agree_on_odd_shapes),
        cmocka_unit_test(convolutions_agree_on_the_classifiers_geometries),
        cmocka_unit_test(convolutions_agree_on_the_networks_shapes),
        cmocka_unit_test(convolutions_are_adjoint_at_full_size),
        cmocka_unit_test(taps_agree),
    };
    return cmocka_run_group_tests(tests, pair_setups_open, pair_setups_close);
}
