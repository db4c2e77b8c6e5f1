/* The registry of checkpoints when files are replaced, broken and removed while models are in use. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/sha256.h"
#include "tests/unit/scratch.h"
#include "tests/unit/server/small_registry.h"

/* ---- replacing ----------------------------------------------------------------------------------- */

static void a_replaced_file_is_loaded_beside_the_version_in_use(void **state)
{
    char first[65], second[65];
    struct srv_models *m = registry_start(state);
    registry_sha256(state, "a", first);
    struct srv_model *old = registry_held(m, "a");
    registry_write(state, "a", 2);
    registry_sha256(state, "a", second);
    wait_until(registry_is_loaded_as(m, "a", second));
    struct srv_model *new = registry_held(m, "a");
    assert_ptr_not_equal(old, new);
    assert_string_equal(srv_model_info(old)->sha256, first);
    assert_string_equal(srv_model_info(new)->sha256, second);
    registry_assert_draws(old);
    registry_assert_draws(new);
    srv_model_release(new);
    assert_int_equal(registry_counts(m).loaded, 2);
    srv_model_release(old);
    wait_until(registry_counts(m).loaded == 1);
    srv_models_stop(m);
}

static void a_session_keeps_its_version_until_memory_is_needed(void **state)
{
    char first[65];
    registry_write(state, "b", 2);
    struct srv_models *m = registry_start(state);
    registry_sha256(state, "a", first);
    srv_model_release(registry_held_version(m, first));
    registry_write(state, "a", 3);
    wait_until(!registry_is_loaded_as(m, "a", first));
    registry_let_it_look();
    srv_model_release(registry_held_version(m, first));
    srv_models_stop(m);

    m = registry_start_for(state, 2);
    registry_sha256(state, "a", first);
    srv_model_release(registry_held_version(m, first));
    registry_write(state, "a", 4);
    wait_until(!registry_is_loaded_as(m, "a", first));
    assert_int_equal(registry_try(m, "b"), MODELS_OK); /* a's new version went, which its file still has */
    srv_model_release(registry_held_version(m, first));
    struct srv_model *b = registry_held(m, "b");
    assert_int_equal(registry_try(m, "a"), MODELS_OK);
    srv_model_release(b);
    assert_int_equal(registry_try_version(m, first), MODELS_GONE);
    srv_models_stop(m);
}

static void a_version_that_no_session_asks_for_any_more_goes(void **state)
{
    char first[65], second[65];
    struct srv_models *m;
    srv_models_stop(registry_start(state));
    registry_setup.session_keep_us = 200 * 1000;
    assert_int_equal(srv_models_start(&m, &registry_setup, NULL), NN_OK);
    registry_sha256(state, "a", first);
    srv_model_release(registry_held_version(m, first));
    registry_write(state, "a", 2);
    registry_sha256(state, "a", second);
    wait_until(registry_is_loaded_as(m, "a", second));
    wait_until(registry_counts(m).loaded == 1);
    assert_int_equal(registry_try_version(m, first), MODELS_GONE);
    assert_true(registry_is_loaded_as(m, "a", second));
    srv_models_stop(m);
}

static void a_version_is_found_whatever_its_file_is_called_now(void **state)
{
    char first[65];
    registry_write(state, "b", 2);
    struct srv_models *m = registry_start(state);
    registry_sha256(state, "b", first);
    assert_int_equal(rename(registry_file(state, "b"), registry_file(state, "c")), 0);
    struct srv_model_entry entry;
    wait_until(srv_models_find(m, "c", &entry) && !srv_models_find(m, "b", &entry));
    assert_string_equal(registry_entry(m, "c").info.sha256, "");
    srv_model_release(registry_held_version(m, first));
    assert_true(registry_is_loaded_as(m, "c", first));
    char none[65];
    nn_sha256_hex("x", 1, none);
    assert_int_equal(registry_try_version(m, none), MODELS_GONE);
    srv_models_stop(m);
}

static void a_file_that_is_only_touched_is_not_loaded_anew(void **state)
{
    struct srv_models *m = registry_start(state);
    struct srv_model *before = registry_held(m, "a");
    assert_int_equal(chmod(registry_file(state, "a"), 0640), 0);
    registry_let_it_look();
    registry_write(state, "a", 1);
    registry_let_it_look();
    struct srv_model *after = registry_held(m, "a");
    assert_ptr_equal(before, after);
    assert_int_equal(registry_counts(m).loads, 1);
    srv_model_release(before);
    srv_model_release(after);
    srv_models_stop(m);
}

