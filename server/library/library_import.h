/* Taking a data-set folder into the library, whole or not at all. */
#ifndef SRV_LIBRARY_IMPORT_H
#define SRV_LIBRARY_IMPORT_H

#include "engine/error.h"
#include "server/database/db.h"
#include "server/library/library_set.h"

/* Reads every line and every image of the data set `from`, tells every fault, and, when there is none, makes
 * the collection `name` of it in the library's `folder` and in the database: its images as library_pixels.h
 * makes them, each content once. *images is their number. NN_ERR_FORMAT with the number of faults, or because
 * the name is taken; NN_ERR_IO when something could not be written. On failure nothing has changed.
 *
 * Takes some milliseconds and megabytes an image, one at a time. Other programs, the daemon too, go on
 * meanwhile, but no second change of the library. */
nn_status srv_library_import(const char *folder, struct db *db, const char *from, const char *name,
                             struct srv_faults *faults, int *images, struct nn_error *err) NN_MUST_CHECK;

/* Takes a collection out again, with its files. NN_ERR_ARGUMENT: there is none of that name. */
nn_status srv_library_remove(const char *folder, struct db *db, const char *name,
                             struct nn_error *err) NN_MUST_CHECK;

#endif
