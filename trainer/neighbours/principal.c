#include "trainer/neighbours/principal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"

/* More directions than are wanted make the iteration converge by the ratio of the wanted variances to those
 * beyond all of them. */
enum { SPARE = 10, ROUNDS = 40, SWEEPS = 12, STREAM = 1 };

static double dot(const double *a, const double *b, int count)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

/* Rows less their mean. */
static void centre(const float *points, int rows, int columns, double *centred)
{
#pragma omp parallel for
    for (int c = 0; c < columns; c++) {
        double mean = 0;
        for (int r = 0; r < rows; r++) mean += (double)points[(size_t)r * (size_t)columns + (size_t)c];
        mean /= rows;
        for (int r = 0; r < rows; r++) {
            size_t at = (size_t)r * (size_t)columns + (size_t)c;
            centred[at] = (double)points[at] - mean;
        }
    }
}

static void gram(const double *centred, int rows, int columns, double *products)
{
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < rows; i++)
        for (int k = 0; k <= i; k++)
            products[i * rows + k] = products[k * rows + i] =
                dot(centred + (size_t)i * (size_t)columns, centred + (size_t)k * (size_t)columns, columns);
}

/* Gram and Schmidt's, twice for the sake of rounding; vectors lie one after another. */
static void orthonormalise(double *vectors, int count, int length)
{
    for (int k = 0; k < count; k++) {
        double *v = vectors + (size_t)k * (size_t)length;
        for (int twice = 0; twice < 2; twice++)
            for (int j = 0; j < k; j++) {
                const double *u = vectors + (size_t)j * (size_t)length;
                double along = dot(u, v, length);
                for (int i = 0; i < length; i++) v[i] -= along * u[i];
            }
        double norm = sqrt(dot(v, v, length));
        for (int i = 0; i < length && norm > 0; i++) v[i] /= norm;
    }
}

static void iterate(const double *products, int rows, int count, double *vectors, double *next)
{
#pragma omp parallel for collapse(2)
    for (int k = 0; k < count; k++)
        for (int i = 0; i < rows; i++)
            next[k * rows + i] =
                dot(products + (size_t)i * (size_t)rows, vectors + (size_t)k * (size_t)rows, rows);
    memcpy(vectors, next, (size_t)count * (size_t)rows * sizeof *vectors);
    orthonormalise(vectors, count, rows);
}

/* One of Jacobi's rotations: what is at (p,q) of the symmetric matrix becomes 0. `axes` has its rows turned
 * alike. */
static void rotate(double *matrix, double *axes, int count, int p, int q)
{
    double off = matrix[p * count + q];
    if (off == 0) return;
    double theta = (matrix[q * count + q] - matrix[p * count + p]) / (2 * off);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int i = 0; i < count; i++) {
        double a = matrix[i * count + p], b = matrix[i * count + q];
        matrix[i * count + p] = c * a - s * b;
        matrix[i * count + q] = s * a + c * b;
    }
    for (int i = 0; i < count; i++) {
        double a = matrix[p * count + i], b = matrix[q * count + i];
        matrix[p * count + i] = c * a - s * b;
        matrix[q * count + i] = s * a + c * b;
        a = axes[p * count + i], b = axes[q * count + i];
        axes[p * count + i] = c * a - s * b;
        axes[q * count + i] = s * a + c * b;
    }
}

/* Rayleigh and Ritz: within the space of `vectors`, which converges long before its directions do, the
 * directions and variances of the components, largest first. `next` is scratch as large as `vectors`, `small`
 * 2 count^2. */
static void find_axes(const double *products, int rows, int count, double *vectors, double *next,
                      double *small, double *variances)
{
    double *matrix = small, *axes = small + count * count;
#pragma omp parallel for
    for (int k = 0; k < count; k++)
        for (int i = 0; i < rows; i++)
            next[k * rows + i] =
                dot(products + (size_t)i * (size_t)rows, vectors + (size_t)k * (size_t)rows, rows);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < count; k++) {
            matrix[i * count + k] =
                dot(vectors + (size_t)i * (size_t)rows, next + (size_t)k * (size_t)rows, rows);
            axes[i * count + k] = i == k;
        }
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int p = 0; p < count; p++)
            for (int q = p + 1; q < count; q++) rotate(matrix, axes, count, p, q);
    memset(next, 0, (size_t)count * (size_t)rows * sizeof *next);
    for (int place = 0; place < count; place++) {
        int best = 0;
        for (int k = 1; k < count; k++)
            if (matrix[k * count + k] > matrix[best * count + best]) best = k;
        variances[place] = fmax(matrix[best * count + best], 0);
        matrix[best * count + best] = -INFINITY;
        for (int k = 0; k < count; k++)
            for (int i = 0; i < rows; i++)
                next[place * rows + i] += axes[best * count + k] * vectors[k * rows + i];
    }
    memcpy(vectors, next, (size_t)count * (size_t)rows * sizeof *vectors);
}

static double sign_of(const double *v, int count)
{
    double largest = 0;
    for (int i = 0; i < count; i++)
        if (fabs(v[i]) > fabs(largest)) largest = v[i];
    return largest < 0 ? -1 : 1;
}

nn_status tr_principal(const float *points, int rows, int columns, int wanted, uint64_t seed, double *out,
                       struct nn_error *err)
{
    int count = wanted + SPARE < rows ? wanted + SPARE : rows;
    size_t n = (size_t)rows, block = (size_t)count * n;
    double *centred = malloc(n * (size_t)columns * sizeof *centred),
           *products = malloc(n * n * sizeof *products);
    double *vectors = malloc(2 * block * sizeof *vectors),
           *small = malloc(((size_t)count + 1) * 2 * (size_t)count * sizeof *small);
    nn_status status = NN_OK;
    if (!centred || !products || !vectors || !small) {
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for the components of %d points", rows);
        goto out;
    }
    double *variances = small + 2 * count * count;
    centre(points, rows, columns, centred);
    gram(centred, rows, columns, products);
    struct nn_rng random = {seed, STREAM, 0};
    for (size_t i = 0; i < block; i++) vectors[i] = nn_rng_normal(&random, 0, 1);
    for (int round = 0; round < ROUNDS; round++) iterate(products, rows, count, vectors, vectors + block);
    find_axes(products, rows, count, vectors, vectors + block, small, variances);
    for (int k = 0; k < wanted; k++) {
        const double *v = vectors + (size_t)k * n;
        double scale = sign_of(v, rows) * sqrt(variances[k]);
        for (int i = 0; i < rows; i++) out[(size_t)i * (size_t)wanted + (size_t)k] = scale * v[i];
    }
out:
    free(small);
    free(vectors);
    free(products);
    free(centred);
    return status;
}
