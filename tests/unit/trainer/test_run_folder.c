/* The folder of a run: its lock, its states, its lines of metrics. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"
#include "trainer/train/run_folder.h"

static struct tr_run_folder made(void **state, int keep)
{
    struct tr_run_folder folder;
    assert_int_equal(tr_run_open(&folder, scratch_path(state, "run"), keep, false, NULL), NN_OK);
    assert_int_equal(tr_run_make(&folder, NULL), NN_OK);
    return folder;
}

static void put(const struct tr_run_folder *folder, const char *name)
{
    char path[PATH_MAX];
    tr_run_path(folder, name, path);
    scratch_text(path, name);
}

static void assert_listed(const struct tr_run_folder *folder, const uint64_t *wanted, int count)
{
    uint64_t *images;
    int found;
    assert_int_equal(tr_run_list_states(folder, &images, &found, NULL), NN_OK);
    assert_int_equal(found, count);
    for (int i = 0; i < count; i++) assert_true(images[i] == wanted[i]);
    free(images);
}

static void states_are_listed_newest_first_and_nothing_else_is_one(void **state)
{
    struct tr_run_folder folder = made(state, 3);
    static const char *const others[] = {
        "state-1.safetensors",
        "state-00001.5.safetensors",
        "state-000001.500.safetensors",
        "state-00001.500.safetensors~",
        "state-00001.500.safetensors.7.1.tmp",
        "state-00001.500",
        "generator.safetensors",
        "state-.safetensors",
        "state--0001.500.safetensors",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) put(&folder, others[i]);
    assert_listed(&folder, NULL, 0);
    put(&folder, "state-00009.999.safetensors");
    put(&folder, "state.safetensors");
    put(&folder, "state-00010.000.safetensors");
    put(&folder, "state-123456.789.safetensors");
    assert_listed(&folder, (const uint64_t[]){123456789, 10000, 9999, TR_RUN_OLD_STATE}, 4);
    char path[PATH_MAX];
    tr_run_state_path(&folder, 123456789, path);
    assert_int_equal(access(path, F_OK), 0);
    tr_run_state_path(&folder, TR_RUN_OLD_STATE, path);
    assert_int_equal(access(path, F_OK), 0);
    tr_run_close(&folder);
}

static void pruning_spares_what_is_newer_kept_best_good_or_without_a_number(void **state)
{
    struct tr_run_folder folder = made(state, 2);
    char path[PATH_MAX];
    for (uint64_t images = 1000; images <= 9000; images += 1000) {
        tr_run_state_path(&folder, images, path);
        scratch_text(path, "");
    }
    put(&folder, "state.safetensors");
    assert_int_equal(tr_run_prune_states(&folder, 7000, 2000, 4000, NULL), NN_OK);
    assert_listed(&folder, (const uint64_t[]){9000, 8000, 7000, 6000, 4000, 2000, TR_RUN_OLD_STATE}, 7);
    tr_run_close(&folder);
}

static void a_folder_with_a_state_is_opened_only_to_resume_and_one_without_only_to_begin(void **state)
{
    struct tr_run_folder folder = made(state, 1);
    struct nn_error err = {0};
    tr_run_close(&folder);
    assert_int_equal(tr_run_open(&folder, folder.path, 1, false, &err), NN_OK);
    put(&folder, "state-00001.500.safetensors");
    tr_run_close(&folder);
    assert_int_equal(tr_run_open(&folder, folder.path, 1, false, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "--resume"));
    assert_int_equal(tr_run_open(&folder, folder.path, 1, true, &err), NN_OK);
    tr_run_close(&folder);
    assert_int_equal(tr_run_open(&folder, scratch_path(state, "none"), 1, true, &err), NN_ERR_IO);
}

static void only_one_has_it_at_a_time(void **state)
{
    struct tr_run_folder folder = made(state, 1), other;
    struct nn_error err = {0};
    assert_int_equal(tr_run_open(&other, folder.path, 1, true, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "another training"));
    tr_run_close(&folder);
    assert_int_equal(tr_run_open(&other, folder.path, 1, true, &err), NN_OK);
    tr_run_close(&other);
}

/* Both have looked before there was a folder. */
static void of_two_that_begin_at_once_one_is_refused(void **state)
{
    struct tr_run_folder first, second;
    const char *path = scratch_path(state, "run");
    struct nn_error err = {0};
    assert_int_equal(tr_run_open(&first, path, 1, false, &err), NN_OK);
    assert_int_equal(tr_run_open(&second, path, 1, false, &err), NN_OK);
    assert_int_equal(tr_run_make(&first, &err), NN_OK);
    assert_int_equal(tr_run_make(&second, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "another training"));
    put(&first, "state-00001.500.safetensors");
    tr_run_close(&first);
    assert_int_equal(tr_run_make(&second, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "holds a run"));
    tr_run_close(&second);
}

