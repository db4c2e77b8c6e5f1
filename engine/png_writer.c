/* PNG files (ISO/IEC 15948) of images. libdeflate compresses them: of whole buffers it makes files of
 * the same size as zlib in half the time, and its checksums take a tenth of zlib's. */
#include <libdeflate.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"
#include "engine/image.h"

/* How the rows are written. Up is the best single filter for radiographs; the stored rows are left as they
 * are. */
struct style {
    int level;
    uint8_t filter;
};

enum { FILTER_NONE = 0, FILTER_UP = 2, FRAME = 12 /* of a chunk: length, type, CRC */, HEADER = 13 };

static size_t row_bytes(const struct nn_image *image)
{
    return (size_t)image->width * (size_t)image->depth / 8;
}

/* ---- chunks ---- */

static void put_u32(uint8_t *at, size_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Frames the `size` data bytes that already lie at chunk + 8; returns the byte after the chunk. */
static uint8_t *close_chunk(uint8_t *chunk, const char *type, size_t size)
{
    put_u32(chunk, size);
    memcpy(chunk + 4, type, 4);
    put_u32(chunk + 8 + size, libdeflate_crc32(0, chunk + 4, size + 4));
    return chunk + FRAME + size;
}

static uint8_t *put_header(uint8_t *chunk, const struct nn_image *image)
{
    put_u32(chunk + 8, (size_t)image->width);
    put_u32(chunk + 12, (size_t)image->height);
    bool colour = image->depth == 24;
    uint8_t bits = colour ? 8 : (uint8_t)image->depth, kind = colour ? 2 : 0;
    memcpy(chunk + 16, (const uint8_t[]){bits, kind, 0, 0, 0}, 5); /* not interlaced */
    return close_chunk(chunk, "IHDR", HEADER);
}

static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 128) text++;
    return !*text;
}

/* Between keyword and text: iTXt also says not compressed, no language, no translated keyword. */
static size_t gap_of(const struct nn_png_text *text)
{
    return is_ascii(text->text) ? 1 : 5;
}

static size_t texts_size(const struct nn_png_text *texts, int count)
{
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += FRAME + strlen(texts[i].keyword) + gap_of(&texts[i]) + strlen(texts[i].text);
    return size;
}

static uint8_t *put_text(uint8_t *chunk, const struct nn_png_text *text)
{
    size_t keyword = strlen(text->keyword), gap = gap_of(text), length = strlen(text->text);
    memcpy(chunk + 8, text->keyword, keyword);
    memset(chunk + 8 + keyword, 0, gap);
    memcpy(chunk + 8 + keyword + gap, text->text, length);
    return close_chunk(chunk, gap == 1 ? "tEXt" : "iTXt", keyword + gap + length);
}

/* ---- rows ---- */

/* PNG's samples have the high byte first. */
static void copy_row(const struct nn_image *image, int y, uint8_t *row)
{
    if (image->depth != 16) {
        memcpy(row, (const uint8_t *)image->pixels + (size_t)y * row_bytes(image), row_bytes(image));
        return;
    }
    const uint16_t *from = (const uint16_t *)image->pixels + (size_t)y * (size_t)image->width;
    for (int x = 0; x < image->width; x++) {
        row[2 * x] = (uint8_t)(from[x] >> 8);
        row[2 * x + 1] = (uint8_t)from[x];
    }
}

/* Filters in place, from the last row, so that the row above is still as it was. */
static void put_rows(const struct nn_image *image, uint8_t filter, uint8_t *raw)
{
    size_t bytes = row_bytes(image), stride = bytes + 1;
    for (int y = 0; y < image->height; y++) {
        raw[(size_t)y * stride] = filter;
        copy_row(image, y, raw + (size_t)y * stride + 1);
    }
    for (int y = image->height - 1; filter == FILTER_UP && y > 0; y--) {
        uint8_t *restrict row = raw + (size_t)y * stride + 1;
        const uint8_t *restrict above = row - stride;
        for (size_t x = 0; x < bytes; x++) row[x] = (uint8_t)(row[x] - above[x]);
    }
}

/* ---- files ---- */

