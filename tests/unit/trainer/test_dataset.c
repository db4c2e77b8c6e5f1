/* Data-set folders: what opens, what is built beside it, and every bad folder. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/image.h"
#include "engine/rng.h"
#include "tests/unit/scratch.h"
#include "trainer/data/dataset.h"

enum { IMAGES = 6, SIDE = 16 };

static const char labels_csv[] = "file,label,patient_id,split\n"
                                 "images/0.png,fracture,p0,train\n"
                                 "images/1.png,no_fracture,p1,test\n"
                                 "images/2.png,no_fracture,p2,train\n"
                                 "images/3.png,fracture,p3,test\n"
                                 "images/4.png,no_fracture,p2,train\n"
                                 "images/5.png,fracture,p5,train\n";
static const int training[] = {0, 2, 4, 5}; /* the training images' numbers */

static uint32_t sample(int image, int at, int depth)
{
    return nn_random_u32(5, (uint64_t)image, (uint64_t)at) >> (32 - depth);
}

static void write_image(const char *path, int number, int width, int height, int depth)
{
    struct nn_image image;
    assert_int_equal(nn_image_init(&image, width, height, depth, NULL), NN_OK);
    for (int i = 0; i < width * height; i++)
        if (depth == 8)
            ((uint8_t *)image.pixels)[i] = (uint8_t)sample(number, i, 8);
        else
            ((uint16_t *)image.pixels)[i] = (uint16_t)sample(number, i, 16);
    assert_int_equal(nn_png_write(path, &image, NULL, 0, NULL), NN_OK);
    nn_image_release(&image);
}

static const char *image_path(void **state, int number)
{
    char name[32];
    snprintf(name, sizeof name, "images/%d.png", number);
    return scratch_path(state, name);
}

static void write_dataset(void **state, int depth)
{
    mkdir(scratch_path(state, "images"), 0777);
    for (int i = 0; i < IMAGES; i++) write_image(image_path(state, i), i, SIDE, SIDE, depth);
    scratch_text(scratch_path(state, "labels.csv"), labels_csv);
    scratch_text(scratch_path(state, "dataset.json"),
                 "{\"name\": \"test hips\", \"simulated\": true, \"made\": 2026}");
}

static int dataset_setup(void **state)
{
    int failed = scratch_setup(state);
    if (!failed) write_dataset(state, 8);
    return failed;
}

/* Counts builds; `context` is an int. */
static bool count_calls(void *context, int done, int total)
{
    assert_in_range(done, 1, total);
    assert_int_equal(total, IMAGES);
    ++*(int *)context;
    return true;
}

static struct tr_dataset *open_counting(void **state, int *images_read)
{
    struct tr_dataset *d;
    struct nn_error err = {0};
    *images_read = 0;
    if (tr_dataset_open(&d, *state, count_calls, images_read, &err)) fail_msg("%s", err.text);
    return d;
}

static void assert_refused(void **state, const char *wanted)
{
    struct tr_dataset *d;
    struct nn_error err = {0};
    char text[1024];
    snprintf(text, sizeof text, "%s/%s", (const char *)*state, wanted);
    assert_int_not_equal(tr_dataset_open(&d, *state, NULL, NULL, &err), NN_OK);
    assert_null(d);
    if (strncmp(err.text, text, strlen(text))) fail_msg("got \"%s\", wanted \"%s\"", err.text, text);
}

/* Image `index` at `side`, good until the next call. */
static const uint8_t *image_of(const struct tr_dataset *d, int side, int index)
{
    static uint8_t pixels[SIDE * SIDE];
    struct nn_error err = {0};
    if (tr_dataset_image(d, side, index, pixels, &err)) fail_msg("%s", err.text);
    return pixels;
}

/* The only class of a training image of two classes. */
static int label_of(const struct tr_dataset *d, int index)
{
    float labels[2];
    tr_dataset_labels(d, index, labels);
    assert_true(labels[0] + labels[1] == 1);
    return labels[1] == 1;
}

/* ---- what opens ---- */

