/* The library's folder: one folder a collection, FOLDER/<32 hex digits>, which holds the pixels of each image
 * as library_pixels.h makes them, bare, in ab/<their SHA-256>.grey.
 *
 * A collection is written and taken away under the name <32 hex digits>.pending. Whether it is there is for
 * the database to say: it is if it has a row. So whatever ends a program in between, at the next start or the
 * next change srv_library_recover gives the folder its name or removes it, and nothing half is ever visible.
 *
 * Whoever changes the folder holds its lock, of which there is one for all programs. Reading needs none. */
#ifndef SRV_LIBRARY_FILES_H
#define SRV_LIBRARY_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"
#include "server/database/db.h"
#include "server/secrets.h"

enum { LIBRARY_FOLDER_TEXT = 33 };

/* One image of a collection. */
struct srv_library_ref {
    char folder[LIBRARY_FOLDER_TEXT];
    char sha256[SRV_DIGEST_TEXT];
    int width; /* 0: no image of a library */
};

/* Makes the folder when missing, and waits for the lock. *lock is for srv_library_unlock. */
nn_status srv_library_lock(const char *folder, int *lock, struct nn_error *err) NN_MUST_CHECK;
void srv_library_unlock(int lock); /* -1 is harmless */

/* Finishes or undoes what an interrupted change has left. The caller has the lock. */
nn_status srv_library_recover(const char *folder, struct db *db, struct nn_error *err) NN_MUST_CHECK;
/* The same if there is such a folder and nobody changes it just now. */
void srv_library_recover_idle(const char *folder, struct db *db);

/* Begins a pending collection; `name` becomes the name of its folder. */
nn_status srv_library_begin(const char *folder, char name[LIBRARY_FOLDER_TEXT],
                            struct nn_error *err) NN_MUST_CHECK;
/* Writes one image's pixels into a pending collection. */
nn_status srv_library_write(const char *folder, const struct srv_library_ref *ref, const uint8_t *grey,
                            struct nn_error *err) NN_MUST_CHECK;
/* All that has been written is on the disk. */
nn_status srv_library_flush(const char *folder, struct nn_error *err) NN_MUST_CHECK;
/* Gives a pending collection its name, or a collection the pending one. */
nn_status srv_library_rename(const char *folder, const char *name, bool pending,
                             struct nn_error *err) NN_MUST_CHECK;
/* Removes a pending collection, as far as it can. */
void srv_library_discard(const char *folder, const char *name);

/* Tells the system that the image will be read soon. Never waits. */
void srv_library_will_read(const char *folder, const struct srv_library_ref *ref);
/* Reads the pixels, ref->width squared, into `grey`, and holds them to their hash. NN_ERR_IO, NN_ERR_FORMAT;
 * the text starts with the path. */
nn_status srv_library_read(const char *folder, const struct srv_library_ref *ref, uint8_t *grey,
                           struct nn_error *err) NN_MUST_CHECK;

#endif
