/* Every kernel of the cpu backend, or of the one that ROENTGYM_TEST_DEVICE names, with f32 and with bf16
 * maps, against the reference backend: on odd shapes, on the shapes of the networks, and with guard words
 * around every output. */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/backend.h"
#include "engine/cpu/bf16.h"
#include "tested_backend.h"

enum { REFERENCE, TESTED, GUARD_BYTES = 256, GUARD = 0xa5 };

/* Normalised mean squared errors. bf16 keeps 8 bits: rounding one factor costs up to 3.8e-6. */
static const double limit_f32 = 1e-7, limit_bf16 = 2e-5;

struct setup {
    struct nn_backend *be[2];
    enum nn_type map; /* the tested backend's; the reference's is f32 */
};

static struct setup setups[2];
static int setup_count;
static uint64_t stream; /* of random numbers; every tensor takes its own */

#define FOR_EACH_SETUP(s) for (struct setup *s = setups; s < setups + setup_count; s++)

/* One tensor on both backends with the same values, and a copy of each on the host. */
struct pair {
    const struct setup *setup;
    struct nn_tensor t[2], host[2];
};

static void check(nn_status status, const struct nn_error *err)
{
    if (status) fail_msg("status %d: %s", (int)status, err->text);
}

static float value_at(const struct nn_tensor *t, size_t i)
{
    return t->type == NN_F32 ? ((float *)t->data)[i] : bf16_to_float(((uint16_t *)t->data)[i]);
}

static void set_value(struct nn_tensor *t, size_t i, float value)
{
    if (t->type == NN_F32)
        ((float *)t->data)[i] = value;
    else
        ((uint16_t *)t->data)[i] = bf16_from_float(value);
}

static size_t block_bytes(const struct nn_tensor *t)
{
    return nn_tensor_bytes(t) + 2 * GUARD_BYTES;
}

/* The host's values and guard words to the backends, and back. */
static void send(struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        struct nn_backend *be = p->setup->be[side];
        struct nn_error e;
        check(be->upload(be, (char *)p->t[side].data - GUARD_BYTES, (char *)p->host[side].data - GUARD_BYTES,
                         block_bytes(&p->t[side]), &e),
              &e);
    }
}

static void fetch(struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        struct nn_backend *be = p->setup->be[side];
        struct nn_error e;
        check(be->download(be, (char *)p->host[side].data - GUARD_BYTES,
                           (char *)p->t[side].data - GUARD_BYTES, block_bytes(&p->t[side]), &e),
              &e);
    }
}

/* After fetch. */
static void check_guards(const struct pair *p)
{
    const struct nn_tensor *t = &p->host[TESTED];
    const unsigned char *before = (const unsigned char *)t->data - GUARD_BYTES;
    const unsigned char *after = (const unsigned char *)t->data + nn_tensor_bytes(t);
    for (int i = 0; i < GUARD_BYTES; i++)
        if (before[i] != GUARD || after[i] != GUARD) fail_msg("wrote outside its output");
}

/* Uninitialised. `type` is the tested side's. */
static struct pair make(const struct setup *s, struct nn_shape shape, enum nn_type type)
{
    struct pair p = {.setup = s, .t = {{shape, NN_F32, NULL}, {shape, type, NULL}}};
    for (int side = 0; side < 2; side++) {
        size_t size_bytes = block_bytes(&p.t[side]);
        char *device = s->be[side]->alloc(s->be[side], size_bytes), *host = malloc(size_bytes);
        assert_non_null(device);
        assert_non_null(host);
        memset(host, GUARD, size_bytes);
        p.host[side] = p.t[side];
        p.t[side].data = device + GUARD_BYTES;
        p.host[side].data = host + GUARD_BYTES;
    }
    send(&p);
    return p;
}

/* Uniform with variance 1 around `centre`; representable in bf16 where the cpu side has it. A plain
 * generator: millions are wanted in little time. */
static struct pair random_around(const struct setup *s, struct nn_shape shape, enum nn_type type,
                                 float centre)
{
    struct pair p = make(s, shape, type);
    uint64_t state = ++stream;
    for (size_t i = 0; i < nn_count(shape); i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        set_value(&p.host[TESTED], i, ((float)(state >> 40) * 0x1p-24f - 0.5f) * 3.4641016f + centre);
        set_value(&p.host[REFERENCE], i, value_at(&p.host[TESTED], i));
    }
    send(&p);
    return p;
}

