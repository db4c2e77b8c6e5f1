/* One file of the data set: read, cut, made square, turned, and written as PNG. */
#ifndef TR_INGEST_ONE_H
#define TR_INGEST_ONE_H

#include "trainer/data/picture_hash.h"
#include "trainer/ingest/burnt_in.h"
#include "trainer/ingest/picture.h"

enum { TR_INGEST_TILE = 256 };

/* The same for all files. */
struct tr_ingest_style {
    int side, depth;
    bool keep_margins; /* cut nothing off that the file does not name as outside its field */
};

/* What labels.csv wants done with one file, after what the file itself says. */
struct tr_ingest_change {
    int turn; /* degrees clockwise */
    bool mirror, invert;
};

/* What came of a file. Without pointers: it goes from a process to another. */
struct tr_ingest_facts {
    char format[8], syntax[65], patient_id[65], modality[17], view[17], side[8];
    int width, height; /* of the source */
    struct tr_rectangle field;
    char sha256[65]; /* of the pixels written */
    struct tr_picture_hash hash;
    struct tr_burnt_in writing;
    bool looks_inverted; /* brighter at its sides than in the middle */
    long size_bytes;     /* of the PNG file */
};

/* Reads `source` and writes `image`, and `tile`, the same as 8 bits and at most TR_INGEST_TILE high, to be
 * looked at; each through a temporary file beside it. NN_ERR_FORMAT: as tr_picture_read, but without the
 * source's path in the text. Where facts->width is set, the source was read and the image could not be
 * written. */
nn_status tr_ingest_one(const char *source, const char *image, const char *tile,
                        const struct tr_ingest_style *style, const struct tr_ingest_change *change,
                        struct tr_ingest_facts *facts, struct nn_error *err) NN_MUST_CHECK;

#endif
