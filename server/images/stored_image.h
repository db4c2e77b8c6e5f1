/* One image on disk: a file that proves that it is whole and the one that it is named after. */
#ifndef SRV_STORED_IMAGE_H
#define SRV_STORED_IMAGE_H

#include <stddef.h>

#include "server/blob.h"
#include "server/images/image_request.h"

enum { STORED_PATH_TEXT = 1200 }; /* of the longest folder, with key and all */

enum srv_stored_result {
    STORED_OK,
    STORED_ABSENT, /* or not ours to read */
    STORED_UNREAD, /* for want of memory or open files: it may be good */
    STORED_BAD,    /* there, but not what it should be */
};

/* FOLDER/ab/abcdef... */
void srv_stored_path(const char *folder, const struct srv_image_key *key, char path[STORED_PATH_TEXT]);

/* What a file of so many bytes takes on disk, and the file of an image of so many. */
size_t srv_stored_disk_bytes(size_t file_bytes);
size_t srv_stored_bytes(size_t image_bytes);

/* Gives *png. Marks the file as used now. */
enum srv_stored_result srv_stored_read(const char *path, const struct srv_image_key *key,
                                       struct srv_blob **png);

/* Writes to a temporary file beside `path` and renames. 0, or an errno; then nothing is left behind. */
int srv_stored_write(const char *path, const struct srv_image_key *key, struct srv_blob *png);

#endif