static struct pair random_map(const struct setup *s, struct nn_shape shape)
{
    return random_around(s, shape, s->map, 0);
}

static struct pair random_real(const struct setup *s, struct nn_shape shape)
{
    return random_around(s, shape, NN_F32, 0);
}

static void release(const struct setup *s, struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        s->be[side]->free(s->be[side], (unsigned char *)p->t[side].data - GUARD_BYTES);
        free((unsigned char *)p->host[side].data - GUARD_BYTES);
    }
}

static void check_close(struct pair *p, double limit, const char *what)
{
    double error = 0, power = 0;
    fetch(p);
    for (size_t i = 0; i < nn_count(p->t[0].shape); i++) {
        double want = (double)value_at(&p->host[REFERENCE], i), got = (double)value_at(&p->host[TESTED], i);
        error += (got - want) * (got - want);
        power += want * want;
    }
    struct nn_shape s = p->t[0].shape;
    if (!(error <= limit * power + 1e-12 * (double)nn_count(s)))
        fail_msg("%s (%d,%d,%d,%d) %s: nmse %.2e is over %.0e", what, s.n, s.c, s.h, s.w,
                 p->t[TESTED].type == NN_BF16 ? "bf16" : "f32", error / power, limit);
    check_guards(p);
}

static double map_limit(const struct setup *s)
{
    return s->map == NN_BF16 ? limit_bf16 : limit_f32;
}

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
static void check_geometry(const struct setup *s, const struct conv_case *c, struct nn_conv geometry,
                           bool bias, float slope)
{
    struct nn_shape xs = nn_shape(c->n, c->i, c->h, c->w);
    struct nn_shape ws = nn_shape(c->o, c->i, geometry.kernel_h, geometry.kernel_w);
    struct nn_shape ys = conv_output(c, geometry);
    struct pair x = random_map(s, xs), w = random_real(s, ws), g = random_map(s, ys);
    struct pair b_out = random_real(s, nn_shape(1, c->o, 1, 1)),
                b_in = random_real(s, nn_shape(1, c->i, 1, 1));
    struct pair y = make(s, ys, s->map), dx = make(s, xs, s->map), dw = make(s, ws, NN_F32);
    for (int side = 0; side < 2; side++) {
        struct nn_backend *be = s->be[side];
        struct nn_error e;
        struct nn_epilogue forward = {bias ? &b_out.t[side] : NULL, slope};
        struct nn_epilogue backward = {bias ? &b_in.t[side] : NULL, slope};
        check(be->conv(be, &geometry, &x.t[side], &w.t[side], forward, &y.t[side], &e), &e);
        check(be->conv_dx(be, &geometry, &g.t[side], &w.t[side], backward, &dx.t[side], &e), &e);
        check(be->conv_dw(be, &geometry, &x.t[side], &g.t[side], &dw.t[side], &e), &e);
    }
    char what[96];
    snprintf(what, sizeof what, "conv n%d i%d o%d %dx%d k%dx%d s%d p%d", c->n, c->i, c->o, c->h, c->w,
             geometry.kernel_h, geometry.kernel_w, geometry.stride, geometry.pad_h);
    check_close(&y, map_limit(s), what);
    check_close(&dx, map_limit(s), strcat(what, " dx"));
    check_close(&dw, strcmp(s->be[TESTED]->name, "cuda") == 0 ? map_limit(s) : limit_f32,
                strcat(what, " dw"));
    struct pair *all[] = {&x, &w, &g, &b_out, &b_in, &y, &dx, &dw};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) release(s, all[k]);
}

static void check_conv(const struct setup *s, const struct conv_case *c, bool bias, float slope)
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
        {2, 3, 8, 23, 21, 7, 2, 3},   {2, 16, 32, 14, 14, 1, 2, 0}, {2, 16, 16, 17, 17, 3, 2, 0},
        {2, 16, 16, 14, 14, 3, 2, 1}, {2, 48, 64, 9, 9, 5, 1, 2},   {2, 3, 32, 31, 31, 3, 2, 0},
        {2, 32, 16, 13, 13, 3, 1, 0}, {3, 512, 10, 1, 1, 1, 1, 0},  {2, 8, 12, 7, 7, 7, 1, 0},
        {2, 1, 4, 6, 6, 1, 2, 0},     {1, 8, 8, 11, 11, 3, 2, 1},
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
static void check_block(const struct setup *s, int resolution, int base, int max)
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
    for (size_t i = 0; i < nn_count(a->shape); i++) sum += (double)value_at(a, i) * (double)value_at(b, i);
    return sum;
}

