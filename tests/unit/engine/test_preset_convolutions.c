/* Every convolution of the presets' networks, at its full size, in every pass of the cpu backend against the
 * reference backend: oneDNN has a pass that corrupts memory or hangs at some of these sizes and no others, so
 * a smaller image would prove little.
 *
 * The reference is slow. It computes the output pixels at the image's corners and at random places, from the
 * windows of the input that they see, and the weights between a few channels, from all pixels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/backend.h"
#include "engine/cpu/bf16.h"

enum { PIXELS_MIN = 8, PIXELS_MAX = 48, CHANNELS = 2, REFERENCE_WORK = 40000000 };

/* Normalised mean squared errors, as in test_backends.c. */
static const double LIMIT_F32 = 1e-7, LIMIT_BF16 = 2e-5;

static struct nn_backend *reference, *cpu;
static uint64_t state = 1; /* of the random numbers */
static char what[96];

struct layer {
    struct nn_conv geometry;
    struct nn_tensor x, w, g;     /* the cpu side's factors */
    struct nn_tensor b_out, b_in; /* biases of conv and of conv_dx */
    struct nn_tensor y, dx, dw;   /* what the cpu side made */
};

static uint32_t draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static int below(int limit)
{
    return (int)(draw() % (uint32_t)limit);
}

static float get(const struct nn_tensor *t, size_t i)
{
    return t->type == NN_F32 ? ((const float *)t->data)[i] : bf16_to_float(((const uint16_t *)t->data)[i]);
}

static struct nn_tensor make(struct nn_backend *be, struct nn_shape shape, enum nn_type type)
{
    struct nn_tensor t = {shape, type, NULL};
    assert_non_null(t.data = be->alloc(be, nn_tensor_bytes(&t)));
    memset(t.data, 0, nn_tensor_bytes(&t));
    return t;
}

static struct nn_tensor make_random(struct nn_shape shape, enum nn_type type)
{
    struct nn_tensor t = make(cpu, shape, type);
    for (size_t i = 0; i < nn_count(shape); i++) {
        float value = (float)((int32_t)(draw() & 0xffff) - 0x8000) * 0x1p-14f;
        if (type == NN_F32)
            ((float *)t.data)[i] = value;
        else
            ((uint16_t *)t.data)[i] = bf16_from_float(value);
    }
    return t;
}

static void check(nn_status status, const struct nn_error *err)
{
    if (status) fail_msg("%s: %s", what, err->text);
}

static void check_close(const char *pass, const float *want, const float *got, size_t count, double limit)
{
    double error = 0, power = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = (double)got[i] - (double)want[i];
        error += difference * difference;
        power += (double)want[i] * (double)want[i];
    }
    if (!(error <= limit * power) || power == 0)
        fail_msg("%s, %s: nmse %.2e is over %.0e", what, pass, error / power, limit);
}

static double limit_of(const struct layer *l)
{
    return l->x.type == NN_BF16 ? LIMIT_BF16 : LIMIT_F32;
}

/* Sample k of an axis: its two ends in turn for the first four, then anywhere. */
static int place(int k, int shift, int extent)
{
    return k < 4 ? (k >> shift & 1) * (extent - 1) : below(extent);
}

/* Copies the `size` x `size` pixels of `from`, image n, whose corner is (y,x), to image k of `to`; zeros lie
 * around the image. */
static void copy_window(const struct nn_tensor *from, int n, int y, int x, struct nn_tensor *to, int k)
{
    struct nn_shape s = from->shape;
    int size = to->shape.h, channels = s.c;
    for (int r = 0; r < size; r++)
        for (int c = 0; c < size; c++) {
            if (y + r < 0 || y + r >= s.h || x + c < 0 || x + c >= s.w) continue;
            size_t in = (((size_t)n * (size_t)s.h + (size_t)(y + r)) * (size_t)s.w + (size_t)(x + c)) *
                        (size_t)channels;
            size_t out =
                (((size_t)k * (size_t)size + (size_t)r) * (size_t)size + (size_t)c) * (size_t)channels;
            for (int i = 0; i < channels; i++)
                ((float *)to->data)[out + (size_t)i] = get(from, in + (size_t)i);
        }
}

