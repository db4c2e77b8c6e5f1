#include "trainer/ingest/pseudonym.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/file.h"
#include "engine/sha256.h"

enum { BLOCK = 64, DIGEST = 32, KEY_FILE_LIMIT = 1024 };

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool bytes_of_hex(const char *hex, uint8_t *bytes, int count)
{
    for (int i = 0; i < count; i++) {
        int high = digit(hex[2 * i]), low = high < 0 ? -1 : digit(hex[2 * i + 1]);
        if (low < 0) return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void tr_hmac_sha256(const uint8_t *key, size_t key_bytes, const void *data, size_t size_bytes, char hex[65])
{
    uint8_t block[BLOCK] = {0}, pad[BLOCK], inner[DIGEST];
    struct nn_sha256 hash;
    if (key_bytes > BLOCK) {
        nn_sha256_hex(key, key_bytes, hex);
        bytes_of_hex(hex, block, DIGEST);
    } else {
        memcpy(block, key, key_bytes);
    }
    for (int i = 0; i < BLOCK; i++) pad[i] = block[i] ^ 0x36;
    nn_sha256_init(&hash);
    nn_sha256_add(&hash, pad, BLOCK);
    nn_sha256_add(&hash, data, size_bytes);
    nn_sha256_finish(&hash, hex);
    bytes_of_hex(hex, inner, DIGEST);
    for (int i = 0; i < BLOCK; i++) pad[i] = block[i] ^ 0x5c;
    nn_sha256_init(&hash);
    nn_sha256_add(&hash, pad, BLOCK);
    nn_sha256_add(&hash, inner, DIGEST);
    nn_sha256_finish(&hash, hex);
}

void tr_pseudonym(const struct tr_pseudonym_key *key, char kind, const char *text,
                  char name[TR_PSEUDONYM_SIZE])
{
    char message[2 + 4096], hex[65];
    int length = snprintf(message, sizeof message, "%c%c%s", kind, '\0', text);
    if (length >= (int)sizeof message) length = sizeof message - 1;
    tr_hmac_sha256(key->bytes, sizeof key->bytes, message, (size_t)length, hex);
    snprintf(name, TR_PSEUDONYM_SIZE, "%c%.16s", kind, hex);
}

/* Never over a file that is there: another key's names could not be made again. */
static nn_status make_key(const char *path, struct nn_error *err)
{
    uint8_t bytes[TR_PSEUDONYM_KEY_BYTES];
    char text[2 * TR_PSEUDONYM_KEY_BYTES + 2];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return nn_fail(err, NN_ERR_IO, "%s: no random numbers for a key: %s", path, strerror(errno));
    for (int i = 0; i < TR_PSEUDONYM_KEY_BYTES; i++) sprintf(text + 2 * i, "%02x", bytes[i]);
    strcat(text, "\n");
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fsync(fd) == 0;
    int reason = errno;
    if (close(fd) != 0 && written) written = false, reason = errno;
    if (written) return NN_OK;
    unlink(path);
    return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(reason));
}

nn_status tr_pseudonym_key_open(struct tr_pseudonym_key *key, const char *path, struct nn_error *err)
{
    uint8_t *text;
    size_t size;
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        nn_status made = make_key(path, err);
        if (made != NN_OK) return made;
    }
    nn_status status = nn_file_read(path, KEY_FILE_LIMIT, &text, &size, err);
    if (status != NN_OK) return status;
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) size--;
    if (size != 2 * TR_PSEUDONYM_KEY_BYTES ||
        !bytes_of_hex((const char *)text, key->bytes, TR_PSEUDONYM_KEY_BYTES))
        status = nn_fail(err, NN_ERR_FORMAT, "%s: is not a key of %d hex digits", path,
                         2 * TR_PSEUDONYM_KEY_BYTES);
    else
        tr_pseudonym(key, 'k', "", key->name);
    free(text);
    return status;
}
