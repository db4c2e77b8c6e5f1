/* The images on disk: what is damaged is never served, the bound holds, a disk that fails costs nothing. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/sha256.h"
#include "server/images/image_cache.h"
#include "server/images/image_store.h"
#include "server/images/stored_image.h"
#include "tests/unit/scratch.h"

enum { MANY = 1 << 30 };

static struct srv_image_key key_of(unsigned n)
{
    struct srv_image_key key;
    nn_sha256_hex(&n, sizeof n, key.hex);
    return key;
}

/* A file that tells which one it is. */
static struct srv_blob *file_of(unsigned n, size_t size)
{
    unsigned char *bytes = malloc(size);
    for (size_t i = 0; i < size; i++) bytes[i] = (unsigned char)(n * 31 + i);
    return srv_blob_take(bytes, size);
}

static struct srv_image_store *store_at(const char *folder, uint64_t bytes)
{
    struct srv_image_store *store;
    assert_int_equal(srv_image_store_open(&store, folder, bytes, NULL), NN_OK);
    return store;
}

static void put(struct srv_image_store *store, unsigned n, size_t size)
{
    struct srv_image_key key = key_of(n);
    struct srv_blob *png = file_of(n, size);
    srv_image_store_put(store, &key, png);
    srv_blob_release(png);
}

static bool has(struct srv_image_store *store, unsigned n, size_t size)
{
    struct srv_image_key key = key_of(n);
    struct srv_blob *png = srv_image_store_find(store, &key), *wanted = file_of(n, size);
    if (png) {
        assert_int_equal(png->size_bytes, size);
        assert_memory_equal(png->bytes, wanted->bytes, size);
    }
    srv_blob_release(wanted);
    srv_blob_release(png);
    return png;
}

/* What a store has been given is there once it is closed. */
static void fill(const char *folder, unsigned from, unsigned to, size_t size)
{
    struct srv_image_store *store = store_at(folder, MANY);
    for (unsigned n = from; n < to; n++) put(store, n, size);
    srv_image_store_close(store);
}

static void path_of(const char *folder, unsigned n, char path[STORED_PATH_TEXT])
{
    struct srv_image_key key = key_of(n);
    srv_stored_path(folder, &key, path);
}

static struct srv_image_store_counts counts_of(struct srv_image_store *store)
{
    struct srv_image_store_counts counts;
    srv_image_store_count(store, &counts);
    return counts;
}

/* ---- what is there ---- */

static void images_outlive_the_daemon(void **state)
{
    const char *folder = scratch_path(state, "outlive");
    fill(folder, 0, 50, 3000);
    struct srv_image_store *store = store_at(folder, MANY);
    for (unsigned n = 0; n < 50; n++) assert_true(has(store, n, 3000));
    assert_false(has(store, 50, 3000));
    assert_int_equal(counts_of(store).hits, 50);
    srv_image_store_close(store);
}

static void what_was_used_longest_ago_is_removed(void **state)
{
    const char *folder = scratch_path(state, "bound");
    char path[STORED_PATH_TEXT];
    fill(folder, 0, 20, 8000); /* 8192 bytes on disk each */
    for (unsigned n = 0; n < 20; n++) {
        struct timespec used[2] = {{1000 + n, 0}, {1000 + n, 0}};
        path_of(folder, n, path);
        assert_int_equal(utimensat(AT_FDCWD, path, used, 0), 0);
    }
    struct srv_image_store *store = store_at(folder, MANY);
    assert_true(has(store, 3, 8000)); /* used now */
    srv_image_store_close(store);
    store = store_at(folder, 10 * 8192); /* a smaller bound: the oldest go */
    put(store, 20, 8000);
    srv_image_store_close(store);
    store = store_at(folder, MANY);
    for (unsigned n = 0; n <= 20; n++) assert_int_equal(has(store, n, 8000), n == 3 || n >= 12);
    srv_image_store_close(store);
}

