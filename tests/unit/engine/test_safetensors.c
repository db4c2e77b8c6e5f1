/* The safetensors format, byte by byte, and every file that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/safetensors.h"
#include "engine/sha256.h"
#include "tests/unit/scratch.h"

/* A file of this header and `data_size` bytes 0, 1, 2, ...; heap. */
static uint8_t *make_file(const char *header, size_t data_size, size_t *size)
{
    size_t length = strlen(header);
    *size = 8 + length + data_size;
    uint8_t *file = malloc(*size);
    assert_non_null(file);
    for (int i = 0; i < 8; i++) file[i] = (uint8_t)((uint64_t)length >> 8 * i);
    memcpy(file + 8, header, length);
    for (size_t i = 0; i < data_size; i++) file[8 + length + i] = (uint8_t)i;
    return file;
}

static void assert_refused(const uint8_t *file, size_t size, const char *text)
{
    struct nn_st_file *opened;
    struct nn_error err = {0};
    char wanted[400];
    snprintf(wanted, sizeof wanted, "a.safetensors: %s", text);
    assert_int_equal(nn_st_open_memory(&opened, file, size, "a.safetensors", &err), NN_ERR_FORMAT);
    assert_null(opened);
    if (strncmp(err.text, wanted, strlen(wanted))) fail_msg("got \"%s\", wanted \"%s\"", err.text, wanted);
}

/* ---- writing and reading back ---- */

static const float weights[6] = {1, -2, 3.5f, 0, 1e-30f, 6};
static const int64_t step = -7;
static const uint8_t marks[3] = {1, 2, 255};
static const uint16_t halves[2] = {0x3f80, 0xbf80};
static const double exact = 0.1;

static const struct nn_st_tensor tensors[] = {
    {"marks", NN_ST_U8, 1, {3}, marks},      {"g/4x4/w", NN_ST_F32, 4, {1, 2, 1, 3}, weights},
    {"half", NN_ST_BF16, 2, {2, 1}, halves}, {"step", NN_ST_I64, 0, {0}, &step},
    {"none", NN_ST_F32, 2, {0, 5}, NULL},    {"exact \"\xc3\xa9\"", NN_ST_F64, 1, {1}, &exact},
};
enum { TENSORS = sizeof tensors / sizeof tensors[0] };
static const struct nn_st_text texts[] = {{"format_version", "1"}, {"note", "a \"quoted\"\nline, \xc3\xa9"}};

static void tensors_and_metadata_survive_a_file(void **state)
{
    const char *path = scratch_path(state, "a.safetensors");
    struct nn_st_file *file;
    assert_int_equal(nn_st_write(path, tensors, TENSORS, texts, 2, NULL), NN_OK);
    assert_int_equal(scratch_count(*state), 1);
    assert_int_equal(nn_st_open(&file, path, NULL), NN_OK);
    assert_int_equal(nn_st_count(file), TENSORS);
    for (int i = 0; i < TENSORS; i++) {
        const struct nn_st_tensor *t = nn_st_find(file, tensors[i].name);
        assert_non_null(t);
        assert_int_equal(t->type, tensors[i].type);
        assert_int_equal(t->rank, tensors[i].rank);
        assert_memory_equal(t->dims, tensors[i].dims, (size_t)t->rank * sizeof t->dims[0]);
        size_t bytes = nn_st_tensor_bytes(t);
        if (bytes) assert_memory_equal(t->data, tensors[i].data, bytes);
        assert_int_equal((uintptr_t)t->data % nn_st_type_size(t->type), 0);
    }
    assert_int_equal((uintptr_t)nn_st_at(file, 0)->data % 64, 0);
    assert_null(nn_st_find(file, "absent"));
    assert_null(nn_st_find(file, "__metadata__"));
    assert_int_equal(nn_st_metadata_count(file), 2);
    assert_string_equal(nn_st_metadata_at(file, 0).key, "format_version");
    assert_string_equal(nn_st_metadata(file, "note"), texts[1].value);
    assert_null(nn_st_metadata(file, "absent"));
    nn_st_close(file);
}

