/* From a stored value to what a display shows, as a table (DICOM PS3.3 C.11 and C.7.6.3): modality look-up
 * table or rescale, then VOI look-up table or window, then inversion. 0 is black and 65535 white; dense
 * tissue is bright.
 *
 * Where the file has neither VOI table nor window, the window reaches from the darkest to the brightest 0.1 %
 * of the picture. Padding is black. */
#ifndef TR_GREY_MAP_H
#define TR_GREY_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "trainer/ingest/dicom.h"

enum { TR_GREY_VALUES = 65536 };

/* table[v]: the grey of the stored value whose 16 bits are v. */
void tr_grey_map_dicom(const struct tr_dicom *dicom, uint16_t table[TR_GREY_VALUES]);

/* For 16-bit pictures without a word about their values, e.g. PNG: the window alone. */
void tr_grey_map_plain(const uint16_t *pixels, size_t count, uint16_t table[TR_GREY_VALUES]);

#endif