static void an_image_larger_than_the_bound_is_not_kept(void **state)
{
    const char *folder = scratch_path(state, "larger");
    struct srv_image_store *store = store_at(folder, 8192);
    put(store, 1, 4000);
    put(store, 2, 9000);
    srv_image_store_close(store);
    store = store_at(folder, 8192);
    assert_true(has(store, 1, 4000));
    assert_false(has(store, 2, 9000));
    srv_image_store_close(store);
}

/* ---- what is damaged ---- */

/* Replaces file 1 by those bytes, asks for it, and expects that it is gone. */
static void assert_refused(struct srv_image_store *store, const char *path, const void *bytes, size_t size)
{
    scratch_write(path, bytes, size);
    if (has(store, 1, 200)) fail_msg("a damaged file of %zu bytes was served", size);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_file_that_was_cut_short_or_changed_is_removed_and_not_served(void **state)
{
    const char *folder = scratch_path(state, "damaged");
    char path[STORED_PATH_TEXT];
    size_t size;
    fill(folder, 1, 3, 200);
    path_of(folder, 1, path);
    uint8_t *whole = scratch_read(path, &size), *changed = malloc(size + 1);
    struct srv_image_store *store = store_at(folder, MANY);
    for (size_t length = 0; length < size; length++) assert_refused(store, path, whole, length);
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(changed, whole, size);
            changed[i] ^= (uint8_t)(1 << bit);
            assert_refused(store, path, changed, size);
        }
    memcpy(changed, whole, size);
    changed[size] = 0;
    assert_refused(store, path, changed, size + 1);
    assert_int_equal(counts_of(store).refused, size + 8 * size + 1);
    scratch_write(path, whole, size);
    assert_true(has(store, 1, 200));
    free(whole);
    free(changed);
    srv_image_store_close(store);
}

static void another_image_in_its_place_is_not_served(void **state)
{
    const char *folder = scratch_path(state, "swapped");
    char path[STORED_PATH_TEXT], other[STORED_PATH_TEXT];
    fill(folder, 1, 3, 200);
    path_of(folder, 1, path);
    path_of(folder, 2, other);
    assert_int_equal(rename(other, path), 0);
    struct srv_image_store *store = store_at(folder, MANY);
    assert_false(has(store, 1, 200));
    assert_false(has(store, 2, 200));
    put(store, 1, 200); /* made anew */
    srv_image_store_close(store);
    store = store_at(folder, MANY);
    assert_true(has(store, 1, 200));
    srv_image_store_close(store);
}

static void links_pipes_and_folders_in_its_place_are_not_followed(void **state)
{
    const char *folder = scratch_path(state, "foreign");
    char path[STORED_PATH_TEXT], other[STORED_PATH_TEXT];
    fill(folder, 1, 3, 200);
    struct srv_image_store *store = store_at(folder, MANY);
    path_of(folder, 1, path);
    path_of(folder, 2, other);
    const char *moved = scratch_path(state, "foreign/moved");
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(symlink(moved, path), 0); /* even to what would be right */
    assert_false(has(store, 1, 200));
    assert_int_equal(access(moved, F_OK), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_false(has(store, 1, 200));
    assert_true(has(store, 2, 200));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(has(store, 1, 200));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(has(store, 1, 200));
    assert_false(has(store, 1, 200));
    srv_image_store_close(store);
}

static void a_folder_in_the_place_of_one_image_keeps_out_no_other(void **state)
{
    const char *folder = scratch_path(state, "occupied");
    char path[STORED_PATH_TEXT];
    fill(folder, 1, 2, 200);
    path_of(folder, 1, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    struct srv_image_store *store = store_at(folder, MANY);
    put(store, 1, 200);
    while (counts_of(store).write_failures == 0) usleep(1000);
    put(store, 2, 200);
    srv_image_store_close(store); /* all that waits is written */
    store = store_at(folder, MANY);
    assert_false(has(store, 1, 200));
    assert_true(has(store, 2, 200));
    srv_image_store_close(store);
}

static void an_image_that_cannot_be_opened_for_want_of_open_files_stays(void **state)
{
    const char *folder = scratch_path(state, "files");
    struct rlimit files;
    fill(folder, 1, 2, 3000);
    struct srv_image_store *store = store_at(folder, MANY);
    assert_true(has(store, 1, 3000));
    uint64_t bytes = counts_of(store).bytes;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, files.rlim_max});
    bool found = has(store, 1, 3000);
    setrlimit(RLIMIT_NOFILE, &files);
    assert_false(found);
    assert_int_equal(counts_of(store).bytes, bytes);
    assert_int_equal(counts_of(store).refused, 0);
    assert_true(has(store, 1, 3000));
    srv_image_store_close(store);
}

