/* Phantom data sets on disk: the same bytes always, complete or not there, resumable, never overwritten. */
#include "trainer/phantom/dataset_writer.h"

#include <getopt.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"
#include "trainer/commands.h"
#include "trainer/data/boxes.h"
#include "trainer/data/dataset.h"
#include "trainer/phantom/dataset_journal.h"

enum { PATIENTS = 5, SIZE = 64 };

static struct phantom_dataset_options options_for(const char *out)
{
    return (struct phantom_dataset_options){.out = out, .seed = 9, .patients = PATIENTS, .size = SIZE};
}

static bool stop_after_three(void *context, int done, int total)
{
    (void)context;
    (void)total;
    return done < 3;
}

static nn_status write_to(const char *out, phantom_progress *progress, struct nn_error *err)
{
    struct phantom_dataset_options o = options_for(out);
    return phantom_dataset_write(&o, progress, NULL, err);
}

static void make(const char *out)
{
    struct nn_error err = {.text = ""};
    if (write_to(out, NULL, &err) != NN_OK) fail_msg("%s", err.text);
}

static bool is_there(const char *folder, const char *file)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return access(path, F_OK) == 0;
}

static void assert_same_file(const char *a, const char *b, const char *file)
{
    char path[600];
    size_t size_a, size_b;
    snprintf(path, sizeof path, "%s/%s", a, file);
    uint8_t *in_a = scratch_read(path, &size_a);
    snprintf(path, sizeof path, "%s/%s", b, file);
    uint8_t *in_b = scratch_read(path, &size_b);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(in_a, in_b, size_a);
    free(in_a);
    free(in_b);
}

/* Both are data sets and hold the same: the sums name every picture, and are true in `a`. */
static void assert_same_data(const char *a, const char *b)
{
    char command[700];
    assert_same_file(a, b, "labels.csv");
    assert_same_file(a, b, "sha256sums.txt");
    assert_same_file(a, b, "dataset.json");
    snprintf(command, sizeof command, "cd '%s' && sha256sum --check --quiet sha256sums.txt >&2", a);
    assert_int_equal(system(command), 0);
    assert_false(is_there(a, "journal.csv"));
}

static void the_thread_count_changes_no_byte(void **state)
{
    const char *one = scratch_path(state, "one"), *three = scratch_path(state, "three");
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    make(one);
    omp_set_num_threads(3);
    make(three);
    omp_set_num_threads(threads);
    assert_same_data(one, three);
}

static void it_opens_as_a_data_set(void **state)
{
    struct tr_dataset *data;
    struct nn_error err = {.text = ""};
    struct phantom_dataset_options o = options_for(scratch_path(state, "set"));
    o.patients = 30; /* enough for both classes in the training split */
    assert_int_equal(phantom_dataset_write(&o, NULL, NULL, NULL), NN_OK);
    if (tr_dataset_open(&data, o.out, NULL, NULL, &err) != NN_OK) fail_msg("%s", err.text);
    assert_true(tr_dataset_simulated(data));
    assert_string_equal(tr_dataset_name(data), "hip-phantom-64");
    assert_int_equal(tr_dataset_side(data), SIZE);
    assert_string_equal(tr_dataset_class(data, 0), "no_fracture");
    assert_string_equal(tr_dataset_class(data, 1), "fracture");
    assert_true(tr_dataset_train_count(data) > 2 * tr_dataset_test_count(data));
    tr_dataset_close(data);
}

static void assert_refused(const struct phantom_dataset_options *o, nn_status expected, const char *text)
{
    struct nn_error err = {.text = ""};
    assert_int_equal(phantom_dataset_write(o, NULL, NULL, &err), expected);
    assert_non_null(strstr(err.text, text));
    assert_non_null(strstr(err.text, o->out));
    assert_null(strchr(err.text, '\n'));
}

enum { PELVES = 12 }; /* enough for both classes */

