/* The memory cache of encoded images, and the keys it goes by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>

#include "engine/sha256.h"
#include "server/images/image_cache.h"

/* ---- keys ---- */

static struct nn_model_info a_model(void)
{
    return (struct nn_model_info){.sha256 = "aa", .device = "cpu", .resolution = 64, .class_count = 2};
}

static struct srv_image_request a_request(void)
{
    return (struct srv_image_request){
        .sample = {.seed = 5, .class_index = 1, .strength = 0.25f, .truncation = 0.5f},
        .size = 64,
        .depth = 8};
}

static void a_key_depends_on_all_that_the_file_depends_on(void **state)
{
    (void)state;
    enum { KINDS = 10 };
    struct srv_image_key keys[KINDS], again;
    struct nn_model_info models[KINDS];
    struct srv_image_request requests[KINDS];
    for (int i = 0; i < KINDS; i++) models[i] = a_model(), requests[i] = a_request();
    strcpy(models[1].sha256, "ab");
    strcpy(models[2].device, "cuda");
    requests[3].sample.seed = UINT64_MAX;
    requests[4].sample.class_index = 0;
    requests[5].sample.strength = 0x1.000002p-2f; /* the next float */
    requests[6].sample.truncation = 0x1.000002p-1f;
    requests[7].size = 32;
    requests[8].depth = 16;
    requests[9].labelled = true;
    for (int i = 0; i < KINDS; i++) {
        srv_image_key_of(&models[i], &requests[i], &keys[i]);
        srv_image_key_of(&models[i], &requests[i], &again);
        assert_string_equal(keys[i].hex, again.hex);
        assert_int_equal(strspn(keys[i].hex, "0123456789abcdef"), 64);
        for (int k = 0; k < i; k++)
            if (!strcmp(keys[i].hex, keys[k].hex)) fail_msg("requests %d and %d have the same key", i, k);
    }
}

/* ---- entries ---- */

static struct srv_image_key key_of(unsigned n)
{
    struct nn_model_info model = a_model();
    struct srv_image_request request = a_request();
    struct srv_image_key key;
    request.sample.seed = n;
    srv_image_key_of(&model, &request, &key);
    return key;
}

/* A file that tells which one it is. */
static struct srv_blob *file_of(unsigned n, size_t size)
{
    unsigned char *bytes = malloc(size);
    memset(bytes, (int)(n % 251), size);
    return srv_blob_take(bytes, size);
}

static void put(struct srv_image_cache *cache, unsigned n, size_t size)
{
    struct srv_image_key key = key_of(n);
    struct srv_blob *png = file_of(n, size);
    srv_cache_put(cache, &key, png);
    srv_blob_release(png);
}

static bool has(struct srv_image_cache *cache, unsigned n)
{
    struct srv_image_key key = key_of(n);
    struct srv_blob *png = srv_cache_find(cache, &key);
    if (png && (png->bytes[0] != n % 251 || png->bytes[png->size_bytes - 1] != n % 251))
        fail_msg("file %u is another one", n);
    srv_blob_release(png);
    return png;
}

static struct srv_image_cache *cache_of(size_t bytes)
{
    struct srv_image_cache *cache;
    assert_int_equal(srv_cache_open(&cache, bytes, NULL, NULL), NN_OK);
    return cache;
}

static void what_was_put_is_found_until_the_bound_is_reached(void **state)
{
    (void)state;
    struct srv_cache_counts counts;
    struct srv_image_cache *cache = cache_of(100000);
    for (unsigned n = 0; n < 1000; n++) {
        put(cache, n, 9000);
        srv_cache_count(cache, &counts);
        assert_true(counts.memory_bytes <= 100000);
        assert_true(has(cache, n));
    }
    srv_cache_count(cache, &counts);
    assert_true(counts.memory_bytes > 90000);
    assert_int_equal(counts.memory_evictions, 1000 - 10);
    for (unsigned n = 0; n < 1000; n++) assert_int_equal(has(cache, n), n >= 990);
    srv_cache_close(cache);
}

static void what_was_used_longest_ago_goes_first(void **state)
{
    (void)state;
    struct srv_image_cache *cache = cache_of(4 * 10000);
    for (unsigned n = 0; n < 3; n++) put(cache, n, 9500);
    assert_true(has(cache, 0)); /* by finding */
    put(cache, 1, 9500);        /* and by putting what is there */
    put(cache, 3, 9500);
    put(cache, 4, 9500);
    assert_false(has(cache, 2));
    assert_true(has(cache, 0) && has(cache, 1) && has(cache, 3) && has(cache, 4));
    put(cache, 5, 30000); /* as many go as it takes */
    assert_false(has(cache, 0) || has(cache, 1) || has(cache, 3));
    assert_true(has(cache, 5));
    srv_cache_close(cache);
}