/* As many samples as the reference has time for, `work` multiplications each. */
static int sample_count(double work)
{
    double count = REFERENCE_WORK / work;
    return count < PIXELS_MIN ? PIXELS_MIN : count > PIXELS_MAX ? PIXELS_MAX : (int)count;
}

/* The tensor `made` at the sampled pixels, and what the reference made of their windows. */
static void compare_pixels(const char *pass, const struct layer *l, const struct nn_tensor *made,
                           const struct nn_tensor *wanted, int offset, int count, const int (*at)[3])
{
    int c = made->shape.c, size = wanted->shape.h;
    float *got = malloc((size_t)(count * c) * sizeof *got),
          *want = malloc((size_t)(count * c) * sizeof *want);
    assert_true(got && want);
    for (int k = 0; k < count; k++) {
        struct nn_shape s = made->shape;
        size_t pixel = ((size_t)at[k][0] * (size_t)s.h + (size_t)at[k][1]) * (size_t)s.w + (size_t)at[k][2];
        int stride = l->geometry.stride, row = offset + (offset ? at[k][1] % stride : 0),
            column = offset + (offset ? at[k][2] % stride : 0);
        size_t centre = ((size_t)k * (size_t)size + (size_t)row) * (size_t)size + (size_t)column;
        for (int i = 0; i < c; i++) {
            got[k * c + i] = get(made, pixel * (size_t)c + (size_t)i);
            want[k * c + i] = get(wanted, centre * (size_t)c + (size_t)i);
        }
    }
    check_close(pass, want, got, (size_t)(count * c), limit_of(l));
    free(got);
    free(want);
}

static void check_forward(const struct layer *l)
{
    struct nn_conv window = l->geometry;
    int i = l->x.shape.c, o = l->y.shape.c, at[PIXELS_MAX][3];
    int count = sample_count((double)window.kernel_h * window.kernel_h * i * o);
    struct nn_tensor in = make(reference, nn_shape(count, i, window.kernel_h, window.kernel_h), NN_F32);
    struct nn_tensor out = make(reference, nn_shape(count, o, 1, 1), NN_F32);
    for (int k = 0; k < count; k++) {
        at[k][0] = below(l->y.shape.n);
        at[k][1] = place(k, 0, l->y.shape.h);
        at[k][2] = place(k, 1, l->y.shape.w);
        copy_window(&l->x, at[k][0], at[k][1] * window.stride - window.pad_h,
                    at[k][2] * window.stride - window.pad_h, &in, k);
    }
    window.pad_h = window.pad_w = 0;
    struct nn_error err;
    check(reference->conv(reference, &window, &in, &l->w, (struct nn_epilogue){&l->b_out, 0.2f}, &out, &err),
          &err);
    compare_pixels("forward", l, &l->y, &out, 0, count, (const int(*)[3])at);
    reference->free(reference, in.data);
    reference->free(reference, out.data);
}

/* Of the pixels made from 3x3 of g those in the middle see nothing else: one, or 2x2 with stride 2. A dense
 * layer has but one pixel of g, from which all of dx comes. */
static void check_data(const struct layer *l)
{
    struct nn_conv c = l->geometry;
    bool dense = l->g.shape.h == 1 && c.kernel_h > 1;
    int i = l->x.shape.c, o = l->g.shape.c, at[PIXELS_MAX][3], size = dense ? 1 : 3;
    int made = (size - 1) * c.stride + c.kernel_h - 2 * c.pad_h, middle = dense ? 0 : c.stride;
    int count = sample_count((double)(size * size * c.kernel_h * c.kernel_h) * i * o);
    struct nn_tensor in = make(reference, nn_shape(count, o, size, size), NN_F32);
    struct nn_tensor out = make(reference, nn_shape(count, i, made, made), NN_F32);
    for (int k = 0; k < count; k++) {
        at[k][0] = below(l->dx.shape.n);
        at[k][1] = dense ? 0 : place(k, 0, l->dx.shape.h);
        at[k][2] = dense ? 0 : place(k, 1, l->dx.shape.w);
        int shift = dense ? 0 : 1;
        copy_window(&l->g, at[k][0], at[k][1] / c.stride - shift, at[k][2] / c.stride - shift, &in, k);
    }
    struct nn_error err;
    check(reference->conv_dx(reference, &c, &in, &l->w, (struct nn_epilogue){&l->b_in, 0.2f}, &out, &err),
          &err);
    compare_pixels("dx", l, &l->dx, &out, middle, count, (const int(*)[3])at);
    reference->free(reference, in.data);
    reference->free(reference, out.data);
}

