/* SHA-256's compression of whole blocks, in plain C and in the x86 instructions for it. For sha256.c and its
 * test. */
#ifndef NN_SHA256_BLOCKS_H
#define NN_SHA256_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
extern const uint32_t nn_sha256_round_constants[64];

/* Each works `count` blocks of 64 bytes into the state. */
void nn_sha256_blocks_plain(uint32_t state[8], const uint8_t *blocks, size_t count);
/* Only where nn_sha256_has_instructions. */
void nn_sha256_blocks_x86(uint32_t state[8], const uint8_t *blocks, size_t count);

/* What the processor that this runs on reports. */
bool nn_sha256_has_instructions(void);

#endif
