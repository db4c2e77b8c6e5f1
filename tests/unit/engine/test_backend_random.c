/* The tested backend's kernels against the reference at shapes that nobody chose: the same ones each time,
 * drawn from a seed that a failure names. Channels are drawn from all small numbers and from those that own
 * kernels serve, and sides from 1 on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/rng.h"
#include "tests/unit/engine/pair_kernels.h"
#include "tests/unit/tested_backend.h"

/* Multiplications of a case at most: the reference is slow. */
#define WORK_MAX 2e6

/* HURRIED_WEIGHTS_MAX: shapes of more are left out where time is short. The plain loops of the CUDA backend
 * make the gradient of each weight by a block of its own, for which the host in the GPU's place takes 0.1 ms.
 */
enum { CONVOLUTIONS = 120, OTHERS = 40, HURRIED_WEIGHTS_MAX = 4000 };

static int draw_channels(struct nn_rng *r)
{
    static const int likely[] = {1, 2, 4, 8, 16, 32, 48, 64, 80, 96, 100, 104, 108, 116, 128, 129};
    enum { LIKELY = sizeof likely / sizeof *likely };
    return nn_rng_below(r, 4) ? likely[nn_rng_below(r, LIKELY)] : 1 + (int)nn_rng_below(r, 40);
}

/* Channels of a second map: often as many, twice or half as many. */
static int draw_others(struct nn_rng *r, int channels)
{
    uint32_t kind = nn_rng_below(r, 4);
    return kind == 0   ? channels
           : kind == 1 ? 2 * channels
           : kind == 2 ? (channels + 1) / 2
                       : draw_channels(r);
}

static int draw_side(struct nn_rng *r)
{
    return 1 + (int)nn_rng_below(r, nn_rng_below(r, 4) ? 14 : 70);
}

struct drawn {
    struct nn_conv geometry;
    struct nn_shape x, w, y;
};

static int length_of(int side, int pad, int kernel, int stride)
{
    return side + 2 * pad < kernel ? 0 : (side + 2 * pad - kernel) / stride + 1;
}

/* Until one is not too large and has a result. */
static struct drawn draw_convolution(struct nn_rng *r)
{
    static const struct nn_conv windows[] = {
        NN_SQUARE_CONV(3, 1, 1, 0.37f), NN_SQUARE_CONV(4, 2, 1, 0.37f), NN_SQUARE_CONV(3, 2, 1, 0.37f),
        NN_SQUARE_CONV(1, 1, 0, 0.37f), NN_SQUARE_CONV(4, 1, 0, 0.37f), NN_SQUARE_CONV(5, 1, 2, 0.37f),
        NN_SQUARE_CONV(1, 2, 0, 0.37f), NN_SQUARE_CONV(7, 2, 3, 0.37f), {1, 3, 1, 0, 1, 0.37f},
    };
    enum { WINDOWS = sizeof windows / sizeof *windows };
    for (;;) {
        struct drawn d = {.geometry = windows[nn_rng_below(r, nn_rng_below(r, 2) ? 2 : WINDOWS)]};
        const struct nn_conv *g = &d.geometry;
        d.x = nn_shape(1 + (int)nn_rng_below(r, 5), draw_channels(r), draw_side(r), draw_side(r));
        d.w = nn_shape(draw_others(r, d.x.c), d.x.c, g->kernel_h, g->kernel_w);
        d.y = nn_shape(d.x.n, d.w.n, length_of(d.x.h, g->pad_h, g->kernel_h, g->stride),
                       length_of(d.x.w, g->pad_w, g->kernel_w, g->stride));
        if (d.y.h > 0 && d.y.w > 0 && (double)nn_count(d.y) * d.x.c * g->kernel_h * g->kernel_w <= WORK_MAX)
            return d;
    }
}