static void a_version_that_comes_back_is_taken_from_memory(void **state)
{
    char first[65], second[65];
    struct srv_models *m = registry_start(state);
    registry_sha256(state, "a", first);
    struct srv_model *old = registry_held(m, "a");
    registry_write(state, "a", 2);
    registry_sha256(state, "a", second);
    wait_until(registry_is_loaded_as(m, "a", second));
    registry_write(state, "a", 1);
    wait_until(registry_is_loaded_as(m, "a", first));
    assert_int_equal(registry_counts(m).loads, 2);
    srv_model_release(old);
    wait_until(registry_counts(m).loaded == 1);
    assert_true(registry_is_loaded_as(m, "a", first));
    srv_models_stop(m);
}

static void fifty_reloads_leave_one_model_in_memory(void **state)
{
    struct srv_models *m = registry_start(state);
    size_t bytes = registry_counts(m).memory_bytes;
    for (uint64_t seed = 2; seed <= 51; seed++) {
        char hex[65];
        registry_write(state, "a", seed);
        registry_sha256(state, "a", hex);
        wait_until(registry_is_loaded_as(m, "a", hex));
    }
    wait_until(registry_counts(m).loaded == 1);
    struct srv_models_counts counts = registry_counts(m);
    assert_int_equal(counts.loads, 51);
    assert_int_equal(counts.memory_bytes, bytes);
    assert_int_equal(counts.failures + counts.evictions, 0);
    srv_models_stop(m);
}

/* ---- bad files ----------------------------------------------------------------------------------- */

/* What lies aside, as the hidden ".a", takes the place of "a" at once, whatever both are. */
static void swap_in(void **state)
{
    const char *aside = registry_file(state, ".a");
    assert_int_equal(renameat2(AT_FDCWD, aside, AT_FDCWD, registry_file(state, "a"), RENAME_EXCHANGE), 0);
    assert_int_equal(remove(aside), 0);
}

static void put_a_folder(void **state)
{
    assert_int_equal(mkdir(registry_file(state, ".a"), 0700), 0);
}

static void put_a_pipe(void **state)
{
    assert_int_equal(mkfifo(registry_file(state, ".a"), 0600), 0);
}

static void put_garbage(void **state)
{
    scratch_text(registry_file(state, ".a"), "hello, this is a letter and not a checkpoint at all");
}

static void put_nothing(void **state)
{
    scratch_text(registry_file(state, ".a"), "");
}

static void put_a_part(void **state)
{
    size_t size;
    uint8_t *bytes = scratch_read(registry_file(state, "a"), &size);
    scratch_write(registry_file(state, ".a"), bytes, size / 2);
    free(bytes);
}

static void put_a_longer_one(void **state)
{
    size_t size;
    uint8_t *bytes = scratch_read(registry_file(state, "a"), &size);
    bytes = realloc(bytes, size + 4);
    assert_non_null(bytes);
    memset(bytes + size, 0, 4);
    scratch_write(registry_file(state, ".a"), bytes, size + 4);
    free(bytes);
}

/* The header is as good as before: only opening tells. */
static void put_a_weight_that_is_no_number(void **state)
{
    size_t size;
    uint8_t *bytes = scratch_read(registry_file(state, "a"), &size);
    memset(bytes + size - 4, 0xff, 4);
    scratch_write(registry_file(state, ".a"), bytes, size);
    free(bytes);
}

static void put_other_classes(void **state)
{
    registry_write_classes(state, ".a", 9, "sprain");
}

static void a_bad_file_never_takes_the_version_in_memory_down(void **state)
{
    static const struct {
        const char *what;
        void (*put)(void **state);
    } kinds[] = {
        {"a folder", put_a_folder},
        {"a pipe", put_a_pipe},
        {"garbage", put_garbage},
        {"nothing in it", put_nothing},
        {"a part", put_a_part},
        {"more than a checkpoint", put_a_longer_one},
        {"a weight that is no number", put_a_weight_that_is_no_number},
        {"other classes", put_other_classes},
    };
    struct srv_models *m = registry_start(state);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char good[65], next[65];
        registry_sha256(state, "a", good);
        uint64_t failures = registry_counts(m).failures;
        kinds[i].put(state);
        swap_in(state);
        wait_until(registry_entry(m, "a").reason[0]);
        struct srv_model_entry entry = registry_entry(m, "a");
        if (entry.state != MODEL_LOADED || strcmp(entry.info.sha256, good))
            fail_msg("%s took the model down", kinds[i].what);
        if (strstr(entry.reason, *state))
            fail_msg("%s: the reason has a path: %s", kinds[i].what, entry.reason);
        registry_let_it_look();
        assert_int_equal(registry_counts(m).failures, failures + 1);
        assert_int_equal(registry_try(m, "a"), MODELS_OK);
        assert_int_equal(registry_try_version(m, good), MODELS_OK);
        registry_write(state, ".a", 100 + i);
        swap_in(state);
        registry_sha256(state, "a", next);
        wait_until(registry_is_loaded_as(m, "a", next));
        assert_string_equal(registry_entry(m, "a").reason, "");
    }
    srv_models_stop(m);
}

