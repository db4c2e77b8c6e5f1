/* Winograd's convolutions in bf16, with bias, leaky ReLU and pixel norm, against the reference backend's
 * direct ones in f32 from the same bf16 inputs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/cpu/bf16.h"
#include "engine/cpu/winograd.h"
#include "engine/rng.h"

enum { THREADS_MAX = 4 };
static const float EPSILON = 1e-8f, SLOPE = 0.2f;

/* Of the normalised mean squared error: what rounding weights and inputs to bf16 once they are transformed
 * leaves is 2.5e-5. */
static const double LIMIT = 4e-5;

/* One and several blocks, whole ones and rests on either axis; panels of 32 and of 64. */
static const struct {
    int in, out, width, height; /* of the output */
    bool up;
} shapes[] = {
    {32, 32, 16, 16, false},  {32, 32, 128, 4, false},  {64, 32, 112, 6, false}, {32, 64, 64, 10, false},
    {64, 64, 32, 32, false},  {96, 96, 22, 18, false},  {128, 64, 20, 2, false}, {256, 64, 16, 16, false},
    {512, 32, 16, 16, false}, {32, 512, 16, 16, false}, {32, 32, 32, 32, true},  {64, 32, 128, 8, true},
    {96, 64, 224, 12, true},  {64, 64, 44, 36, true},   {128, 96, 40, 4, true},  {512, 32, 32, 32, true},
    {32, 256, 32, 32, true},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static struct nn_backend *reference;

struct layer {
    struct nn_stage stage;
    uint16_t *x; /* bf16 */
    float *wanted;
};

static float *normals(size_t count, uint64_t seed)
{
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    nn_random_normals(seed, 1, 0, count, values);
    return values;
}

static void *aligned(size_t size_bytes)
{
    void *data = aligned_alloc(64, (size_bytes + 63) / 64 * 64);
    assert_non_null(data);
    return memset(data, 0x55, (size_bytes + 63) / 64 * 64);
}

static void normalise(float *map, size_t pixels, size_t channels)
{
    for (size_t p = 0; p < pixels; p++) {
        double sum = 0;
        for (size_t c = 0; c < channels; c++)
            sum += (double)map[p * channels + c] * (double)map[p * channels + c];
        float factor = (float)(1 / sqrt(sum / (double)channels + (double)EPSILON));
        for (size_t c = 0; c < channels; c++) map[p * channels + c] *= factor;
    }
}

/* The layer's convolution in f32, before the pixel norm. */
static void convolve(const struct nn_stage *s, struct nn_tensor x, struct nn_tensor y)
{
    struct nn_epilogue epilogue = {.bias = &s->bias, .slope = SLOPE};
    struct nn_error err = {0};
    nn_status status = (s->transposed ? reference->conv_dx : reference->conv)(reference, &s->geometry, &x,
                                                                              &s->weight, epilogue, &y, &err);
    if (status) fail_msg("%s", err.text);
}

static struct layer make(int i)
{
    int in = shapes[i].in, out = shapes[i].out, shrink = shapes[i].up ? 2 : 1;
    struct layer l = {.stage = {.geometry = NN_SQUARE_CONV(3, 1, 1, 0),
                                .slope = SLOPE,
                                .epsilon = EPSILON,
                                .shape = nn_shape(1, out, shapes[i].height, shapes[i].width)}};
    struct nn_stage *s = &l.stage;
    s->weight = (struct nn_tensor){nn_shape(out, in, 3, 3), NN_F32, normals((size_t)(16 * in * out), 1)};
    if (shapes[i].up) {
        s->transposed = true;
        s->geometry = (struct nn_conv)NN_SQUARE_CONV(4, 2, 1, 0);
        s->weight.shape = nn_shape(in, out, 4, 4);
    }
    s->geometry.scale = sqrtf(2.0f / (9.0f * (float)in));
    s->bias = (struct nn_tensor){nn_shape(1, out, 1, 1), NN_F32, normals((size_t)out, 2)};
    struct nn_tensor x = {nn_shape(1, in, shapes[i].height / shrink, shapes[i].width / shrink), NN_F32, NULL};
    size_t count = nn_count(x.shape), outputs = nn_count(s->shape);
    float *values = x.data = normals(count, 3);
    l.x = aligned(count * sizeof *l.x);
    for (size_t k = 0; k < count; k++) {
        l.x[k] = bf16_from_float(values[k]);
        values[k] = bf16_to_float(l.x[k]);
    }
    l.wanted = malloc(outputs * sizeof(float));
    assert_non_null(l.wanted);
    convolve(s, x, (struct nn_tensor){s->shape, NN_F32, l.wanted});
    normalise(l.wanted, outputs / (size_t)out, (size_t)out);
    free(values);
    return l;
}

static void release(struct layer *l)
{
    free(l->stage.weight.data);
    free(l->stage.bias.data);
    free(l->x);
    free(l->wanted);
}

static uint16_t *run(const struct layer *l, int threads)
{
    struct winograd *w;
    struct nn_error err = {0};
    if (winograd_new(&w, &l->stage, &err)) fail_msg("%s", err.text);
    uint16_t *y = aligned(nn_count(l->stage.shape) * sizeof *y);
    void *scratch = aligned((size_t)threads * winograd_scratch_bytes(w));
    winograd_run(w, l->x, y, scratch, threads);
    free(scratch);
    winograd_free(w);
    return y;
}

static void every_shape_gives_the_direct_convolution(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        struct layer l = make(i);
        uint16_t *y = run(&l, 2);
        double error = 0, power = 0, most = 0;
        for (size_t k = 0; k < nn_count(l.stage.shape); k++) {
            double wanted = (double)l.wanted[k], off = (double)bf16_to_float(y[k]) - wanted;
            error += off * off;
            power += wanted * wanted;
            most = fmax(most, fabs(off));
        }
        if (!(error <= LIMIT * power) || !(most <= 0.1)) /* of values about 1 */
            fail_msg("%d to %d channels, %dx%d%s: nmse %.1e, %.3f at most", shapes[i].in, shapes[i].out,
                     shapes[i].width, shapes[i].height, shapes[i].up ? " up" : "", error / power, most);
        free(y);
        release(&l);
    }
}

