#include "engine/base64.h"

void nn_base64(const uint8_t *bytes, size_t size_bytes, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size_bytes; i += 3) {
        uint32_t word = (uint32_t)bytes[i] << 16;
        if (i + 1 < size_bytes) word |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < size_bytes) word |= bytes[i + 2];
        *text++ = digits[word >> 18];
        *text++ = digits[word >> 12 & 63];
        *text++ = i + 1 < size_bytes ? digits[word >> 6 & 63] : '=';
        *text++ = i + 2 < size_bytes ? digits[word & 63] : '=';
    }
    *text = '\0';
}