static void a_folder_gives_its_description_and_training_images(void **state)
{
    int images_read;
    struct tr_dataset *d = open_counting(state, &images_read);
    assert_int_equal(images_read, IMAGES);
    assert_string_equal(tr_dataset_name(d), "test hips");
    assert_true(tr_dataset_simulated(d));
    assert_int_equal(tr_dataset_side(d), SIDE);
    assert_int_equal(tr_dataset_train_count(d), 4);
    assert_int_equal(tr_dataset_test_count(d), 2);
    assert_int_equal(tr_dataset_class_count(d), 2);
    assert_string_equal(tr_dataset_class(d, 0), "fracture");
    assert_string_equal(tr_dataset_class(d, 1), "no_fracture");
    const int classes[] = {0, 1, 1, 0};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(label_of(d, i), classes[i]);
        const uint8_t *pixels = image_of(d, SIDE, i);
        for (int k = 0; k < SIDE * SIDE; k++) assert_int_equal(pixels[k], sample(training[i], k, 8));
    }
    uint8_t none[1];
    assert_int_equal(tr_dataset_image(d, 2, 0, none, NULL), NN_ERR_ARGUMENT);
    assert_int_equal(tr_dataset_image(d, 12, 0, none, NULL), NN_ERR_ARGUMENT);
    assert_int_equal(tr_dataset_image(d, 32, 0, none, NULL), NN_ERR_ARGUMENT);
    tr_dataset_close(d);
}

static void every_level_is_the_rounded_mean_of_the_full_image(void **state)
{
    for (int depth = 8; depth <= 16; depth += 8) {
        write_dataset(state, depth);
        int images_read;
        struct tr_dataset *d = open_counting(state, &images_read);
        for (int side = SIDE; side >= 4; side /= 2)
            for (int i = 0; i < 4; i++)
                for (int at = 0; at < side * side; at++) {
                    int box = SIDE / side, y = at / side * box, x = at % side * box;
                    double mean = 0;
                    for (int k = 0; k < box * box; k++)
                        mean += sample(training[i], (y + k / box) * SIDE + x + k % box, depth);
                    mean /= box * box * (depth == 8 ? 1.0 : 257.0);
                    assert_int_equal(image_of(d, side, i)[at], (int)(mean + 0.5));
                }
        tr_dataset_close(d);
    }
}

static void a_pyramid_cut_short_while_it_is_open_is_an_error(void **state)
{
    int images_read;
    uint8_t pixels[SIDE * SIDE];
    struct nn_error err = {0};
    struct tr_dataset *d = open_counting(state, &images_read);
    const char *path = scratch_path(state, "pyramid/r0016.u8");
    assert_int_equal(truncate(path, 2 * SIDE * SIDE + 7), 0);
    assert_int_equal(tr_dataset_image(d, SIDE, 1, pixels, &err), NN_OK);
    assert_int_equal(tr_dataset_image(d, SIDE, 2, pixels, &err), NN_ERR_IO);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(tr_dataset_image(d, SIDE, 3, pixels, &err), NN_ERR_IO);
    tr_dataset_close(d);
    d = open_counting(state, &images_read); /* and is built anew at the next start */
    assert_int_equal(images_read, IMAGES);
    image_of(d, SIDE, 3);
    tr_dataset_close(d);
}

static void test_images_alone_can_be_opened_and_read(void **state)
{
    char text[512] = "file,label,patient_id,split\n";
    for (int i = 0; i < IMAGES; i++)
        snprintf(text + strlen(text), 60, "images/%d.png,%s,p%d,test\n", i, i % 2 ? "a" : "b", i);
    scratch_text(scratch_path(state, "labels.csv"), text);
    for (int again = 0; again < 2; again++) {
        int images_read;
        uint8_t pixels[SIDE * SIDE];
        struct nn_error err;
        struct tr_dataset *d = open_counting(state, &images_read);
        assert_int_equal(images_read, again ? 0 : IMAGES);
        assert_int_equal(tr_dataset_train_count(d), 0);
        assert_int_equal(tr_dataset_class_train_count(d, 1), 0);
        assert_int_equal(tr_dataset_test_count(d), IMAGES);
        if (tr_dataset_test_image(d, 4, IMAGES - 1, pixels, &err)) fail_msg("%s", err.text);
        tr_dataset_close(d);
    }
}