static void the_number_of_threads_changes_no_byte(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        struct layer l = make(i);
        uint16_t *wanted = run(&l, 1);
        for (int threads = 2; threads <= THREADS_MAX; threads++) {
            uint16_t *y = run(&l, threads);
            assert_memory_equal(y, wanted, nn_count(l.stage.shape) * sizeof *y);
            free(y);
        }
        free(wanted);
        release(&l);
    }
}

static void only_bf16_of_whole_groups_of_channels_fits(void **state)
{
    (void)state;
    struct nn_stage good = {.geometry = NN_SQUARE_CONV(3, 1, 1, 0),
                            .epsilon = EPSILON,
                            .weight = {.shape = nn_shape(32, 64, 3, 3)},
                            .shape = nn_shape(1, 32, 16, 16)};
    struct nn_stage bad[5];
    for (int i = 0; i < 5; i++) bad[i] = good;
    bad[0].weight.shape.c = 48;
    bad[1].weight.shape.n = 16;
    bad[2].doubled = true;
    bad[3].geometry.kernel_h = bad[3].geometry.kernel_w = 1;
    bad[4].shape.h = 15;
    for (int i = 0; i < 5; i++) assert_false(winograd_fits(&bad[i], NN_BF16));
    assert_false(winograd_fits(&good, NN_F32));
#ifdef __AVX512BF16__
    assert_true(winograd_fits(&good, NN_BF16));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_gives_the_direct_convolution),
        cmocka_unit_test(the_number_of_threads_changes_no_byte),
        cmocka_unit_test(only_bf16_of_whole_groups_of_channels_fits),
    };
    if (nn_backend_open_reference(&reference, NN_F32, NULL)) return 1;
    int failed = cmocka_run_group_tests_name("winograd", tests, NULL, NULL);
    reference->close(reference);
    return failed;
}
