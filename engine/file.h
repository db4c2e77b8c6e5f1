/* Whole files: read into memory within a bound, and replaced so that a crash or a full disk never leaves
 * half of one behind. */
#ifndef NN_FILE_H
#define NN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

/* Reads the regular file `path` of at most `limit_bytes` bytes. *bytes is 64-byte aligned heap memory that
 * the caller frees, followed by one zero byte that *size_bytes does not count. Error texts start with the
 * path; a larger file, a folder or a device is NN_ERR_FORMAT. On failure *bytes is NULL. */
nn_status nn_file_read(const char *path, size_t limit_bytes, uint8_t **bytes, size_t *size_bytes,
                       struct nn_error *err) NN_MUST_CHECK;

/* The same of the first `count_bytes` bytes only, or of all where there are fewer; *file_bytes is the length
 * of the whole file, of which `limit_bytes` speaks. */
nn_status nn_file_read_start(const char *path, size_t limit_bytes, size_t count_bytes, uint8_t **bytes,
                             size_t *file_bytes, struct nn_error *err) NN_MUST_CHECK;

/* A file that is being replaced. The bytes go to a temporary file in the same folder; `path` stays as it
 * was until nn_replace_commit succeeds. Between open and commit or abandon the struct owns a descriptor.
 *
 *     struct nn_replace file;
 *     if (nn_replace_open(&file, path, err)) return err->status;
 *     if (nn_replace_write(&file, data, size, err)) { nn_replace_abandon(&file); return ...; }
 *     return nn_replace_commit(&file, err);
 */
struct nn_replace {
    char *path, *temporary; /* heap */
    int fd;
};

/* Makes the temporary file, named PATH.<pid>.<n>.tmp. On failure nothing is left behind. */
nn_status nn_replace_open(struct nn_replace *file, const char *path, struct nn_error *err) NN_MUST_CHECK;

/* Appends. On failure the caller abandons. */
nn_status nn_replace_write(struct nn_replace *file, const void *data, size_t size_bytes,
                           struct nn_error *err) NN_MUST_CHECK;

/* fsync, close, rename over `path`, fsync of the folder. Releases the struct in any case: on failure the
 * temporary file is removed and `path` is the old file. */
nn_status nn_replace_commit(struct nn_replace *file, struct nn_error *err) NN_MUST_CHECK;

/* Removes the temporary file and releases the struct. Harmless on a zeroed or released struct. */
void nn_replace_abandon(struct nn_replace *file);

/* All of that for bytes in memory. */
nn_status nn_file_replace(const char *path, const void *bytes, size_t size_bytes,
                          struct nn_error *err) NN_MUST_CHECK;

/* No absolute path and no "..": a data set that someone sends must not name files outside its folder. */
bool nn_path_stays_within(const char *path);

/* A folder that can be read and holds nothing; hidden and temporary files, as of a killed process, do not
 * count. */
bool nn_folder_is_empty(const char *path);

#endif