static void the_order_of_classes_in_dataset_json_wins(void **state)
{
    scratch_text(scratch_path(state, "dataset.json"),
                 "{\"name\":\"x\",\"simulated\":false,\"classes\":[\"no_fracture\",\"fracture\"]}");
    int images_read;
    struct tr_dataset *d = open_counting(state, &images_read);
    assert_false(tr_dataset_simulated(d));
    assert_string_equal(tr_dataset_class(d, 0), "no_fracture");
    assert_int_equal(label_of(d, 0), 1);
    tr_dataset_close(d);
}

static void findings_are_a_number_each_and_counted(void **state)
{
    scratch_text(scratch_path(state, "labels.csv"), "file,labels,patient_id,split\n"
                                                    "images/0.png,effusion|mass,p0,train\n"
                                                    "images/1.png,mass,p1,train\n"
                                                    "images/2.png,none,p2,train\n"
                                                    "images/3.png,effusion,p3,test\n"
                                                    "images/4.png,none,p4,test\n"
                                                    "images/5.png,none,p5,test\n");
    int images_read;
    struct tr_dataset *d = open_counting(state, &images_read);
    assert_true(tr_dataset_multi_label(d));
    assert_int_equal(tr_dataset_class_train_count(d, 0), 1);
    assert_int_equal(tr_dataset_class_train_count(d, 1), 2);
    const float wanted[3][2] = {{1, 1}, {0, 1}, {0, 0}};
    for (int i = 0; i < 3; i++) {
        float labels[2] = {-1, -1};
        tr_dataset_labels(d, i, labels);
        assert_memory_equal(labels, wanted[i], sizeof labels);
    }
    tr_dataset_close(d);
}

static void open_with_range(void **state, int low, int high, int *images_read, struct tr_dataset **d)
{
    char text[128];
    snprintf(text, sizeof text, "{\"name\":\"x\",\"simulated\":true,\"grey_range\":[%d,%d]}", low, high);
    scratch_text(scratch_path(state, "dataset.json"), text);
    *d = open_counting(state, images_read);
}

static void the_grey_range_is_stretched_over_8_bits_before_rounding(void **state)
{
    static const int ranges[][2] = {{0, 65535}, {0, 4095}, {10000, 30000}, {7, 8}};
    int images_read;
    write_dataset(state, 16);
    struct tr_dataset *d = open_counting(state, &images_read);
    int low, high;
    char plain[65], first[65] = "";
    assert_false(tr_dataset_grey_range(d, &low, &high));
    strcpy(plain, tr_dataset_sha256(d));
    tr_dataset_close(d);
    for (int r = 0; r < 4; r++) {
        open_with_range(state, ranges[r][0], ranges[r][1], &images_read, &d);
        assert_int_equal(images_read, IMAGES); /* another range is another pyramid */
        assert_true(tr_dataset_grey_range(d, &low, &high));
        assert_int_equal(high, ranges[r][1]);
        for (int side = SIDE; side >= 4; side /= 2) {
            const uint8_t *pixels = image_of(d, side, 1);
            int box = SIDE / side;
            for (int y = 0; y < side; y++)
                for (int x = 0; x < side; x++) {
                    double sum = 0;
                    for (int k = 0; k < box * box; k++) {
                        int at = (y * box + k / box) * SIDE + x * box + k % box;
                        double grey = (double)sample(training[1], at, 16);
                        grey = grey < low ? low : grey > high ? high : grey;
                        sum += (grey - low) / (high - low);
                    }
                    /* to the nearest, where rounding errors here do not matter */
                    double wanted = 255 * sum / (box * box);
                    assert_true(pixels[y * side + x] >= wanted - 0.5001 &&
                                pixels[y * side + x] <= wanted + 0.5001);
                }
        }
        assert_string_not_equal(tr_dataset_sha256(d), plain);
        assert_string_not_equal(tr_dataset_sha256(d), first);
        strcpy(first, tr_dataset_sha256(d));
        tr_dataset_close(d);
        open_with_range(state, ranges[r][0], ranges[r][1], &images_read, &d);
        assert_int_equal(images_read, 0);
        tr_dataset_close(d);
    }
}

