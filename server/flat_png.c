#include "server/flat_png.h"

#include <string.h>

/* signature 8 | IHDR 4+4+13+4 | IDAT 4+4+data+4 | IEND 4+4+4
 * data: zlib header 2 | stored blocks, 5 + up to 65535 each | Adler-32 4 */
enum { BLOCK_MAX = 65535, FRAME = 8 + 25 + 12 + 12, ZLIB_FRAME = 2 + 4, BLOCK_HEAD = 5 };

static size_t raw_size(int side)
{
    return (size_t)side * ((size_t)side + 1); /* a filter byte per row */
}

static size_t data_size(int side)
{
    size_t raw = raw_size(side), blocks = (raw + BLOCK_MAX - 1) / BLOCK_MAX;
    return ZLIB_FRAME + blocks * BLOCK_HEAD + raw;
}

size_t srv_flat_png_size(int side)
{
    return FRAME + data_size(side);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
    uint32_t table[256], crc = 0xffffffffu;
    for (uint32_t n = 0; n < 256; n++) {
        table[n] = n;
        for (int bit = 0; bit < 8; bit++) table[n] = table[n] >> 1 ^ (table[n] & 1 ? 0xedb88320u : 0);
    }
    for (size_t i = 0; i < size; i++) crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
    return ~crc;
}

/* Frames the `size` data bytes that already lie at chunk+8; returns the byte after the chunk. */
static uint8_t *close_chunk(uint8_t *chunk, const char *type, size_t size)
{
    put_u32(chunk, (uint32_t)size);
    memcpy(chunk + 4, type, 4);
    put_u32(chunk + 8 + size, crc32_of(chunk + 4, size + 4));
    return chunk + 12 + size;
}

/* Cuts the rows, each behind its filter byte 0, into stored blocks; keeps the running Adler-32. */
struct writer {
    uint8_t *at;
    size_t raw_left, block_left;
    uint32_t sum, sum_of_sums;
};

static void write_raw(struct writer *w, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (w->block_left == 0) {
            w->block_left = w->raw_left < BLOCK_MAX ? w->raw_left : BLOCK_MAX;
            uint32_t length = (uint32_t)w->block_left;
            const uint8_t head[BLOCK_HEAD] = {w->raw_left == w->block_left, (uint8_t)length,
                                              (uint8_t)(length >> 8), (uint8_t)~length,
                                              (uint8_t)(~length >> 8)};
            memcpy(w->at, head, BLOCK_HEAD);
            w->at += BLOCK_HEAD;
        }
        *w->at++ = bytes[i];
        w->block_left--, w->raw_left--;
        w->sum = (w->sum + bytes[i]) % 65521;
        w->sum_of_sums = (w->sum_of_sums + w->sum) % 65521;
    }
}

void srv_flat_png_write(const uint8_t *pixels, int side, uint8_t *png)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    memcpy(png, signature, sizeof signature);

    uint8_t *header = png + sizeof signature;
    put_u32(header + 8, (uint32_t)side);
    put_u32(header + 12, (uint32_t)side);
    memcpy(header + 16, (const uint8_t[]){8, 0, 0, 0, 0}, 5); /* 8 bits, grey, not interlaced */
    uint8_t *data = close_chunk(header, "IHDR", 13);

    memcpy(data + 8, (const uint8_t[]){0x78, 0x01}, 2);
    struct writer w = {.at = data + 10, .raw_left = raw_size(side), .sum = 1};
    for (int y = 0; y < side; y++) {
        write_raw(&w, (const uint8_t[]){0}, 1);
        write_raw(&w, pixels + (size_t)y * (size_t)side, (size_t)side);
    }
    put_u32(w.at, w.sum_of_sums << 16 | w.sum);
    close_chunk(close_chunk(data, "IDAT", data_size(side)), "IEND", 0);
}