static double norm(const struct nn_tensor *a)
{
    return sqrt(inner_product(a, a));
}

/* <conv(x,w), g> = <x, conv_dx(g,w)> = <w, conv_dw(x,g)> */
static void check_adjoint(const struct setup *s, const struct conv_case *c)
{
    const struct nn_conv geometry = square_window(c);
    struct nn_shape xs = nn_shape(c->n, c->i, c->h, c->w), ws = nn_shape(c->o, c->i, c->kernel, c->kernel);
    struct pair x = random_map(s, xs), w = random_real(s, ws), g = random_map(s, conv_output(c, geometry));
    struct pair y = make(s, conv_output(c, geometry), s->map), dx = make(s, xs, s->map),
                dw = make(s, ws, NN_F32);
    struct nn_backend *be = s->be[TESTED];
    struct nn_epilogue none = {NULL, 1.0f};
    struct nn_error e;
    check(be->conv(be, &geometry, &x.t[TESTED], &w.t[TESTED], none, &y.t[TESTED], &e), &e);
    check(be->conv_dx(be, &geometry, &g.t[TESTED], &w.t[TESTED], none, &dx.t[TESTED], &e), &e);
    check(be->conv_dw(be, &geometry, &x.t[TESTED], &g.t[TESTED], &dw.t[TESTED], &e), &e);
    struct pair *outputs[] = {&y, &dx, &dw}, *all[] = {&x, &w, &g, &y, &dx, &dw};
    for (size_t k = 0; k < 3; k++) fetch(outputs[k]);
    double by_y = inner_product(&y.host[TESTED], &g.host[TESTED]);
    double by_x = inner_product(&x.host[TESTED], &dx.host[TESTED]);
    double by_w = inner_product(&w.host[TESTED], &dw.host[TESTED]);
    double size = norm(&y.host[TESTED]) * norm(&g.host[TESTED]);
    double tolerance = s->map == NN_BF16 ? 1e-4 : 1e-6;
    if (fabs(by_y - by_x) > tolerance * size || fabs(by_y - by_w) > tolerance * size)
        fail_msg("n%d i%d o%d %dx%d k%d: products %g %g %g of size %g differ", c->n, c->i, c->o, c->h, c->w,
                 c->kernel, by_y, by_x, by_w, size);
    for (size_t k = 0; k < 3; k++) check_guards(outputs[k]);
    for (size_t k = 0; k < 6; k++) release(s, all[k]);
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
        struct pair w3 = random_real(s, three), w4 = random_real(s, four);
        struct pair spread = make(s, four, NN_F32), gathered = make(s, three, NN_F32);
        struct nn_error e;
        for (int side = 0; side < 2; side++) {
            struct nn_backend *be = s->be[side];
            check(be->taps_spread(be, &w3.t[side], &spread.t[side], &e), &e);
            check(be->taps_gather(be, &w4.t[side], &gathered.t[side], &e), &e);
        }
        check_close(&spread, limit_f32, "taps_spread");
        check_close(&gathered, limit_f32, "taps_gather");
        struct pair *all[] = {&w3, &w4, &spread, &gathered};
        for (size_t k = 0; k < 4; k++) release(s, all[k]);
    }
}

/* ---- pointwise, per pixel, and shape ------------------------------------------------------------------- */

/* Runs one kernel on one backend: inputs a and b, output out. */
typedef nn_status (*kernel)(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                            struct nn_tensor *out, struct nn_error *err);

static nn_status mask(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                      struct nn_tensor *out, struct nn_error *err)
{
    return be->lrelu_mask(be, a, b, 0.2f, out, err);
}

static nn_status pixel_norm(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                            struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->pixel_norm(be, a, 1e-8f, out, err);
}

static nn_status pixel_norm_grad(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                                 struct nn_tensor *out, struct nn_error *err)
{
    return be->pixel_norm_grad(be, a, b, 1e-8f, out, err);
}

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

static nn_status log_softmax(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                             struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->log_softmax(be, a, out, err);
}

static nn_status mul(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                     struct nn_tensor *out, struct nn_error *err)
{
    return be->mul(be, a, b, out, err);
}

static nn_status pool(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                      struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->avg_pool2(be, a, out, err);
}