static void the_bytes_of_a_small_file_are_these(void **state)
{
    static const char wanted[] =
        "\x78\0\0\0\0\0\0\0"
        "{\"__metadata__\":{\"k\":\"v\"},\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"
        "                                         "
        "\0\0\x80\x3f\0\0\0\xc0";
    const struct nn_st_tensor x = {"x", NN_ST_F32, 1, {2}, weights};
    const struct nn_st_text text = {"k", "v"};
    const char *path = scratch_path(state, "a.safetensors");
    assert_int_equal(nn_st_write(path, &x, 1, &text, 1, NULL), NN_OK);
    size_t size;
    uint8_t *bytes = scratch_read(path, &size);
    assert_int_equal(size, sizeof wanted - 1);
    assert_memory_equal(bytes, wanted, size);
    free(bytes);
}

static void larger_elements_come_first_so_that_all_are_aligned(void **state)
{
    static const char *const order[] = {"step", "exact \"\xc3\xa9\"", "g/4x4/w", "none", "half", "marks"};
    const char *path = scratch_path(state, "a.safetensors");
    struct nn_st_file *file;
    assert_int_equal(nn_st_write(path, tensors, TENSORS, NULL, 0, NULL), NN_OK);
    assert_int_equal(nn_st_open(&file, path, NULL), NN_OK);
    for (int i = 0; i < TENSORS; i++) assert_string_equal(nn_st_at(file, i)->name, order[i]);
    assert_int_equal(nn_st_metadata_count(file), 0);
    nn_st_close(file);
}

static void the_hash_is_that_of_the_file(void **state)
{
    const char *path = scratch_path(state, "a.safetensors");
    struct nn_st_file *file;
    char hex[65], wanted[65];
    assert_int_equal(nn_st_write(path, tensors, TENSORS, texts, 2, NULL), NN_OK);
    size_t size;
    uint8_t *bytes = scratch_read(path, &size);
    nn_sha256_hex(bytes, size, wanted);
    free(bytes);
    assert_int_equal(nn_st_open(&file, path, NULL), NN_OK);
    nn_st_sha256(file, hex);
    assert_string_equal(hex, wanted);
    nn_st_close(file);
}

static void a_file_of_other_makers_is_read(void **state)
{
    (void)state;
    /* Any order in the header, extra keys, no padding, hence unaligned data; an empty tensor anywhere. */
    size_t size;
    uint8_t *bytes = make_file("{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[3,7],\"more\":{}},"
                               "\"e\":{\"data_offsets\":[3,3],\"shape\":[4,0],\"dtype\":\"F64\"},"
                               "\"a\":{\"dtype\":\"I8\",\"shape\":[3],\"data_offsets\":[0,3]}}",
                               7, &size);
    struct nn_st_file *file;
    assert_int_equal(nn_st_open_memory(&file, bytes, size, "a.safetensors", NULL), NN_OK);
    assert_int_equal(nn_st_count(file), 3);
    assert_string_equal(nn_st_at(file, 0)->name, "a");
    assert_string_equal(nn_st_at(file, 1)->name, "e");
    assert_memory_equal(nn_st_find(file, "b")->data, "\3\4\5\6", 4);
    nn_st_close(file);
    free(bytes);
    bytes = make_file("{}", 0, &size);
    assert_int_equal(nn_st_open_memory(&file, bytes, size, "a.safetensors", NULL), NN_OK);
    assert_int_equal(nn_st_count(file), 0);
    nn_st_close(file);
    free(bytes);
}

