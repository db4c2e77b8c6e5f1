#include "server/images/image_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "server/background.h"
#include "server/clock.h"
#include "server/images/key_lru.h"
#include "server/images/stored_image.h"
#include "server/log.h"

enum { WAITING_MAX = 64, PAUSE_US = 60 * 1000000, STALE_S = 600, DIGITS = IMAGE_KEY_TEXT - 1 };

/* Beyond what waits there are at most so many bytes more: the memory that a slow disk may take. */
#define WAITING_BYTES_MAX ((size_t)64 << 20)
/* Images can be made again, answers cannot: the last of the disk is for the database. */
#define LEFT_FREE_BYTES ((uint64_t)64 << 20)

struct waiting {
    struct srv_image_key key;
    struct srv_blob *png;
};

struct srv_image_store {
    const char *folder;
    uint64_t bytes_max;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t work;   /* for the thread: something waits, or stop */
    bool stop, failing;
    int64_t paused_until_us;             /* on the steady clock */
    struct waiting waiting[WAITING_MAX]; /* a ring */
    int first, count;
    size_t waiting_bytes;
    struct srv_lru files; /* those that have been seen; their entries are bare */
    struct srv_image_store_counts counts;
};

/* ---- the files that are known ---- */

/* A file that is there, perhaps not for the first time. The mutex is held. */
static void note_file(struct srv_image_store *s, const struct srv_image_key *key, size_t bytes)
{
    struct srv_lru_entry *e = srv_lru_find(&s->files, key);
    if (e) {
        srv_lru_use(&s->files, e);
        return;
    }
    e = malloc(sizeof *e);
    if (!e) return; /* then this file is not counted until it is seen again */
    *e = (struct srv_lru_entry){.key = *key, .bytes = bytes};
    srv_lru_add(&s->files, e);
}

static void forget_file(struct srv_image_store *s, const struct srv_image_key *key)
{
    struct srv_lru_entry *e = srv_lru_find(&s->files, key);
    if (!e) return;
    srv_lru_remove(&s->files, e);
    free(e);
}

/* One at a time, so that nobody waits for the mutex while many files are removed. */
static void evict_excess(struct srv_image_store *s)
{
    char path[STORED_PATH_TEXT];
    for (;;) {
        pthread_mutex_lock(&s->mutex);
        bool excess = s->files.bytes > s->bytes_max;
        if (excess) {
            srv_stored_path(s->folder, &s->files.oldest->key, path);
            forget_file(s, &s->files.oldest->key);
            s->counts.evictions++;
        }
        pthread_mutex_unlock(&s->mutex);
        if (!excess) return;
        unlink(path);
    }
}

/* ---- the first look ---- */

struct seen {
    struct srv_image_key key;
    size_t bytes;
    struct timespec used;
};

struct seen_list {
    struct seen *list;
    size_t count, capacity;
};

static int by_use(const void *a, const void *b)
{
    const struct timespec *x = &((const struct seen *)a)->used, *y = &((const struct seen *)b)->used;
    if (x->tv_sec != y->tv_sec) return x->tv_sec < y->tv_sec ? -1 : 1;
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

static bool see(struct seen_list *l, const char *name, const struct stat *info)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 1024;
        struct seen *list = realloc(l->list, capacity * sizeof *list);
        if (!list) return false;
        l->list = list;
        l->capacity = capacity;
    }
    struct seen *seen = &l->list[l->count++];
    memcpy(seen->key.hex, name, sizeof seen->key.hex);
    seen->bytes = srv_stored_disk_bytes((size_t)info->st_size);
    seen->used = info->st_mtim;
    return true;
}

/* 64 digits, in the sub-folder of the first two; with more behind them the temporary file of a killed daemon,
 * if it is old enough not to be that of another one at work. */
static void look_at_file(struct seen_list *l, int folder, const char *prefix, const char *name)
{
    struct stat info;
    if (strspn(name, "0123456789abcdef") != DIGITS || memcmp(name, prefix, 2)) return;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) || !S_ISREG(info.st_mode)) return;
    if (!name[DIGITS])
        see(l, name, &info);
    else if (name[DIGITS] == '.' && info.st_mtime < srv_clock_utc_ms() / 1000 - STALE_S)
        unlinkat(folder, name, 0);
}

static void look_at_folder(struct seen_list *l, const char *folder, int number)
{
    char path[STORED_PATH_TEXT], prefix[3];
    struct dirent *entry;
    snprintf(prefix, sizeof prefix, "%02x", (unsigned)number & 255);
    snprintf(path, sizeof path, "%s/%s", folder, prefix);
    DIR *dir = opendir(path);
    if (!dir) return;
    while ((entry = readdir(dir))) look_at_file(l, dirfd(dir), prefix, entry->d_name);
    closedir(dir);
}

/* Ten thousand files take 0.15 s, during which images are found by their names as ever. */
static void look_around(struct srv_image_store *s)
{
    struct seen_list l = {0};
    for (int i = 0; i < 256; i++) look_at_folder(&l, s->folder, i);
    if (l.count) qsort(l.list, l.count, sizeof *l.list, by_use);
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < l.count; i++) note_file(s, &l.list[i].key, l.list[i].bytes);
    pthread_mutex_unlock(&s->mutex);
    free(l.list);
    evict_excess(s);
}

/* ---- writing ---- */

static bool disk_is_full(const char *folder)
{
    struct statvfs disk;
    return !statvfs(folder, &disk) && (uint64_t)disk.f_bavail * disk.f_frsize < LEFT_FREE_BYTES;
}