static nn_status upsample(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                          struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->upsample2(be, a, out, err);
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

static nn_status sum_to(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                        struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->sum_to(be, a, out, err);
}

static nn_status broadcast(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                           struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->broadcast(be, a, out, err);
}

static void check_kernel(const struct setup *s, kernel k, const char *what, struct pair a, struct pair b,
                         struct pair out, double limit)
{
    struct nn_error e;
    for (int side = 0; side < 2; side++) check(k(s->be[side], &a.t[side], &b.t[side], &out.t[side], &e), &e);
    check_close(&out, limit, what);
    release(s, &a);
    release(s, &b);
    release(s, &out);
}

static const struct nn_shape map_shapes[] = {{1, 1, 1, 1},    {2, 3, 5, 7},   {1, 4, 33, 65},  {2, 8, 40, 40},
                                             {1, 16, 64, 64}, {3, 129, 4, 4}, {1, 1, 128, 96}, {5, 514, 1, 1},
                                             {2, 1500, 2, 1}, {1, 32, 24, 24}};
enum { MAP_SHAPES = sizeof map_shapes / sizeof *map_shapes };

static void pointwise_kernels_agree(void **state)
{
    (void)state;
    static const struct {
        kernel run;
        const char *name;
    } kernels[] = {{mask, "lrelu_mask"},
                   {pixel_norm, "pixel_norm"},
                   {pixel_norm_grad, "pixel_norm_grad"},
                   {axpby, "axpby"},
                   {affine, "affine"},
                   {square, "power 2"},
                   {exponential, "exponential"},
                   {log_softmax, "log_softmax"},
                   {mul, "mul"}};
    FOR_EACH_SETUP(s)
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++)
        for (int i = 0; i < MAP_SHAPES; i++)
            check_kernel(s, kernels[k].run, kernels[k].name, random_map(s, map_shapes[i]),
                         random_map(s, map_shapes[i]), make(s, map_shapes[i], s->map), map_limit(s));
}

static void powers_agree(void **state)
{
    (void)state;
    static const float exponents[] = {0.0f, 1.0f, 2.0f, 0.5f, -0.5f, -1.0f, -1.5f, 3.0f};
    struct nn_shape shape = {3, 5, 7, 11};
    FOR_EACH_SETUP(s)
    for (size_t k = 0; k < sizeof exponents / sizeof *exponents; k++) {
        struct pair x = random_around(s, shape, NN_F32, 6), out = make(s, shape, NN_F32);
        struct nn_error e;
        for (int side = 0; side < 2; side++)
            check(s->be[side]->power(s->be[side], &x.t[side], exponents[k], &out.t[side], &e), &e);
        check_close(&out, limit_f32, "power");
        release(s, &x);
        release(s, &out);
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
        struct pair x = make(s, nn_shape(1, COUNT, 1, 1), NN_F32), half = make(s, x.t[0].shape, NN_BF16);
        struct pair back = make(s, x.t[0].shape, NN_F32);
        struct nn_backend *be = s->be[TESTED];
        struct nn_error e;
        memcpy(x.host[TESTED].data, in, sizeof in);
        send(&x);
        check(be->cast(be, &x.t[TESTED], &half.t[TESTED], &e), &e);
        check(be->cast(be, &half.t[TESTED], &back.t[TESTED], &e), &e);
        fetch(&half);
        fetch(&back);
        for (size_t i = 0; i < COUNT; i++) {
            float got = value_at(&back.host[TESTED], i);
            assert_true(isnan(want[i]) ? isnan(got) : got == want[i]);
        }
        check_guards(&half);
        release(s, &x);
        release(s, &half);
        release(s, &back);
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
            struct pair unused = make(s, nn_shape(1, 1, 1, 1), NN_F32);
            check_kernel(s, sum_to, "sum_to", random_around(s, large, s->map, 1), unused,
                         make(s, small, NN_F32), limit_f32);
            unused = make(s, nn_shape(1, 1, 1, 1), NN_F32);
            check_kernel(s, broadcast, "broadcast", random_real(s, small), unused, make(s, large, s->map),
                         map_limit(s));
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
        for (int k = 0; k < 4; k++) unused[k] = make(s, nn_shape(1, 1, 1, 1), NN_F32);
        check_kernel(s, pool, "avg_pool2", random_map(s, twice), unused[0], make(s, m, s->map), map_limit(s));
        check_kernel(s, upsample, "upsample2", random_map(s, m), unused[1], make(s, twice, s->map), 0);
        check_kernel(s, slice, "channel_slice", random_map(s, wider), unused[2], make(s, m, s->map), 0);
        check_kernel(s, pad, "channel_pad", random_map(s, m), unused[3], make(s, wider, s->map), 0);
    }
}

