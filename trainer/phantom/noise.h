/* Smooth two-dimensional noise from Philox numbers, for tissue that has no shape of its own. */
#ifndef PHANTOM_NOISE_H
#define PHANTOM_NOISE_H

#include <stdint.h>

#define NOISE_SIDE 128

/* A periodic lattice of standard normals. Read-only once made. */
struct noise_tile {
    float value[NOISE_SIDE * NOISE_SIDE];
};
void noise_tile_make(struct noise_tile *t, uint64_t seed, uint64_t stream, uint64_t first);

/* Noise with one lattice cell per unit of x and y; about unit variance at the lattice points. */
float noise_at(const struct noise_tile *t, float x, float y);
/* Four octaves, each of half the size and 0.6 of the amplitude. */
float noise_cloud(const struct noise_tile *t, float x, float y);

#endif
