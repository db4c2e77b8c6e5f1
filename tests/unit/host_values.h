/* Values of any element type, to and from the host as doubles, for tests that compare backends. */
#ifndef TEST_HOST_VALUES_H
#define TEST_HOST_VALUES_H

#include "engine/tape.h"

/* Standard normals that are exact in bf16, so that every backend starts from the same numbers. */
void test_normals(uint64_t seed, uint64_t stream, size_t count, double *out);

/* A leaf of real_type with a copy of nn_count(shape) doubles; lives until the tape's reset. */
nn_id test_leaf(struct nn_tape *t, const double *values, struct nn_shape shape);

/* Copies a value of any type into `out`, nn_count(shape) doubles. Fails the running test on an error. */
void test_read(const struct nn_tape *t, nn_id id, double *out);

double test_dot(const double *a, const double *b, size_t count);

/* |a - b| / |b|, or |a - b| where |b| < 1: a gradient that ought to be zero has no scale of its own. */
double test_difference(const double *a, const double *b, size_t count);

/* Fails the running test unless |got - want| <= tolerance. */
void test_require_near(double got, double want, double tolerance);

/* Fails the running test, with the error's text, unless the tape is well. */
void test_require_ok(const struct nn_tape *t);

#endif
