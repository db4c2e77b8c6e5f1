#include "trainer/phantom/noise.h"

#include "engine/rng.h"

#include <math.h>

void noise_tile_make(struct noise_tile *t, uint64_t seed, uint64_t stream, uint64_t first)
{
    nn_random_normals(seed, stream, first, NOISE_SIDE * NOISE_SIDE, t->value);
}

static float ease(float f)
{
    return f * f * (3.0f - 2.0f * f);
}

float noise_at(const struct noise_tile *t, float x, float y)
{
    float fx = floorf(x), fy = floorf(y), u = ease(x - fx), v = ease(y - fy);
    int i = (int)fx & (NOISE_SIDE - 1), j = (int)fy & (NOISE_SIDE - 1);
    int i1 = (i + 1) & (NOISE_SIDE - 1), j1 = (j + 1) & (NOISE_SIDE - 1);
    const float *a = t->value + j * NOISE_SIDE, *b = t->value + j1 * NOISE_SIDE;
    float top = a[i] + u * (a[i1] - a[i]), low = b[i] + u * (b[i1] - b[i]);
    return top + v * (low - top);
}

float noise_cloud(const struct noise_tile *t, float x, float y)
{
    float sum = 0.0f, weight = 1.0f;
    for (int k = 0; k < 4; k++) {
        sum += weight * noise_at(t, x, y);
        x = 2.0f * x + 17.3f;
        y = 2.0f * y + 31.7f;
        weight *= 0.6f;
    }
    return sum;
}
