#include "trainer/ingest/jpeg_file.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

/* libjpeg's way out of an error is a jump. */
struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf out;
};

static void leave(j_common_ptr jpeg)
{
    struct decoder *d = (struct decoder *)jpeg; /* its first member */
    longjmp(d->out, 1);
}

static void say_nothing(j_common_ptr jpeg)
{
    (void)jpeg;
}

/* A warning is data that libjpeg made up: the rest of a stream that was cut, a block that it lost. */
static void refuse_warning(j_common_ptr jpeg, int level)
{
    if (level < 0) leave(jpeg);
}

/* ---- orientation ---- */

static unsigned number(const uint8_t *at, int bytes, bool big_endian)
{
    unsigned value = 0;
    for (int i = 0; i < bytes; i++) value |= (unsigned)at[i] << 8 * (big_endian ? bytes - 1 - i : i);
    return value;
}

/* Tag 0x0112 of the first directory (Exif 2.3, TIFF 6.0); 1 where anything is odd. */
static int exif_orientation(const uint8_t *data, size_t size)
{
    if (size < 14 || memcmp(data, "Exif\0\0", 6)) return 1;
    const uint8_t *tiff = data + 6;
    size -= 6;
    bool big_endian = tiff[0] == 'M';
    size_t at = number(tiff + 4, 4, big_endian);
    if (at < 8 || at > size - 2) return 1;
    unsigned entries = number(tiff + at, 2, big_endian);
    for (at += 2; entries > 0 && at + 12 <= size; entries--, at += 12) {
        if (number(tiff + at, 2, big_endian) != 0x0112) continue;
        unsigned value = number(tiff + at + 8, 2, big_endian);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

static int orientation_of(const struct jpeg_decompress_struct *jpeg)
{
    for (jpeg_saved_marker_ptr m = jpeg->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length >= 6 && !memcmp(m->data, "Exif\0\0", 6))
            return exif_orientation(m->data, m->data_length);
    return 1;
}

/* ---- decoding ---- */

static nn_status start(struct decoder *d, const char *name, struct nn_image *image, struct nn_error *err)
{
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    if (jpeg->image_width > NN_IMAGE_SIDE_MAX || jpeg->image_height > NN_IMAGE_SIDE_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "%s: %ux%u pixels; up to %d are read", name, jpeg->image_width,
                       jpeg->image_height, NN_IMAGE_SIDE_MAX);
    if (jpeg->jpeg_color_space != JCS_GRAYSCALE && jpeg->jpeg_color_space != JCS_YCbCr &&
        jpeg->jpeg_color_space != JCS_RGB)
        return nn_fail(err, NN_ERR_FORMAT, "%s: is neither grey nor RGB", name);
    jpeg->out_color_space = JCS_GRAYSCALE;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg_start_decompress(jpeg);
    return nn_image_init(image, (int)jpeg->output_width, (int)jpeg->output_height, 8, err);
}

nn_status tr_jpeg_decode(const uint8_t *bytes, size_t size_bytes, const char *name, struct nn_image *image,
                         int *orientation, struct nn_error *err)
{
    struct decoder d = {.jpeg = {0}};
    nn_status status = NN_OK;
    *image = (struct nn_image){0};
    *orientation = 1;
    d.jpeg.err = jpeg_std_error(&d.errors);
    d.errors.error_exit = leave;
    d.errors.emit_message = refuse_warning;
    d.errors.output_message = say_nothing;
    if (setjmp(d.out)) {
        char why[JMSG_LENGTH_MAX];
        d.errors.format_message((j_common_ptr)&d.jpeg, why);
        status = nn_fail(err, NN_ERR_FORMAT, "%s: a JPEG stream that does not decode: %.160s", name, why);
        goto out;
    }
    jpeg_create_decompress(&d.jpeg);
    jpeg_save_markers(&d.jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_mem_src(&d.jpeg, bytes, size_bytes);
    jpeg_read_header(&d.jpeg, TRUE);
    *orientation = orientation_of(&d.jpeg);
    status = start(&d, name, image, err);
    while (status == NN_OK && d.jpeg.output_scanline < d.jpeg.output_height) {
        JSAMPROW row = (uint8_t *)image->pixels + (size_t)d.jpeg.output_scanline * (size_t)image->width;
        jpeg_read_scanlines(&d.jpeg, &row, 1);
    }
    if (status == NN_OK) jpeg_finish_decompress(&d.jpeg);
out:
    jpeg_destroy_decompress(&d.jpeg);
    if (status != NN_OK) nn_image_release(image);
    return status;
}