static void asking_for_another_type_or_shape_says_what_is_there(void **state)
{
    const char *path = scratch_path(state, "a.safetensors");
    struct nn_st_file *file;
    struct nn_error err;
    const void *data;
    char wanted[700];
    assert_int_equal(nn_st_write(path, tensors, TENSORS, NULL, 0, NULL), NN_OK);
    assert_int_equal(nn_st_open(&file, path, NULL), NN_OK);
    assert_int_equal(nn_st_get(file, "g/4x4/w", NN_ST_F32, 4, (int64_t[]){1, 2, 1, 3}, &data, &err), NN_OK);
    assert_memory_equal(data, weights, sizeof weights);
    static const struct {
        const char *name;
        enum nn_st_type type;
        int rank;
        int64_t dims[4];
        const char *text;
    } cases[] = {
        {"g/4x4/w", NN_ST_F32, 4, {1, 2, 3, 1}, "tensor \"g/4x4/w\" is F32 (1,2,1,3), wanted F32 (1,2,3,1)"},
        {"g/4x4/w", NN_ST_F32, 1, {6}, "tensor \"g/4x4/w\" is F32 (1,2,1,3), wanted F32 (6)"},
        {"step", NN_ST_F64, 0, {0}, "tensor \"step\" is I64 (), wanted F64 ()"},
        {"d/w", NN_ST_F32, 2, {3, 4}, "tensor \"d/w\" is missing (wanted F32 (3,4))"},
    };
    for (int i = 0; i < 4; i++) {
        assert_int_equal(
            nn_st_get(file, cases[i].name, cases[i].type, cases[i].rank, cases[i].dims, &data, &err),
            NN_ERR_FORMAT);
        assert_null(data);
        snprintf(wanted, sizeof wanted, "%s: %s", path, cases[i].text);
        assert_string_equal(err.text, wanted);
    }
    nn_st_close(file);
}

/* ---- bad files ---- */

