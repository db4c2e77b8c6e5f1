#include "engine/rng.h"

#include <math.h>

void nn_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static void block(uint64_t seed, uint64_t stream, uint64_t number, uint32_t out[4])
{
    const uint32_t counter[4] = {(uint32_t)number, (uint32_t)(number >> 32), (uint32_t)stream,
                                 (uint32_t)(stream >> 32)};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    nn_philox(counter, key, out);
}

uint32_t nn_random_u32(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t w[4];
    block(seed, stream, index / 4, w);
    return w[index % 4];
}

float nn_random_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return (float)(nn_random_u32(seed, stream, index) >> 8) * 0x1p-24f;
}

/* Box-Muller: words a, b give two normals. 1 - u keeps the logarithm's argument in (0,1]. */
static void normal_pair(uint32_t a, uint32_t b, double out[2])
{
    double u = 1.0 - a * 0x1p-32, angle = 6.283185307179586476925 * (b * 0x1p-32);
    double radius = sqrt(-2.0 * log(u));
    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

void nn_random_normals(uint64_t seed, uint64_t stream, uint64_t first, size_t count, float *out)
{
    for (size_t i = 0; i < count;) {
        uint64_t at = first + i;
        uint32_t w[4];
        double z[4];
        block(seed, stream, at / 4, w);
        normal_pair(w[0], w[1], z);
        normal_pair(w[2], w[3], z + 2);
        for (uint64_t lane = at % 4; lane < 4 && i < count; lane++) out[i++] = (float)z[lane];
    }
}

double nn_rng_uniform(struct nn_rng *r)
{
    uint32_t high = nn_random_u32(r->seed, r->stream, r->index++);
    uint32_t low = nn_random_u32(r->seed, r->stream, r->index++);
    return (double)(((uint64_t)high << 32 | low) >> 11) * 0x1p-53;
}

double nn_rng_range(struct nn_rng *r, double low, double high)
{
    return low + (high - low) * nn_rng_uniform(r);
}

double nn_rng_normal(struct nn_rng *r, double mean, double sd)
{
    uint32_t a = nn_random_u32(r->seed, r->stream, r->index++);
    uint32_t b = nn_random_u32(r->seed, r->stream, r->index++);
    double z[2];
    normal_pair(a, b, z);
    return mean + sd * z[0];
}

uint32_t nn_rng_below(struct nn_rng *r, uint32_t limit)
{
    /* Rejection below 2^32 mod limit leaves every residue equally likely. */
    uint32_t floor = (uint32_t)(-limit) % limit, word;
    do word = nn_random_u32(r->seed, r->stream, r->index++);
    while (word < floor);
    return word % limit;
}

void nn_rng_shuffle(struct nn_rng *r, int *items, int count)
{
    for (int i = count - 1; i > 0; i--) {
        int j = (int)nn_rng_below(r, (uint32_t)i + 1), item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}
