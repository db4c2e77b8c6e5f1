#include "server/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { TOKEN_LENGTH_MIN = 32 };

void srv_random_bytes(void *bytes, size_t size_bytes)
{
    unsigned char *at = bytes;
    while (size_bytes > 0) {
        ssize_t got = getrandom(at, size_bytes, 0);
        if (got < 0 && errno != EINTR) abort();
        if (got > 0) at += got, size_bytes -= (size_t)got;
    }
}

uint64_t srv_random_u64(void)
{
    uint64_t word;
    srv_random_bytes(&word, sizeof word);
    return word;
}

uint32_t srv_random_below(uint32_t limit)
{
    /* Rejection below 2^32 mod limit leaves every residue equally likely. */
    uint32_t floor = (uint32_t)(-limit) % limit, word;
    do srv_random_bytes(&word, sizeof word);
    while (word < floor);
    return word % limit;
}

void srv_random_hex(char *text, size_t text_size)
{
    unsigned char bytes[SRV_SECRET_TEXT / 2];
    size_t count = text_size / 2;
    srv_random_bytes(bytes, count);
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    text[2 * count] = '\0';
}

bool srv_secret_equal(const char *a, const char *b)
{
    size_t length = strlen(a);
    if (strlen(b) != length) return false;
    volatile unsigned char difference = 0; /* volatile: the loop must not learn to stop early */
    for (size_t i = 0; i < length; i++) difference |= (unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

static nn_status make_token(const char *path, struct nn_error *err)
{
    char line[SRV_SECRET_TEXT + 1];
    srv_random_hex(line, SRV_SECRET_TEXT);
    line[SRV_SECRET_TEXT - 1] = '\n';
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return nn_fail(err, NN_ERR_IO, "%s: cannot make the admin token: %s", path, strerror(errno));
    ssize_t written = write(file, line, SRV_SECRET_TEXT);
    int failed = written != SRV_SECRET_TEXT || fsync(file);
    if (close(file) || failed) {
        unlink(path);
        return nn_fail(err, NN_ERR_IO, "%s: cannot write the admin token: %s", path, strerror(errno));
    }
    return NN_OK;
}

nn_status srv_admin_token(const char *path, char token[SRV_SECRET_TEXT], struct nn_error *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT) {
        nn_status status = make_token(path, err);
        if (status) return status;
        file = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (file < 0)
        return nn_fail(err, NN_ERR_IO, "%s: cannot read the admin token: %s", path, strerror(errno));
    char line[SRV_SECRET_TEXT + 1];
    ssize_t size = read(file, line, sizeof line);
    close(file);
    if (size < 0)
        return nn_fail(err, NN_ERR_IO, "%s: cannot read the admin token: %s", path, strerror(errno));
    while (size > 0 && strchr(" \t\r\n", line[size - 1])) size--;
    if (size < TOKEN_LENGTH_MIN || size >= SRV_SECRET_TEXT || memchr(line, '\0', (size_t)size))
        return nn_fail(err, NN_ERR_FORMAT, "%s: the admin token must be one line of %d to %d characters",
                       path, TOKEN_LENGTH_MIN, SRV_SECRET_TEXT - 1);
    memcpy(token, line, (size_t)size);
    token[size] = '\0';
    return NN_OK;
}