static void bad_lengths_are_refused(void **state)
{
    (void)state;
    assert_refused((const uint8_t *)"", 0, "not a safetensors file: too short");
    assert_refused((const uint8_t *)"\2\0\0\0\0\0\0", 7, "not a safetensors file: too short");
    assert_refused((const uint8_t *)"\1\0\0\0\0\0\0\0{", 9, "not a safetensors file: header length 1 is not");
    assert_refused((const uint8_t *)"\3\0\0\0\0\0\0\0{}", 10,
                   "the file is cut short: 10 bytes, its header alone has 3");
    assert_refused((const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff{}", 10,
                   "not a safetensors file: header length 18446744073709551615 is not");
    assert_refused((const uint8_t *)"\x89PNG\r\n\x1a\n, say", 13, "not a safetensors file: header length");
}

static void bad_headers_are_refused_by_the_name_of_the_tensor(void **state)
{
    (void)state;
#define T "{\"t\":{\"dtype\":\"F32\","
    static const struct {
        const char *header;
        size_t data_size;
        const char *text;
    } cases[] = {
        {"[]", 0, "the header is not a JSON object"},
        {"{\"t\":", 0, "header at byte "},
        {"{} {}", 0, "header at byte "},
        {"{\"t\":\"\xff\"}", 0, "header at byte "},
        {"{\"t\":1,\"t\":2}", 0, "header at byte "},
        {"{\"t\":[1]}", 0, "tensor \"t\": its entry is not an object"},
        {"{\"t\":{}}", 0, "tensor \"t\": dtype is missing or unknown"},
        {"{\"t\":{\"dtype\":\"F33\"}}", 0, "tensor \"t\": dtype is missing or unknown"},
        {"{\"t\":{\"dtype\":4}}", 0, "tensor \"t\": dtype is missing or unknown"},
        {T "\"shape\":7,\"data_offsets\":[0,4]}}", 4, "tensor \"t\": shape is not a list"},
        {T "\"data_offsets\":[0,4]}}", 4, "tensor \"t\": shape is not a list"},
        {T "\"shape\":[1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, "tensor \"t\": shape is not a list"},
        {T "\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "tensor \"t\": shape is not a list"},
        {T "\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "tensor \"t\": shape is not a list"},
        {T "\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0, "tensor \"t\": shape is not"},
        {T "\"shape\":[1]}}", 4, "tensor \"t\": data_offsets are not a range"},
        {T "\"shape\":[1],\"data_offsets\":[0]}}", 4, "tensor \"t\": data_offsets are not a range"},
        {T "\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "tensor \"t\": data_offsets are not a range"},
        {T "\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "tensor \"t\": data_offsets are not a range"},
        {T "\"shape\":[1],\"data_offsets\":[0,\"4\"]}}", 4, "tensor \"t\": data_offsets are not a range"},
        {T "\"shape\":[1],\"data_offsets\":[0,4]}}", 3, "tensor \"t\": data_offsets are not a range"},
        {T "\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "tensor \"t\": has 8 bytes where its shape needs 4"},
        {T "\"shape\":[1],\"data_offsets\":[0,4]}}", 5, "has 1 bytes after its last tensor"},
        {T "\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "tensor \"t\": leaves a gap before it"},
        {T "\"shape\":[2],\"data_offsets\":[0,8]},\"u\":{\"dtype\":\"F32\",\"shape\":[2],"
           "\"data_offsets\":[4,12]}}",
         12, "tensor \"u\": overlaps another tensor"},
        {T "\"shape\":[1],\"data_offsets\":[0,4]},\"u\":{\"dtype\":\"F32\",\"shape\":[1],"
           "\"data_offsets\":[0,4]}}",
         4, "tensor \""},
        {"{\"__metadata__\":[]}", 0, "__metadata__ is not an object"},
        {"{\"__metadata__\":{\"k\":1}}", 0, "metadata \"k\" is not a text"},
        {"{\"line\\nbreak\":0}", 0, "tensor \"line break\": its entry is not an object"},
    };
#undef T
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size;
        uint8_t *file = make_file(cases[i].header, cases[i].data_size, &size);
        assert_refused(file, size, cases[i].text);
        free(file);
    }
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    size_t size;
    char *header = malloc(100001);
    memset(header, '[', 100000);
    header[100000] = 0;
    uint8_t *file = make_file(header, 0, &size);
    assert_refused(file, size, "header at byte ");
    free(file);
    free(header);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    const char *path = scratch_path(state, "a.safetensors");
    struct nn_st_file *file;
    assert_int_equal(nn_st_write(path, tensors, TENSORS, texts, 2, NULL), NN_OK);
    size_t size;
    uint8_t *bytes = scratch_read(path, &size);
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(nn_st_open_memory(&file, bytes, cut, "cut", NULL), NN_ERR_FORMAT);
    free(bytes);
    assert_int_equal(truncate(path, (off_t)size - 1), 0);
    assert_int_equal(nn_st_open(&file, path, NULL), NN_ERR_FORMAT);
    assert_int_equal(nn_st_open(&file, "/nowhere/a", NULL), NN_ERR_IO);
    assert_int_equal(nn_st_open(&file, *state, NULL), NN_ERR_FORMAT);
    assert_null(file);
}

static void mutated_files_are_read_or_refused(void **state)
{
    const char *path = scratch_path(state, "a.safetensors");
    assert_int_equal(nn_st_write(path, tensors, TENSORS, texts, 2, NULL), NN_OK);
    size_t size;
    int read = 0, refused = 0;
    uint8_t *bytes = scratch_read(path, &size);
    for (uint64_t n = 0; n < 6000; n++) {
        uint8_t *mutated = malloc(size);
        size_t length = scratch_mutate(bytes, size, n, mutated);
        uint8_t *copy = malloc(length ? length : 1);
        memcpy(copy, mutated, length);
        struct nn_st_file *file;
        struct nn_error err = {0};
        if (nn_st_open_memory(&file, copy, length, "m", &err)) {
            refused++;
            assert_true(!strncmp(err.text, "m: ", 3) && !strchr(err.text, '\n'));
            assert_null(file);
        } else {
            read++;
            unsigned sum = 0;
            for (int i = 0; i < nn_st_count(file); i++) {
                const struct nn_st_tensor *t = nn_st_at(file, i);
                for (size_t k = 0; k < nn_st_tensor_bytes(t); k++) sum += ((const uint8_t *)t->data)[k];
            }
            assert_true(sum < 256 * size);
        }
        nn_st_close(file);
        free(mutated);
        free(copy);
    }
    free(bytes);
    assert_true(read > 100 && refused > 100);
}

