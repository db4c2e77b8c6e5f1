/* Pictures in colour: that another reader would see what was put on them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/file.h"
#include "tests/unit/scratch.h"
#include "trainer/drawing/canvas.h"
#include "trainer/drawing/contact_sheet.h"

static const uint8_t *at(const struct tr_canvas *c, int x, int y)
{
    return (const uint8_t *)c->picture.pixels + ((size_t)y * (size_t)c->picture.width + (size_t)x) * 3;
}

static void what_is_put_lands_in_its_place_and_is_cut_at_the_edge(void **state)
{
    (void)state;
    struct tr_canvas canvas;
    const uint8_t grey[4] = {10, 20, 30, 40};
    assert_int_equal(tr_canvas_init(&canvas, 16, 12, NULL), NN_OK);
    assert_memory_equal(at(&canvas, 0, 0), ((uint8_t[]){255, 255, 255}), 3);
    tr_canvas_fill(&canvas, 14, -2, 9, 4, (struct tr_colour){1, 2, 3});
    assert_memory_equal(at(&canvas, 15, 1), ((uint8_t[]){1, 2, 3}), 3);
    assert_memory_equal(at(&canvas, 13, 1), ((uint8_t[]){255, 255, 255}), 3);
    assert_memory_equal(at(&canvas, 14, 2), ((uint8_t[]){255, 255, 255}), 3);
    tr_canvas_place(&canvas, 2, 3, grey, 2);
    assert_memory_equal(at(&canvas, 3, 4), ((uint8_t[]){40, 40, 40}), 3);
    tr_canvas_place(&canvas, 15, 11, grey, 2);
    assert_memory_equal(at(&canvas, 15, 11), ((uint8_t[]){10, 10, 10}), 3);
    tr_canvas_release(&canvas);
}

static int dark(const struct tr_canvas *c, int x, int y, int width, int height)
{
    int count = 0;
    for (int i = y; i < y + height; i++)
        for (int k = x; k < x + width; k++) count += at(c, k, i)[0] < 128;
    return count;
}

static void letters_are_drawn_in_the_size_that_is_asked_for(void **state)
{
    (void)state;
    struct tr_canvas canvas;
    assert_int_equal(tr_canvas_init(&canvas, 100, 40, NULL), NN_OK);
    assert_int_equal(tr_canvas_text(&canvas, 3, 2, 1, "l L"), 3 + 3 * TR_CANVAS_ADVANCE);
    int one = dark(&canvas, 3, 2, 6, 10);
    assert_int_equal(one, 10);
    assert_int_equal(dark(&canvas, 9, 2, 6, 10), 0);
    assert_int_equal(dark(&canvas, 15, 2, 6, 10), one);
    tr_canvas_text(&canvas, 50, 2, 3, "l");
    assert_int_equal(dark(&canvas, 50, 2, 18, 30), 9 * one);
    tr_canvas_release(&canvas);
}

static void it_is_saved_in_colour_and_known_as_a_contact_sheet(void **state)
{
    struct tr_canvas canvas;
    struct nn_error err;
    uint8_t *bytes;
    size_t size;
    const char *path = scratch_path(state, "picture.png");
    assert_int_equal(tr_canvas_init(&canvas, 33, 7, &err), NN_OK);
    assert_int_equal(tr_canvas_save(&canvas, path, &err), NN_OK);
    assert_int_equal(nn_file_read(path, 1 << 20, &bytes, &size, &err), NN_OK);
    assert_int_equal(bytes[24], 8); /* bits a sample */
    assert_int_equal(bytes[25], 2); /* red, green, blue */
    free(bytes);
    assert_int_equal(tr_contact_sheet_check_path(path, &err), NN_OK);
    tr_canvas_release(&canvas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_lands_in_its_place_and_is_cut_at_the_edge),
        cmocka_unit_test(letters_are_drawn_in_the_size_that_is_asked_for),
        cmocka_unit_test_setup_teardown(it_is_saved_in_colour_and_known_as_a_contact_sheet, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
