/* PNG files of our own in and out, writing that fails, and halving. */
#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/image.h"
#include "tests/unit/engine/image_checks.h"
#include "tests/unit/scratch.h"

/* ---- round trips ---- */

static void images_survive_a_file_at_both_depths(void **state)
{
    static const int sizes[][2] = {{1, 1}, {7, 3}, {64, 64}, {3, 300}, {1024, 2}};
    for (int depth = 8; depth <= 16; depth += 8)
        for (int i = 0; i < 5; i++) {
            struct nn_image image = noise_image(sizes[i][0], sizes[i][1], depth), back;
            const char *path = scratch_path(state, "a.png");
            assert_int_equal(nn_png_write(path, &image, NULL, 0, NULL), NN_OK);
            assert_int_equal(nn_png_read(path, &back, NULL), NN_OK);
            assert_same_image(&image, &back);
            nn_image_release(&image);
            nn_image_release(&back);
        }
    assert_int_equal(scratch_count(*state), 1);
}

static void samples_of_16_bits_are_big_endian_in_the_file(void **state)
{
    struct nn_image image = noise_image(2, 1, 16);
    const char *path = scratch_path(state, "a.png");
    ((uint16_t *)image.pixels)[0] = 0x0102;
    assert_int_equal(nn_png_write(path, &image, NULL, 0, NULL), NN_OK);
    assert_int_equal(((uint16_t *)image.pixels)[0], 0x0102); /* the caller's samples stay as they were */
    FILE *file = fopen(path, "rb");
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    uint8_t row[4];
    png_init_io(png, file);
    png_read_info(png, info);
    png_read_row(png, row, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    fclose(file);
    assert_int_equal(row[0], 1);
    assert_int_equal(row[1], 2);
    nn_image_release(&image);
}

static void texts_come_back_in_utf_8(void **state)
{
    struct nn_image image = noise_image(8, 8, 16);
    const struct nn_png_text written[] = {
        {"Model", "hip"}, {"Label", "\u00d6del, \u0444\u0440"}, {"Note", "two\nlines"}, {"Empty", ""}};
    struct nn_png_texts texts;
    struct nn_error err = {0};
    const char *path = scratch_path(state, "a.png");
    assert_int_equal(nn_png_write(path, &image, written, 4, NULL), NN_OK);
    if (nn_png_read_texts(path, &texts, &err)) fail_msg("%s", err.text);
    assert_int_equal(texts.count, 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(nn_png_texts_find(&texts, written[i].keyword), written[i].text);
    assert_null(nn_png_texts_find(&texts, "Mode"));
    nn_png_texts_release(&texts);
    nn_png_texts_release(&texts);
    nn_image_release(&image);
}

static void texts_in_latin_1_become_utf_8(void **state)
{
    (void)state;
    struct nn_image image = noise_image(4, 4, 8);
    const struct nn_png_text written = {"Author", "Xx"};
    struct nn_png_texts texts;
    uint8_t *bytes;
    size_t size;
    assert_int_equal(nn_png_encode(&image, &written, 1, &bytes, &size, NULL), NN_OK);
    memcpy(bytes + 8 + 25 + 8 + 7, "\xD6\xE4", 2);
    const uint8_t crc[] = {0x9B, 0xAE, 0xB4, 0x3F}; /* of the chunk as changed */
    memcpy(bytes + 8 + 25 + 8 + 9, crc, 4);
    assert_int_equal(nn_png_decode_texts(bytes, size, "m", &texts, NULL), NN_OK);
    assert_int_equal(texts.count, 1);
    assert_string_equal(texts.list[0].text, "\u00d6\u00e4");
    nn_png_texts_release(&texts);
    free(bytes);
    nn_image_release(&image);
}

static void texts_of_damaged_files_are_refused_by_name(void **state)
{
    struct nn_image image = noise_image(4, 4, 8);
    const struct nn_png_text written = {"Author", "nobody"};
    struct nn_png_texts texts;
    struct nn_error err = {0};
    uint8_t *bytes;
    size_t size;
    assert_int_equal(nn_png_encode(&image, &written, 1, &bytes, &size, NULL), NN_OK);
    for (size_t length = 0; length < 8 + 25 + 12 + 13 + 8; length++) {
        assert_int_equal(nn_png_decode_texts(bytes, length, "cut.png", &texts, &err), NN_ERR_FORMAT);
        assert_memory_equal(err.text, "cut.png: ", 9);
        assert_null(texts.list);
    }
    assert_int_equal(nn_png_read_texts(scratch_path(state, "none.png"), &texts, &err), NN_ERR_IO);
    assert_null(texts.list);
    free(bytes);
    nn_image_release(&image);
}

static void the_same_pixels_give_the_same_bytes(void **state)
{
    (void)state;
    struct nn_image image = noise_image(200, 200, 8);
    const struct nn_png_text text = {"Software", "roentgym"};
    uint8_t *a, *b;
    size_t size_a, size_b;
    assert_int_equal(nn_png_encode(&image, &text, 1, &a, &size_a, NULL), NN_OK);
    assert_int_equal(nn_png_encode(&image, &text, 1, &b, &size_b, NULL), NN_OK);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(a, b, size_a);
    assert_true(size_a < 200 * 200);
    free(a);
    free(b);
    nn_image_release(&image);
}

static void texts_are_written_and_absent_unless_asked_for(void **state)
{
    (void)state;
    struct nn_image image = noise_image(8, 8, 8), back;
    const struct nn_png_text texts[] = {{"Title", "simulated hip"}, {"Comment", ""}};
    uint8_t *bytes;
    size_t size;
    assert_int_equal(nn_png_encode(&image, texts, 2, &bytes, &size, NULL), NN_OK);
    assert_non_null(memmem(bytes, size, "tEXtTitle\0simulated hip", 23));
    assert_non_null(memmem(bytes, size, "tEXtComment\0", 12));
    assert_int_equal(nn_png_decode(bytes, size, "m", &back, NULL), NN_OK);
    assert_same_image(&image, &back);
    nn_image_release(&back);
    free(bytes);
    /* Nothing but the header, the data and the end: an image must not tell where it comes from. */
    assert_int_equal(nn_png_encode(&image, NULL, 0, &bytes, &size, NULL), NN_OK);
    assert_memory_equal(bytes + 8 + 4, "IHDR", 4);
    assert_memory_equal(bytes + 8 + 25 + 4, "IDAT", 4);
    size_t data = (size_t)bytes[33] << 24 | (size_t)bytes[34] << 16 | (size_t)bytes[35] << 8 | bytes[36];
    assert_int_equal(8 + 25 + 12 + data + 12, size);
    free(bytes);
    nn_image_release(&image);
}

/* ---- writing that fails ---- */

static void a_full_disk_leaves_the_old_file_and_no_other(void **state)
{
    struct nn_image old = noise_image(8, 8, 8), large = noise_image(256, 256, 16), back;
    struct nn_error err = {0};
    const char *path = scratch_path(state, "a.png");
    char wanted[600];
    assert_int_equal(nn_png_write(path, &old, NULL, 0, NULL), NN_OK);
    scratch_disk_full(10000);
    nn_status status = nn_png_write(path, &large, NULL, 0, &err);
    scratch_disk_free();
    assert_int_equal(status, NN_ERR_IO);
    snprintf(wanted, sizeof wanted, "%s: cannot be written: File too large", path);
    assert_string_equal(err.text, wanted);
    assert_int_equal(nn_png_read(path, &back, NULL), NN_OK);
    assert_same_image(&old, &back);
    assert_int_equal(scratch_count(*state), 1);
    nn_image_release(&old);
    nn_image_release(&large);
    nn_image_release(&back);
}

static void a_name_that_cannot_be_replaced_leaves_no_temporary(void **state)
{
    struct nn_image image = noise_image(8, 8, 8);
    struct nn_error err = {0};
    char wanted[600];
    const char *path = scratch_path(state, "folder.png");
    mkdir(path, 0777);
    assert_int_equal(nn_png_write(path, &image, NULL, 0, &err), NN_ERR_IO);
    snprintf(wanted, sizeof wanted, "%s: cannot be written: Is a directory", path);
    assert_string_equal(err.text, wanted);
    assert_int_equal(scratch_count(*state), 1);
    assert_int_equal(nn_png_write("/nowhere/a.png", &image, NULL, 0, &err), NN_ERR_IO);
    assert_string_equal(err.text, "/nowhere/a.png: cannot be written: No such file or directory");
    nn_image_release(&image);
}

static void a_new_file_obeys_the_umask(void **state)
{
    struct nn_image image = noise_image(8, 8, 8);
    struct stat info;
    const char *path = scratch_path(state, "a.png");
    mode_t before = umask(027);
    assert_int_equal(nn_png_write(path, &image, NULL, 0, NULL), NN_OK);
    umask(before);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    nn_image_release(&image);
}

static void what_png_cannot_hold_is_refused(void **state)
{
    (void)state;
    struct nn_image image = noise_image(8, 8, 8), empty = {0};
    struct nn_error err = {0};
    uint8_t *bytes;
    size_t size;
    assert_int_equal(nn_png_encode(&empty, NULL, 0, &bytes, &size, &err), NN_ERR_ARGUMENT);
    assert_null(bytes);
    static const char *const keywords[] = {
        "",     " a",   "a ",
        "a  b", "a\nb", "eighty letters are one too many for a keyword of the format as its authors wrote"};
    for (int i = 0; i < 6; i++) {
        const struct nn_png_text text = {keywords[i], "x"};
        assert_int_equal(nn_png_encode(&image, &text, 1, &bytes, &size, &err), NN_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, "is not a valid PNG keyword"));
    }
    nn_image_release(&image);
    assert_int_equal(nn_image_init(&image, 0, 8, 8, &err), NN_ERR_ARGUMENT);
    assert_int_equal(nn_image_init(&image, 8, NN_IMAGE_SIDE_MAX + 1, 8, &err), NN_ERR_ARGUMENT);
    assert_int_equal(nn_image_init(&image, 8, 8, 12, &err), NN_ERR_ARGUMENT);
    assert_zeroed(&image);
}

/* ---- stored files ---- */

/* Noise, and what compresses best. */
static void a_stored_file_holds_the_pixels_in_the_size_of_every_other(void **state)
{
    (void)state;
    static const int sides[] = {1,   2,   64,  255,
                                256, 257, 1024}; /* 65535 bytes of rows lie between 255 and 256 */
    for (size_t i = 0; i < 4 * sizeof sides / sizeof *sides; i++) {
        int side = sides[i / 4], depth = i & 1 ? 16 : 8;
        struct nn_image image = noise_image(side, side, depth), out;
        size_t area = (size_t)side * (size_t)side * (size_t)depth / 8, size;
        uint8_t *bytes;
        if (i & 2) memset(image.pixels, 0, area);
        assert_int_equal(nn_png_encode_stored(&image, &bytes, &size, NULL), NN_OK);
        assert_int_equal(size, nn_png_stored_size(side, side, depth));
        assert_int_equal(nn_png_decode(bytes, size, "png", &out, NULL), NN_OK);
        assert_int_equal(out.depth, depth);
        assert_memory_equal(out.pixels, image.pixels, area);
        nn_image_release(&image);
        nn_image_release(&out);
        free(bytes);
    }
    assert_int_equal(nn_png_stored_size(1024, 1024, 8), 1049748);
}

/* ---- halving ---- */

static void halving_is_the_rounded_mean_of_each_block(void **state)
{
    (void)state;
    struct nn_image image = noise_image(32, 32, 8), out;
    const uint8_t *from = image.pixels;
    for (int times = 0; times <= 5; times++) {
        int block = 1 << times, side = 32 >> times;
        assert_int_equal(nn_image_halve(&image, times, &out, NULL), NN_OK);
        assert_int_equal(out.width, side);
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                double mean = 0;
                for (int k = 0; k < block * block; k++)
                    mean += from[(y * block + k / block) * 32 + x * block + k % block];
                assert_int_equal(((uint8_t *)out.pixels)[y * side + x], (int)(mean / (block * block) + 0.5));
            }
        nn_image_release(&out);
    }
    nn_image_release(&image);
}