static void what_is_not_ours_is_left_alone_and_old_remains_are_removed(void **state)
{
    const char *folder = scratch_path(state, "remains");
    char path[STORED_PATH_TEXT], fresh[STORED_PATH_TEXT + 8], stale[STORED_PATH_TEXT + 8];
    fill(folder, 1, 2, 200);
    path_of(folder, 1, path);
    snprintf(fresh, sizeof fresh, "%s.abcdef", path);
    snprintf(stale, sizeof stale, "%s.ghijkl", path);
    scratch_text(fresh, "half");
    scratch_text(stale, "half");
    assert_int_equal(utimensat(AT_FDCWD, stale, (struct timespec[2]){{1, 0}, {1, 0}}, 0), 0);
    scratch_text(scratch_path(state, "remains/letter.txt"), "dear");
    srv_image_store_close(store_at(folder, 1)); /* everything it knows goes */
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(stale, F_OK), -1);
    assert_int_equal(access(fresh, F_OK), 0);
    assert_int_equal(access(scratch_path(state, "remains/letter.txt"), F_OK), 0);
}

/* ---- disks that fail ---- */

static void a_disk_that_takes_no_more_is_left_alone_for_a_while(void **state)
{
    const char *folder = scratch_path(state, "full");
    struct srv_image_store *store = store_at(folder, MANY);
    char path[STORED_PATH_TEXT];
    scratch_disk_full(1000);
    put(store, 1, 5000);
    while (counts_of(store).write_failures == 0) usleep(1000);
    scratch_disk_free();
    put(store, 2, 100); /* it is not tried again at once */
    struct srv_image_store_counts counts = counts_of(store);
    assert_int_equal(counts.write_failures, 1);
    assert_int_equal(counts.dropped, 1);
    assert_false(has(store, 1, 5000) || has(store, 2, 100));
    srv_image_store_close(store);
    path_of(folder, 1, path);
    *strrchr(path, '/') = 0;
    assert_int_equal(rmdir(path), 0); /* nothing was left behind */
}

static void a_folder_that_cannot_be_used_costs_nothing(void **state)
{
    const char *file = scratch_path(state, "a-file");
    scratch_text(file, "not a folder");
    struct srv_image_store *store = store_at(file, MANY);
    put(store, 1, 100);
    while (counts_of(store).write_failures == 0) usleep(1000);
    assert_false(has(store, 1, 100));
    srv_image_store_close(store);
}

static void a_folder_that_is_removed_is_made_again(void **state)
{
    char folder[1000], command[1100];
    snprintf(folder, sizeof folder, "%s", scratch_path(state, "removed"));
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    fill(folder, 1, 10, 100);
    struct srv_image_store *store = store_at(folder, MANY);
    assert_true(has(store, 1, 100));
    assert_int_equal(system(command), 0);
    assert_false(has(store, 1, 100));
    put(store, 1, 100);
    srv_image_store_close(store);
    store = store_at(folder, MANY);
    assert_true(has(store, 1, 100));
    srv_image_store_close(store);
}

static void more_than_can_be_written_is_dropped_and_nobody_waits(void **state)
{
    const char *folder = scratch_path(state, "flood");
    struct srv_image_store *store = store_at(folder, MANY);
    struct srv_blob *png = file_of(0, 1000000);
    for (unsigned n = 0; n < 400; n++) {
        struct srv_image_key key = key_of(n);
        srv_image_store_put(store, &key, png);
    }
    srv_blob_release(png);
    struct srv_image_store_counts counts = counts_of(store);
    assert_true(counts.dropped > 0);
    srv_image_store_close(store);
}

