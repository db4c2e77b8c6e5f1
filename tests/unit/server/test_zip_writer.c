/* Archives are read by Python's zipfile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/export/zip_writer.h"
#include "tests/unit/scratch.h"

/* Runs `program` with the archive open as z. */
static void assert_python(const char *path, const char *program)
{
    char command[1200];
    snprintf(command, sizeof command, "/usr/bin/python3 -c 'import zipfile\nz = zipfile.ZipFile(\"%s\")\n%s'",
             path, program);
    assert_int_equal(system(command), 0);
}

static void add(struct srv_zip *zip, const char *name, const char *text)
{
    FILE *entry = srv_zip_entry(zip, name);
    assert_non_null(entry);
    fputs(text, entry);
    assert_int_equal(fclose(entry), 0);
}

static void entries_come_out_as_they_went_in(void **state)
{
    const char *path = scratch_path(state, "a.zip");
    FILE *out = fopen(path, "wb");
    struct srv_zip *zip = srv_zip_open(out, *state);
    add(zip, "README.md", "first\n");
    add(zip, "empty", "");
    add(zip, "d\xc3\xa4ta/x.csv", "a,b\r\n");
    FILE *large = srv_zip_entry(zip, "large");
    for (int i = 0; i < 300000; i++) fprintf(large, "%d\n", i);
    assert_int_equal(fclose(large), 0);
    assert_true(srv_zip_close(zip));
    fclose(out);
    assert_python(path, "assert z.testzip() is None\n"
                        "assert z.namelist() == [\"README.md\", \"empty\", \"d\\xe4ta/x.csv\", \"large\"]\n"
                        "assert z.read(\"README.md\") == b\"first\\n\" and z.read(\"empty\") == b\"\"\n"
                        "assert z.read(\"d\\xe4ta/x.csv\") == b\"a,b\\r\\n\"\n"
                        "assert z.read(\"large\").split() == [b\"%d\" % i for i in range(300000)]\n"
                        "i = z.getinfo(\"large\")\n"
                        "assert i.compress_size < i.file_size / 2 and i.date_time[:3] == (1980, 1, 1)\n"
                        "assert i.external_attr >> 16 == 0o100644");
    assert_int_equal(scratch_count(*state), 1);
}

static void more_entries_than_sixteen_bits_count_are_all_there(void **state)
{
    const char *path = scratch_path(state, "many.zip");
    FILE *out = fopen(path, "wb");
    struct srv_zip *zip = srv_zip_open(out, *state);
    for (int i = 0; i < 66000; i++) {
        char name[32];
        snprintf(name, sizeof name, "sub-%d", i);
        add(zip, name, name);
    }
    assert_true(srv_zip_close(zip));
    fclose(out);
    assert_python(path, "assert len(z.namelist()) == 66000 and z.read(\"sub-65999\") == b\"sub-65999\"\n"
                        "assert z.read(\"sub-0\") == b\"sub-0\"\n"
                        "assert zipfile._EndRecData(open(z.filename, \"rb\"))[4] == 66000"); /* the count */
}

static void entries_beyond_four_gigabytes_are_found(void **state)
{
    const char *path = scratch_path(state, "far.zip");
    FILE *out = fopen(path, "wb");
    assert_int_equal(fseeko(out, (off_t)5 << 30, SEEK_SET), 0); /* a hole */
    struct srv_zip *zip = srv_zip_open(out, *state);
    add(zip, "far", "away");
    add(zip, "farther", "still");
    assert_true(srv_zip_close(zip));
    fclose(out);
    assert_python(path,
                  "assert z.testzip() is None and z.read(\"far\") == b\"away\"\n"
                  "assert z.read(\"farther\") == b\"still\" and z.getinfo(\"far\").header_offset == 5 << 30");
}

static void a_full_disk_and_an_entry_left_open_are_failures(void **state)
{
    FILE *out = fopen(scratch_path(state, "full.zip"), "wb");
    struct srv_zip *zip = srv_zip_open(out, *state);
    FILE *entry = srv_zip_entry(zip, "noise");
    unsigned state_of_noise = 1;
    scratch_disk_full(100000);
    for (int i = 0; i < 1000000; i++)
        putc((int)((state_of_noise = state_of_noise * 1103515245 + 12345) >> 20), entry);
    fclose(entry);
    bool good = srv_zip_close(zip);
    scratch_disk_free();
    fclose(out);
    assert_false(good);
    out = fopen(scratch_path(state, "open.zip"), "wb");
    zip = srv_zip_open(out, *state);
    entry = srv_zip_entry(zip, "one");
    assert_null(srv_zip_entry(zip, "two"));
    fclose(entry);
    assert_false(srv_zip_close(zip));
    fclose(out);
    assert_null(srv_zip_open(stdout, "/nowhere"));
    assert_false(srv_zip_close(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entries_come_out_as_they_went_in, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(more_entries_than_sixteen_bits_count_are_all_there, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(entries_beyond_four_gigabytes_are_found, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_and_an_entry_left_open_are_failures, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