static void making_it_removes_what_was_half_written(void **state)
{
    struct tr_run_folder folder = made(state, 1);
    static const char *const left[] = {"state-00001.500.safetensors.7.1.tmp", "generator.safetensors.7.2.tmp",
                                       "generator-best.safetensors.7.3.tmp", "metrics.jsonl.7.4.tmp",
                                       "sheet-00001.500.png.7.5.tmp"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) put(&folder, left[i]);
    put(&folder, "state-00001.500.safetensors");
    put(&folder, "notes.tmp");
    tr_run_close(&folder);
    assert_int_equal(tr_run_open(&folder, folder.path, 1, true, NULL), NN_OK);
    assert_int_equal(scratch_count(folder.path), 7);
    assert_int_equal(tr_run_make(&folder, NULL), NN_OK);
    assert_int_equal(scratch_count(folder.path), 2);
    tr_run_close(&folder);
}

static void rewinding_keeps_the_lines_up_to_the_state(void **state)
{
    struct tr_run_folder folder = made(state, 1);
    char path[PATH_MAX];
    size_t size;
    assert_int_equal(tr_run_rewind_metrics(&folder, 5, NULL), NN_OK); /* none yet */
    assert_int_equal(tr_run_append_metrics(&folder, "{\"kimg\":0.100}", NULL), NN_OK);
    assert_int_equal(tr_run_append_metrics(&folder, "{\"a\":[1,2],\"kimg\":0.304,\"b\":null}", NULL), NN_OK);
    assert_int_equal(tr_run_append_metrics(&folder, "{\"kimg\":0.305}", NULL), NN_OK);
    assert_int_equal(tr_run_append_metrics(&folder, "not JSON", NULL), NN_OK);
    assert_int_equal(tr_run_append_metrics(&folder, "{\"kimg\":0.2}", NULL), NN_OK);
    tr_run_path(&folder, "metrics.jsonl", path);
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "{\"kimg\":0.1}", 12), 12); /* cut off before its end */
    close(fd);
    assert_int_equal(tr_run_rewind_metrics(&folder, 304, NULL), NN_OK);
    char *text = (char *)scratch_read(path, &size);
    assert_string_equal(text, "{\"kimg\":0.100}\n{\"a\":[1,2],\"kimg\":0.304,\"b\":null}\n{\"kimg\":0.2}\n");
    free(text);
    tr_run_close(&folder);
}

#define in_folder(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(states_are_listed_newest_first_and_nothing_else_is_one),
        in_folder(pruning_spares_what_is_newer_kept_best_good_or_without_a_number),
        in_folder(a_folder_with_a_state_is_opened_only_to_resume_and_one_without_only_to_begin),
        in_folder(only_one_has_it_at_a_time),
        in_folder(of_two_that_begin_at_once_one_is_refused),
        in_folder(making_it_removes_what_was_half_written),
        in_folder(rewinding_keeps_the_lines_up_to_the_state),
    };
    return cmocka_run_group_tests_name("run folder", tests, NULL, NULL);
}
