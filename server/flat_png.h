/* Grey PNG files whose size depends on the side alone.
 *
 * A learner must not be able to tell the class of an image from how well it compresses: a fracture line,
 * or a generator that draws one class with more grain, would show in Content-Length. So learners' images
 * are stored, not deflated (PNG, ISO/IEC 15948; stored blocks, RFC 1951 section 3.2.4), with no chunk but
 * IHDR, IDAT and IEND. 1024x1024 is always 1,049,748 bytes. */
#ifndef SRV_FLAT_PNG_H
#define SRV_FLAT_PNG_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the file for a side x side image, side 1 .. 16384. */
size_t srv_flat_png_size(int side);

/* Writes srv_flat_png_size(side) bytes to `png` from side*side 8-bit grey pixels, rows from the top. */
void srv_flat_png_write(const uint8_t *pixels, int side, uint8_t *png);

#endif
