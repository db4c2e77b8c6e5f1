/* Whole files, read within a limit and replaced at once or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/file.h"
#include "tests/unit/scratch.h"

static void a_file_is_read_within_its_limit(void **state)
{
    const char *path = scratch_path(state, "f");
    uint8_t *bytes;
    size_t size;
    struct nn_error err;
    scratch_text(path, "12345");
    assert_int_equal(nn_file_read(path, 5, &bytes, &size, &err), NN_OK);
    assert_int_equal(size, 5);
    assert_string_equal((char *)bytes, "12345");
    free(bytes);
    assert_int_equal(nn_file_read(path, 4, &bytes, &size, &err), NN_ERR_FORMAT);
    assert_null(bytes);
    assert_non_null(strstr(err.text, "has 5 bytes, more than the limit of 4"));
}

static void an_abandoned_replacement_leaves_nothing(void **state)
{
    struct nn_replace file;
    const char *path = scratch_path(state, "f");
    scratch_text(path, "old");
    assert_int_equal(nn_replace_open(&file, path, NULL), NN_OK);
    assert_int_equal(nn_replace_write(&file, "new", 3, NULL), NN_OK);
    assert_int_equal(scratch_count(*state), 2);
    nn_replace_abandon(&file);
    nn_replace_abandon(&file);
    assert_int_equal(scratch_count(*state), 1);
    size_t size;
    uint8_t *bytes = scratch_read(path, &size);
    assert_string_equal((char *)bytes, "old");
    free(bytes);
}

#define in_folder(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(a_file_is_read_within_its_limit),
        in_folder(an_abandoned_replacement_leaves_nothing),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
