/* PNG files of others, cut, damaged and made to harm: read, or refused by name. */
#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/engine/image_checks.h"
#include "tests/unit/scratch.h"

/* Asserts that `path` is refused with just this text after its name. */
static void assert_refused(const char *path, nn_status status, const char *text)
{
    struct nn_image image;
    struct nn_error err = {0};
    char wanted[700];
    snprintf(wanted, sizeof wanted, "%s: %s", path, text);
    assert_int_equal(nn_png_read(path, &image, &err), status);
    assert_string_equal(err.text, wanted);
    assert_zeroed(&image);
}

struct kind {
    int colour, depth, interlace;
    bool transparent;
};

static void write_foreign(const char *path, struct kind kind, int side)
{
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)side, (png_uint_32)side, kind.depth, kind.colour, kind.interlace, 0,
                 0);
    png_color palette[2] = {{0, 0, 0}, {255, 0, 0}};
    if (kind.colour == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 2);
    png_color_16 clear = {.gray = 1};
    if (kind.transparent) png_set_tRNS(png, info, NULL, 0, &clear);
    png_write_info(png, info);
    uint8_t row[64 * 8];
    int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < side; y++) {
            for (size_t i = 0; i < sizeof row; i++)
                row[i] = kind.colour == PNG_COLOR_TYPE_PALETTE ? 0 : (uint8_t)(i * 3 + (size_t)y);
            png_write_row(png, row);
        }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(file);
}

