#include "engine/image.h"

#include <png.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"

/* Any PNG within NN_IMAGE_SIDE_MAX is smaller, even stored uncompressed. */
#define PNG_FILE_LIMIT ((size_t)1 << 30)

nn_status nn_image_init(struct nn_image *image, int width, int height, int depth, struct nn_error *err)
{
    *image = (struct nn_image){0};
    if (width < 1 || height < 1 || width > NN_IMAGE_SIDE_MAX || height > NN_IMAGE_SIDE_MAX)
        return nn_fail(err, NN_ERR_ARGUMENT, "image size %dx%d is not within 1..%d", width, height,
                       NN_IMAGE_SIDE_MAX);
    if (depth != 8 && depth != 16 && depth != 24)
        return nn_fail(err, NN_ERR_ARGUMENT, "image depth %d is neither 8, 16 nor 24", depth);
    void *pixels = calloc((size_t)width * (size_t)height, (size_t)depth / 8);
    if (!pixels) return nn_fail(err, NN_ERR_MEMORY, "no memory for an image of %dx%d", width, height);
    *image = (struct nn_image){width, height, depth, pixels};
    return NN_OK;
}

void nn_image_release(struct nn_image *image)
{
    free(image->pixels);
    *image = (struct nn_image){0};
}

static size_t row_bytes(const struct nn_image *image)
{
    return (size_t)image->width * (size_t)image->depth / 8;
}

/* ---- libpng's errors ----
 *
 * libpng reports by longjmp. Each direction has one function that calls setjmp and holds no variable that
 * changes after it: all state lives in a struct of its caller, so nothing is indeterminate after the jump. */

struct fault {
    nn_status status;
    char text[160];
};

static void fault_set(struct fault *fault, nn_status status, const char *text)
{
    fault->status = status;
    size_t length = strnlen(text, sizeof fault->text - 1);
    memcpy(fault->text, text, length);
    fault->text[length] = 0;
}

static _Noreturn void raise_fault(png_structp png, png_const_charp text)
{
    struct fault *fault = png_get_error_ptr(png);
    if (fault->status == NN_OK) fault_set(fault, NN_ERR_FORMAT, text);
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static _Noreturn void refuse(png_structp png, nn_status status, const char *text)
{
    fault_set(png_get_error_ptr(png), status, text);
    png_longjmp(png, 1);
}

static bool host_is_little_endian(void)
{
    const uint16_t one = 1;
    return *(const uint8_t *)&one == 1;
}

/* ---- reading ---- */

struct decoder {
    struct fault fault;
    const uint8_t *bytes;
    size_t size, at;
    png_structp png;
    png_infop info;
    struct nn_image *image;
    bool to_grey; /* makes grey of what is none */
};

static void take_bytes(png_structp png, png_bytep out, size_t size)
{
    struct decoder *d = png_get_io_ptr(png);
    if (size > d->size - d->at) refuse(png, NN_ERR_FORMAT, "the file is cut short");
    memcpy(out, d->bytes + d->at, size);
    d->at += size;
}

static void check_kind(struct decoder *d)
{
    int depth = png_get_bit_depth(d->png, d->info);
    switch (png_get_color_type(d->png, d->info)) {
    case PNG_COLOR_TYPE_GRAY:
        break;
    case PNG_COLOR_TYPE_GRAY_ALPHA:
        refuse(d->png, NN_ERR_FORMAT, "has an alpha channel, wanted plain grey");
    case PNG_COLOR_TYPE_PALETTE:
        refuse(d->png, NN_ERR_FORMAT, "has a palette, wanted plain grey");
    default:
        refuse(d->png, NN_ERR_FORMAT, "is in colour, wanted plain grey");
    }
    if (depth != 8 && depth != 16) refuse(d->png, NN_ERR_FORMAT, "has less than 8 bits a pixel");
    if (png_get_valid(d->png, d->info, PNG_INFO_tRNS))
        refuse(d->png, NN_ERR_FORMAT, "has a transparent grey level, wanted plain grey");
}

/* Luma as that of JPEG files; libpng leaves pixels alone whose channels are equal. */
static void make_grey(struct decoder *d)
{
    int colour = png_get_color_type(d->png, d->info);
    png_set_expand(d->png);
    png_set_strip_alpha(d->png);
    if (colour & PNG_COLOR_MASK_COLOR) png_set_rgb_to_gray(d->png, PNG_ERROR_ACTION_NONE, 0.299, 0.587);
}

static void allocate_for(struct decoder *d)
{
    int width = (int)png_get_image_width(d->png, d->info),
        height = (int)png_get_image_height(d->png, d->info);
    int depth = png_get_bit_depth(d->png, d->info) == 16 ? 16 : 8;
    /* Deflate never expands more than 1032 times: a small file cannot ask for a large allocation. */
    if (png_get_rowbytes(d->png, d->info) * (uint64_t)height / 1032 > d->size)
        refuse(d->png, NN_ERR_FORMAT, "the file is too small for the image size in its header");
    if (nn_image_init(d->image, width, height, depth, NULL))
        refuse(d->png, NN_ERR_MEMORY, "no memory for the image");
}

static void read_rows(struct decoder *d)
{
    if (d->image->depth == 16 && host_is_little_endian()) png_set_swap(d->png);
    int passes = png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < d->image->height; y++)
            png_read_row(d->png, (png_bytep)d->image->pixels + (size_t)y * row_bytes(d->image), NULL);
    png_read_end(d->png, NULL);
}