static void bad_grey_ranges_are_refused(void **state)
{
    static const char *const bad[] = {"[0]",     "[0, 1, 2]",  "[5, 5]",   "[9, 3]",
                                      "[-1, 5]", "[0, 65536]", "[0, 1.5]", "4095"};
    char text[128];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "{\"name\":\"x\",\"simulated\":true,\"grey_range\":%s}", bad[i]);
        scratch_text(scratch_path(state, "dataset.json"), text);
        assert_refused(state, "dataset.json: \"grey_range\" is not a pair");
    }
    scratch_text(scratch_path(state, "dataset.json"),
                 "{\"name\":\"x\",\"simulated\":true,\"grey_range\":[0,4095]}");
    assert_refused(state, "dataset.json: \"grey_range\" goes to 4095, images of 8 bits to 255");
}

/* ---- when the pyramid is built ---- */

static void the_pyramid_is_built_once(void **state)
{
    int first, second;
    tr_dataset_close(open_counting(state, &first));
    tr_dataset_close(open_counting(state, &second));
    assert_int_equal(first, IMAGES);
    assert_int_equal(second, 0);
    assert_int_equal(scratch_count(scratch_path(state, "pyramid")), 4); /* 4, 8, 16, index */
    assert_int_equal(scratch_count(*state), 4);                         /* nothing temporary */
}

static void a_changed_image_or_table_builds_the_pyramid_anew(void **state)
{
    int images_read;
    struct tr_dataset *d = open_counting(state, &images_read);
    char before[65];
    strcpy(before, tr_dataset_sha256(d));
    tr_dataset_close(d);

    write_image(image_path(state, 2), 40, SIDE, SIDE, 8);
    d = open_counting(state, &images_read);
    assert_int_equal(images_read, IMAGES);
    assert_int_equal(image_of(d, SIDE, 1)[3], sample(40, 3, 8));
    assert_string_not_equal(tr_dataset_sha256(d), before);
    tr_dataset_close(d);

    char text[sizeof labels_csv];
    strcpy(text, labels_csv);
    memcpy(strstr(text, "p5,train"), "p5,test\n", 8);
    text[strlen(text) - 1] = 0;
    scratch_text(scratch_path(state, "labels.csv"), text);
    d = open_counting(state, &images_read);
    assert_int_equal(images_read, IMAGES);
    assert_int_equal(tr_dataset_train_count(d), 3);
    tr_dataset_close(d);
}

static void the_hash_is_of_content_not_of_times(void **state)
{
    int images_read;
    struct tr_dataset *d = open_counting(state, &images_read);
    char before[65];
    strcpy(before, tr_dataset_sha256(d));
    tr_dataset_close(d);
    write_dataset(state, 8); /* the same bytes, later */
    d = open_counting(state, &images_read);
    assert_int_equal(images_read, IMAGES);
    assert_string_equal(tr_dataset_sha256(d), before);
    assert_int_equal(strlen(before), 64);
    tr_dataset_close(d);
}

static void a_damaged_pyramid_is_built_anew(void **state)
{
    int images_read;
    tr_dataset_close(open_counting(state, &images_read));
    assert_int_equal(truncate(scratch_path(state, "pyramid/r0008.u8"), 100), 0);
    struct tr_dataset *d = open_counting(state, &images_read);
    assert_int_equal(images_read, IMAGES);
    tr_dataset_close(d);
    const char *const indices[] = {"", "{", "[]", "{\"format\":1,\"side\":1048576,\"images\":4}"};
    for (int i = 0; i < 4; i++) {
        scratch_text(scratch_path(state, "pyramid/index.json"), indices[i]);
        tr_dataset_close(open_counting(state, &images_read));
        assert_int_equal(images_read, IMAGES);
    }
}

