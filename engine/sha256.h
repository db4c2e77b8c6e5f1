/* SHA-256 (FIPS 180-4), the name of a checkpoint or a data set by its content. */
#ifndef NN_SHA256_H
#define NN_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct nn_sha256 {
    uint32_t state[8];
    uint64_t length_bytes;
    uint8_t block[64]; /* the last length_bytes % 64 bytes, not yet in `state` */
};

void nn_sha256_init(struct nn_sha256 *hash);
void nn_sha256_add(struct nn_sha256 *hash, const void *data, size_t size_bytes);
/* Writes 64 lower-case hex digits and a zero. Afterwards the struct must be initialised again. */
void nn_sha256_finish(struct nn_sha256 *hash, char hex[65]);

/* All three in one. */
void nn_sha256_hex(const void *data, size_t size_bytes, char hex[65]);

#endif
