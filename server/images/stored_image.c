#include "server/images/stored_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/write_all.h"

enum { DIGITS = IMAGE_KEY_TEXT - 1, DISK_BLOCK = 4096 };

/* No image is larger; a longer file is not ours. */
#define IMAGE_BYTES_MAX ((size_t)64 << 20)

/* Characters and little-endian numbers, nothing that a compiler would pad. */
struct header {
    char magic[8]; /* with the version of this format */
    char key[DIGITS];
    char sha256[DIGITS]; /* of the image */
    uint8_t length[8];
};

static void fill_header(struct header *h, const struct srv_image_key *key, struct srv_blob *png)
{
    char hex[BLOB_DIGEST_TEXT];
    memcpy(h->magic, "rgimage1", sizeof h->magic);
    memcpy(h->key, key->hex, sizeof h->key);
    srv_blob_sha256(png, hex);
    memcpy(h->sha256, hex, sizeof h->sha256);
    for (int i = 0; i < 8; i++) h->length[i] = (uint8_t)(png->size_bytes >> 8 * i);
}

void srv_stored_path(const char *folder, const struct srv_image_key *key, char path[STORED_PATH_TEXT])
{
    snprintf(path, STORED_PATH_TEXT, "%s/%.2s/%s", folder, key->hex, key->hex);
}

size_t srv_stored_disk_bytes(size_t file_bytes)
{
    return (file_bytes + DISK_BLOCK - 1) / DISK_BLOCK * DISK_BLOCK;
}

size_t srv_stored_bytes(size_t image_bytes)
{
    return srv_stored_disk_bytes(sizeof(struct header) + image_bytes);
}

/* ---- reading ---- */

static bool read_all(int file, void *to, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = read(file, (char *)to + got, size - got);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        got += (size_t)n;
    }
    return true;
}

static enum srv_stored_result read_image(int file, const struct srv_image_key *key, struct srv_blob **png)
{
    struct stat info;
    struct header found, wanted;
    if (fstat(file, &info) || !S_ISREG(info.st_mode)) return STORED_BAD;
    size_t size = (size_t)info.st_size;
    if (size <= sizeof found || size > IMAGE_BYTES_MAX || !read_all(file, &found, sizeof found))
        return STORED_BAD;
    size_t length = size - sizeof found;
    unsigned char *bytes = malloc(length);
    if (!bytes) return STORED_UNREAD;
    if (!read_all(file, bytes, length)) {
        free(bytes);
        return STORED_BAD;
    }
    *png = srv_blob_take(bytes, length);
    if (!*png) return STORED_UNREAD;
    fill_header(&wanted, key, *png);
    if (!memcmp(&found, &wanted, sizeof found)) return STORED_OK;
    srv_blob_release(*png);
    *png = NULL;
    return STORED_BAD;
}

static enum srv_stored_result why_not_open(int error)
{
    if (error == EMFILE || error == ENFILE || error == ENOMEM) return STORED_UNREAD;
    return error == ELOOP ? STORED_BAD : STORED_ABSENT;
}

/* Whatever stands in the file's place: a link is not followed, a pipe not waited for. */
enum srv_stored_result srv_stored_read(const char *path, const struct srv_image_key *key,
                                       struct srv_blob **png)
{
    *png = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) return why_not_open(errno);
    enum srv_stored_result result = read_image(file, key, png);
    if (*png) futimens(file, NULL); /* the order of use outlives the daemon; if it cannot, no harm */
    close(file);
    return result;
}

/* ---- writing ---- */

int srv_stored_write(const char *path, const struct srv_image_key *key, struct srv_blob *png)
{
    char temporary[STORED_PATH_TEXT + 16];
    struct header header;
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int file = mkostemp(temporary, O_CLOEXEC);
    if (file < 0) return errno;
    fill_header(&header, key, png);
    int failure = srv_write_all(file, &header, sizeof header);
    if (!failure) failure = srv_write_all(file, png->bytes, png->size_bytes);
    if (close(file) && !failure) failure = errno;
    if (!failure && rename(temporary, path)) failure = errno;
    if (failure) unlink(temporary);
    return failure;
}