static void what_a_crash_left_is_cleared_away(void **state)
{
    mkdir(scratch_path(state, "pyramid.new.tmp"), 0777);
    scratch_text(scratch_path(state, "pyramid.new.tmp/r0016.u8"), "half");
    mkdir(scratch_path(state, "pyramid.old.tmp"), 0777);
    scratch_text(scratch_path(state, "pyramid.old.tmp/index.json"), "{}");
    int images_read;
    tr_dataset_close(open_counting(state, &images_read));
    assert_int_equal(scratch_count(*state), 4);
}

static bool stop_at_third(void *context, int done, int total)
{
    (void)context;
    (void)total;
    return done < 3;
}

static void a_stop_leaves_the_old_pyramid(void **state)
{
    int images_read;
    tr_dataset_close(open_counting(state, &images_read));
    write_image(image_path(state, 0), 50, SIDE, SIDE, 8);
    struct tr_dataset *d;
    struct nn_error err;
    assert_int_equal(tr_dataset_open(&d, *state, stop_at_third, NULL, &err), NN_STOPPED);
    assert_int_equal(scratch_count(scratch_path(state, "pyramid")), 4);
    assert_int_equal(scratch_count(*state), 4);
}

static void a_full_disk_is_reported_and_leaves_the_old_pyramid(void **state)
{
    int images_read;
    tr_dataset_close(open_counting(state, &images_read));
    write_image(image_path(state, 0), 50, SIDE, SIDE, 8);
    struct tr_dataset *d;
    struct nn_error err;
    scratch_disk_full(500);
    nn_status status = tr_dataset_open(&d, *state, NULL, NULL, &err);
    scratch_disk_free();
    assert_int_equal(status, NN_ERR_IO);
    assert_non_null(strstr(err.text, "/r0016.u8: cannot be written: "));
    assert_int_equal(scratch_count(scratch_path(state, "pyramid")), 4);
    assert_int_equal(scratch_count(*state), 4);
}

struct opener {
    const char *folder;
    int images_read;
    nn_status status;
};

static void *open_once(void *context)
{
    struct opener *o = context;
    struct tr_dataset *d;
    o->status = tr_dataset_open(&d, o->folder, count_calls, &o->images_read, NULL);
    tr_dataset_close(d);
    return NULL;
}

static void of_several_openers_one_builds_and_the_others_wait(void **state)
{
    enum { OPENERS = 4 };
    struct opener openers[OPENERS];
    pthread_t threads[OPENERS];
    int images_read = 0;
    for (int i = 0; i < OPENERS; i++) {
        openers[i] = (struct opener){.folder = *state};
        assert_int_equal(pthread_create(&threads[i], NULL, open_once, &openers[i]), 0);
    }
    for (int i = 0; i < OPENERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(openers[i].status, NN_OK);
        images_read += openers[i].images_read;
    }
    assert_int_equal(images_read, IMAGES);
    assert_int_equal(scratch_count(*state), 4);
}

/* ---- bad folders ---- */