static void check_convolution(const struct pair_setup *s, const struct drawn *d, bool bias, float slope,
                              const char *name)
{
    struct pair x = pair_random_map(s, d->x), w = pair_random_real(s, d->w), g = pair_random_map(s, d->y);
    struct pair b_out = pair_random_real(s, nn_shape(1, d->y.c, 1, 1)),
                b_in = pair_random_real(s, nn_shape(1, d->x.c, 1, 1));
    struct pair y = pair_make(s, d->y, s->map), dx = pair_make(s, d->x, s->map),
                dw = pair_make(s, d->w, NN_F32);
    for (int side = 0; side < 2; side++) {
        struct nn_backend *be = s->be[side];
        struct nn_error e;
        struct nn_epilogue forward = {bias ? &b_out.t[side] : NULL, slope};
        struct nn_epilogue backward = {bias ? &b_in.t[side] : NULL, slope};
        pair_require(be->conv(be, &d->geometry, &x.t[side], &w.t[side], forward, &y.t[side], &e), &e);
        pair_require(be->conv_dx(be, &d->geometry, &g.t[side], &w.t[side], backward, &dx.t[side], &e), &e);
        pair_require(be->conv_dw(be, &d->geometry, &x.t[side], &g.t[side], &dw.t[side], &e), &e);
    }
    char what[160];
    snprintf(what, sizeof what, "%s, %d to %d channels, %dx%d stride %d: y", name, d->x.c, d->y.c,
             d->geometry.kernel_h, d->geometry.kernel_w, d->geometry.stride);
    const struct nn_conv *window = &d->geometry;
    double taps =
        (double)(window->kernel_h * window->kernel_w) * (double)window->scale * (double)window->scale;
    pair_check_sums(&y, pair_map_limit(s), taps * d->x.c, what);
    pair_check_sums(&dx, pair_map_limit(s), taps * d->y.c / (window->stride * window->stride), what);
    pair_check_close(&dw, pair_map_limit(s), what);
    struct pair *all[] = {&x, &w, &g, &b_out, &b_in, &y, &dx, &dw};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) pair_release(s, all[k]);
}

static void convolutions_agree_at_drawn_shapes(void **state)
{
    (void)state;
    bool hurried = test_is_hurried();
    FOR_EACH_SETUP(s)
    for (uint64_t seed = 1; seed <= CONVOLUTIONS; seed++) {
        struct nn_rng r = {.seed = seed};
        char name[32];
        struct drawn d = draw_convolution(&r);
        if (hurried && nn_count(d.w) > HURRIED_WEIGHTS_MAX) continue;
        snprintf(name, sizeof name, "seed %d", (int)seed);
        check_convolution(s, &d, seed % 2, seed % 3 ? 0.2f : 1.0f, name);
    }
}

/* The keys of the kernels for few channels were once put together of decimal digits, of which 116 has three.
 */
static void channels_of_three_digits_are_not_taken_for_others(void **state)
{
    (void)state;
    static const int channels[][2] = {{104, 4}, {108, 8}, {116, 16}, {3, 104}, {7, 108}, {15, 116}, {208, 4}};
    FOR_EACH_SETUP(s)
    for (size_t k = 0; k < sizeof channels / sizeof *channels; k++) {
        int i = channels[k][0], o = channels[k][1];
        const struct drawn d = {NN_SQUARE_CONV(3, 1, 1, 0.37f), nn_shape(1, i, 4, 6), nn_shape(o, i, 3, 3),
                                nn_shape(1, o, 4, 6)};
        check_convolution(s, &d, true, 0.2f, "three digits");
    }
}

static nn_status moments(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                         struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->moments(be, a, out, err);
}

static struct pair nothing(const struct pair_setup *s)
{
    return pair_make(s, nn_shape(1, 1, 1, 1), NN_F32);
}