static void a_bad_file_of_a_model_that_is_not_in_memory_is_an_error_until_it_is_mended(void **state)
{
    registry_write(state, "b", 2);
    struct srv_models *m = registry_start(state);
    scratch_text(registry_file(state, "b"), "no checkpoint");
    wait_until(registry_entry(m, "b").state == MODEL_BROKEN);
    assert_int_equal(registry_try(m, "b"), MODELS_BROKEN);
    assert_false(registry_entry(m, "b").described);
    registry_write(state, "b", 3);
    wait_until(registry_entry(m, "b").state == MODEL_AVAILABLE);
    assert_int_equal(registry_try(m, "b"), MODELS_OK);
    srv_models_stop(m);
}

static void a_removed_file_refuses_new_holders_and_keeps_what_sessions_use(void **state)
{
    char sha256[65], other[65];
    struct srv_model_entry entry;
    registry_write(state, "b", 2);
    struct srv_models *m = registry_start(state);
    registry_sha256(state, "a", sha256);
    registry_sha256(state, "b", other);
    srv_model_release(registry_held_version(m, sha256));
    srv_model_release(registry_held_version(m, other));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(unlink(registry_file(state, "a")), 0);
        if (i == 1) assert_int_equal(symlink("nowhere", registry_file(state, "a")), 0);
        wait_until(registry_entry(m, "a").state == MODEL_BROKEN);
        assert_string_equal(registry_entry(m, "a").reason, "No such file or directory");
        assert_int_equal(registry_try(m, "a"), MODELS_BROKEN);
        registry_assert_draws(
            registry_held_version(m, sha256)); /* never released: nothing closes it before the stop */
        remove(registry_file(state, "a"));
        registry_write(state, "a", 1);
        wait_until(registry_is_loaded_as(m, "a", sha256));
    }
    assert_int_equal(unlink(registry_file(state, "b")), 0);
    wait_until(!srv_models_find(m, "b", &entry));
    assert_int_equal(registry_try(m, "b"), MODELS_UNKNOWN);
    assert_int_equal(registry_try_version(m, other), MODELS_OK);
    assert_int_equal(registry_counts(m).loads, 2);
    srv_models_stop(m);
}

static void a_file_that_is_being_written_in_place_is_left_alone(void **state)
{
    char hex[65];
    size_t size;
    struct srv_models *m = registry_start(state);
    registry_write(state, "b", 2);
    uint8_t *bytes = scratch_read(registry_file(state, "b"), &size);
    registry_sha256(state, "b", hex);
    FILE *file = fopen(registry_file(state, "a"), "w");
    assert_non_null(file);
    for (size_t i = 0; i < size; i += 64) {
        size_t part = size - i < 64 ? size - i : 64;
        assert_int_equal(fwrite(bytes + i, 1, part, file), part);
        assert_int_equal(fflush(file), 0);
        assert_int_equal(registry_try(m, "a"), MODELS_OK);
        registry_sleep_ms(1);
    }
    fclose(file);
    free(bytes);
    wait_until(registry_is_loaded_as(m, "a", hex));
    srv_models_stop(m);
}

static void without_its_folder_what_is_in_memory_goes_on(void **state)
{
    char aside[256], hex[65];
    snprintf(aside, sizeof aside, "%s.aside", (char *)*state);
    struct srv_models *m = registry_start(state);
    assert_int_equal(rename(*state, aside), 0);
    registry_let_it_look();
    assert_int_equal(registry_try(m, "a"), MODELS_OK);
    assert_int_equal(registry_entry(m, "a").state, MODEL_LOADED);
    assert_int_equal(rename(aside, *state), 0);
    registry_write(state, "a", 2);
    registry_sha256(state, "a", hex);
    wait_until(registry_is_loaded_as(m, "a", hex));
    srv_models_stop(m);
}
#define test(claim) cmocka_unit_test_setup_teardown(claim, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_replaced_file_is_loaded_beside_the_version_in_use),
        test(a_session_keeps_its_version_until_memory_is_needed),
        test(a_version_that_no_session_asks_for_any_more_goes),
        test(a_version_is_found_whatever_its_file_is_called_now),
        test(a_file_that_is_only_touched_is_not_loaded_anew),
        test(a_version_that_comes_back_is_taken_from_memory),
        test(fifty_reloads_leave_one_model_in_memory),
        test(a_bad_file_never_takes_the_version_in_memory_down),
        test(a_bad_file_of_a_model_that_is_not_in_memory_is_an_error_until_it_is_mended),
        test(a_removed_file_refuses_new_holders_and_keeps_what_sessions_use),
        test(a_file_that_is_being_written_in_place_is_left_alone),
        test(without_its_folder_what_is_in_memory_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
