/* Files and tables when memory runs out: the n-th allocation fails, for every n, and the call must say so,
 * hold nothing and leave the disk as it was. Skipped under a sanitizer, which has its own malloc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/image.h"
#include "engine/safetensors.h"
#include "tests/unit/own_malloc.h"
#include "tests/unit/scratch.h"
#include "trainer/data/labels.h"

#if !OWN_MALLOC

int main(void)
{
    puts("1..0 # SKIP needs glibc's malloc");
    return 0;
}

#else

/* What is tried: it leaves nothing behind, and returns its status. */
typedef nn_status trial(void *const *state, struct nn_error *err);

/* Each allocation fails once. What fails must report lack of memory or of something that lacked it. */
static void fail_each_allocation(void **state, trial *attempt)
{
    struct nn_error err;
    assert_int_equal(attempt(state, &err), NN_OK); /* warms caches up */
    int files = scratch_count(*state);
    long n = 0;
    for (bool failed = true; failed; n++) {
        long held = atomic_load(&own_blocks_held);
        err = (struct nn_error){0};
        atomic_store(&own_until_failure, n);
        nn_status status = attempt(state, &err);
        failed = atomic_exchange(&own_until_failure, -1) < 0;
        assert_int_equal(atomic_load(&own_blocks_held), held);
        if (status == NN_OK) continue;
        assert_true(failed);
        assert_int_equal(err.status, status);
        assert_true(err.text[0] && !strchr(err.text, '\n'));
        assert_int_equal(scratch_count(*state), files);
    }
    assert_true(n > 3);
}

static nn_status try_png(void *const *state, struct nn_error *err)
{
    static uint8_t pixels[64 * 64];
    struct nn_image image = {64, 64, 8, pixels}, back;
    const struct nn_png_text text = {"Title", "hip"};
    const char *path = scratch_path(state, "a.png");
    nn_status status = nn_png_write(path, &image, &text, 1, err);
    if (!status) status = nn_png_read(path, &back, err);
    if (!status) nn_image_release(&back);
    return status;
}

static nn_status try_safetensors(void *const *state, struct nn_error *err)
{
    static const float values[4] = {1, 2, 3, 4};
    const struct nn_st_tensor tensors[] = {{"a", NN_ST_F32, 1, {4}, values},
                                           {"b", NN_ST_F32, 0, {0}, values}};
    const struct nn_st_text text = {"key", "value"};
    const char *path = scratch_path(state, "a.safetensors");
    struct nn_st_file *file;
    nn_status status = nn_st_write(path, tensors, 2, &text, 1, err);
    if (status) return status;
    status = nn_st_open(&file, path, err);
    if (status) {
        /* The parser may take lack of memory for bad JSON; but the file itself must be right. */
        atomic_store(&own_until_failure, -1);
        assert_int_equal(nn_st_open(&file, path, NULL), NN_OK);
        nn_st_close(file);
        return status;
    }
    /* Nothing may be lost unnoticed. */
    assert_int_equal(nn_st_count(file), 2);
    assert_int_equal(nn_st_find(file, "a")->rank, 1);
    assert_string_equal(nn_st_metadata(file, "key"), "value");
    nn_st_close(file);
    return NN_OK;
}

static nn_status try_labels(void *const *state, struct nn_error *err)
{
    (void)state;
    static const char text[] = "file,label,patient_id,split\na,x,1,train\nb,y,2,train\nc,x,3,test\n";
    struct tr_labels labels = {0};
    nn_status status = tr_labels_parse(&labels, text, sizeof text - 1, "labels.csv", err);
    tr_labels_release(&labels);
    return status;
}

static void png_files_survive_any_failing_allocation(void **state)
{
    fail_each_allocation(state, try_png);
}

static void safetensors_survive_any_failing_allocation(void **state)
{
    fail_each_allocation(state, try_safetensors);
}

static void labels_survive_any_failing_allocation(void **state)
{
    fail_each_allocation(state, try_labels);
}

#define in_folder(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(png_files_survive_any_failing_allocation),
        in_folder(safetensors_survive_any_failing_allocation),
        in_folder(labels_survive_any_failing_allocation),
    };
    return cmocka_run_group_tests_name("out_of_memory", tests, NULL, NULL);
}

#endif