/* ---- what classifiers need ---------------------------------------------------------------------------- */

static const struct nn_window windows[] = {{3, 2, 1}, {3, 2, 0}, {2, 2, 0}, {3, 1, 1}, {1, 1, 0}, {5, 3, 2}};
static const struct nn_window *window; /* of the kernels below */

static nn_status max_pool(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                          struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->max_pool(be, window, a, out, err);
}

static nn_status max_pool_dx(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                             struct nn_tensor *out, struct nn_error *err)
{
    return be->max_pool_dx(be, window, a, b, out, err);
}

static nn_status avg_pool(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                          struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->avg_pool(be, window, a, out, err);
}

static nn_status avg_pool_dx(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                             struct nn_tensor *out, struct nn_error *err)
{
    (void)b;
    return be->avg_pool_dx(be, window, a, out, err);
}

/* Few different values, so that windows hold the largest more than once. */
static void make_ties(struct pair *p)
{
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < nn_count(p->t[0].shape); i++)
            set_value(&p->host[side], i, rintf(value_at(&p->host[side], i)));
    send(p);
}

static void pools_agree(void **state)
{
    (void)state;
    static const struct nn_shape shapes[] = {
        {2, 3, 5, 7}, {1, 64, 9, 6}, {2, 67, 12, 12}, {3, 130, 5, 5}, {2, 192, 35, 35}};
    FOR_EACH_SETUP(s)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t k = 0; k < sizeof windows / sizeof *windows; k++) {
            if (!s->be[TESTED]->max_pool) continue;
            struct nn_shape x = shapes[i], y = x;
            window = &windows[k];
            y.h = (x.h + 2 * window->pad - window->kernel) / window->stride + 1;
            y.w = (x.w + 2 * window->pad - window->kernel) / window->stride + 1;
            struct pair unused[3], map = random_map(s, x), tied = random_map(s, x);
            for (int j = 0; j < 3; j++) unused[j] = make(s, nn_shape(1, 1, 1, 1), NN_F32);
            make_ties(&tied);
            check_kernel(s, max_pool, "max_pool", map, unused[0], make(s, y, s->map), 0);
            check_kernel(s, max_pool_dx, "max_pool_dx", tied, random_map(s, y), make(s, x, s->map),
                         map_limit(s));
            check_kernel(s, avg_pool, "avg_pool", random_map(s, x), unused[1], make(s, y, s->map),
                         map_limit(s));
            check_kernel(s, avg_pool_dx, "avg_pool_dx", random_map(s, y), unused[2], make(s, x, s->map),
                         map_limit(s));
        }
}

static void concatenations_agree(void **state)
{
    (void)state;
    FOR_EACH_SETUP(s)
    {
        if (!s->be[TESTED]->concatenate) continue;
        struct pair in[4], out = make(s, nn_shape(2, 41, 19, 17), s->map);
        static const int channels[] = {16, 1, 19, 5};
        for (int k = 0; k < 4; k++) in[k] = random_map(s, nn_shape(2, channels[k], 19, 17));
        for (int side = 0; side < 2; side++) {
            struct nn_error e;
            const struct nn_tensor *parts[] = {&in[0].t[side], &in[1].t[side], &in[2].t[side],
                                               &in[3].t[side]};
            check(s->be[side]->concatenate(s->be[side], parts, 4, &out.t[side], &e), &e);
        }
        check_close(&out, 0, "concatenate");
        for (int k = 0; k < 4; k++) release(s, &in[k]);
        release(s, &out);
    }
}