/* ---- company ---- */

static void two_daemons_share_a_folder(void **state)
{
    const char *folder = scratch_path(state, "shared");
    struct srv_image_store *a = store_at(folder, MANY), *b = store_at(folder, 20 * 8192);
    for (unsigned n = 0; n < 40; n++) {
        put(a, n, 8000);
        put(b, n, 8000);
        has(a, n / 2, 8000);
        has(b, n / 3, 8000);
    }
    srv_image_store_close(b);
    for (unsigned n = 0; n < 40; n++) has(a, n, 8000); /* right or absent */
    assert_int_equal(counts_of(a).refused, 0);
    srv_image_store_close(a);
}

enum { THREADS = 4, ROUNDS = 500, FILES = 40 };

static void *use(void *context)
{
    struct srv_image_store *store = context;
    unsigned random = (unsigned)(uintptr_t)pthread_self();
    for (int i = 0; i < ROUNDS; i++) {
        random = random * 1664525 + 1013904223;
        unsigned n = (random >> 16) % FILES;
        if (!has(store, n, 2000 + n)) put(store, n, 2000 + n);
    }
    return NULL;
}

static void many_threads_get_the_right_images(void **state)
{
    pthread_t threads[THREADS];
    const char *folder = scratch_path(state, "threads");
    struct srv_image_store *store = store_at(folder, FILES / 2 * 4096);
    for (unsigned n = 0; n < FILES; n++) put(store, n, 2000 + n);
    srv_image_store_close(store);
    store = store_at(folder, FILES / 2 * 4096);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, use, store), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_true(counts_of(store).hits > 0);
    assert_int_equal(counts_of(store).refused, 0);
    srv_image_store_close(store);
}

static void the_memory_cache_finds_on_disk_what_it_has_not(void **state)
{
    const char *folder = scratch_path(state, "below");
    struct srv_cache_counts counts;
    struct srv_image_cache *cache;
    struct srv_image_key key = key_of(1);
    fill(folder, 1, 2, 100);
    struct srv_image_store *store = store_at(folder, MANY);
    assert_int_equal(srv_cache_open(&cache, 1000, store, NULL), NN_OK);
    for (int i = 0; i < 3; i++) {
        struct srv_blob *png = srv_cache_find(cache, &key);
        assert_non_null(png);
        srv_blob_release(png);
    }
    srv_cache_count(cache, &counts);
    assert_int_equal(counts.disk.hits, 1);
    assert_int_equal(counts.memory_hits, 2);
    assert_int_equal(counts.misses, 0);
    srv_cache_close(cache);
    srv_image_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_outlive_the_daemon),
        cmocka_unit_test(what_was_used_longest_ago_is_removed),
        cmocka_unit_test(an_image_larger_than_the_bound_is_not_kept),
        cmocka_unit_test(a_file_that_was_cut_short_or_changed_is_removed_and_not_served),
        cmocka_unit_test(another_image_in_its_place_is_not_served),
        cmocka_unit_test(links_pipes_and_folders_in_its_place_are_not_followed),
        cmocka_unit_test(a_folder_in_the_place_of_one_image_keeps_out_no_other),
        cmocka_unit_test(an_image_that_cannot_be_opened_for_want_of_open_files_stays),
        cmocka_unit_test(what_is_not_ours_is_left_alone_and_old_remains_are_removed),
        cmocka_unit_test(a_disk_that_takes_no_more_is_left_alone_for_a_while),
        cmocka_unit_test(a_folder_that_cannot_be_used_costs_nothing),
        cmocka_unit_test(a_folder_that_is_removed_is_made_again),
        cmocka_unit_test(more_than_can_be_written_is_dropped_and_nobody_waits),
        cmocka_unit_test(two_daemons_share_a_folder),
        cmocka_unit_test(many_threads_get_the_right_images),
        cmocka_unit_test(the_memory_cache_finds_on_disk_what_it_has_not),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
