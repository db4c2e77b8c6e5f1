/* Images in memory, and PNG files of them: read in image.c, with libpng, and written in png_writer.c. */
#ifndef NN_IMAGE_H
#define NN_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

/* Largest width or height that is read; a larger one is a format error, not an allocation. */
enum { NN_IMAGE_SIDE_MAX = 16384 };

/* Rows from top to bottom, no padding. `depth` is 8 or 16 bits; 16-bit samples are in host order. A picture
 * in colour, of 24 bits, can be made and written, and nothing else. */
struct nn_image {
    int width, height, depth;
    void *pixels; /* uint8_t or uint16_t, width*height of them, or thrice as many uint8_t, red, green and
                     blue; heap, owned by the image */
};

/* Allocates zeroed pixels. */
nn_status nn_image_init(struct nn_image *image, int width, int height, int depth,
                        struct nn_error *err) NN_MUST_CHECK;
/* Frees the pixels and zeroes the struct. Harmless on a zeroed struct. */
void nn_image_release(struct nn_image *image);

/* Reads an 8- or 16-bit grey PNG (colour, palette and alpha are refused with a clear text). On failure
 * `image` is zeroed. The error text starts with the path. */
nn_status nn_png_read(const char *path, struct nn_image *image, struct nn_error *err) NN_MUST_CHECK;

/* The same from memory; `name` stands for the path in error texts. */
nn_status nn_png_decode(const void *bytes, size_t size_bytes, const char *name, struct nn_image *image,
                        struct nn_error *err) NN_MUST_CHECK;

/* The same of any PNG: colour and palettes become their luma (0.299 R + 0.587 G + 0.114 B, equal channels
 * stay as they are), transparency is not looked at, fewer than 8 bits become 8. */
nn_status nn_png_decode_luma(const void *bytes, size_t size_bytes, const char *name, struct nn_image *image,
                             struct nn_error *err) NN_MUST_CHECK;

/* A text chunk: a keyword of 1..79 Latin-1 characters and a text in UTF-8, written as tEXt if it is ASCII and
 * as iTXt otherwise. */
struct nn_png_text {
    const char *keyword, *text;
};

struct nn_png_texts {
    struct nn_png_text *list; /* heap, with all its strings; NULL when there are none */
    int count;
};

/* Reads the text chunks that stand before the pixels, where nn_png_write puts them: at most 1000, none above
 * 8 MB. Texts of tEXt and zTXt become UTF-8; those of iTXt are as the file has them. Their bytes are foreign.
 * The pixels are not looked at. On failure `texts` is zeroed. */
nn_status nn_png_read_texts(const char *path, struct nn_png_texts *texts, struct nn_error *err) NN_MUST_CHECK;
nn_status nn_png_decode_texts(const void *bytes, size_t size_bytes, const char *name,
                              struct nn_png_texts *texts, struct nn_error *err) NN_MUST_CHECK;
void nn_png_texts_release(struct nn_png_texts *texts);                                /* harmless if zeroed */
const char *nn_png_texts_find(const struct nn_png_texts *texts, const char *keyword); /* NULL: none */

/* Writes to a temporary file beside `path`, fsyncs, renames: `path` is the old file or the whole new one. */
nn_status nn_png_write(const char *path, const struct nn_image *image, const struct nn_png_text *texts,
                       int text_count, struct nn_error *err) NN_MUST_CHECK;

/* Encodes to memory: filter up, the fastest level of libdeflate. *bytes is heap memory that the caller frees.
 * The same pixels and texts give the same bytes. */
nn_status nn_png_encode(const struct nn_image *image, const struct nn_png_text *texts, int text_count,
                        uint8_t **bytes, size_t *size_bytes, struct nn_error *err) NN_MUST_CHECK;

/* The same without texts and without compression: the size of the file depends on that of the image alone. */
nn_status nn_png_encode_stored(const struct nn_image *image, uint8_t **bytes, size_t *size_bytes,
                               struct nn_error *err) NN_MUST_CHECK;
size_t nn_png_stored_size(int width, int height, int depth); /* bytes of that file */

/* Means of block x block boxes, in exact integers and rounded once, as 8-bit grey: (width / block) *
 * (height / block) values into `means`, row by row; columns and rows that fill no box are left out. */
void nn_image_box_means(const struct nn_image *image, int block, uint8_t *means);

/* Halves a square image `times` times, to the means of its boxes at the same depth. */
nn_status nn_image_halve(const struct nn_image *image, int times, struct nn_image *out,
                         struct nn_error *err) NN_MUST_CHECK;

#endif
