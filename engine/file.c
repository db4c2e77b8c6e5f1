#include "engine/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static nn_status read_exactly(int fd, const char *path, uint8_t *bytes, size_t size, struct nn_error *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(fd, bytes + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
        if (got == 0) return nn_fail(err, NN_ERR_IO, "%s: became shorter while it was read", path);
        done += (size_t)got;
    }
    return NN_OK;
}

nn_status nn_file_read(const char *path, size_t limit_bytes, uint8_t **bytes, size_t *size_bytes,
                       struct nn_error *err)
{
    return nn_file_read_start(path, limit_bytes, SIZE_MAX, bytes, size_bytes, err);
}

nn_status nn_file_read_start(const char *path, size_t limit_bytes, size_t count_bytes, uint8_t **bytes,
                             size_t *file_bytes, struct nn_error *err)
{
    *bytes = NULL;
    *file_bytes = 0;
    /* Without O_NONBLOCK, opening a named pipe would wait for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    nn_status status = NN_OK;
    uint8_t *data = NULL;
    struct stat info;
    if (fstat(fd, &info)) {
        status = nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(info.st_mode)) {
        status = nn_fail(err, NN_ERR_FORMAT, "%s: not a regular file", path);
        goto out;
    }
    size_t size = (size_t)info.st_size;
    if (size > limit_bytes) {
        status = nn_fail(err, NN_ERR_FORMAT, "%s: has %zu bytes, more than the limit of %zu", path, size,
                         limit_bytes);
        goto out;
    }
    size_t count = size < count_bytes ? size : count_bytes;
    data = aligned_alloc(64, (count + 64) / 64 * 64);
    if (!data) {
        status = nn_fail(err, NN_ERR_MEMORY, "%s: no memory for its %zu bytes", path, count);
        goto out;
    }
    status = read_exactly(fd, path, data, count, err);
    if (status) goto out;
    data[count] = 0;
    *bytes = data;
    *file_bytes = size;
    data = NULL;
out:
    free(data);
    close(fd);
    return status;
}

/* Not mkstemp: that makes mode 0600 whatever the umask says, and the daemon that reads a checkpoint is
 * often another user than the trainer that wrote it. */
static int create_beside(const char *path, char **temporary)
{
    static atomic_uint serial;
    for (int attempt = 0; attempt < 1000; attempt++) {
        if (asprintf(temporary, "%s.%ld.%u.tmp", path, (long)getpid(), atomic_fetch_add(&serial, 1)) < 0) {
            *temporary = NULL;
            errno = ENOMEM;
            return -1;
        }
        int fd = open(*temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) return fd;
        int saved = errno;
        free(*temporary);
        *temporary = NULL;
        errno = saved;
        if (errno != EEXIST) return -1;
    }
    return -1;
}

nn_status nn_replace_open(struct nn_replace *file, const char *path, struct nn_error *err)
{
    *file = (struct nn_replace){.fd = -1, .path = strdup(path)};
    if (!file->path) return nn_fail(err, NN_ERR_MEMORY, "%s: no memory for its name", path);
    file->fd = create_beside(path, &file->temporary);
    if (file->fd < 0) {
        nn_status status = nn_fail(err, NN_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
        nn_replace_abandon(file);
        return status;
    }
    return NN_OK;
}

nn_status nn_replace_write(struct nn_replace *file, const void *data, size_t size_bytes, struct nn_error *err)
{
    const uint8_t *bytes = data;
    for (size_t done = 0; done < size_bytes;) {
        ssize_t put = write(file->fd, bytes + done, size_bytes - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return nn_fail(err, NN_ERR_IO, "%s: cannot be written: %s", file->path, strerror(errno));
        done += (size_t)put;
    }
    return NN_OK;
}

/* The rename is durable once the folder is. Some file systems cannot sync a folder (EINVAL): there the
 * rename is as durable as they make it. */
static int sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = !slash ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    if (!folder) return -1;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd < 0) return -1;
    int failed = fsync(fd) && errno != EINVAL;
    int saved = errno;
    close(fd);
    errno = saved;
    return failed ? -1 : 0;
}

nn_status nn_replace_commit(struct nn_replace *file, struct nn_error *err)
{
    int failed = fsync(file->fd);
    int saved = errno;
    /* close reports what a network file system refused late. */
    if (close(file->fd) && !failed) {
        failed = -1;
        saved = errno;
    }
    file->fd = -1;
    if (!failed && rename(file->temporary, file->path)) {
        failed = -1;
        saved = errno;
    }
    if (!failed) {
        /* The new file is in place: nothing is left for abandon to remove. */
        free(file->temporary);
        file->temporary = NULL;
        if (sync_folder_of(file->path)) {
            failed = -1;
            saved = errno;
        }
    }
    nn_status status = NN_OK;
    if (failed) status = nn_fail(err, NN_ERR_IO, "%s: cannot be written: %s", file->path, strerror(saved));
    nn_replace_abandon(file);
    return status;
}

void nn_replace_abandon(struct nn_replace *file)
{
    if (file->fd > 0) close(file->fd);
    if (file->temporary) unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (struct nn_replace){.fd = -1};
}

nn_status nn_file_replace(const char *path, const void *bytes, size_t size_bytes, struct nn_error *err)
{
    struct nn_replace file;
    nn_status status = nn_replace_open(&file, path, err);
    if (status) return status;
    status = nn_replace_write(&file, bytes, size_bytes, err);
    if (!status) return nn_replace_commit(&file, err);
    nn_replace_abandon(&file);
    return status;
}

bool nn_path_stays_within(const char *path)
{
    if (path[0] == '/') return false;
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (!strncmp(part, "..", 2) && (part[2] == '/' || !part[2])) return false;
    }
    return true;
}

bool nn_folder_is_empty(const char *path)
{
    DIR *dir = opendir(path);
    bool empty = dir != NULL;
    for (const struct dirent *entry; empty && (entry = readdir(dir));) {
        const char *dot = strrchr(entry->d_name, '.');
        empty = entry->d_name[0] == '.' || (dot && !strcmp(dot, ".tmp"));
    }
    if (dir) closedir(dir);
    return empty;
}