/* Boxes of both hips of every image, on it; the set that a stop divided is the same. */
static void pelves_have_boxes_and_go_on_after_a_stop(void **state)
{
    struct phantom_dataset_options o = options_for(scratch_path(state, "whole"));
    struct tr_dataset *data;
    struct tr_boxes boxes;
    struct nn_error err = {.text = ""};
    o.pelvis = true;
    o.patients = PELVES;
    assert_int_equal(phantom_dataset_write(&o, NULL, NULL, NULL), NN_OK);
    if (tr_dataset_open(&data, o.out, NULL, NULL, &err) != NN_OK) fail_msg("%s", err.text);
    assert_string_equal(tr_dataset_name(data), "pelvis-phantom-64");
    assert_int_equal(tr_dataset_train_count(data) + tr_dataset_test_count(data), PELVES);
    tr_dataset_close(data);
    if (tr_boxes_read(&boxes, scratch_path(state, "whole/boxes.csv"), &err) != NN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(boxes.count, 2 * PELVES);
    for (int i = 0; i < boxes.count; i++) {
        const struct tr_box *b = &boxes.boxes[i];
        assert_true(b->left == (i % 2 == 1) && b->width == b->height);
        assert_true(b->x >= 0 && b->y >= 0 && b->x + b->width <= SIZE && b->y + b->height <= SIZE);
        assert_true(is_there(o.out, b->file));
    }
    tr_boxes_release(&boxes);

    struct phantom_dataset_options parts = options_for(scratch_path(state, "parts"));
    parts.pelvis = true;
    parts.patients = PELVES;
    assert_int_equal(phantom_dataset_write(&parts, stop_after_three, NULL, NULL), NN_STOPPED);
    assert_refused(
        &(struct phantom_dataset_options){.out = parts.out, .seed = 9, .patients = PELVES, .size = SIZE},
        NN_ERR_ARGUMENT, "other parameters");
    assert_int_equal(phantom_dataset_write(&parts, NULL, NULL, NULL), NN_OK);
    assert_same_data(parts.out, o.out);
    assert_same_file(parts.out, o.out, "boxes.csv");
    parts.pelvis = false;
    assert_refused(&parts, NN_ERR_ARGUMENT, "another data set");
}

static void a_stopped_run_goes_on_to_the_same_bytes(void **state)
{
    const char *whole = scratch_path(state, "whole"), *parts = scratch_path(state, "parts");
    make(whole);
    assert_int_equal(write_to(parts, stop_after_three, NULL), NN_STOPPED);
    assert_false(is_there(parts, "dataset.json"));
    assert_true(is_there(parts, "journal.csv"));
    make(parts);
    assert_same_data(parts, whole);
}

/* The journal's last line cut short, and a picture that is not what its line says. */
static void what_a_crash_left_half_written_is_made_again(void **state)
{
    const char *whole = scratch_path(state, "whole"), *parts = scratch_path(state, "parts");
    char journal[600], picture[600];
    size_t size;
    make(whole);
    assert_int_equal(write_to(parts, stop_after_three, NULL), NN_STOPPED);
    snprintf(journal, sizeof journal, "%s/journal.csv", parts);
    uint8_t *text = scratch_read(journal, &size);
    assert_int_equal(truncate(journal, (off_t)size - 9), 0);
    const char *file = strstr((const char *)text, "images/");
    snprintf(picture, sizeof picture, "%s/%.*s", parts, (int)strcspn(file, ","), file);
    scratch_text(picture, "half a picture");
    free(text);
    /* stopped once more, so that what was added behind the cut is read again */
    assert_int_equal(write_to(parts, stop_after_three, NULL), NN_STOPPED);
    make(parts);
    assert_same_data(parts, whole);
}

static void a_full_disk_leaves_no_data_set_and_the_next_run_goes_on(void **state)
{
    const char *whole = scratch_path(state, "whole"), *full = scratch_path(state, "full");
    make(whole);
    for (size_t limit = 40; limit < 2000; limit = limit * 5 / 2) {
        struct nn_error err = {.text = ""};
        scratch_disk_full(limit);
        nn_status status = write_to(full, NULL, &err);
        scratch_disk_free();
        assert_int_equal(status, NN_ERR_IO);
        assert_non_null(strstr(err.text, full));
        assert_false(is_there(full, "dataset.json"));
    }
    make(full);
    assert_same_data(full, whole);
}

static void a_complete_folder_is_left_as_it_is(void **state)
{
    const char *out = scratch_path(state, "set");
    char path[600];
    struct stat before, after;
    make(out);
    snprintf(path, sizeof path, "%s/images", out);
    assert_int_equal(stat(path, &before), 0);
    make(out);
    assert_int_equal(stat(path, &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
}

static void a_folder_of_something_else_is_refused_and_kept(void **state)
{
    const char *folder = scratch_path(state, "mine");
    char file[600];
    struct phantom_dataset_options o = options_for(folder);
    assert_int_equal(mkdir(folder, 0777), 0);
    snprintf(file, sizeof file, "%s/thesis.txt", folder);
    scratch_text(file, "work of years");
    assert_refused(&o, NN_ERR_ARGUMENT, "neither empty nor");
    assert_int_equal(scratch_count(folder), 1);
    o.out = file;
    assert_refused(&o, NN_ERR_ARGUMENT, "neither empty nor");
    snprintf(file, sizeof file, "%s/thesis.txt/set", folder);
    assert_refused(&o, NN_ERR_IO, "Not a directory");
}

static void other_parameters_are_refused_finished_or_not(void **state)
{
    struct phantom_dataset_options o = options_for(scratch_path(state, "set"));
    assert_int_equal(write_to(o.out, stop_after_three, NULL), NN_STOPPED);
    o.seed++;
    assert_refused(&o, NN_ERR_ARGUMENT, "other parameters");
    make(o.out);
    assert_refused(&o, NN_ERR_ARGUMENT, "another data set");
    o.seed--;
    o.size /= 2;
    assert_refused(&o, NN_ERR_ARGUMENT, "another data set");
}

static void two_processes_do_not_write_one_folder(void **state)
{
    struct phantom_dataset_options o = options_for(scratch_path(state, "set"));
    struct phantom_journal held;
    struct phantom_entry none = {0};
    assert_int_equal(write_to(o.out, stop_after_three, NULL), NN_STOPPED);
    assert_int_equal(phantom_journal_open(&held, o.out, "seed 9 patients 5 size 64", &none, 0, NULL), NN_OK);
    assert_refused(&o, NN_ERR_ARGUMENT, "another process");
    phantom_journal_close(&held);
    make(o.out);
}

/* `line` is split at blanks. */
static int command(const char *line)
{
    char text[1200], *argv[16];
    int argc = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) argv[argc++] = word;
    argv[argc] = NULL;
    optind = 0;
    return tr_phantom_main(argc, argv);
}

static void wrong_usage_is_status_2_and_makes_nothing(void **state)
{
    static const char *const wrong[] = {
        "",
        "--patients 0",
        "--patients -1",
        "--patients 3x",
        "--size 100",
        "--size 2048",
        "--size 32",
        "--patients 1000001",
        "--seed -1",
        "--threads 0x",
        "--seed 9223372036854775808",
        "--unknown",
        "--view knee",
        "extra",
        "--patients",
    };
    const char *out = scratch_path(state, "set");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[600];
        const char *patients = i ? "--patients 1" : "";
        snprintf(line, sizeof line, "phantom --out %s %s %s", out, patients, wrong[i]);
        if (command(line) != 2) fail_msg("%s", line);
    }
    assert_int_equal(command("phantom --patients 1"), 2);
    assert_int_equal(scratch_count(*state), 0);
}

static void the_command_writes_a_set_and_its_sheet(void **state)
{
    char line[1100];
    const char *sheet = scratch_path(state, "set/sheet.png");
    snprintf(line, sizeof line, "phantom --patients 2 --seed 1 --size 64 --out %s --sheet %s",
             scratch_path(state, "set"), sheet);
    assert_int_equal(command(line), 0);
    assert_int_equal(access(sheet, F_OK), 0);
    assert_int_equal(unlink(sheet), 0);
    assert_int_equal(command(line), 0); /* complete already: only the sheet */
    assert_int_equal(access(sheet, F_OK), 0);
    assert_int_equal(command("phantom --patients 1 --out /proc/none"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_thread_count_changes_no_byte),
        TEST(it_opens_as_a_data_set),
        TEST(pelves_have_boxes_and_go_on_after_a_stop),
        TEST(a_stopped_run_goes_on_to_the_same_bytes),
        TEST(what_a_crash_left_half_written_is_made_again),
        TEST(a_full_disk_leaves_no_data_set_and_the_next_run_goes_on),
        TEST(a_complete_folder_is_left_as_it_is),
        TEST(a_folder_of_something_else_is_refused_and_kept),
        TEST(other_parameters_are_refused_finished_or_not),
        TEST(two_processes_do_not_write_one_folder),
        TEST(wrong_usage_is_status_2_and_makes_nothing),
        TEST(the_command_writes_a_set_and_its_sheet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
