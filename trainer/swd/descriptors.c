#include "trainer/swd/descriptors.h"

#include <math.h>
#include <string.h>

#include "engine/rng.h"

enum { STRIPES_PER_IMAGE = TR_PATCHES_PER_IMAGE / TR_STRIPE, STRIPE_VALUES = TR_PATCH_SIZE * TR_STRIPE };

size_t tr_descriptors_bytes(int images)
{
    return (size_t)images * STRIPES_PER_IMAGE * STRIPE_VALUES * sizeof(float);
}

static float *stripe_at(const struct tr_descriptors *d, size_t stripe)
{
    return d->values + stripe * STRIPE_VALUES;
}

static int below(uint32_t word, int limit)
{
    return (int)(((uint64_t)word * (uint64_t)limit) >> 32);
}

void tr_descriptors_place(uint64_t seed, uint64_t stream, int index, int number, int side, int *x, int *y)
{
    uint64_t word = 2 * ((uint64_t)index * TR_PATCHES_PER_IMAGE + (uint64_t)number);
    *y = below(nn_random_u32(seed, stream, word), side - TR_PATCH_SIDE + 1);
    *x = below(nn_random_u32(seed, stream, word + 1), side - TR_PATCH_SIDE + 1);
}

void tr_descriptors_take(const struct tr_descriptors *d, int index, const float *image, int side,
                         uint64_t seed, uint64_t stream)
{
    for (int i = 0; i < TR_PATCHES_PER_IMAGE; i++) {
        int x, y;
        tr_descriptors_place(seed, stream, index, i, side, &x, &y);
        float *to = stripe_at(d, (size_t)index * STRIPES_PER_IMAGE + (size_t)(i / TR_STRIPE)) + i % TR_STRIPE;
        for (int v = 0; v < TR_PATCH_SIDE; v++) {
            const float *row = image + (size_t)(y + v) * (size_t)side + x;
            for (int u = 0; u < TR_PATCH_SIDE; u++) to[(v * TR_PATCH_SIDE + u) * TR_STRIPE] = row[u];
        }
    }
}

/* Sums of one image's values about `centre`; f64, so that the order of a million additions is no matter. */
static void add_image(const struct tr_descriptors *d, int index, double centre, double *sum, double *squares)
{
    const float *values = stripe_at(d, (size_t)index * STRIPES_PER_IMAGE);
    double s = 0, q = 0;
    for (int i = 0; i < STRIPES_PER_IMAGE * STRIPE_VALUES; i++) {
        double difference = (double)values[i] - centre;
        s += difference;
        q += difference * difference;
    }
    *sum = s;
    *squares = q;
}

void tr_descriptors_normalise(const struct tr_descriptors *d)
{
    double count = (double)d->images * STRIPES_PER_IMAGE * STRIPE_VALUES, mean = 0, variance = 0;
    for (int pass = 0; pass < 2; pass++) { /* the variance about the mean, not from a difference of squares */
        double total = 0, square_total = 0;
#pragma omp parallel for ordered schedule(static, 1)
        for (int i = 0; i < d->images; i++) {
            double sum, squares;
            add_image(d, i, mean, &sum, &squares);
#pragma omp ordered
            {
                total += sum;
                square_total += squares;
            }
        }
        if (pass == 0)
            mean = total / count;
        else
            variance = square_total / count;
    }
    float centre = (float)mean, scale = variance > 0 ? (float)(1 / sqrt(variance)) : 1;
#pragma omp parallel for
    for (int i = 0; i < d->images; i++) {
        float *values = stripe_at(d, (size_t)i * STRIPES_PER_IMAGE);
        for (int k = 0; k < STRIPES_PER_IMAGE * STRIPE_VALUES; k++) values[k] = (values[k] - centre) * scale;
    }
}

void tr_descriptors_project(const struct tr_descriptors *d, float (*directions)[TR_PATCH_SIZE], int count,
                            float *out)
{
    size_t stripes = (size_t)d->images * STRIPES_PER_IMAGE;
    for (size_t s = 0; s < stripes; s++)
        for (int r = 0; r < count; r++) { /* a stripe stays in the first cache for all directions */
            const float *values = stripe_at(d, s);
            float sums[TR_STRIPE] = {0};
            for (int k = 0; k < TR_PATCH_SIZE; k++)
                for (int i = 0; i < TR_STRIPE; i++) sums[i] += directions[r][k] * values[k * TR_STRIPE + i];
            memcpy(out + ((size_t)r * stripes + s) * TR_STRIPE, sums, sizeof sums);
        }
}
