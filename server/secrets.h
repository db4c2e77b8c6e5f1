/* Random names and secrets, and comparing them without telling how much of a guess was right. */
#ifndef SRV_SECRETS_H
#define SRV_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

enum {
    SRV_ID_TEXT = 33,     /* 128 random bits as lower-case hex, and the NUL: session ids */
    SRV_IMAGE_TEXT = 49,  /* 192 bits: image names, which are capabilities */
    SRV_SECRET_TEXT = 65, /* 256 bits: session secrets and the admin token */
    SRV_DIGEST_TEXT = 65, /* a SHA-256 as lower-case hex */
};

/* From the kernel's generator. Ends the process when the kernel has none: a server that cannot draw
 * secrets must not hand any out. */
void srv_random_bytes(void *bytes, size_t size_bytes);
uint64_t srv_random_u64(void);
uint32_t srv_random_below(uint32_t limit); /* 0 .. limit-1, unbiased; limit > 0 */

/* Fills `text` with text_size-1 random hex digits and a NUL; text_size is odd. */
void srv_random_hex(char *text, size_t text_size);

/* Takes the same time wherever the texts differ; only their lengths may show. */
bool srv_secret_equal(const char *a, const char *b);

/* Reads the admin token from `path`; makes the file first, mode 0600, with a fresh token, when there is
 * none. A file with fewer than 32 characters is refused. */
nn_status srv_admin_token(const char *path, char token[SRV_SECRET_TEXT], struct nn_error *err) NN_MUST_CHECK;

#endif
