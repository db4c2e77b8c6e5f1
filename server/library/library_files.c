#include "server/library/library_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/sha256.h"
#include "server/log.h"
#include "server/store/decks/store_library.h"
#include "server/write_all.h"

#define PENDING ".pending"

enum { PATH_TEXT = 1400 };

static nn_status fail(struct nn_error *err, const char *path, const char *what)
{
    return nn_fail(err, NN_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

static void collection_path(const char *folder, const char *name, bool pending, char path[PATH_TEXT])
{
    snprintf(path, PATH_TEXT, "%s/%s%s", folder, name, pending ? PENDING : "");
}

static void image_path(const char *folder, const struct srv_library_ref *ref, bool pending,
                       char path[PATH_TEXT])
{
    snprintf(path, PATH_TEXT, "%s/%s%s/%.2s/%s.grey", folder, ref->folder, pending ? PENDING : "",
             ref->sha256, ref->sha256);
}

/* ---- the lock ---- */

static nn_status take_lock(const char *folder, int how, int *lock, struct nn_error *err)
{
    *lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0) return fail(err, folder, "cannot be opened");
    if (!flock(*lock, LOCK_EX | how)) return NN_OK;
    fail(err, folder, "cannot be locked");
    srv_library_unlock(*lock);
    *lock = -1;
    return NN_ERR_IO;
}

nn_status srv_library_lock(const char *folder, int *lock, struct nn_error *err)
{
    *lock = -1;
    if (mkdir(folder, 0700) && errno != EEXIST) return fail(err, folder, "cannot be made");
    return take_lock(folder, 0, lock, err);
}

void srv_library_unlock(int lock)
{
    if (lock >= 0) close(lock);
}

/* ---- collections ---- */

nn_status srv_library_begin(const char *folder, char name[LIBRARY_FOLDER_TEXT], struct nn_error *err)
{
    char path[PATH_TEXT];
    srv_random_hex(name, LIBRARY_FOLDER_TEXT);
    collection_path(folder, name, true, path);
    return mkdir(path, 0700) ? fail(err, path, "cannot be made") : NN_OK;
}

nn_status srv_library_flush(const char *folder, struct nn_error *err)
{
    int place = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    nn_status status = place < 0 || syncfs(place) ? fail(err, folder, "cannot be flushed") : NN_OK;
    srv_library_unlock(place);
    return status;
}

nn_status srv_library_rename(const char *folder, const char *name, bool pending, struct nn_error *err)
{
    char from[PATH_TEXT], to[PATH_TEXT];
    collection_path(folder, name, !pending, from);
    collection_path(folder, name, pending, to);
    return rename(from, to) ? fail(err, from, "cannot be renamed") : NN_OK;
}

static void remove_files(int folder)
{
    DIR *stream = fdopendir(folder);
    if (!stream) {
        close(folder);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(stream));)
        if (entry->d_name[0] != '.') unlinkat(dirfd(stream), entry->d_name, 0);
    closedir(stream);
}

/* Folders of files, and nothing deeper. */
void srv_library_discard(const char *folder, const char *name)
{
    char path[PATH_TEXT];
    collection_path(folder, name, true, path);
    DIR *stream = opendir(path);
    if (!stream) return;
    for (const struct dirent *entry; (entry = readdir(stream));) {
        if (entry->d_name[0] == '.') continue;
        int part = openat(dirfd(stream), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (part >= 0) remove_files(part);
        unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR);
    }
    closedir(stream);
    if (rmdir(path)) srv_log_error("%s: cannot be removed: %s", path, strerror(errno));
}

/* ---- after an interruption ---- */

static bool is_pending(const char *entry, char name[LIBRARY_FOLDER_TEXT])
{
    size_t digits = strspn(entry, "0123456789abcdef");
    if (digits != LIBRARY_FOLDER_TEXT - 1 || strcmp(entry + digits, PENDING)) return false;
    memcpy(name, entry, digits);
    name[digits] = '\0';
    return true;
}

static nn_status recover_one(const char *folder, const char *name, struct db *db, struct nn_error *err)
{
    bool known;
    if (srv_store_collection_known(db, name, &known) != DB_OK)
        return nn_fail(err, NN_ERR_IO, "%s: the database does not say what %s is", folder, name);
    if (known) return srv_library_rename(folder, name, false, err);
    srv_library_discard(folder, name);
    return NN_OK;
}

nn_status srv_library_recover(const char *folder, struct db *db, struct nn_error *err)
{
    nn_status status = NN_OK;
    char name[LIBRARY_FOLDER_TEXT];
    DIR *stream = opendir(folder);
    if (!stream) return fail(err, folder, "cannot be read");
    for (const struct dirent *entry; !status && (entry = readdir(stream));)
        if (is_pending(entry->d_name, name)) status = recover_one(folder, name, db, err);
    closedir(stream);
    return status;
}

void srv_library_recover_idle(const char *folder, struct db *db)
{
    int lock;
    struct nn_error err = {0};
    if (access(folder, F_OK) || take_lock(folder, LOCK_NB, &lock, &err)) return;
    if (srv_library_recover(folder, db, &err)) srv_log_error("%s", err.text);
    srv_library_unlock(lock);
}

/* ---- images ---- */

nn_status srv_library_write(const char *folder, const struct srv_library_ref *ref, const uint8_t *grey,
                            struct nn_error *err)
{
    char path[PATH_TEXT];
    image_path(folder, ref, true, path);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    if (mkdir(path, 0700) && errno != EEXIST) return fail(err, path, "cannot be made");
    *slash = '/';
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return fail(err, path, "cannot be written");
    bool written = !srv_write_all(file, grey, (size_t)ref->width * (size_t)ref->width);
    if (close(file) || !written) return fail(err, path, "cannot be written");
    return NN_OK;
}

/* A collection may be between its two names for a moment. */
static int open_image(const char *folder, const struct srv_library_ref *ref, char path[PATH_TEXT])
{
    image_path(folder, ref, true, path);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) return file;
    image_path(folder, ref, false, path);
    return open(path, O_RDONLY | O_CLOEXEC);
}

void srv_library_will_read(const char *folder, const struct srv_library_ref *ref)
{
    char path[PATH_TEXT];
    int file = open_image(folder, ref, path);
    if (file < 0) return;
    posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED);
    close(file);
}

static nn_status read_image(int file, const char *path, uint8_t *to, size_t size, struct nn_error *err)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = read(file, to + got, size - got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(err, path, "cannot be read");
        if (n == 0) return nn_fail(err, NN_ERR_FORMAT, "%s: is shorter than %zu bytes", path, size);
        got += (size_t)n;
    }
    return NN_OK;
}

nn_status srv_library_read(const char *folder, const struct srv_library_ref *ref, uint8_t *grey,
                           struct nn_error *err)
{
    char path[PATH_TEXT], hex[SRV_DIGEST_TEXT];
    size_t size = (size_t)ref->width * (size_t)ref->width;
    int file = open_image(folder, ref, path);
    if (file < 0) return fail(err, path, "cannot be read");
    nn_status status = read_image(file, path, grey, size, err);
    close(file);
    if (status) return status;
    nn_sha256_hex(grey, size, hex);
    if (strcmp(hex, ref->sha256)) return nn_fail(err, NN_ERR_FORMAT, "%s: is damaged", path);
    return NN_OK;
}