/* `count` channels of a map, as the reference's. */
static struct nn_tensor some_channels(const struct nn_tensor *t, const int *channels, int count)
{
    struct nn_shape s = t->shape;
    struct nn_tensor out = make(reference, nn_shape(s.n, count, s.h, s.w), NN_F32);
    for (size_t p = 0; p < nn_count(s) / (size_t)s.c; p++)
        for (int k = 0; k < count; k++)
            ((float *)out.data)[p * (size_t)count + (size_t)k] =
                get(t, p * (size_t)s.c + (size_t)channels[k]);
    return out;
}

static void check_weights(const struct layer *l)
{
    int in[CHANNELS] = {below(l->x.shape.c), l->x.shape.c - 1},
        out[CHANNELS] = {below(l->g.shape.c), l->g.shape.c - 1};
    int ni = l->x.shape.c < CHANNELS ? 1 : CHANNELS, no = l->g.shape.c < CHANNELS ? 1 : CHANNELS;
    int kernel = l->geometry.kernel_h, taps = kernel * kernel;
    struct nn_tensor x = some_channels(&l->x, in, ni), g = some_channels(&l->g, out, no);
    struct nn_tensor dw = make(reference, nn_shape(no, ni, kernel, kernel), NN_F32);
    struct nn_error err;
    check(reference->conv_dw(reference, &l->geometry, &x, &g, &dw, &err), &err);
    float got[CHANNELS * CHANNELS * 16];
    for (int o = 0; o < no; o++)
        for (int tap = 0; tap < taps; tap++)
            for (int i = 0; i < ni; i++)
                got[(o * taps + tap) * ni + i] =
                    get(&l->dw,
                        ((size_t)out[o] * (size_t)taps + (size_t)tap) * (size_t)l->x.shape.c + (size_t)in[i]);
    check_close("dw", dw.data, got, (size_t)(no * ni * taps), LIMIT_F32);
    reference->free(reference, x.data);
    reference->free(reference, g.data);
    reference->free(reference, dw.data);
}

static void check_layer(struct nn_conv geometry, enum nn_type type, int n, int i, int o, int side)
{
    int made = (side + 2 * geometry.pad_h - geometry.kernel_h) / geometry.stride + 1;
    struct nn_shape xs = nn_shape(n, i, side, side), ys = nn_shape(n, o, made, made);
    struct nn_shape ws = nn_shape(o, i, geometry.kernel_h, geometry.kernel_h);
    struct layer l = {.geometry = geometry,
                      .x = make_random(xs, type),
                      .w = make_random(ws, NN_F32),
                      .g = make_random(ys, type),
                      .b_out = make_random(nn_shape(1, o, 1, 1), NN_F32),
                      .b_in = make_random(nn_shape(1, i, 1, 1), NN_F32),
                      .y = make(cpu, ys, type),
                      .dx = make(cpu, xs, type),
                      .dw = make(cpu, ws, NN_F32)};
    snprintf(what, sizeof what, "n%d %d->%d %dx%d kernel %d stride %d %s", n, i, o, side, side,
             geometry.kernel_h, geometry.stride, type == NN_BF16 ? "bf16" : "f32");
    struct nn_error err;
    check(cpu->conv(cpu, &geometry, &l.x, &l.w, (struct nn_epilogue){&l.b_out, 0.2f}, &l.y, &err), &err);
    check(cpu->conv_dx(cpu, &geometry, &l.g, &l.w, (struct nn_epilogue){&l.b_in, 0.2f}, &l.dx, &err), &err);
    check(cpu->conv_dw(cpu, &geometry, &l.x, &l.g, &l.dw, &err), &err);
    check_forward(&l);
    check_data(&l);
    check_weights(&l);
    struct nn_tensor *all[] = {&l.x, &l.w, &l.g, &l.b_out, &l.b_in, &l.y, &l.dx, &l.dw};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) cpu->free(cpu, all[k]->data);
}