static void an_entry_that_was_put_twice_is_counted_once(void **state)
{
    (void)state;
    struct srv_cache_counts once, twice;
    struct srv_image_cache *cache = cache_of(100000);
    put(cache, 1, 5000);
    srv_cache_count(cache, &once);
    put(cache, 1, 5000);
    srv_cache_count(cache, &twice);
    assert_int_equal(twice.memory_bytes, once.memory_bytes);
    srv_cache_close(cache);
}

static void a_file_larger_than_the_cache_pushes_nothing_out(void **state)
{
    (void)state;
    struct srv_image_cache *cache = cache_of(10000), *none = cache_of(0);
    put(cache, 1, 5000);
    put(cache, 2, 10000);
    assert_true(has(cache, 1));
    assert_false(has(cache, 2));
    put(none, 1, 1);
    assert_false(has(none, 1));
    srv_cache_close(cache);
    srv_cache_close(none);
    srv_cache_close(NULL);
}

static void a_reader_keeps_a_file_that_the_cache_has_dropped(void **state)
{
    (void)state;
    struct srv_cache_counts counts;
    struct srv_image_cache *cache = cache_of(10000);
    struct srv_image_key key = key_of(1);
    put(cache, 1, 9000);
    struct srv_blob *held = srv_cache_find(cache, &key);
    put(cache, 2, 9000);
    assert_false(has(cache, 1));
    srv_cache_count(cache, &counts);
    assert_true(counts.memory_bytes < 10000);
    srv_cache_close(cache);
    assert_int_equal(held->size_bytes, 9000);
    assert_int_equal(held->bytes[8999], 1);
    assert_int_equal(atomic_load(&held->holders), 1);
    srv_blob_release(held);
}

static void hits_and_misses_are_counted(void **state)
{
    (void)state;
    struct srv_cache_counts counts;
    struct srv_image_cache *cache = cache_of(100000);
    has(cache, 1);
    put(cache, 1, 10);
    has(cache, 1);
    has(cache, 1);
    srv_cache_count(cache, &counts);
    assert_int_equal(counts.misses, 1);
    assert_int_equal(counts.memory_hits, 2);
    srv_cache_close(cache);
}

/* ---- threads ---- */

enum { THREADS = 8, ROUNDS = 20000, FILES = 60 };

static void *use(void *context)
{
    struct srv_image_cache *cache = context;
    unsigned random = (unsigned)(uintptr_t)pthread_self();
    for (int i = 0; i < ROUNDS; i++) {
        random = random * 1664525 + 1013904223;
        unsigned n = (random >> 16) % FILES;
        if (!has(cache, n)) put(cache, n, 500 + n);
    }
    return NULL;
}

static void many_threads_get_the_right_files(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct srv_cache_counts counts;
    struct srv_image_cache *cache = cache_of(FILES / 2 * 700); /* half of them fit */
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, use, cache), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    srv_cache_count(cache, &counts);
    assert_int_equal(counts.memory_hits + counts.misses, THREADS * ROUNDS);
    assert_true(counts.memory_evictions > 0);
    assert_true(counts.memory_bytes <= FILES / 2 * 700);
    srv_cache_close(cache);
}

static void a_digest_is_that_of_the_bytes_however_often_it_is_asked_for(void **state)
{
    (void)state;
    char wanted[BLOB_DIGEST_TEXT], hex[BLOB_DIGEST_TEXT];
    struct srv_blob *png = file_of(7, 5000);
    nn_sha256_hex(png->bytes, png->size_bytes, wanted);
    for (int i = 0; i < 3; i++) {
        memset(hex, 0, sizeof hex);
        srv_blob_sha256(png, hex);
        assert_string_equal(hex, wanted);
    }
    srv_blob_release(png);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_is_that_of_the_bytes_however_often_it_is_asked_for),
        cmocka_unit_test(a_key_depends_on_all_that_the_file_depends_on),
        cmocka_unit_test(what_was_put_is_found_until_the_bound_is_reached),
        cmocka_unit_test(what_was_used_longest_ago_goes_first),
        cmocka_unit_test(an_entry_that_was_put_twice_is_counted_once),
        cmocka_unit_test(a_file_larger_than_the_cache_pushes_nothing_out),
        cmocka_unit_test(a_reader_keeps_a_file_that_the_cache_has_dropped),
        cmocka_unit_test(hits_and_misses_are_counted),
        cmocka_unit_test(many_threads_get_the_right_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
