/* Speed of the cpu backend's convolutions on the layers of the networks: milliseconds, GFLOP/s and the
 * oneDNN implementation per layer and pass. Prints; asserts nothing.
 *
 *     bench_convolutions [fmap_base fmap_max [bf16|f32 [first_resolution [last_resolution [batch]]]]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/backend.h"
#include "engine/rng.h"

struct bench {
    struct nn_backend *be;
    int base, max, batch;
    double total_ms[3];
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void die(const struct nn_error *err)
{
    fprintf(stderr, "bench_convolutions: %s\n", err->text);
    exit(1);
}

static struct nn_tensor random_tensor(struct nn_backend *be, struct nn_shape shape, enum nn_type type)
{
    struct nn_tensor wide = {shape, NN_F32, be->alloc(be, nn_count(shape) * sizeof(float))};
    struct nn_tensor t = {shape, type, be->alloc(be, nn_count(shape) * nn_type_size(type))};
    struct nn_error err;
    if (!wide.data || !t.data) abort();
    for (size_t i = 0; i < nn_count(shape); i++) ((float *)wide.data)[i] = nn_random_uniform(1, 2, i) - 0.5f;
    if (be->cast(be, &wide, &t, &err)) die(&err);
    be->free(be, wide.data);
    return t;
}

enum pass { FORWARD, DATA, WEIGHTS };

static void run(struct bench *b, enum pass pass, const struct nn_conv *c, struct nn_tensor t[5])
{
    struct nn_error err;
    struct nn_epilogue forward = {&t[3], 0.2f}, none = {NULL, 1.0f};
    nn_status status = pass == FORWARD ? b->be->conv(b->be, c, &t[0], &t[1], forward, &t[2], &err)
                       : pass == DATA  ? b->be->conv_dx(b->be, c, &t[2], &t[1], none, &t[0], &err)
                                       : b->be->conv_dw(b->be, c, &t[0], &t[2], &t[4], &err);
    if (status) die(&err);
}

/* The fastest of some repetitions within a fifth of a second. */
static double best_ms(struct bench *b, enum pass pass, const struct nn_conv *c, struct nn_tensor t[5])
{
    double best = 1e30, start = now_ms();
    run(b, pass, c, t);
    for (int i = 0; i < 500 && (i < 3 || now_ms() - start < 200); i++) {
        double from = now_ms();
        run(b, pass, c, t);
        double took = now_ms() - from;
        if (took < best) best = took;
    }
    return best;
}

static void layer(struct bench *b, const char *name, struct nn_conv c, int n, int i, int o, int side)
{
    int out = (side + 2 * c.pad_h - c.kernel_h) / c.stride + 1;
    struct nn_shape xs = nn_shape(n, i, side, side), ws = nn_shape(o, i, c.kernel_h, c.kernel_h);
    struct nn_shape ys = nn_shape(n, o, out, out);
    enum nn_type map = b->be->map_type;
    struct nn_tensor t[5] = {
        random_tensor(b->be, xs, map), random_tensor(b->be, ws, NN_F32), random_tensor(b->be, ys, map),
        random_tensor(b->be, nn_shape(1, o, 1, 1), NN_F32), random_tensor(b->be, ws, NN_F32)};
    double flops = 2.0 * (double)nn_count(ys) * i * c.kernel_h * c.kernel_h;
    printf("%4d n%-2d %-6s %3d>%-3d", side, n, name, i, o);
    for (int pass = 0; pass < 3; pass++) {
        double ms = best_ms(b, pass, &c, t);
        b->total_ms[pass] += ms;
        printf(" %9.3f ms %6.0f", ms, flops / ms * 1e-6);
    }
    printf("\n");
    fflush(stdout);
    for (int k = 0; k < 5; k++) b->be->free(b->be, t[k].data);
}

static int channels_at(const struct bench *b, int resolution)
{
    int channels = b->base / (resolution / 2);
    return channels < b->max ? channels : b->max;
}

static void block(struct bench *b, int side)
{
    int n = b->batch ? b->batch : side <= 128 ? 16 : side == 256 ? 8 : 4, c = channels_at(b, side);
    layer(b, "grey", (struct nn_conv)NN_SQUARE_CONV(1, 1, 0, 1.0f), n, 1, c, side);
    layer(b, "3x3", (struct nn_conv)NN_SQUARE_CONV(3, 1, 1, 0.1f), n, c, c, side);
    if (side > 4)
        layer(b, "4x4 s2", (struct nn_conv)NN_SQUARE_CONV(4, 2, 1, 0.1f), n, c, channels_at(b, side / 2),
              side);
    else
        layer(b, "dense", (struct nn_conv)NN_SQUARE_CONV(4, 1, 0, 0.1f), n, c, c, side);
}

int main(int argc, char **argv)
{
    struct bench b = {.base = argc > 1 ? atoi(argv[1]) : 2048, .max = argc > 2 ? atoi(argv[2]) : 128};
    enum nn_type map = argc > 3 && strcmp(argv[3], "f32") == 0 ? NN_F32 : NN_BF16;
    int first = argc > 4 ? atoi(argv[4]) : 4, last = argc > 5 ? atoi(argv[5]) : 1024;
    b.batch = argc > 6 ? atoi(argv[6]) : 0;
    struct nn_error err;
    if (first < 4 || last > 1024 || b.base < 1024 || b.max < 1 || b.batch < 0) {
        fprintf(stderr, "usage: bench_convolutions [fmap_base fmap_max [bf16|f32 [first last [batch]]]]\n");
        return 2;
    }
    if (nn_backend_open_cpu(&b.be, map, &err)) die(&err);
    printf("width %d/%d, %s maps; ms and GFLOP/s\nside    layer             forward             dx           "
           "       dw\n",
           b.base, b.max, map == NN_BF16 ? "bf16" : "f32");
    for (int side = first; side <= last; side *= 2) block(&b, side);
    printf("sum                  %9.3f ms        %9.3f ms        %9.3f ms\n", b.total_ms[0], b.total_ms[1],
           b.total_ms[2]);
    b.be->close(b.be);
    return 0;
}
