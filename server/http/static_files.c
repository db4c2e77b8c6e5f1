#include "server/http/static_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/sha256.h"
#include "server/secrets.h"

enum { PATH_MAX_BYTES = 200, FILE_MAX_BYTES = 16 * 1024 * 1024 };

static const char *const types[][2] = {
    {"html", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"ico", "image/x-icon"},
    {"webmanifest", "application/manifest+json"},
    {"woff2", "font/woff2"},
    {"txt", "text/plain; charset=utf-8"},
};

static const char *type_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (!strcmp(dot + 1, types[i][0])) return types[i][1];
    return NULL;
}

/* Each segment is checked, so neither "..", nor a hidden file, nor an absolute path gets to the system. */
static bool safe_path(const char *path)
{
    if (strlen(path) > PATH_MAX_BYTES) return false;
    for (;;) {
        size_t length = strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
        if (length == 0 || path[0] == '.') return false;
        if (path[length] == '\0') return true;
        if (path[length] != '/') return false;
        path += length + 1;
    }
}

static char *read_whole(int file, size_t size)
{
    char *bytes = malloc(size + 1);
    size_t done = 0;
    while (bytes && done < size) {
        ssize_t got = read(file, bytes + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += (size_t)got;
    }
    if (bytes && done == size) return bytes;
    free(bytes);
    return NULL;
}

/* The same file, compressed when the pages were copied: PATH.gz, unless it is the older one. Else -1. */
static int open_compressed(int folder, const char *path, int file)
{
    char name[PATH_MAX_BYTES + sizeof ".gz"];
    struct stat plain, compressed;
    snprintf(name, sizeof name, "%s.gz", path);
    int found = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (found < 0) return -1;
    if (!fstat(file, &plain) && !fstat(found, &compressed) && compressed.st_mtime >= plain.st_mtime)
        return found;
    close(found);
    return -1;
}

static void send_file(int file, const char *type, const struct srv_request *request,
                      struct srv_response *response)
{
    struct stat info;
    bool regular = !fstat(file, &info) && S_ISREG(info.st_mode) && info.st_size <= FILE_MAX_BYTES;
    char *bytes = regular ? read_whole(file, (size_t)info.st_size) : NULL;
    if (!bytes) {
        srv_respond_error(response, 404, "not_found", "There is no such page.");
        return;
    }
    char hash[SRV_DIGEST_TEXT];
    nn_sha256_hex(bytes, (size_t)info.st_size, hash);
    snprintf(response->etag, sizeof response->etag, "\"%.32s\"", hash);
    response->cache_control = "no-cache"; /* keep, but ask whether it is still the same */
    srv_respond_bytes(response, type, bytes, (size_t)info.st_size);
    /* Sent without the body, but with its length, as a 304 should. */
    if (response->status == 200 && srv_request_matches_etag(request, response->etag)) response->status = 304;
}

/* Whoever mistyped a page's address gets a page; what pages load gets an error that scripts read. */
static void send_not_found(int folder, const char *path, const struct srv_request *request,
                           struct srv_response *response)
{
    const char *dot = strchr(path, '.');
    int file = -1;
    if (folder >= 0 && (!dot || !strcmp(dot, ".html")))
        file = openat(folder, "not-found.html", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) {
        srv_respond_error(response, 404, "not_found", "There is no such page.");
        return;
    }
    send_file(file, type_of("not-found.html"), request, response);
    close(file);
    response->status = 404;
    response->error = "not_found";
    response->etag[0] = '\0';
    response->cache_control = "no-store";
}

void srv_static_file(int folder, const struct srv_request *request, struct srv_response *response)
{
    const char *path = !strcmp(request->path, "/") ? "index.html" : request->path + (request->path[0] == '/');
    const char *type = type_of(path);
    int file = -1;
    if (folder >= 0 && type && safe_path(path))
        file = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) {
        send_not_found(folder, path, request, response);
        return;
    }
    int compressed = open_compressed(folder, path, file);
    bool gzip = compressed >= 0 && request->takes_gzip;
    send_file(gzip ? compressed : file, type, request, response);
    response->gzip = gzip && !response->error;
    response->gzip_by_request = compressed >= 0;
    if (compressed >= 0) close(compressed);
    close(file);
}
