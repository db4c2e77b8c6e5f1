/* DICOM files of one grey frame, as GDCM decodes them: uncompressed, RLE, JPEG, JPEG lossless, JPEG-LS and
 * JPEG 2000, little and big endian, implicit and explicit, deflated. dicom.cc alone knows GDCM; where it was
 * not there when the program was built, dicom_absent.c stands for it and refuses every file with
 * NN_ERR_DEVICE.
 *
 * Threads: one at a time in a process; GDCM keeps state that is shared, and stderr is caught meanwhile. */
#ifndef TR_DICOM_H
#define TR_DICOM_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

/* A look-up table (PS3.3 C.11.1): entry k stands for the value first + k; values beyond take the ends. */
struct tr_dicom_lut {
    uint16_t *entries; /* heap; NULL: there is none */
    int count, first, bits;
};

enum tr_dicom_voi { TR_DICOM_LINEAR, TR_DICOM_LINEAR_EXACT, TR_DICOM_SIGMOID };

/* Texts are foreign: without blanks at the ends, cut to their room, otherwise as the file has them. */
struct tr_dicom {
    int width, height;
    uint16_t *pixels; /* stored values, height rows of width; of signed ones the two's complement; heap */
    int bits;         /* stored, 1..16; the higher bits of a pixel repeat the sign or are 0 */
    bool is_signed;
    bool inverted; /* the lowest value is to be shown white: MONOCHROME1, or a presentation LUT INVERSE */

    struct tr_dicom_lut modality_lut;
    double slope, intercept; /* 1 and 0 without */
    struct tr_dicom_lut voi_lut;
    double window_center, window_width; /* width 0: there is none */
    enum tr_dicom_voi window_function;
    bool has_padding;
    int padding_low, padding_high; /* stored values that are no image */

    double aspect;                    /* height of a pixel over its width; 1 where nothing is said */
    bool has_field;                   /* of a rectangular collimator or shutter: */
    int left, top, right, bottom;     /* first column and row within, first beyond */
    char row_runs[8], column_runs[8]; /* Patient Orientation, e.g. "L" and "F"; "" */

    char patient_id[65], modality[17], view[17], laterality[17];
    char syntax[65]; /* UID of the transfer syntax */
};

/* NN_ERR_FORMAT, with the path first and what is wrong: no DICOM, no pixels, several frames, colour, more
 * than 16 bits, sides above NN_IMAGE_SIDE_MAX, an element or stream that is cut short or of another length
 * than width, height and bits say, a stream that does not decode, or decodes to one value everywhere. On
 * failure *dicom is zeroed. */
nn_status tr_dicom_read(const char *path, struct tr_dicom *dicom, struct nn_error *err) NN_MUST_CHECK;
void tr_dicom_release(struct tr_dicom *dicom); /* harmless on a zeroed struct */

#endif
