/* A data set: a folder with labels.csv (trainer/data/labels.h), dataset.json and the images that labels.csv
 * names: 8- or 16-bit grey PNG, all of one depth, square, one side of 4, 8, ... 1024.
 *
 * dataset.json is an object. Needed: "name" (text of 1 to 100 bytes) and "simulated" (true or false: are
 * these phantoms or patients?). Optional: "classes", a list of labels that fixes their order, e.g.
 * ["no_fracture", "fracture"]; without it the classes are the labels sorted by bytes. And "grey_range", the
 * two grey values of the files that become black and white, e.g. [0, 4095] of 12 bits in 16; values beyond
 * are clipped; without it the whole range of the depth. Other keys are ignored here.
 *
 * On first use the training images are reduced to a pyramid, DIR/pyramid/r0004.u8 ... r1024.u8: for each
 * side r all training images of labels.csv in its order, r*r bytes each, 8-bit grey, which the networks see
 * as -1..1. Each pixel is the mean of its box of the full-resolution image, clipped to the grey range, in
 * exact integers, rounded once (16 bits: 65535 -> 255). pyramid/index.json remembers names, sizes and times
 * of the sources; if they change it is built anew. A complete pyramid replaces the old one at once; whatever
 * fails before leaves the old one.
 *
 * Functions without a split in their name are about training images, so the test split cannot leak into
 * training by mistake. A data set may have test images alone, or classes without training images: what trains
 * refuses that.
 *
 * Threads: after opening, all functions but tr_dataset_close may be called by several threads. */
#ifndef TR_DATASET_H
#define TR_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"
#include "trainer/data/labels.h"

enum { TR_DATASET_SIDE_MIN = 4, TR_DATASET_SIDE_MAX = 1024 };

struct tr_dataset;

/* Called while a pyramid is built, now and then, by one thread at a time. Returning false stops. */
typedef bool tr_dataset_progress(void *context, int images_done, int images_total);

/* Opens `folder`, checks it, builds the pyramid if there is none or it is out of date: that reads every
 * image, of both splits, with all OpenMP threads and about 10 MB each. Two processes may open the same
 * folder; one builds, the other waits. `progress` may be NULL. On failure *dataset is NULL and the text names
 * file and, for labels.csv, line. NN_STOPPED when `progress` stops it, or after a signal
 * (trainer/interrupt.h) while it waits. */
nn_status tr_dataset_open(struct tr_dataset **dataset, const char *folder, tr_dataset_progress *progress,
                          void *context, struct nn_error *err) NN_MUST_CHECK;
void tr_dataset_close(struct tr_dataset *dataset); /* NULL is harmless */

/* Of what follows only tr_dataset_image and tr_dataset_test_image can fail. Pointers belong to the data set.
 */

const char *tr_dataset_name(const struct tr_dataset *dataset);
bool tr_dataset_simulated(const struct tr_dataset *dataset);
/* SHA-256 over the content of labels.csv and of every image in its order, and the grey range where there is
 * one; the same on every machine. */
const char *tr_dataset_sha256(const struct tr_dataset *dataset);

int tr_dataset_class_count(const struct tr_dataset *dataset);
const char *tr_dataset_class(const struct tr_dataset *dataset, int class_index);
bool tr_dataset_multi_label(const struct tr_dataset *dataset); /* its classes are findings (labels.h) */
int tr_dataset_class_train_count(const struct tr_dataset *dataset, int class_index);

/* Whether dataset.json has a grey_range, and which. */
bool tr_dataset_grey_range(const struct tr_dataset *dataset, int *low, int *high);

int tr_dataset_side(const struct tr_dataset *dataset); /* of the images, in pixels */
int tr_dataset_train_count(const struct tr_dataset *dataset);
int tr_dataset_test_count(const struct tr_dataset *dataset);

/* Reads training image `index`, 0 .. train_count-1, at `side` (4, 8, ... the data set's) from the pyramid:
 * side*side bytes into `pixels`, rows from top to bottom. NN_ERR_ARGUMENT: there is no such side. The file is
 * read, not mapped, so that a pyramid that somebody truncates is an error and not a SIGBUS. */
nn_status tr_dataset_image(const struct tr_dataset *dataset, int side, int index, uint8_t *pixels,
                           struct nn_error *err) NN_MUST_CHECK;

/* The row of labels.csv of training image `index`, or of test image `index`, 0 .. test_count-1. */
const struct tr_label_row *tr_dataset_train_row(const struct tr_dataset *dataset, int index);
const struct tr_label_row *tr_dataset_test_row(const struct tr_dataset *dataset, int index);

/* Test image `index` at `side`, with the pyramid's arithmetic; decoded from its file, which the error text
 * names. */
nn_status tr_dataset_test_image(const struct tr_dataset *dataset, int side, int index, uint8_t *pixels,
                                struct nn_error *err) NN_MUST_CHECK;

/* class_count numbers for training image `index`: 1 for each class that it shows, 0 for the others. */
void tr_dataset_labels(const struct tr_dataset *dataset, int index, float *labels);

#endif