/* ---- the networks ------------------------------------------------------------------------------- */

static const struct nn_conv SAME = NN_SQUARE_CONV(3, 1, 1, 0.37f), HALVE = NN_SQUARE_CONV(4, 2, 1, 0.37f),
                            DENSE = NN_SQUARE_CONV(4, 1, 0, 0.37f), POINT = NN_SQUARE_CONV(1, 1, 0, 0.37f);

static int channels_at(int side, int base, int most)
{
    int channels = base / (side / 2);
    return channels < most ? channels : most;
}

/* A minibatch of several images where that takes no time. */
static int minibatch_at(int side)
{
    return side <= 8 ? 16 : side <= 64 ? 64 / side : 1;
}

/* The layers between a side and the half of it, fused and not, and those to and from grey. */
static void check_level(int side, int base, int most)
{
    int c = channels_at(side, base, most), half = channels_at(side / 2, base, most), n = minibatch_at(side);
    enum nn_type map = cpu->map_type;
    check_layer(SAME, map, n, c, c, side);
    check_layer(HALVE, map, n, c, half, side);
    if (c != half) {
        check_layer(SAME, map, n, c, half, side);
        check_layer(SAME, map, n, half, c, side);
    }
    check_layer(POINT, map, n, 1, c, side);
    check_layer(POINT, map, n, c, 1, side);
}

/* 4x4: the generator's in the map's type with two labels, the discriminator's in f32 with the standard
 * deviation as one channel more, score and two logits. */
static void check_bottom(int most)
{
    enum nn_type map = cpu->map_type;
    check_layer(DENSE, map, 16, most, most + 2, 4);
    check_layer(SAME, map, 16, most, most, 4);
    check_layer(POINT, map, 16, most, 1, 4);
    check_layer(POINT, map, 16, 1, most, 4);
    check_layer(SAME, NN_F32, 16, most + 1, most, 4);
    check_layer(DENSE, NN_F32, 16, most, most, 4);
    check_layer(POINT, NN_F32, 16, most, 3, 1);
}

static void check_network(enum nn_type map, int base, int most)
{
    struct nn_error err;
    if (map == NN_BF16 && !nn_cpu_has_bf16()) skip();
    assert_int_equal(nn_backend_open_reference(&reference, NN_F32, &err), NN_OK);
    assert_int_equal(nn_backend_open_cpu(&cpu, map, &err), NN_OK);
    check_bottom(most);
    for (int side = 8; side <= 1024; side *= 2) check_level(side, base, most);
    cpu->close(cpu);
    reference->close(reference);
}

#define CLAIM(name, map, base, most)                                                                         \
    static void name(void **s)                                                                               \
    {                                                                                                        \
        (void)s;                                                                                             \
        check_network(map, base, most);                                                                      \
    }
CLAIM(paper_and_v2_agree_in_bf16, NN_BF16, 8192, 512)
CLAIM(gpu_short_agrees_in_bf16, NN_BF16, 4096, 256)
CLAIM(cpu_small_agrees_in_bf16, NN_BF16, 2048, 128)
CLAIM(paper_and_v2_agree_in_f32, NN_F32, 8192, 512)
CLAIM(gpu_short_agrees_in_f32, NN_F32, 4096, 256)
CLAIM(cpu_small_agrees_in_f32, NN_F32, 2048, 128)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paper_and_v2_agree_in_bf16), cmocka_unit_test(gpu_short_agrees_in_bf16),
        cmocka_unit_test(cpu_small_agrees_in_bf16),   cmocka_unit_test(paper_and_v2_agree_in_f32),
        cmocka_unit_test(gpu_short_agrees_in_f32),    cmocka_unit_test(cpu_small_agrees_in_f32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