static void check_windows(const struct pair_setup *s, struct nn_shape m)
{
    static const struct nn_window windows[] = {{3, 2, 1}, {2, 2, 0}, {3, 1, 1}, {5, 3, 2}};
    for (size_t k = 0; k < sizeof windows / sizeof *windows; k++) {
        pair_window = &windows[k];
        struct nn_shape y =
            nn_shape(m.n, m.c, length_of(m.h, pair_window->pad, pair_window->kernel, pair_window->stride),
                     length_of(m.w, pair_window->pad, pair_window->kernel, pair_window->stride));
        if (y.h == 0 || y.w == 0) continue;
        pair_check_kernel(s, pair_avg_pool, "avg_pool", pair_random_map(s, m), nothing(s),
                          pair_make(s, y, s->map), pair_map_limit(s));
        pair_check_kernel(s, pair_max_pool, "max_pool", pair_random_map(s, m), nothing(s),
                          pair_make(s, y, s->map), 0);
        pair_check_kernel(s, pair_max_pool_dx, "max_pool_dx", pair_random_map(s, m), pair_random_map(s, y),
                          pair_make(s, m, s->map), pair_map_limit(s));
    }
}

static void check_others(const struct pair_setup *s, struct nn_shape m, int keep)
{
    double limit = pair_map_limit(s);
    struct nn_shape twice = nn_shape(m.n, m.c, 2 * m.h, 2 * m.w);
    struct nn_shape small =
        nn_shape(keep & 1 ? m.n : 1, keep & 2 ? m.c : 1, keep & 4 ? m.h : 1, keep & 8 ? m.w : 1);
    pair_check_kernel(s, pair_sum_to, "sum_to", pair_random(s, m, s->map, 1), nothing(s),
                      pair_make(s, small, NN_F32), limit_f32);
    pair_check_kernel(s, pair_broadcast, "broadcast", pair_random_real(s, small), nothing(s),
                      pair_make(s, m, s->map), limit);
    pair_check_kernel(s, pair_pool, "avg_pool2", pair_random_map(s, twice), nothing(s),
                      pair_make(s, m, s->map), limit);
    pair_check_kernel(s, pair_upsample, "upsample2", pair_random_map(s, m), nothing(s),
                      pair_make(s, twice, s->map), 0);
    pair_check_kernel(s, pair_pixel_norm, "pixel_norm", pair_random_map(s, m), nothing(s),
                      pair_make(s, m, s->map), limit);
    if (m.c > 1) /* of one channel it is what rounding leaves of two equal terms */
        pair_check_kernel(s, pair_pixel_norm_grad, "pixel_norm_grad", pair_random(s, m, s->map, 1),
                          pair_random_map(s, m), pair_make(s, m, s->map), limit);
    pair_check_kernel(s, pair_log_softmax, "log_softmax", pair_random_map(s, m), nothing(s),
                      pair_make(s, m, s->map), limit);
    pair_check_kernel(s, pair_mask, "lrelu_mask", pair_random_map(s, m), pair_random_map(s, m),
                      pair_make(s, m, s->map), limit);
    pair_check_kernel(s, moments, "moments", pair_random(s, m, s->map, 1), nothing(s),
                      pair_make(s, nn_shape(1, 2 * m.c, 1, 1), NN_F32), limit_f32);
    check_windows(s, m);
}

static void other_kernels_agree_at_drawn_shapes(void **state)
{
    (void)state;
    FOR_EACH_SETUP(s)
    for (uint64_t seed = 1; seed <= OTHERS; seed++) {
        struct nn_rng r = {.seed = seed, .stream = 1};
        struct nn_shape m =
            nn_shape(1 + (int)nn_rng_below(&r, 9), draw_channels(&r), draw_side(&r), draw_side(&r));
        check_others(s, m, (int)nn_rng_below(&r, 16));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_agree_at_drawn_shapes),
        cmocka_unit_test(channels_of_three_digits_are_not_taken_for_others),
        cmocka_unit_test(other_kernels_agree_at_drawn_shapes),
    };
    return cmocka_run_group_tests(tests, pair_setups_open, pair_setups_close);
}
