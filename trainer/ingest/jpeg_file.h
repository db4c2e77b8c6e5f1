/* JPEG files, as grey. jpeg_file.c alone knows libjpeg; where it was not there when the program was built,
 * jpeg_absent.c stands for it and refuses every file with NN_ERR_DEVICE. */
#ifndef TR_JPEG_FILE_H
#define TR_JPEG_FILE_H

#include "engine/image.h"

/* Decodes the bytes of a file to 8 bits: grey as it is, colour as its luma. *orientation becomes 1..8, how
 * EXIF says that the picture is to be turned; 1 without. `name` begins error texts. NN_ERR_FORMAT: no JPEG,
 * more than 8 bits, CMYK, sides above NN_IMAGE_SIDE_MAX, a stream that is cut short or damaged anywhere. On
 * failure `image` is zeroed. */
nn_status tr_jpeg_decode(const uint8_t *bytes, size_t size_bytes, const char *name, struct nn_image *image,
                         int *orientation, struct nn_error *err) NN_MUST_CHECK;

#endif
