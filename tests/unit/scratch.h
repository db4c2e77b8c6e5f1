/* A folder of a test's own, files in it, and a disk that is full. Failures to set up fail the test. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

/* Makes an empty folder under $TMPDIR or /tmp; cmocka set-up and tear-down functions. *state becomes its
 * path. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* "FOLDER/NAME" in one of a few static buffers, good until some calls later. */
const char *scratch_path(void *const *state, const char *name);

void scratch_write(const char *path, const void *bytes, size_t size);
void scratch_text(const char *path, const char *text);
/* Heap memory that the caller frees. */
uint8_t *scratch_read(const char *path, size_t *size);

/* How many entries the folder has. */
int scratch_count(const char *folder);

/* Writing beyond `size` bytes of any file fails, as on a full disk, until scratch_disk_free. */
void scratch_disk_full(size_t size);
void scratch_disk_free(void);

/* Changes a few bytes, bits or the length of a copy of `bytes`, in one of many ways that `number` chooses.
 * `out` has room for `size`; returns the new length, at most `size`. */
size_t scratch_mutate(const uint8_t *bytes, size_t size, uint64_t number, uint8_t *out);

#endif