/* Moments, the norm itself and what its gradient is made of; the mean is as far from zero as `centre`. */
static void check_norm(const struct setup *s, struct nn_shape shape, float centre)
{
    struct nn_shape one = nn_shape(1, shape.c, 1, 1), two = nn_shape(1, 2 * shape.c, 1, 1);
    struct pair x = random_around(s, shape, s->map, centre), g = random_map(s, shape);
    struct pair gamma = random_real(s, one), beta = random_real(s, one);
    struct pair moments = make(s, two, NN_F32), sums = make(s, two, NN_F32);
    struct pair y = make(s, shape, s->map), dx = make(s, shape, s->map), fixed = make(s, shape, s->map);
    for (int side = 0; side < 2; side++) {
        struct nn_backend *be = s->be[side];
        struct nn_norm norm = {&moments.t[side], &gamma.t[side], 1e-3f};
        struct nn_tensor *xs = &x.t[side], *gs = &g.t[side];
        struct nn_error e;
        check(be->moments(be, xs, &moments.t[side], &e), &e);
        check(be->batch_norm(be, &norm, xs, &beta.t[side], 0.2f, &y.t[side], &e), &e);
        check(be->batch_norm_sums(be, &norm, xs, gs, &sums.t[side], &e), &e);
        check(be->batch_norm_dx(be, &norm, xs, gs, &sums.t[side], &dx.t[side], &e), &e);
        check(be->batch_norm_dx(be, &norm, xs, gs, NULL, &fixed.t[side], &e), &e);
    }
    check_close(&moments, limit_f32, "moments");
    check_close(&y, map_limit(s), "batch_norm");
    check_close(&sums, limit_f32, "batch_norm_sums");
    check_close(&dx, map_limit(s), "batch_norm_dx");
    check_close(&fixed, map_limit(s), "batch_norm_dx of fixed moments");
    struct pair *all[] = {&x, &g, &gamma, &beta, &moments, &sums, &y, &dx, &fixed};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) release(s, all[k]);
}

static void batch_norms_agree(void **state)
{
    (void)state;
    static const struct nn_shape shapes[] = {{2, 3, 5, 7},   {3, 32, 20, 31}, {4, 64, 56, 56},
                                             {2, 320, 9, 9}, {2, 2048, 7, 7}, {1, 1, 2, 1}};
    FOR_EACH_SETUP(s)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int far = 0; far < 2; far++)
            if (s->be[TESTED]->batch_norm) check_norm(s, shapes[i], far ? 40 : 0);
}

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
static struct pair maps_of(const struct setup *s, int n)
{
    struct pair p = make(s, nn_shape(n, 6, 1, 1), NN_F32);
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < 6 * n; i++) set_value(&p.host[side], (size_t)i, maps[i / 6 % MAPS][i % 6]);
    send(&p);
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
        check_kernel(s, warp, "warp", random_real(s, shape), maps_of(s, shape.n), make(s, shape, NN_F32),
                     limit_f32);
        check_kernel(s, warp_adjoint, "warp_adjoint", random_real(s, shape), maps_of(s, shape.n),
                     make(s, shape, NN_F32), limit_f32);
    }
}

static void maps_to_whole_pixels_copy_exactly(void **state)
{
    (void)state;
    enum { SIDE = 8 };
    struct nn_shape shape = {3, 1, SIDE, SIDE};
    FOR_EACH_SETUP(s)
    {
        struct pair x = random_real(s, shape), m = maps_of(s, 3), out = make(s, shape, NN_F32);
        for (int side = 0; side < 2; side++) {
            struct nn_error e;
            const float *from = x.host[side].data, *to = out.host[side].data;
            check(s->be[side]->warp(s->be[side], &x.t[side], &m.t[side], &out.t[side], &e), &e);
            fetch(&out);
            for (int i = 0; i < SIDE; i++)
                for (int j = 0; j < SIDE; j++) {
                    int row = i + 5 < SIDE ? i + 5 : 2 * SIDE - 6 - i, column = j >= 3 ? j - 3 : 2 - j;
                    assert_true(to[i * SIDE + j] == from[i * SIDE + j]);
                    assert_true(to[64 + i * SIDE + j] == from[64 + row * SIDE + column]);
                    assert_true(to[128 + i * SIDE + j] == from[128 + i * SIDE + (j <= 6 ? 6 - j : 0)]);
                }
        }
        release(s, &x);
        release(s, &m);
        release(s, &out);
    }
}

