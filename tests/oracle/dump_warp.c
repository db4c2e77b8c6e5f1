/* Resamples images from standard input, for test_warp.py to compare.
 *
 *   dump_warp BACKEND N H W <IN >OUT
 *
 * BACKEND is reference (f64) or cpu (f32). IN holds f64 numbers: maps (N,6), images (N,H,W), cotangents
 * (N,H,W); OUT warp(images) and warp_adjoint(cotangents), likewise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"

static void check(nn_status status, const struct nn_error *err)
{
    if (status == NN_OK) return;
    fprintf(stderr, "dump_warp: %s\n", err->text);
    exit(1);
}

static void *allocate(size_t count, size_t size)
{
    void *data = calloc(count, size);
    if (!data) abort();
    return data;
}

/* A leaf of the backend's own type from f64 numbers. */
static nn_id read_leaf(struct nn_tape *t, struct nn_shape shape)
{
    struct nn_error err;
    struct nn_backend *be = nn_tape_backend(t);
    size_t count = nn_count(shape);
    double *wide = allocate(count, sizeof *wide);
    float *narrow = allocate(count, sizeof *narrow);
    if (fread(wide, sizeof *wide, count, stdin) != count) abort();
    for (size_t i = 0; i < count; i++) narrow[i] = (float)wide[i];
    struct nn_tensor value = {.shape = shape, .type = be->real_type};
    value.data = be->alloc(be, nn_tensor_bytes(&value)); /* lives until the end of the program */
    if (!value.data) abort();
    bool is_wide = be->real_type == NN_F64;
    check(be->upload(be, value.data, is_wide ? (void *)wide : narrow, nn_tensor_bytes(&value), &err), &err);
    free(wide);
    free(narrow);
    return nn_leaf(t, &value);
}

static void write_value(const struct nn_tape *t, nn_id id)
{
    struct nn_error err;
    check(nn_tape_status(t, &err), &err);
    const struct nn_tensor *value = nn_value(t, id);
    size_t count = nn_count(value->shape);
    double *wide = allocate(count, sizeof *wide);
    float *narrow = allocate(count, sizeof *narrow);
    bool is_wide = value->type == NN_F64;
    check(nn_read(t, id, is_wide ? (void *)wide : narrow, &err), &err);
    for (size_t i = 0; i < count && !is_wide; i++) wide[i] = (double)narrow[i];
    if (fwrite(wide, sizeof *wide, count, stdout) != count) abort();
    free(wide);
    free(narrow);
}

int main(int argc, char **argv)
{
    struct nn_error err;
    struct nn_backend *be;
    struct nn_tape *t;
    if (argc != 5) {
        fprintf(stderr, "usage: dump_warp BACKEND N H W <IN >OUT\n");
        return 2;
    }
    check(strcmp(argv[1], "cpu") == 0 ? nn_backend_open_cpu(&be, NN_F32, &err)
                                      : nn_backend_open_reference(&be, NN_F64, &err),
          &err);
    check(nn_tape_new(&t, be, &err), &err);
    struct nn_shape shape = nn_shape(atoi(argv[2]), 1, atoi(argv[3]), atoi(argv[4]));
    nn_id maps = read_leaf(t, nn_shape(shape.n, 6, 1, 1));
    nn_id images = read_leaf(t, shape), cotangents = read_leaf(t, shape);
    write_value(t, nn_warp(t, images, maps));
    write_value(t, nn_warp_adjoint(t, cotangents, maps));
    nn_tape_free(t);
    be->close(be);
    return 0;
}
