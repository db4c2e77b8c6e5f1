/* Reading a data-set folder for the library: dataset.json and labels.csv, every fault of them told, not only
 * the first. The form is that of data sets for training: labels.csv has the columns `file` (path within the
 * folder), `label` (one class), `patient_id`, `split` ("train" or "test"). Where an image may show several
 * findings, or none, the column is called `labels` instead: "effusion|fracture", or "none". `mask` may name a
 * PNG of the image's size that is bright where the finding is, dark elsewhere, and `fracture_column` and
 * `fracture_row` the finding's middle in the image's pixels. `side` is kept when there is
 * one, and so are all other cells, as text. dataset.json is an object with "name" (1 to 100 bytes),
 * "simulated" (true or false: are these phantoms or patients?) and perhaps "grey_range"; all of it is the
 * provenance. */
#ifndef SRV_LIBRARY_SET_H
#define SRV_LIBRARY_SET_H

#include <jansson.h>
#include <stdbool.h>

#include "server/library/library_pixels.h"
#include "server/secrets.h"

enum {
    LIBRARY_FILE_MAX = 1000,
    LIBRARY_SET_NAME_MAX = 100,
    LIBRARY_PATH_TEXT = 4096,
    LIBRARY_LABELS_TEXT = 512,
};

/* Takes each fault as one line without its end. */
struct srv_faults {
    void (*tell)(void *context, const char *line);
    void *context;
    int count;
};

void srv_fault(struct srv_faults *faults, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct srv_library_row {
    const char *file, *class_name, *patient, *split; /* the set's; the class as the file has it */
    const char *side, *mask;                         /* likewise; NULL: not told, none */
    bool has_middle;
    double column, row; /* the finding's middle, in the pixels of the file */
    char *columns;      /* heap, the set's: the other cells, as a JSON object */
    int line;           /* in labels.csv, from 1 */
    /* Filled by the import: */
    char sha256[SRV_DIGEST_TEXT];      /* of the pixels as they are kept */
    char mask_sha256[SRV_DIGEST_TEXT]; /* of the mask's; "" without one */
    double middle_x, middle_y;         /* of the finding, in parts of the width */
    int width;
};

struct srv_library_set {
    char *provenance; /* heap: dataset.json, compact */
    bool simulated;
    bool multi; /* the column is `labels`: images may show several findings */
    struct srv_grey_range range;
    struct srv_library_row *rows;
    int count;
    char labels_sha256[SRV_DIGEST_TEXT];
    char *text; /* behind the rows' texts */
};

/* Fills `set`, which srv_library_set_release frees whatever happened. With faults->count unchanged, every
 * row has all its texts, no file is named twice, and no patient is in both splits. */
void srv_library_set_read(struct srv_library_set *set, const char *folder, struct srv_faults *faults);
void srv_library_set_release(struct srv_library_set *set);

/* Of `labels`, a row's class as the file has it, the first finding: gives its length, returns the rest, or
 * NULL. */
const char *srv_library_finding(const struct srv_library_set *set, const char *labels, int *length);

#endif