/* ---- writing that fails ---- */

static void a_full_disk_leaves_the_old_file_and_no_other(void **state)
{
    const char *path = scratch_path(state, "a.safetensors");
    static float large[20000];
    const struct nn_st_tensor t = {"large", NN_ST_F32, 1, {20000}, large};
    struct nn_error err;
    char wanted[600];
    assert_int_equal(nn_st_write(path, tensors, TENSORS, NULL, 0, NULL), NN_OK);
    size_t before_size, after_size;
    uint8_t *before = scratch_read(path, &before_size);
    static const size_t room[] = {0, 100, 40000, 79999};
    for (int i = 0; i < 4; i++) {
        scratch_disk_full(room[i]);
        nn_status status = nn_st_write(path, &t, 1, NULL, 0, &err);
        scratch_disk_free();
        assert_int_equal(status, NN_ERR_IO);
        snprintf(wanted, sizeof wanted, "%s: cannot be written: File too large", path);
        assert_string_equal(err.text, wanted);
        uint8_t *after = scratch_read(path, &after_size);
        assert_int_equal(after_size, before_size);
        assert_memory_equal(after, before, after_size);
        free(after);
        assert_int_equal(scratch_count(*state), 1);
    }
    free(before);
}

static void what_the_format_cannot_hold_is_refused_before_anything_is_written(void **state)
{
    const char *path = scratch_path(state, "a.safetensors");
    static const struct nn_st_tensor bad[] = {
        {"", NN_ST_U8, 0, {0}, marks},
        {"__metadata__", NN_ST_U8, 0, {0}, marks},
        {"not UTF-8 \xff", NN_ST_U8, 0, {0}, marks},
        {"t", NN_ST_U8, 5, {1, 1, 1, 1}, marks},
        {"t", NN_ST_U8, -1, {1, 1, 1, 1}, marks},
        {"t", NN_ST_U8, 1, {-1}, marks},
        {"t", NN_ST_F64, 2, {INT64_MAX / 8, 3}, marks},
    };
    struct nn_error err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(nn_st_write(path, &bad[i], 1, NULL, 0, &err), NN_ERR_ARGUMENT);
    const struct nn_st_tensor twice[] = {tensors[0], tensors[0]};
    assert_int_equal(nn_st_write(path, twice, 2, NULL, 0, &err), NN_ERR_ARGUMENT);
    const struct nn_st_text same[] = {{"k", "1"}, {"k", "2"}}, latin = {"k", "\xe9"};
    assert_int_equal(nn_st_write(path, tensors, 1, same, 2, &err), NN_ERR_ARGUMENT);
    assert_int_equal(nn_st_write(path, tensors, 1, &latin, 1, &err), NN_ERR_ARGUMENT);
    assert_int_equal(scratch_count(*state), 0);
}

#define in_folder(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(tensors_and_metadata_survive_a_file),
        in_folder(the_bytes_of_a_small_file_are_these),
        in_folder(larger_elements_come_first_so_that_all_are_aligned),
        in_folder(the_hash_is_that_of_the_file),
        cmocka_unit_test(a_file_of_other_makers_is_read),
        in_folder(asking_for_another_type_or_shape_says_what_is_there),
        cmocka_unit_test(bad_lengths_are_refused),
        cmocka_unit_test(bad_headers_are_refused_by_the_name_of_the_tensor),
        cmocka_unit_test(deep_nesting_is_refused),
        in_folder(a_file_cut_anywhere_is_refused),
        in_folder(mutated_files_are_read_or_refused),
        in_folder(a_full_disk_leaves_the_old_file_and_no_other),
        in_folder(what_the_format_cannot_hold_is_refused_before_anything_is_written),
    };
    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