static bool decode_guarded(struct decoder *d)
{
    if (setjmp(png_jmpbuf(d->png))) return false;
    png_set_read_fn(d->png, d, take_bytes);
    png_set_user_limits(d->png, NN_IMAGE_SIDE_MAX, NN_IMAGE_SIDE_MAX);
    /* Neither profiles nor texts matter here, and their parsers need not see foreign bytes. */
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(d->png, d->info);
    if (d->to_grey)
        make_grey(d);
    else
        check_kind(d);
    allocate_for(d);
    read_rows(d);
    return true;
}

static nn_status decode(const void *bytes, size_t size_bytes, const char *name, bool to_grey,
                        struct nn_image *image, struct nn_error *err)
{
    *image = (struct nn_image){0};
    if (size_bytes < 8 || png_sig_cmp(bytes, 0, 8))
        return nn_fail(err, NN_ERR_FORMAT, "%s: not a PNG file", name);
    struct decoder d = {.bytes = bytes, .size = size_bytes, .image = image, .to_grey = to_grey};
    nn_status status = NN_OK;
    d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d.fault, raise_fault, ignore_warning);
    if (d.png) d.info = png_create_info_struct(d.png);
    if (!d.info) {
        status = nn_fail(err, NN_ERR_MEMORY, "%s: no memory to read it", name);
        goto out;
    }
    if (!decode_guarded(&d)) {
        status = nn_fail(err, d.fault.status, "%s: %s", name, d.fault.text);
        nn_image_release(image);
    }
out:
    png_destroy_read_struct(&d.png, &d.info, NULL);
    return status;
}

nn_status nn_png_decode(const void *bytes, size_t size_bytes, const char *name, struct nn_image *image,
                        struct nn_error *err)
{
    return decode(bytes, size_bytes, name, false, image, err);
}

nn_status nn_png_decode_luma(const void *bytes, size_t size_bytes, const char *name, struct nn_image *image,
                             struct nn_error *err)
{
    return decode(bytes, size_bytes, name, true, image, err);
}

nn_status nn_png_read(const char *path, struct nn_image *image, struct nn_error *err)
{
    *image = (struct nn_image){0};
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_file_read(path, PNG_FILE_LIMIT, &bytes, &size, err);
    if (status) return status;
    status = nn_png_decode(bytes, size, path, image, err);
    free(bytes);
    return status;
}