static nn_status encode(const struct nn_image *image, const struct nn_png_text *texts, int text_count,
                        struct style style, uint8_t **bytes, size_t *size_bytes, struct nn_error *err)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    nn_status status = NN_OK;
    size_t raw_size = (size_t)image->height * (row_bytes(image) + 1);
    size_t bound = libdeflate_zlib_compress_bound(NULL, raw_size);
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(style.level);
    uint8_t *raw = malloc(raw_size);
    uint8_t *png = malloc(sizeof signature + 3 * FRAME + HEADER + texts_size(texts, text_count) + bound);
    if (!compressor || !raw || !png) {
        status = nn_fail(err, NN_ERR_MEMORY, "no memory to write a PNG file of %dx%d", image->width,
                         image->height);
        goto out;
    }
    put_rows(image, style.filter, raw);
    memcpy(png, signature, sizeof signature);
    uint8_t *at = put_header(png + sizeof signature, image);
    for (int i = 0; i < text_count; i++) at = put_text(at, &texts[i]);
    at = close_chunk(at, "IDAT", libdeflate_zlib_compress(compressor, raw, raw_size, at + 8, bound));
    at = close_chunk(at, "IEND", 0);
    *size_bytes = (size_t)(at - png);
    *bytes = realloc(png, *size_bytes); /* what was left for the worst case goes back */
    if (!*bytes) *bytes = png;
    png = NULL;
out:
    free(png);
    free(raw);
    libdeflate_free_compressor(compressor);
    return status;
}

static bool keyword_is_valid(const char *keyword)
{
    size_t length = strlen(keyword);
    if (length < 1 || length > 79 || keyword[0] == ' ' || keyword[length - 1] == ' ') return false;
    for (const unsigned char *c = (const unsigned char *)keyword; *c; c++)
        if (*c < 32 || (*c > 126 && *c < 161) || (*c == ' ' && c[1] == ' ')) return false;
    return true;
}

static nn_status check_writable(const struct nn_image *image, const struct nn_png_text *texts, int text_count,
                                struct nn_error *err)
{
    if (image->width < 1 || image->height < 1 || image->width > NN_IMAGE_SIDE_MAX ||
        image->height > NN_IMAGE_SIDE_MAX ||
        (image->depth != 8 && image->depth != 16 && image->depth != 24) || !image->pixels)
        return nn_fail(err, NN_ERR_ARGUMENT, "an image of %dx%d and depth %d cannot be written as PNG",
                       image->width, image->height, image->depth);
    for (int i = 0; i < text_count; i++)
        if (!keyword_is_valid(texts[i].keyword))
            return nn_fail(err, NN_ERR_ARGUMENT, "\"%.80s\" is not a valid PNG keyword", texts[i].keyword);
    return NN_OK;
}

nn_status nn_png_encode(const struct nn_image *image, const struct nn_png_text *texts, int text_count,
                        uint8_t **bytes, size_t *size_bytes, struct nn_error *err)
{
    const struct style fast = {.level = 1, .filter = FILTER_UP};
    *bytes = NULL;
    *size_bytes = 0;
    nn_status status = check_writable(image, texts, text_count, err);
    return status ? status : encode(image, texts, text_count, fast, bytes, size_bytes, err);
}

nn_status nn_png_encode_stored(const struct nn_image *image, uint8_t **bytes, size_t *size_bytes,
                               struct nn_error *err)
{
    const struct style stored = {.level = 0, .filter = FILTER_NONE};
    *bytes = NULL;
    *size_bytes = 0;
    nn_status status = check_writable(image, NULL, 0, err);
    return status ? status : encode(image, NULL, 0, stored, bytes, size_bytes, err);
}

/* The zlib header and the Adler-32, and what is before each stored block (RFC 1951, section 3.2.4). */
size_t nn_png_stored_size(int width, int height, int depth)
{
    enum { SIGNATURE = 8, ZLIB_FRAME = 2 + 4, BLOCK_MAX = 65535, BLOCK_HEAD = 5 };
    size_t raw = (size_t)height * ((size_t)width * (size_t)depth / 8 + 1);
    return SIGNATURE + 3 * FRAME + HEADER + ZLIB_FRAME + (raw + BLOCK_MAX - 1) / BLOCK_MAX * BLOCK_HEAD + raw;
}

nn_status nn_png_write(const char *path, const struct nn_image *image, const struct nn_png_text *texts,
                       int text_count, struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_png_encode(image, texts, text_count, &bytes, &size, err);
    if (status) return status;
    status = nn_file_replace(path, bytes, size, err);
    free(bytes);
    return status;
}
