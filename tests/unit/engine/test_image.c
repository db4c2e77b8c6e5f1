/* PNG files in and out, whole-file replacement beneath, and halving. */
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

#include "engine/file.h"
#include "engine/image.h"
#include "engine/rng.h"
#include "tests/unit/scratch.h"

static struct nn_image noise(int width, int height, int depth)
{
    struct nn_image image;
    assert_int_equal(nn_image_init(&image, width, height, depth, NULL), NN_OK);
    for (int i = 0; i < width * height; i++) {
        uint32_t word = nn_random_u32(3, 1, (uint64_t)i);
        if (depth == 8)
            ((uint8_t *)image.pixels)[i] = (uint8_t)(100 + word % 20);
        else
            ((uint16_t *)image.pixels)[i] = (uint16_t)word;
    }
    return image;
}

static void assert_same_image(const struct nn_image *a, const struct nn_image *b)
{
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->depth, b->depth);
    assert_memory_equal(a->pixels, b->pixels, (size_t)a->width * (size_t)a->height * (size_t)a->depth / 8);
}

static void assert_zeroed(const struct nn_image *image)
{
    assert_null(image->pixels);
    assert_int_equal(image->width, 0);
}

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

/* ---- round trips ---- */

static void images_survive_a_file_at_both_depths(void **state)
{
    static const int sizes[][2] = {{1, 1}, {7, 3}, {64, 64}, {3, 300}, {1024, 2}};
    for (int depth = 8; depth <= 16; depth += 8)
        for (int i = 0; i < 5; i++) {
            struct nn_image image = noise(sizes[i][0], sizes[i][1], depth), back;
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
    struct nn_image image = noise(2, 1, 16);
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
    struct nn_image image = noise(8, 8, 16);
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
    struct nn_image image = noise(4, 4, 8);
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
    struct nn_image image = noise(4, 4, 8);
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
    struct nn_image image = noise(200, 200, 8);
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
    struct nn_image image = noise(8, 8, 8), back;
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

/* ---- foreign files ---- */

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
    struct nn_image image = noise(40, 40, 16), back;
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
    struct nn_image image = noise(40, 40, 8), back;
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
        struct nn_image image = noise(24, 24, depth), back;
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

/* ---- writing that fails ---- */

static void a_full_disk_leaves_the_old_file_and_no_other(void **state)
{
    struct nn_image old = noise(8, 8, 8), large = noise(256, 256, 16), back;
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
    struct nn_image image = noise(8, 8, 8);
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
    struct nn_image image = noise(8, 8, 8);
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
    struct nn_image image = noise(8, 8, 8), empty = {0};
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

/* ---- whole files ---- */

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

/* ---- stored files ---- */

/* Noise, and what compresses best. */
static void a_stored_file_holds_the_pixels_in_the_size_of_every_other(void **state)
{
    (void)state;
    static const int sides[] = {1,   2,   64,  255,
                                256, 257, 1024}; /* 65535 bytes of rows lie between 255 and 256 */
    for (size_t i = 0; i < 4 * sizeof sides / sizeof *sides; i++) {
        int side = sides[i / 4], depth = i & 1 ? 16 : 8;
        struct nn_image image = noise(side, side, depth), out;
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
    struct nn_image image = noise(32, 32, 8), out;
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
    struct nn_image image = noise(32, 32, 16), out;
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
    struct nn_image square = noise(12, 12, 8), oblong = noise(16, 8, 8), out;
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
        in_folder(all_but_plain_grey_is_refused_by_name),
        in_folder(interlaced_grey_is_read),
        in_folder(what_is_not_a_readable_png_is_named),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(a_damaged_byte_is_noticed),
        cmocka_unit_test(a_small_file_cannot_ask_for_much_memory),
        cmocka_unit_test(mutated_files_are_read_or_refused),
        in_folder(a_full_disk_leaves_the_old_file_and_no_other),
        in_folder(a_name_that_cannot_be_replaced_leaves_no_temporary),
        in_folder(a_new_file_obeys_the_umask),
        cmocka_unit_test(what_png_cannot_hold_is_refused),
        in_folder(a_file_is_read_within_its_limit),
        in_folder(an_abandoned_replacement_leaves_nothing),
        cmocka_unit_test(a_stored_file_holds_the_pixels_in_the_size_of_every_other),
        cmocka_unit_test(halving_is_the_rounded_mean_of_each_block),
        cmocka_unit_test(sixteen_bits_are_halved_at_their_depth),
        cmocka_unit_test(what_cannot_be_halved_is_refused),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
