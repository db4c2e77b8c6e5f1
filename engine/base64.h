/* Bytes as text, RFC 4648 section 4. */
#ifndef NN_BASE64_H
#define NN_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Room for the text of so many bytes, with its NUL. */
#define NN_BASE64_TEXT(size_bytes) (((size_bytes) + 2) / 3 * 4 + 1)

void nn_base64(const uint8_t *bytes, size_t size_bytes, char *text);

#endif
