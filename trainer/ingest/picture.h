/* One radiograph from a file, whatever its format, as grey on one scale. */
#ifndef TR_PICTURE_H
#define TR_PICTURE_H

#include "trainer/ingest/field.h"
#include "trainer/ingest/turn.h"

struct tr_picture {
    struct nn_image
        image;     /* 16 bits: 0 black, 65535 white, dense tissue bright; as the file has it, not turned */
    double aspect; /* height of a pixel over its width */
    struct tr_turn turn; /* what brings it upright, as the file says */
    bool has_field;      /* of collimator or shutter, as the file says */
    struct tr_rectangle field;
    const char *format; /* "DICOM", "PNG" or "JPEG" */
    char syntax[65];    /* transfer syntax of DICOM */
    /* Of DICOM, else "": the id as it stands there; the others only where they are terms that the standard
     * defines, so that no free text comes out. */
    char patient_id[65], modality[17], view[17], side[8]; /* side: left, right or both */
};

/* Grey values: DICOM by its own tables, windows and polarity (trainer/ingest/grey_map.h); 8-bit PNG and JPEG
 * as they are; 16-bit PNG from the darkest to the brightest 0.1 %. NN_ERR_FORMAT, with the path first: what
 * is none of the three or does not decode (dicom.h, jpeg_file.h, engine/image.h), is of one value everywhere,
 * or a DICOM of something else than a radiograph. NN_ERR_DEVICE: the program was built without its decoder.
 * On failure *picture is zeroed. */
nn_status tr_picture_read(const char *path, struct tr_picture *picture, struct nn_error *err) NN_MUST_CHECK;
void tr_picture_release(struct tr_picture *picture); /* harmless on a zeroed struct */

#endif
