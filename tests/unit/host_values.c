#include "tests/unit/host_values.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/rng.h"
#include "engine/vjp.h"

static float bf16_truncated(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits &= 0xffff0000u;
    memcpy(&value, &bits, sizeof bits);
    return value;
}

void test_normals(uint64_t seed, uint64_t stream, size_t count, double *out)
{
    for (size_t i = 0; i < count; i++) {
        float value;
        nn_random_normals(seed, stream, i, 1, &value);
        out[i] = (double)bf16_truncated(value);
    }
}

nn_id test_leaf(struct nn_tape *t, const double *values, struct nn_shape shape)
{
    struct nn_backend *be = nn_tape_backend(t);
    size_t count = nn_count(shape);
    struct nn_tensor value = {.shape = shape, .type = be->real_type};
    value.data = nn_tape_alloc(t, nn_tensor_bytes(&value));
    assert_non_null(value.data);
    if (be->real_type == NN_F64) {
        assert_int_equal(be->upload(be, value.data, values, count * sizeof *values, NULL), NN_OK);
    } else {
        float *narrow = malloc(count * sizeof *narrow);
        assert_non_null(narrow);
        for (size_t i = 0; i < count; i++) narrow[i] = (float)values[i];
        assert_int_equal(be->upload(be, value.data, narrow, count * sizeof *narrow, NULL), NN_OK);
        free(narrow);
    }
    return nn_leaf(t, &value);
}

static double element(const void *data, enum nn_type type, size_t i)
{
    if (type == NN_F64) return ((const double *)data)[i];
    if (type == NN_F32) return (double)((const float *)data)[i];
    uint32_t bits = (uint32_t)((const uint16_t *)data)[i] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

void test_read(const struct nn_tape *t, nn_id id, double *out)
{
    test_require_ok(t);
    struct nn_tensor value = *nn_value(t, id);
    void *raw = malloc(nn_tensor_bytes(&value));
    assert_non_null(raw);
    assert_int_equal(nn_read(t, id, raw, NULL), NN_OK);
    for (size_t i = 0; i < nn_count(value.shape); i++) out[i] = element(raw, value.type, i);
    free(raw);
}

double test_dot(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

double test_difference(const double *a, const double *b, size_t count)
{
    double square = 0;
    for (size_t i = 0; i < count; i++) square += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(square) / fmax(1, sqrt(test_dot(b, b, count)));
}

void test_require_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) fail_msg("%.12g is not %.12g to within %g", got, want, tolerance);
}

void test_require_ok(const struct nn_tape *t)
{
    struct nn_error err;
    if (nn_tape_status(t, &err) != NN_OK) fail_msg("%s", err.text);
}
