/* Contact sheets: where each tile lands, and when they are shrunk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/image.h"
#include "tests/unit/scratch.h"
#include "trainer/drawing/contact_sheet.h"

enum { GAP = 2, GAP_GREY = 96 };

static struct nn_image write_and_read(void **state, const uint8_t *tiles, int count, int columns, int side)
{
    struct nn_error err = {0};
    struct nn_image sheet;
    const char *path = scratch_path(state, "sheet.png");
    if (tr_contact_sheet_write(path, tiles, count, columns, side, &err)) fail_msg("%s", err.text);
    if (nn_png_read(path, &sheet, &err)) fail_msg("%s", err.text);
    assert_int_equal(sheet.depth, 8);
    return sheet;
}

static int pixel(const struct nn_image *image, int x, int y)
{
    assert_true(x >= 0 && x < image->width && y >= 0 && y < image->height);
    return ((const uint8_t *)image->pixels)[y * image->width + x];
}

static void tiles_stand_row_by_row_between_grey_gaps(void **state)
{
    enum { SIDE = 8, COUNT = 5, COLUMNS = 3, STEP = SIDE + GAP };
    uint8_t tiles[COUNT * SIDE * SIDE];
    for (int i = 0; i < COUNT * SIDE * SIDE; i++) tiles[i] = (uint8_t)(i % 251);
    struct nn_image sheet = write_and_read(state, tiles, COUNT, COLUMNS, SIDE);
    assert_int_equal(sheet.width, COLUMNS * STEP + GAP);
    assert_int_equal(sheet.height, 2 * STEP + GAP);
    for (int y = 0; y < sheet.height; y++)
        for (int x = 0; x < sheet.width; x++) {
            int column = (x - GAP) / STEP, row = (y - GAP) / STEP, tile = row * COLUMNS + column;
            int u = x - GAP - column * STEP, v = y - GAP - row * STEP;
            bool inside = x >= GAP && y >= GAP && u < SIDE && v < SIDE && tile < COUNT;
            assert_int_equal(pixel(&sheet, x, y),
                             inside ? tiles[tile * SIDE * SIDE + v * SIDE + u] : GAP_GREY);
        }
    nn_image_release(&sheet);
}

static void a_sheet_too_wide_is_shrunk_by_halving(void **state)
{
    enum { SIDE = 1024, COLUMNS = 8 };
    uint8_t *tiles = malloc((size_t)COLUMNS * SIDE * SIDE);
    assert_non_null(tiles);
    for (int i = 0; i < COLUMNS; i++) memset(tiles + (size_t)i * SIDE * SIDE, 20 * i, (size_t)SIDE * SIDE);
    tiles[0] = tiles[1] = 40, tiles[SIDE] = tiles[SIDE + 1] = 80; /* mean 60 */
    struct nn_image sheet = write_and_read(state, tiles, COLUMNS, COLUMNS, SIDE);
    int side = SIDE / 4, step = side + GAP; /* 8 tiles of 512 and their gaps are more than 4096 */
    assert_int_equal(sheet.width, COLUMNS * step + GAP);
    assert_int_equal(sheet.height, step + GAP);
    for (int i = 1; i < COLUMNS; i++) {
        assert_int_equal(pixel(&sheet, GAP + i * step, GAP), 20 * i);
        assert_int_equal(pixel(&sheet, GAP + i * step + side - 1, GAP + side - 1), 20 * i);
    }
    assert_int_equal(pixel(&sheet, GAP, GAP), 15); /* 60, and 12 zeros, over 16 */
    assert_int_equal(pixel(&sheet, GAP + 1, GAP), 0);
    nn_image_release(&sheet);
    free(tiles);
}

static void one_tile_makes_a_sheet(void **state)
{
    const uint8_t tile[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    struct nn_image sheet = write_and_read(state, tile, 1, 1, 4);
    assert_int_equal(sheet.width, 4 + 2 * GAP);
    assert_int_equal(pixel(&sheet, GAP + 3, GAP + 3), 16);
    nn_image_release(&sheet);
}

static void a_path_that_cannot_be_written_is_told_by_name(void **state)
{
    const uint8_t tile[16] = {0};
    struct nn_error err = {0};
    const char *path = scratch_path(state, "none/sheet.png");
    assert_int_equal(tr_contact_sheet_write(path, tile, 1, 1, 4, &err), NN_ERR_IO);
    assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
    assert_int_equal(scratch_count(*state), 0);
}

#define in_folder(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(tiles_stand_row_by_row_between_grey_gaps),
        in_folder(a_sheet_too_wide_is_shrunk_by_halving),
        in_folder(one_tile_makes_a_sheet),
        in_folder(a_path_that_cannot_be_written_is_told_by_name),
    };
    return cmocka_run_group_tests_name("contact_sheet", tests, NULL, NULL);
}
