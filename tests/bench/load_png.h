/* Looks at a PNG file (W3C PNG, second edition, section 5) as it arrives, without keeping it: signature,
 * chunks, their checksums, a square header first and the end last. */
#ifndef LOAD_PNG_H
#define LOAD_PNG_H

#include <stdbool.h>
#include <stddef.h>

struct load_png {
    enum { PNG_SIGNATURE, PNG_HEAD, PNG_DATA, PNG_SUM, PNG_ENDED, PNG_BAD } part;
    size_t left;            /* bytes of the part still to come */
    unsigned char kept[13]; /* of signature, head, checksum and IHDR's data */
    size_t kept_count;
    unsigned data_size; /* of the chunk */
    bool in_header, in_end;
    unsigned sum;
    int side;
};

void load_png_start(struct load_png *png);
void load_png_take(struct load_png *png, const unsigned char *bytes, size_t size);
/* The side of a square image that has arrived whole; 0 if anything is wrong. */
int load_png_side(const struct load_png *png);

#endif
