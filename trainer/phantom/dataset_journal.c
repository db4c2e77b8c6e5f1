#include "trainer/phantom/dataset_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine/file.h"
#include "engine/sha256.h"

#define JOURNAL_LIMIT ((size_t)1 << 30)
#define PICTURE_LIMIT ((size_t)64 << 20)

void phantom_entry_file(const struct phantom_entry *e, const char *kind, char file[64])
{
    snprintf(file, 64, "%s/p%06" PRIu64 "_%d.png", kind, e->patient, e->hip);
}

static bool file_is(const char *folder, const char *file, const char *sha256)
{
    char path[4096 + 64], hex[65];
    uint8_t *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    if (nn_file_read(path, PICTURE_LIMIT, &bytes, &size, NULL) != NN_OK) return false;
    nn_sha256_hex(bytes, size, hex);
    free(bytes);
    return strcmp(hex, sha256) == 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct phantom_entry *x = a, *y = b;
    return x->patient != y->patient ? (x->patient > y->patient) - (x->patient < y->patient) : x->hip - y->hip;
}

/* A line is "IMAGE_SHA256 MASK_SHA256 ROW". Whatever does not fit is not believed: the image is made again.
 */
static nn_status take_line(const char *folder, const char *line, struct phantom_entry *entries, int count,
                           struct nn_error *err)
{
    struct phantom_entry key = {0}, *entry;
    char image[64], mask[64];
    int row_at = 0;
    if (sscanf(line, "%64s %64s %nimages/p%" SCNu64 "_%d.png,", key.image_sha256, key.mask_sha256, &row_at,
               &key.patient, &key.hip) != 4)
        return NN_OK;
    entry = bsearch(&key, entries, (size_t)count, sizeof key, compare_entries);
    if (!entry || entry->made) return NN_OK;
    phantom_entry_file(&key, "images", image);
    phantom_entry_file(&key, "masks", mask);
    if (!file_is(folder, image, key.image_sha256)) return NN_OK;
    if (strcmp(key.mask_sha256, "-") != 0 && !file_is(folder, mask, key.mask_sha256)) return NN_OK;
    if (asprintf(&key.row, "%s\n", line + row_at) < 0)
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for %s", image);
    key.made = true;
    *entry = key;
    return NN_OK;
}

static nn_status write_line(const struct phantom_journal *j, const char *line, struct nn_error *err)
{
    size_t size = strlen(line);
    ssize_t written = write(j->fd, line, size);
    if (written == (ssize_t)size) return NN_OK;
    return nn_fail(err, NN_ERR_IO, "%s: %s", j->path, strerror(written < 0 ? errno : ENOSPC));
}

/* Reads what is there, cuts off an unfinished last line, leaves the position at the end. */
static nn_status replay(struct phantom_journal *j, const char *folder, const char *parameters,
                        struct phantom_entry *entries, int count, struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_file_read(j->path, JOURNAL_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    char *line = (char *)bytes, *end;
    off_t kept = 0;
    for (int number = 0; (end = memchr(line, '\n', size - (size_t)kept)) && status == NN_OK; number++) {
        *end = '\0';
        if (number > 0)
            status = take_line(folder, line, entries, count, err);
        else if (strcmp(line, parameters) != 0)
            status = nn_fail(err, NN_ERR_ARGUMENT,
                             "%s: was begun with other parameters (%.80s); another --out starts anew", folder,
                             line);
        line = end + 1;
        kept = line - (char *)bytes;
    }
    free(bytes);
    if (status != NN_OK) return status;
    if (ftruncate(j->fd, kept) != 0 || lseek(j->fd, kept, SEEK_SET) < 0)
        return nn_fail(err, NN_ERR_IO, "%s: %s", j->path, strerror(errno));
    if (kept > 0) return NN_OK;
    char first[PHANTOM_ROW_MAX];
    snprintf(first, sizeof first, "%s\n", parameters);
    return write_line(j, first, err);
}

nn_status phantom_journal_open(struct phantom_journal *j, const char *folder, const char *parameters,
                               struct phantom_entry *entries, int count, struct nn_error *err)
{
    snprintf(j->path, sizeof j->path, "%s/journal.csv", folder);
    j->fd = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (j->fd < 0) return nn_fail(err, NN_ERR_IO, "%s: %s", j->path, strerror(errno));
    nn_status status = NN_OK;
    if (flock(j->fd, LOCK_EX | LOCK_NB) != 0)
        status = nn_fail(err, NN_ERR_ARGUMENT, "%s: another process is making this data set", folder);
    if (status == NN_OK) status = replay(j, folder, parameters, entries, count, err);
    if (status != NN_OK) phantom_journal_close(j);
    return status;
}

nn_status phantom_journal_add(struct phantom_journal *j, const struct phantom_entry *e, struct nn_error *err)
{
    char line[PHANTOM_ROW_MAX + 2 * 65 + 4];
    snprintf(line, sizeof line, "%s %s %s", e->image_sha256, e->mask_sha256, e->row);
    return write_line(j, line, err);
}

void phantom_journal_close(struct phantom_journal *j)
{
    if (j->fd >= 0) close(j->fd);
    j->fd = -1;
}