static void sixteen_bits_are_halved_at_their_depth(void **state)
{
    (void)state;
    struct nn_image image = noise_image(32, 32, 16), out;
    const uint16_t *from = image.pixels;
    for (int times = 0; times <= 5; times++) {
        int block = 1 << times, side = 32 >> times;
        assert_int_equal(nn_image_halve(&image, times, &out, NULL), NN_OK);
        assert_int_equal(out.depth, 16);
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                double mean = 0;
                for (int k = 0; k < block * block; k++)
                    mean += from[(y * block + k / block) * 32 + x * block + k % block];
                assert_int_equal(((uint16_t *)out.pixels)[y * side + x], (int)(mean / (block * block) + 0.5));
            }
        nn_image_release(&out);
    }
    nn_image_release(&image);
}

static void what_cannot_be_halved_is_refused(void **state)
{
    (void)state;
    struct nn_image square = noise_image(12, 12, 8), oblong = noise_image(16, 8, 8), out;
    assert_int_equal(nn_image_halve(&square, 3, &out, NULL), NN_ERR_ARGUMENT);
    assert_int_equal(nn_image_halve(&square, -1, &out, NULL), NN_ERR_ARGUMENT);
    assert_int_equal(nn_image_halve(&square, 40, &out, NULL), NN_ERR_ARGUMENT);
    assert_int_equal(nn_image_halve(&oblong, 1, &out, NULL), NN_ERR_ARGUMENT);
    assert_zeroed(&out);
    nn_image_release(&square);
    nn_image_release(&oblong);
}

#define in_folder(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(images_survive_a_file_at_both_depths),
        in_folder(samples_of_16_bits_are_big_endian_in_the_file),
        cmocka_unit_test(the_same_pixels_give_the_same_bytes),
        cmocka_unit_test(texts_are_written_and_absent_unless_asked_for),
        in_folder(texts_come_back_in_utf_8),
        cmocka_unit_test(texts_in_latin_1_become_utf_8),
        in_folder(texts_of_damaged_files_are_refused_by_name),
        in_folder(a_full_disk_leaves_the_old_file_and_no_other),
        in_folder(a_name_that_cannot_be_replaced_leaves_no_temporary),
        in_folder(a_new_file_obeys_the_umask),
        cmocka_unit_test(what_png_cannot_hold_is_refused),
        cmocka_unit_test(a_stored_file_holds_the_pixels_in_the_size_of_every_other),
        cmocka_unit_test(halving_is_the_rounded_mean_of_each_block),
        cmocka_unit_test(sixteen_bits_are_halved_at_their_depth),
        cmocka_unit_test(what_cannot_be_halved_is_refused),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