static void all_but_plain_grey_is_refused_by_name(void **state)
{
    static const struct {
        struct kind kind;
        const char *text;
    } cases[] = {
        {{PNG_COLOR_TYPE_RGB, 8, 0, false}, "is in colour, wanted plain grey"},
        {{PNG_COLOR_TYPE_RGB, 16, 0, false}, "is in colour, wanted plain grey"},
        {{PNG_COLOR_TYPE_RGB_ALPHA, 8, 0, false}, "is in colour, wanted plain grey"},
        {{PNG_COLOR_TYPE_PALETTE, 8, 0, false}, "has a palette, wanted plain grey"},
        {{PNG_COLOR_TYPE_GRAY_ALPHA, 8, 0, false}, "has an alpha channel, wanted plain grey"},
        {{PNG_COLOR_TYPE_GRAY, 8, 0, true}, "has a transparent grey level, wanted plain grey"},
        {{PNG_COLOR_TYPE_GRAY, 1, 0, false}, "has less than 8 bits a pixel"},
        {{PNG_COLOR_TYPE_GRAY, 4, 0, false}, "has less than 8 bits a pixel"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = scratch_path(state, "foreign.png");
        write_foreign(path, cases[i].kind, 16);
        assert_refused(path, NN_ERR_FORMAT, cases[i].text);
    }
}

static void interlaced_grey_is_read(void **state)
{
    for (int depth = 8; depth <= 16; depth += 8) {
        struct nn_image plain, interlaced;
        const char *path = scratch_path(state, "i.png");
        write_foreign(path, (struct kind){PNG_COLOR_TYPE_GRAY, depth, PNG_INTERLACE_NONE, false}, 21);
        assert_int_equal(nn_png_read(path, &plain, NULL), NN_OK);
        write_foreign(path, (struct kind){PNG_COLOR_TYPE_GRAY, depth, PNG_INTERLACE_ADAM7, false}, 21);
        assert_int_equal(nn_png_read(path, &interlaced, NULL), NN_OK);
        assert_same_image(&plain, &interlaced);
        if (depth == 8) assert_int_equal(((uint8_t *)plain.pixels)[21 + 2], 7);
        if (depth == 16) assert_int_equal(((uint16_t *)plain.pixels)[21 + 1], 7 << 8 | 10);
        nn_image_release(&plain);
        nn_image_release(&interlaced);
    }
}

static void what_is_not_a_readable_png_is_named(void **state)
{
    const char *path = scratch_path(state, "x.png");
    assert_refused(path, NN_ERR_IO, "No such file or directory");
    assert_refused(*state, NN_ERR_FORMAT, "not a regular file");
    scratch_text(path, "");
    assert_refused(path, NN_ERR_FORMAT, "not a PNG file");
    scratch_text(path, "\xff\xd8\xff\xe0 a JPEG file, perhaps");
    assert_refused(path, NN_ERR_FORMAT, "not a PNG file");
    assert_int_equal(mkfifo(scratch_path(state, "pipe"), 0600), 0);
    assert_refused(scratch_path(state, "pipe"), NN_ERR_FORMAT, "not a regular file");
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct nn_image image = noise_image(40, 40, 16), back;
    uint8_t *bytes;
    size_t size;
    assert_int_equal(nn_png_encode(&image, NULL, 0, &bytes, &size, NULL), NN_OK);
    for (size_t cut = 0; cut < size; cut++) {
        struct nn_error err = {0};
        assert_int_equal(nn_png_decode(bytes, cut, "cut.png", &back, &err), NN_ERR_FORMAT);
        assert_string_equal(err.text, cut < 8 ? "cut.png: not a PNG file" : "cut.png: the file is cut short");
        assert_zeroed(&back);
    }
    free(bytes);
    nn_image_release(&image);
}

static void a_damaged_byte_is_noticed(void **state)
{
    (void)state;
    struct nn_image image = noise_image(40, 40, 8), back;
    uint8_t *bytes;
    size_t size;
    assert_int_equal(nn_png_encode(&image, NULL, 0, &bytes, &size, NULL), NN_OK);
    for (size_t at = 0; at < size - 12; at++) { /* IEND's own bytes carry nothing */
        bytes[at] ^= 0x10;
        assert_int_equal(nn_png_decode(bytes, size, "damaged.png", &back, NULL), NN_ERR_FORMAT);
        assert_zeroed(&back);
        bytes[at] ^= 0x10;
    }
    free(bytes);
    nn_image_release(&image);
}

/* Puts the right checksum behind every chunk: what lies behind the check is to be tried too. */
static void fix_checksums(uint8_t *file, size_t size)
{
    for (size_t at = 8; at + 12 <= size;) {
        size_t length =
            (size_t)file[at] << 24 | (size_t)file[at + 1] << 16 | (size_t)file[at + 2] << 8 | file[at + 3];
        if (length > size - at - 12) return;
        uint32_t crc = ~0u;
        for (size_t k = at + 4; k < at + 8 + length; k++) {
            crc ^= file[k];
            for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
        for (size_t k = 0; k < 4; k++) file[at + 8 + length + k] = (uint8_t)(~crc >> (24 - 8 * k));
        at += 12 + length;
    }
}

static void a_small_file_cannot_ask_for_much_memory(void **state)
{
    (void)state;
    /* A header of WIDTHxHEIGHT, 16 bits, with the right checksum, and no data. */
    static const struct {
        const char *header, *text;
    } cases[] = {
        {"\0\0\x40\0\0\0\x40\0\x10\0\0\0\0",
         "big.png: the file is too small for the image size in its header"},
        {"\0\0\x40\1\0\0\x40\0\x10\0\0\0\0", "big.png: Invalid IHDR data"},
        {"\x7f\xff\xff\xff\x7f\xff\xff\xff\x10\0\0\0\0", "big.png: Invalid IHDR data"},
        {"\0\0\0\0\0\0\0\1\x08\0\0\0\0", "big.png: Invalid IHDR data"},
    };
    for (int i = 0; i < 4; i++) {
        uint8_t file[57] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        memcpy(file + 16, cases[i].header, 13);
        memcpy(file + 33, "\0\0\0\0IDAT\x35\xaf\x06\x1e\0\0\0\0IEND\xae\x42\x60\x82", 24);
        fix_checksums(file, sizeof file);
        struct nn_image image;
        struct nn_error err = {0};
        assert_int_equal(nn_png_decode(file, sizeof file, "big.png", &image, &err), NN_ERR_FORMAT);
        assert_string_equal(err.text, cases[i].text);
    }
}

static void mutated_files_are_read_or_refused(void **state)
{
    (void)state;
    for (int depth = 8; depth <= 16; depth += 8) {
        struct nn_image image = noise_image(24, 24, depth), back;
        const struct nn_png_text text = {"Title", "hip"};
        uint8_t *bytes;
        size_t size;
        assert_int_equal(nn_png_encode(&image, &text, 1, &bytes, &size, NULL), NN_OK);
        for (uint64_t n = 0; n < 3000; n++) {
            uint8_t *mutated = malloc(size);
            size_t length = scratch_mutate(bytes, size, n, mutated);
            if (n % 4) fix_checksums(mutated, length);
            struct nn_error err = {0};
            if (nn_png_decode(mutated, length, "m.png", &back, &err)) {
                assert_true(!strncmp(err.text, "m.png: ", 7) && !strchr(err.text, '\n'));
                assert_zeroed(&back);
            }
            nn_image_release(&back);
            free(mutated);
        }
        free(bytes);
        nn_image_release(&image);
    }
}

#define in_folder(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(all_but_plain_grey_is_refused_by_name),
        in_folder(interlaced_grey_is_read),
        in_folder(what_is_not_a_readable_png_is_named),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(a_damaged_byte_is_noticed),
        cmocka_unit_test(a_small_file_cannot_ask_for_much_memory),
        cmocka_unit_test(mutated_files_are_read_or_refused),
    };
    return cmocka_run_group_tests_name("png_foreign", tests, NULL, NULL);
}
