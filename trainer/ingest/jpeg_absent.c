/* For a build without libjpeg. */
#include "trainer/ingest/jpeg_file.h"

nn_status tr_jpeg_decode(const uint8_t *bytes, size_t size_bytes, const char *name, struct nn_image *image,
                         int *orientation, struct nn_error *err)
{
    (void)bytes, (void)size_bytes;
    *image = (struct nn_image){0};
    *orientation = 1;
    return nn_fail(err, NN_ERR_DEVICE,
                   "%s: is JPEG; this program was built without libjpeg (libjpeg62-turbo-dev)", name);
}
