#include "tests/bench/load_png.h"

#include <libdeflate.h>
#include <string.h>

static unsigned read_u32(const unsigned char *at)
{
    return (unsigned)at[0] << 24 | (unsigned)at[1] << 16 | (unsigned)at[2] << 8 | at[3];
}

static void start(struct load_png *png, int part, size_t size)
{
    png->part = part;
    png->left = size;
    png->kept_count = 0;
}

void load_png_start(struct load_png *png)
{
    *png = (struct load_png){0};
    start(png, PNG_SIGNATURE, 8);
}

static void end_head(struct load_png *png)
{
    png->data_size = read_u32(png->kept);
    png->in_header = !memcmp(png->kept + 4, "IHDR", 4);
    png->in_end = !memcmp(png->kept + 4, "IEND", 4);
    png->sum = libdeflate_crc32(0, png->kept + 4, 4);
    bool first = png->side == 0;
    bool right = png->data_size < 0x80000000u && first == png->in_header &&
                 (!png->in_header || png->data_size == 13) && (!png->in_end || png->data_size == 0);
    start(png, !right ? PNG_BAD : png->data_size ? PNG_DATA : PNG_SUM, png->data_size ? png->data_size : 4);
}

static void end_data(struct load_png *png)
{
    if (png->in_header && read_u32(png->kept) == read_u32(png->kept + 4))
        png->side = (int)read_u32(png->kept);
    start(png, png->side > 0 ? PNG_SUM : PNG_BAD, 4);
}

static void end_part(struct load_png *png)
{
    if (png->part == PNG_SIGNATURE)
        start(png, memcmp(png->kept, "\x89PNG\r\n\x1a\n", 8) ? PNG_BAD : PNG_HEAD, 8);
    else if (png->part == PNG_HEAD)
        end_head(png);
    else if (png->part == PNG_DATA)
        end_data(png);
    else if (read_u32(png->kept) != png->sum)
        start(png, PNG_BAD, 0);
    else
        start(png, png->in_end ? PNG_ENDED : PNG_HEAD, png->in_end ? 0 : 8);
}

void load_png_take(struct load_png *png, const unsigned char *bytes, size_t size)
{
    while (size > 0 && png->part < PNG_ENDED) {
        size_t count = size < png->left ? size : png->left;
        if (png->part == PNG_DATA) png->sum = libdeflate_crc32(png->sum, bytes, count);
        if (png->part != PNG_DATA || png->in_header) {
            memcpy(png->kept + png->kept_count, bytes, count);
            png->kept_count += count;
        }
        bytes += count, size -= count, png->left -= count;
        if (png->left == 0) end_part(png);
    }
    if (size > 0) png->part = PNG_BAD; /* bytes after the end */
}

int load_png_side(const struct load_png *png)
{
    return png->part == PNG_ENDED ? png->side : 0;
}
