/* Where the images of an evaluation come from: a data set's training images, a folder of PNG files, or a
 * model that draws them. */
#ifndef TR_IMAGE_SOURCE_H
#define TR_IMAGE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

struct tr_image_source;

/* A folder with labels.csv is a data set (trainer/data/dataset.h), of which the training images are taken. Of
 * any other folder all files *.png are taken: square 8- or 16-bit grey, all of one side, a power of two. They
 * are shuffled by a fixed seed, so the first n are a random choice. */
nn_status tr_image_source_open_folder(struct tr_image_source **source, const char *folder,
                                      struct nn_error *err) NN_MUST_CHECK;

/* `device` as nn_model_open takes it. Image i is drawn from seed first_seed + i, with the label of image i of
 * `like` (borrowed) where that is a data set with the model's classes, else of each class in turn. */
nn_status tr_image_source_open_model(struct tr_image_source **source, const char *path, const char *device,
                                     const struct tr_image_source *like, uint64_t first_seed,
                                     struct nn_error *err) NN_MUST_CHECK;

void tr_image_source_close(struct tr_image_source *source); /* NULL is harmless */

int tr_image_source_side(const struct tr_image_source *source);
int tr_image_source_count(const struct tr_image_source *source); /* INT_MAX of a model */
/* "data set hips (simulated)", "folder x", "model y (trained on simulated data)" */
const char *tr_image_source_text(const struct tr_image_source *source);

/* Images first .. first+count-1 at `side`, a power of two up to the source's, into `pixels`: means of boxes,
 * 8-bit grey, side*side bytes each, rows from top to bottom. Uses OpenMP. NN_STOPPED after a signal
 * (trainer/interrupt.h); NN_ERR_DEVICE, too, when a GPU of "auto" fails amid them. */
nn_status tr_image_source_read(const struct tr_image_source *source, int first, int count, int side,
                               uint8_t *pixels, struct nn_error *err) NN_MUST_CHECK;
bool tr_image_source_is_model(const struct tr_image_source *source);
/* Image i's path, of a folder of files. */
const char *tr_image_source_file(const struct tr_image_source *source, int index);

#endif