/* ---- reading texts ---- */

/* Latin-1 grows to at most two bytes a character. Returns the byte after the zero. */
static char *put_utf8(char *to, const char *text, bool latin1)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (latin1 && *c > 127) {
            *to++ = (char)(0xC0 | *c >> 6);
            *to++ = (char)(0x80 | (*c & 0x3F));
        } else {
            *to++ = (char)*c;
        }
    }
    *to++ = 0;
    return to;
}

static bool is_latin1(const png_text *text)
{
    return text->compression < PNG_ITXT_COMPRESSION_NONE;
}

static size_t room_for(const png_text *text)
{
    return strlen(text->key) * 2 + strlen(text->text) * (is_latin1(text) ? 2 : 1) + 2;
}

/* One block: the list, then the strings. */
static void copy_texts(struct decoder *d, struct nn_png_texts *texts)
{
    png_textp found;
    int count = png_get_text(d->png, d->info, &found, NULL);
    if (count <= 0) return;
    size_t size = (size_t)count * sizeof *texts->list;
    for (int i = 0; i < count; i++) size += room_for(&found[i]);
    texts->list = malloc(size);
    if (!texts->list) refuse(d->png, NN_ERR_MEMORY, "no memory for its texts");
    char *at = (char *)(texts->list + count);
    for (int i = 0; i < count; i++) {
        texts->list[i].keyword = at;
        at = put_utf8(at, found[i].key, true);
        texts->list[i].text = at;
        at = put_utf8(at, found[i].text, is_latin1(&found[i]));
    }
    texts->count = count;
}

static bool decode_texts_guarded(struct decoder *d, struct nn_png_texts *texts)
{
    if (setjmp(png_jmpbuf(d->png))) return false;
    png_set_read_fn(d->png, d, take_bytes);
    png_set_user_limits(d->png, NN_IMAGE_SIDE_MAX, NN_IMAGE_SIDE_MAX);
    png_set_chunk_cache_max(d->png, 1000);
    png_set_chunk_malloc_max(d->png, 8 << 20);
    png_read_info(d->png, d->info);
    copy_texts(d, texts);
    return true;
}

nn_status nn_png_decode_texts(const void *bytes, size_t size_bytes, const char *name,
                              struct nn_png_texts *texts, struct nn_error *err)
{
    *texts = (struct nn_png_texts){0};
    if (size_bytes < 8 || png_sig_cmp(bytes, 0, 8))
        return nn_fail(err, NN_ERR_FORMAT, "%s: not a PNG file", name);
    struct decoder d = {.bytes = bytes, .size = size_bytes};
    nn_status status = NN_OK;
    d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d.fault, raise_fault, ignore_warning);
    if (d.png) d.info = png_create_info_struct(d.png);
    if (!d.info)
        status = nn_fail(err, NN_ERR_MEMORY, "%s: no memory to read it", name);
    else if (!decode_texts_guarded(&d, texts))
        status = nn_fail(err, d.fault.status, "%s: %s", name, d.fault.text);
    png_destroy_read_struct(&d.png, &d.info, NULL);
    return status;
}

nn_status nn_png_read_texts(const char *path, struct nn_png_texts *texts, struct nn_error *err)
{
    *texts = (struct nn_png_texts){0};
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_file_read(path, PNG_FILE_LIMIT, &bytes, &size, err);
    if (status) return status;
    status = nn_png_decode_texts(bytes, size, path, texts, err);
    free(bytes);
    return status;
}

void nn_png_texts_release(struct nn_png_texts *texts)
{
    free(texts->list);
    *texts = (struct nn_png_texts){0};
}

const char *nn_png_texts_find(const struct nn_png_texts *texts, const char *keyword)
{
    for (int i = 0; i < texts->count; i++)
        if (!strcmp(texts->list[i].keyword, keyword)) return texts->list[i].text;
    return NULL;
}

/* ---- resampling ---- */

