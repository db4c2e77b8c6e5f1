/* The data set of single hips that a network cuts out of a data set of pelves: images/, labels.csv,
 * dataset.json as trainer/data/dataset.h reads them.
 *
 * Each hip's crop is a square around the middle of its box, as wide as the longer side of it, black where
 * that goes beyond the film (tr_resample); right hips are mirrored, so that all look like left ones: the
 * pelvis on the left, the shaft on the right, as the phantoms of single hips do. Depth, grey range, split and
 * patients are the source's.
 *
 * labels.csv: file, label (or labels), patient_id, side, split, pelvis (the film's file in the source). The
 * report has a row for each hip of each film: file, side, verdict (taken; not found; left out: its label is
 * not known; refused), reason, certainty, the box's x, y, width, height in pixels of the film, and image.
 *
 * While it is being made the folder has films.csv and no dataset.json. The same wish goes on where a stopped
 * or killed run was, and looks again only at films that are new or changed. */
#ifndef TR_HIP_CROPS_H
#define TR_HIP_CROPS_H

#include "trainer/localise/hip_finder.h"
#include "trainer/localise/pelvis_table.h"

#define TR_CROP_REPORT "file,side,verdict,reason," /* how a report begins */

struct tr_crop_wish {
    const char *source, *out, *report, *name;
    const char *weights_sha256;
    int size; /* side of the crops in pixels */
};

/* After some films; returning false stops. */
typedef bool tr_crop_progress(void *context, int done, int total);

/* What is known of a film. */
struct tr_crop_film {
    bool done;
    int64_t bytes, time_ns; /* of its file when it was read */
    int side;               /* in pixels; 0: it could not be read */
    struct tr_hip_found hips[TR_HIPS];
    char reason[256]; /* why it could not be read, or what is odd about it; "" */
};

struct tr_crop_outcome {
    struct tr_crop_film *films;    /* one for each row of the table; the caller frees them */
    int hips, not_found, left_out; /* not_found: of those whose label is known */
    int refused;                   /* films */
    char fault[360];               /* of the whole: a class without images to train with; "" */
};

/* NN_STOPPED when `progress` stops it. NN_ERR_ARGUMENT: `out` is neither empty nor made so with the same
 * network and size, or another process is writing it; NN_ERR_FORMAT: dataset.json of the source has a fault,
 * or not one hip could be taken. */
nn_status tr_hip_crops_make(const struct tr_crop_wish *wish, const struct tr_pelvis_table *table,
                            struct tr_hip_finder *finder, tr_crop_progress *progress, void *context,
                            struct tr_crop_outcome *outcome, struct nn_error *err) NN_MUST_CHECK;

/* The film as grey tile of side*side pixels, for a sheet. */
nn_status tr_crop_tile(const char *source, const struct tr_pelvis *pelvis, int side, uint8_t *tile,
                       struct nn_error *err) NN_MUST_CHECK;

#endif
