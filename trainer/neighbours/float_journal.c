#include "trainer/neighbours/float_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/sha256.h"

static nn_status failed(const struct tr_float_journal *j, struct nn_error *err)
{
    return nn_fail(err, NN_ERR_IO, "%.200s: %s", j->path, strerror(errno));
}

nn_status tr_float_journal_open(struct tr_float_journal *j, const struct tr_part *part, struct nn_error *err)
{
    const json_t *all[] = {part->settings, part->data, part->model};
    struct nn_sha256 hash;
    struct stat info;
    char hex[65];
    *j = (struct tr_float_journal){.fd = -1};
    nn_sha256_init(&hash);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char *text = all[i] ? json_dumps(all[i], JSON_COMPACT | JSON_SORT_KEYS) : strdup("null");
        if (!text) return nn_fail(err, NN_ERR_MEMORY, "out of memory for settings");
        nn_sha256_add(&hash, text, strlen(text));
        free(text);
    }
    nn_sha256_finish(&hash, hex);
    snprintf(j->path, sizeof j->path, "%s/%s-%.12s.f32", part->folder, part->name, hex);
    j->fd = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (j->fd < 0 || fstat(j->fd, &info) != 0) return failed(j, err);
    j->size = (uint64_t)info.st_size;
    return NN_OK;
}

bool tr_float_journal_read(struct tr_float_journal *j, float *values, size_t count)
{
    size_t bytes = count * sizeof *values, done = 0;
    while (j->at + bytes <= j->size && done < bytes) {
        ssize_t got = pread(j->fd, (char *)values + done, bytes - done, (off_t)(j->at + done));
        if (got <= 0) break;
        done += (size_t)got;
    }
    if (done < bytes) j->size = j->at; /* what may follow is not whole */
    if (done == bytes) j->at += bytes;
    return done == bytes;
}

nn_status tr_float_journal_write(struct tr_float_journal *j, const float *values, size_t count,
                                 struct nn_error *err)
{
    size_t bytes = count * sizeof *values, done = 0;
    while (done < bytes) {
        ssize_t put = pwrite(j->fd, (const char *)values + done, bytes - done, (off_t)(j->at + done));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return failed(j, err);
        done += (size_t)put;
    }
    j->at += bytes;
    return NN_OK;
}

void tr_float_journal_close(struct tr_float_journal *j)
{
    if (j->fd >= 0) close(j->fd);
    j->fd = -1;
}

void tr_float_journal_remove(struct tr_float_journal *j)
{
    if (j->fd >= 0) unlink(j->path);
    tr_float_journal_close(j);
}