/* The folders are made when they are first needed, and anew when somebody has removed them. */
static int write_file(const char *folder, const struct waiting *w)
{
    char path[STORED_PATH_TEXT], sub[STORED_PATH_TEXT];
    srv_stored_path(folder, &w->key, path);
    if (disk_is_full(folder)) return ENOSPC;
    int failure = srv_stored_write(path, &w->key, w->png);
    if (failure != ENOENT) return failure;
    snprintf(sub, sizeof sub, "%s/%.2s", folder, w->key.hex);
    if (mkdir(folder, 0700) && errno != EEXIST) return errno;
    if (mkdir(sub, 0700) && errno != EEXIST) return errno;
    return srv_stored_write(path, &w->key, w->png);
}

/* Writing is tried again after a pause; only changes are told. A folder where one image should lie says
 * nothing about the others. The mutex is held. */
static void note_outcome(struct srv_image_store *s, const struct waiting *w, int failure)
{
    if (failure == EISDIR) {
        s->counts.write_failures++;
        return;
    }
    if (failure) {
        if (!s->failing) srv_log_error("%s: images are not kept there now: %s", s->folder, strerror(failure));
        s->counts.write_failures++;
        s->paused_until_us = srv_clock_monotonic_us() + PAUSE_US;
    } else {
        if (s->failing) srv_log("%s: images are kept there again", s->folder);
        note_file(s, &w->key, srv_stored_bytes(w->png->size_bytes));
    }
    s->failing = failure != 0;
}

/* The mutex is held; it is let go while the file is written. */
static void write_first(struct srv_image_store *s)
{
    struct waiting w = s->waiting[s->first];
    bool paused = srv_clock_monotonic_us() < s->paused_until_us;
    if (paused) s->counts.dropped++;
    pthread_mutex_unlock(&s->mutex);
    int failure = paused ? 0 : write_file(s->folder, &w);
    pthread_mutex_lock(&s->mutex);
    if (!paused) note_outcome(s, &w, failure);
    s->first = (s->first + 1) % WAITING_MAX;
    s->count--;
    s->waiting_bytes -= w.png->size_bytes;
    pthread_mutex_unlock(&s->mutex);
    srv_blob_release(w.png);
    evict_excess(s);
    pthread_mutex_lock(&s->mutex);
}

static void *run(void *context)
{
    struct srv_image_store *s = context;
    srv_background("image store");
    look_around(s);
    pthread_mutex_lock(&s->mutex);
    for (;;) {
        if (s->count)
            write_first(s);
        else if (s->stop)
            break;
        else
            pthread_cond_wait(&s->work, &s->mutex);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

/* ---- life ---- */

static void release(struct srv_image_store *s)
{
    while (s->files.oldest) forget_file(s, &s->files.oldest->key);
    srv_lru_release(&s->files);
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

nn_status srv_image_store_open(struct srv_image_store **store, const char *folder, uint64_t bytes_max,
                               struct nn_error *err)
{
    *store = NULL;
    struct srv_image_store *s = calloc(1, sizeof *s);
    if (!s) return nn_fail(err, NN_ERR_MEMORY, "no memory for the store of images");
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->work, NULL);
    s->folder = folder;
    s->bytes_max = bytes_max;
    nn_status status = srv_lru_init(&s->files, bytes_max, err);
    if (!status && pthread_create(&s->thread, NULL, run, s))
        status = nn_fail(err, NN_ERR_MEMORY, "cannot start the thread that keeps images");
    if (status)
        release(s);
    else
        *store = s;
    return status;
}

void srv_image_store_close(struct srv_image_store *s)
{
    if (!s) return;
    pthread_mutex_lock(&s->mutex);
    s->stop = true;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    release(s);
}

/* ---- use ---- */

struct srv_blob *srv_image_store_find(struct srv_image_store *s, const struct srv_image_key *key)
{
    char path[STORED_PATH_TEXT];
    struct srv_blob *png;
    srv_stored_path(s->folder, key, path);
    enum srv_stored_result result = srv_stored_read(path, key, &png);
    if (result == STORED_BAD) unlink(path);
    pthread_mutex_lock(&s->mutex);
    if (png) {
        s->counts.hits++;
        note_file(s, key, srv_stored_bytes(png->size_bytes));
    } else if (result != STORED_UNREAD) { /* else it is still there, and still counts */
        s->counts.refused += result == STORED_BAD;
        forget_file(s, key);
    }
    pthread_mutex_unlock(&s->mutex);
    return png;
}

void srv_image_store_put(struct srv_image_store *s, const struct srv_image_key *key, struct srv_blob *png)
{
    pthread_mutex_lock(&s->mutex);
    bool kept = srv_lru_find(&s->files, key) || srv_stored_bytes(png->size_bytes) > s->bytes_max;
    bool room = s->count < WAITING_MAX && s->waiting_bytes + png->size_bytes <= WAITING_BYTES_MAX &&
                srv_clock_monotonic_us() >= s->paused_until_us;
    if (!kept && room) {
        s->waiting[(s->first + s->count++) % WAITING_MAX] = (struct waiting){*key, srv_blob_hold(png)};
        s->waiting_bytes += png->size_bytes;
        pthread_cond_signal(&s->work);
    } else if (!kept) {
        s->counts.dropped++;
    }
    pthread_mutex_unlock(&s->mutex);
}

void srv_image_store_count(struct srv_image_store *s, struct srv_image_store_counts *counts)
{
    pthread_mutex_lock(&s->mutex);
    *counts = s->counts;
    counts->bytes = s->files.bytes;
    pthread_mutex_unlock(&s->mutex);
}