/* One exact sum over each box instead of a rounding at every halving: the mean stays unbiased. Columns first:
 * that is a sum of whole rows, for which there are instructions. 32 bits hold 16384 samples of 16 bits. */
static void sum_columns(const struct nn_image *image, int first, int count, uint32_t *restrict sums)
{
    memset(sums, 0, (size_t)image->width * sizeof *sums);
    for (int y = first; y < first + count; y++) {
        size_t at = (size_t)y * (size_t)image->width;
        const uint16_t *deep = (const uint16_t *)image->pixels + at;
        const uint8_t *flat = (const uint8_t *)image->pixels + at;
        if (image->depth == 16)
            for (int x = 0; x < image->width; x++) sums[x] += deep[x];
        else
            for (int x = 0; x < image->width; x++) sums[x] += flat[x];
    }
}

/* Inlined once for each size of box that is common, so that the compiler knows it. */
static inline __attribute__((always_inline)) void means_of_row(const uint32_t *restrict sums, int count,
                                                               int block, void *restrict means, int depth)
{
    uint32_t unit = (uint32_t)(block * block);
    for (int x = 0; x < count; x++) {
        uint32_t sum = unit / 2;
        for (int k = 0; k < block; k++) sum += sums[x * block + k];
        if (depth == 16)
            ((uint16_t *)means)[x] = (uint16_t)(sum / unit);
        else
            ((uint8_t *)means)[x] = (uint8_t)(sum / unit);
    }
}

/* Boxes of any size, and 16 bits to 8. */
static void means_of_any_row(const uint32_t *sums, int count, int block, uint64_t unit, void *means,
                             int depth)
{
    for (int x = 0; x < count; x++) {
        uint64_t sum = unit / 2;
        for (int k = 0; k < block; k++) sum += sums[(size_t)x * (size_t)block + (size_t)k];
        if (depth == 16)
            ((uint16_t *)means)[x] = (uint16_t)(sum / unit);
        else
            ((uint8_t *)means)[x] = (uint8_t)(sum / unit);
    }
}

static void box_means(const struct nn_image *image, int block, void *means, int depth)
{
    uint32_t sums[NN_IMAGE_SIDE_MAX];
    int width = image->width / block, height = image->height / block;
    uint64_t unit = (uint64_t)(image->depth > depth ? 257 : 1) * (uint64_t)block * (uint64_t)block;
    for (int y = 0; y < height; y++) {
        void *row = (uint8_t *)means + (size_t)y * (size_t)width * (size_t)(depth / 8);
        sum_columns(image, y * block, block, sums);
        if (block == 2 && depth == 8 && image->depth == 8)
            means_of_row(sums, width, 2, row, 8);
        else if (block == 4 && depth == 8 && image->depth == 8)
            means_of_row(sums, width, 4, row, 8);
        else if (block == 2 && depth == 16)
            means_of_row(sums, width, 2, row, 16);
        else if (block == 4 && depth == 16)
            means_of_row(sums, width, 4, row, 16);
        else
            means_of_any_row(sums, width, block, unit, row, depth);
    }
}

void nn_image_box_means(const struct nn_image *image, int block, uint8_t *means)
{
    box_means(image, block, means, 8);
}

nn_status nn_image_halve(const struct nn_image *image, int times, struct nn_image *out, struct nn_error *err)
{
    *out = (struct nn_image){0};
    if (image->width != image->height)
        return nn_fail(err, NN_ERR_ARGUMENT, "an image of %dx%d cannot be halved: square only", image->width,
                       image->height);
    if (times < 0 || times > 14 || image->width % (1 << times))
        return nn_fail(err, NN_ERR_ARGUMENT, "an image of side %d cannot be halved %d times", image->width,
                       times);
    int block = 1 << times, side = image->width / block;
    nn_status status = nn_image_init(out, side, side, image->depth, err);
    if (status) return status;
    box_means(image, block, out->pixels, image->depth);
    return NN_OK;
}
