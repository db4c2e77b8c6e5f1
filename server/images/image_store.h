/* Encoded images on disk, by their keys: what the memory cache has dropped, or a run of the daemon before
 * this one has made. Bounded in bytes; what was used longest ago goes first.
 *
 * An image is the file FOLDER/ab/abcdef..., named by its key. A file proves itself when it is read: a header
 * has its version, key, length and the SHA-256 of the image. One that was cut short, changed, renamed or made
 * by another version is removed and counts as not there. So nothing is synced; a killed daemon leaves at most
 * a temporary file, which a later start removes. What else lies in the folder is left alone.
 *
 * Nothing here fails a request. When the disk is full (or nearly: the last 64 MiB are left to the database),
 * or the folder cannot be written, it logs so once, and tries again a minute later. Several daemons may share
 * a folder; each bounds what it has seen there. Any thread may call any function. */
#ifndef SRV_IMAGE_STORE_H
#define SRV_IMAGE_STORE_H

#include <stdint.h>

#include "engine/error.h"
#include "server/blob.h"
#include "server/images/image_request.h"

struct srv_image_store;

struct srv_image_store_counts {
    uint64_t hits, evictions;
    uint64_t refused;        /* files that did not prove themselves */
    uint64_t write_failures; /* files that could not be written */
    uint64_t dropped; /* images that came while too many waited to be written, or while writing pauses */
    uint64_t bytes;   /* now, as far as the files of the folder have been seen */
};

/* Starts the thread that writes; it looks first at what is there. `folder` is borrowed; its last part is made
 * when missing. */
nn_status srv_image_store_open(struct srv_image_store **store, const char *folder, uint64_t bytes_max,
                               struct nn_error *err) NN_MUST_CHECK;
/* Writes what waits to be written. No other thread may be in a function of the store. NULL is harmless. */
void srv_image_store_close(struct srv_image_store *store);

/* The image of that key, which the caller releases, or NULL. Reads the file. */
struct srv_blob *srv_image_store_find(struct srv_image_store *store, const struct srv_image_key *key);

/* Has `png` written under `key`, with a hold of its own. Never waits. */
void srv_image_store_put(struct srv_image_store *store, const struct srv_image_key *key,
                         struct srv_blob *png);

void srv_image_store_count(struct srv_image_store *store, struct srv_image_store_counts *counts);

#endif
