/* Letters written into the pixels, where names, dates and numbers of patients stand. */
#ifndef TR_BURNT_IN_H
#define TR_BURNT_IN_H

#include "trainer/ingest/field.h"

/* What looks like writing: at least three marks as high as letters (5 pixels to 1/16 of the side), alike in
 * height and grey, in one line and close together, each clearly brighter or darker than what is around it,
 * that together have room for four letters. Lead markers of one or two letters are left alone. A simple
 * detector, to be reviewed: it misses handwriting, and may take a row of screws for text. */
struct tr_burnt_in {
    int glyphs;               /* in all lines; 0: nothing found */
    struct tr_rectangle area; /* around them all */
};

/* `pixels`: side*side of 8 bits. */
nn_status tr_burnt_in_find(const uint8_t *pixels, int side, struct tr_burnt_in *found,
                           struct nn_error *err) NN_MUST_CHECK;

#endif