static void a_bad_folder_or_description_is_named(void **state)
{
    struct tr_dataset *d;
    struct nn_error err;
    assert_int_equal(tr_dataset_open(&d, "/nowhere", NULL, NULL, &err), NN_ERR_IO);
    assert_string_equal(err.text, "/nowhere/dataset.json: No such file or directory");
    static const struct {
        const char *json, *error;
    } cases[] = {
        {"{\"name\":", "dataset.json:1: "},
        {"[]", "dataset.json: \"name\" is not a text of 1 to 100 bytes"},
        {"{\"name\":7,\"simulated\":true}", "dataset.json: \"name\" is not a text"},
        {"{\"name\":\"x\"}", "dataset.json: \"simulated\" is not true or false"},
        {"{\"name\":\"x\",\"simulated\":\"yes\"}", "dataset.json: \"simulated\" is not true or false"},
        {"{\"name\":\"x\",\"simulated\":true,\"classes\":\"a\"}", "dataset.json: \"classes\" is not a list"},
        {"{\"name\":\"x\",\"simulated\":true,\"classes\":[]}", "dataset.json: \"classes\" is not a list"},
        {"{\"name\":\"x\",\"simulated\":true,\"classes\":[1]}", "dataset.json: \"classes\" has an entry"},
        {"{\"name\":\"x\",\"simulated\":true,\"classes\":[\"a\",\"a\"]}",
         "dataset.json: \"classes\" has \"a\" twice"},
        {"{\"name\":\"x\",\"simulated\":true,\"classes\":[\"fracture\"]}",
         "labels.csv:3: label \"no_fracture\" is not a class of this data set"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scratch_text(scratch_path(state, "dataset.json"), cases[i].json);
        assert_refused(state, cases[i].error);
    }
    write_dataset(state, 8);
    unlink(scratch_path(state, "labels.csv"));
    assert_refused(state, "labels.csv: No such file or directory");
}

static void a_missing_image_is_named_with_its_line(void **state)
{
    unlink(image_path(state, 3));
    assert_refused(state, "labels.csv:5: images/3.png: No such file or directory");
}

static void a_corrupt_image_is_named_with_its_line(void **state)
{
    size_t size;
    uint8_t *png = scratch_read(image_path(state, 1), &size);
    scratch_write(image_path(state, 1), png, size / 2);
    free(png);
    char wanted[600];
    snprintf(wanted, sizeof wanted, "labels.csv:3: %s: the file is cut short", image_path(state, 1));
    assert_refused(state, wanted);
    assert_int_equal(scratch_count(*state), 3); /* no pyramid, nothing temporary */
}

static void images_of_another_size_or_depth_are_named(void **state)
{
    write_image(image_path(state, 4), 4, 8, 8, 8);
    assert_refused(state, "labels.csv:6: images/4.png is 8x8 with 8 bits, images/0.png 16x16 with 8");
    write_image(image_path(state, 4), 4, SIDE, SIDE, 16);
    assert_refused(state, "labels.csv:6: images/4.png is 16x16 with 16 bits, images/0.png 16x16 with 8");
    write_image(image_path(state, 1), 1, SIDE, 8, 8);
    assert_refused(state, "labels.csv:3: images/1.png is 16x8 with 8 bits"); /* the first of two */
}

static void sizes_that_no_network_takes_are_refused(void **state)
{
    static const int sizes[][2] = {{16, 8}, {12, 12}, {2, 2}, {2048, 2048}};
    for (int i = 0; i < 4; i++) {
        write_image(image_path(state, 0), 0, sizes[i][0], sizes[i][1], 8);
        char wanted[100];
        snprintf(wanted, sizeof wanted,
                 "labels.csv:2: images/0.png is %dx%d, wanted a square of 4, 8, ... 1024", sizes[i][0],
                 sizes[i][1]);
        assert_refused(state, wanted);
    }
}

#define dataset_test(name) cmocka_unit_test_setup_teardown(name, dataset_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        dataset_test(a_folder_gives_its_description_and_training_images),
        dataset_test(every_level_is_the_rounded_mean_of_the_full_image),
        dataset_test(a_pyramid_cut_short_while_it_is_open_is_an_error),
        dataset_test(test_images_alone_can_be_opened_and_read),
        dataset_test(the_order_of_classes_in_dataset_json_wins),
        dataset_test(findings_are_a_number_each_and_counted),
        dataset_test(the_grey_range_is_stretched_over_8_bits_before_rounding),
        dataset_test(bad_grey_ranges_are_refused),
        dataset_test(the_pyramid_is_built_once),
        dataset_test(a_changed_image_or_table_builds_the_pyramid_anew),
        dataset_test(the_hash_is_of_content_not_of_times),
        dataset_test(a_damaged_pyramid_is_built_anew),
        dataset_test(what_a_crash_left_is_cleared_away),
        dataset_test(a_stop_leaves_the_old_pyramid),
        dataset_test(a_full_disk_is_reported_and_leaves_the_old_pyramid),
        dataset_test(of_several_openers_one_builds_and_the_others_wait),
        dataset_test(a_bad_folder_or_description_is_named),
        dataset_test(a_missing_image_is_named_with_its_line),
        dataset_test(a_corrupt_image_is_named_with_its_line),
        dataset_test(images_of_another_size_or_depth_are_named),
        dataset_test(sizes_that_no_network_takes_are_refused),
    };
    return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