static void warps_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    struct nn_shape shape = {MAPS, 1, 65, 65};
    int threads = omp_get_max_threads();
    FOR_EACH_SETUP(s)
    for (int k = 0; k < 2; k++) {
        kernel run = k ? warp_adjoint : warp;
        struct pair x = random_real(s, shape), m = maps_of(s, MAPS), a = make(s, shape, NN_F32);
        struct pair b = make(s, shape, NN_F32);
        struct nn_error e;
        omp_set_num_threads(1);
        check(run(s->be[TESTED], &x.t[TESTED], &m.t[TESTED], &a.t[TESTED], &e), &e);
        omp_set_num_threads(3);
        check(run(s->be[TESTED], &x.t[TESTED], &m.t[TESTED], &b.t[TESTED], &e), &e);
        omp_set_num_threads(threads);
        fetch(&a);
        fetch(&b);
        assert_memory_equal(a.host[TESTED].data, b.host[TESTED].data, nn_tensor_bytes(&a.t[TESTED]));
        struct pair *all[] = {&x, &m, &a, &b};
        for (size_t i = 0; i < 4; i++) release(s, all[i]);
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
        struct pair w = random_real(s, shape), g = random_real(s, shape), average = random_real(s, shape);
        struct pair m = random_around(s, shape, NN_F32, 0), v = random_around(s, shape, NN_F32, 6);
        struct nn_adam adam = {0.001f, 0.1f, 0.99f, 1e-8f, 3};
        struct nn_error e;
        for (int side = 0; side < 2; side++) {
            struct nn_backend *be = s->be[side];
            check(be->adam(be, &adam, count, w.t[side].data, g.t[side].data, m.t[side].data, v.t[side].data,
                           &e),
                  &e);
            check(be->ema(be, 0.999f, count, average.t[side].data, w.t[side].data, &e), &e);
        }
        check_close(&w, limit_f32, "adam");
        check_close(&m, limit_f32, "adam m");
        check_close(&v, limit_f32, "adam v");
        check_close(&average, limit_f32, "ema");
        struct pair *all[] = {&w, &g, &average, &m, &v};
        for (size_t k = 0; k < 5; k++) release(s, all[k]);
    }
}

static void one_infinity_or_nan_is_found_anywhere(void **state)
{
    (void)state;
    struct nn_shape shape = {1, 20011, 1, 1};
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    FOR_EACH_SETUP(s)
    {
        struct pair x = random_real(s, shape);
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
                check(be->all_finite(be, spans, 2, &finite, &e), &e);
                assert_true(finite);
                values[at] = bad[at % 3];
                send(&x);
                check(be->all_finite(be, spans, 2, &finite, &e), &e);
                assert_false(finite);
                values[at] = kept;
                send(&x);
            }
        release(s, &x);
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

/* ---- */

static int open_setups(void **state)
{
    (void)state;
    const enum nn_type types[] = {NN_F32, NN_BF16};
    struct nn_error e;
    for (int i = 0; i < 2; i++) {
        if (types[i] == NN_BF16 && !test_backend_has_bf16()) {
            print_message("this CPU has no bf16: only f32 is tested\n");
            continue;
        }
        struct setup *s = &setups[setup_count++];
        s->map = types[i];
        if (nn_backend_open_reference(&s->be[REFERENCE], NN_F32, &e)) return -1;
        if (test_backend_open(&s->be[TESTED], types[i], &e)) {
            print_message("%s\n", e.text);
            return -1;
        }
    }
    return 0;
}

static int close_setups(void **state)
{
    (void)state;
    FOR_EACH_SETUP(s)
    for (int side = 0; side < 2; side++) s->be[side]->close(s->be[side]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_agree_on_odd_shapes),
        cmocka_unit_test(convolutions_agree_on_the_classifiers_geometries),
        cmocka_unit_test(convolutions_agree_on_the_networks_shapes),
        cmocka_unit_test(convolutions_are_adjoint_at_full_size),
        cmocka_unit_test(taps_agree),
        cmocka_unit_test(pointwise_kernels_agree),
        cmocka_unit_test(powers_agree),
        cmocka_unit_test(casts_round_to_nearest_even),
        cmocka_unit_test(sums_and_broadcasts_agree_over_every_choice_of_dimensions),
        cmocka_unit_test(shape_kernels_agree),
        cmocka_unit_test(pools_agree),
        cmocka_unit_test(concatenations_agree),
        cmocka_unit_test(batch_norms_agree),
        cmocka_unit_test(warps_agree),
        cmocka_unit_test(maps_to_whole_pixels_copy_exactly),
        cmocka_unit_test(warps_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(optimiser_kernels_agree),
        cmocka_unit_test(one_infinity_or_nan_is_found_anywhere),
        cmocka_unit_test(types_that_a_backend_lacks_are_refused),
    };
    return cmocka_run_group_tests(tests, open_setups, close_setups);
}
